"""The log: numbered, bounded, repeats counted, crowds told in one line."""

from core.events import Change, EventLog


def change(key="queue CA", what="firing", group="queue not < 10", text="CA queue 12 tasks"):
    return Change(key, "medium", what, "agent:CA", text, group)


def test_nothing_to_log_is_the_same_log():
    log = EventLog(500)
    assert log.add(1.0, []) is log


def test_numbers_increase():
    log = EventLog(500).add(1.0, [change(), change("cpu")]).add(2.0, [change("memory")])
    assert [event.number for event in log.events] == [1, 2, 3]


def test_what_comes_again_is_counted_and_moves_to_the_end():
    log = EventLog(500)
    for second in range(5):
        log = log.add(second, [change()])
        log = log.add(second + 0.5, [change(what="resolved")])
    assert [(e.what, e.count, e.wall) for e in log.events] == [("firing", 5, 4.0), ("resolved", 5, 4.5)]
    assert [e.number for e in log.events] == [9, 10]


def test_what_comes_again_after_hours_is_a_line_of_its_own():
    log = EventLog(500).add(0.0, [change()]).add(4000.0, [change()])
    assert [event.count for event in log.events] == [1, 1]


def test_the_log_is_bounded():
    log = EventLog(10)
    for n in range(40):
        log = log.add(n, [change(f"queue A{n}")])
    assert [event.number for event in log.events] == list(range(31, 41))
    assert len(log.keys) == 10


def test_a_crowd_is_one_line():
    crowd = [change(f"queue A{n}", text=f"A{n} queue 12 tasks") for n in range(300)]
    log = EventLog(500).add(1.0, [*crowd, change("disk", group="")])
    assert [event.text for event in log.events] == [
        "300 × queue not < 10, first A0 queue 12 tasks",
        "CA queue 12 tasks",
    ]


def test_a_few_are_told_one_by_one():
    log = EventLog(500).add(1.0, [change(f"queue A{n}") for n in range(5)])
    assert len(log.events) == 5
