"""What begins to fire and what resolves, one by one, however many."""

from core.alerts.changes import Changes
from core.config import Rule
from core.control import AckAlert, submit
from tests.alerts.living import Living
from tests.measured import memory, queue, queues

QUEUE = Rule("queue", "queue_length", 15, "agent", clear=12)
MEMORY = Rule("memory", "memory_percent", 85, "host", clear=80, for_s=3)


def told(changes, here):
    return [
        (change.alert.state, change.alert.rule, change.alert.subject)
        for change in changes.take(here.live, here.at, here.clock.wall())
    ]


def test_one_change_for_each_beginning_and_each_end():
    here, changes = Living(QUEUE, MEMORY), Changes("box")
    here.calm(queue("CA", pending=20))
    assert told(changes, here) == [("firing", "queue", "CA")]
    assert told(changes, here) == []
    for _ in range(3):
        here.tick(memory(here.at + 1, 90))
    assert told(changes, here) == []  # pending is no alert
    here.tick(memory(here.at + 1, 90))
    assert told(changes, here) == [("firing", "memory", "host")]
    assert [alert.rule for alert in changes.current(here.live, here.at, here.clock.wall())] == [
        "queue",
        "memory",
    ]
    submit(AckAlert(here.live.desk, "queue", "CA"), read_only=False)
    assert told(changes, here) == []  # it fires on
    here.tick(queues(here.at + 1, queue("CA", pending=2)))
    ended = changes.take(here.live, here.at, here.clock.wall())
    assert {change.alert.rule for change in ended} == {"queue", "memory"}  # a calm second, and a short queue
    (change,) = [change for change in ended if change.alert.rule == "queue"]
    alert = change.alert
    assert (alert.state, alert.reason, alert.value) == ("resolved", "cleared", 2.0)
    assert alert.text == "queue of CA is 20 tasks (> 15)"
    assert change.at == here.clock.wall() == alert.ended_at


def test_resolved_and_fired_anew_between_two_looks_are_two_changes():
    here, changes = Living(QUEUE), Changes("box")
    here.calm(queue("CA", pending=20))
    told(changes, here)
    here.tick(queues(here.at + 1, queue("CA", pending=2)))
    here.tick(queues(here.at + 1, queue("CA", pending=30)))
    assert told(changes, here) == [("resolved", "queue", "CA"), ("firing", "queue", "CA")]


def test_more_than_a_screen_lists_are_told_all():
    here, changes = Living(QUEUE), Changes("box")
    many = [queue(f"A{number:03d}", pending=20) for number in range(500)]
    here.calm(*many)
    here.run(2)
    assert len(told(changes, here)) == 500
    assert len(here.alerts.active) == 200
    here.tick(queues(here.at + 1, gone=tuple(f"A{number:03d}" for number in range(500))))
    ended = changes.take(here.live, here.at, here.clock.wall())
    assert len(ended) == 500
    assert {change.alert.state for change in ended} == {"resolved"}
    assert changes.firing == {}
