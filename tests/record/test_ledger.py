"""What is told of scans: each net change once, nothing that nobody saw."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.queues.model import NO_WORK, Lost, RecordState
from core.queues.states import LETTERS, TaskStates, carried, changes, parse
from core.record.ledger import ABSENT_S, GAP_S, LARGE, Ledger, merged
from core.record.whereabouts import LOST_FOR_S, MOVING_S
from tests.fakes import FakeClock
from tests.record.memory import MemoryRecord, Shelf
from tests.record.scenes import (
    GONE,
    MISSING,
    STALE,
    UNREADABLE,
    Watcher,
    chains,
    ended,
    no_beat,
    short,
    states_of,
    statuses,
)


def watcher(shelf: Shelf | None = None, clock: FakeClock | None = None) -> Watcher:
    """A ledger that has its record on `shelf`."""
    return Watcher(MemoryRecord(shelf or Shelf()), clock=clock)


# -- what is told -------------------------------------------------------------------------------------


def test_a_first_look_is_where_it_begins_and_tells_nothing() -> None:
    shelf = Shelf()
    watch = watcher(shelf)
    told = watch.begin(CA={"T-1": "pending"})
    assert (told.past, told.caught_up, told.seen) == ((), (), ())
    assert shelf.lines == []
    assert statuses((shelf.states or {})["CA"]) == {"T-1": "pending"}


def test_every_net_change_is_told_once_and_written() -> None:
    shelf = Shelf()
    watch = watcher(shelf)
    watch.begin(CA={"T-1": "pending"}, CB={})
    told = watch.look(CA={"T-1": "in_progress", "T-2": "pending"}, CB={"U-1": "pending"})
    assert short(told.seen) == ["CA T-1 pending>in_progress", "CA T-2 >pending", "CB U-1 >pending"]
    assert watch.look() == ((), (), (), (), None, None, None)
    told = watch.look(CA={"T-2": "completed"})
    assert short(told.seen) == ["CA T-2 pending>completed", "CA T-1 in_progress>"]
    assert len(shelf.lines) == 5
    assert {line.seen_at for line in shelf.lines[3:]} == {watch.clock.wall()}
    assert shelf.lines[0].file_mtime == 50.0
    chains(shelf.lines)


def test_a_file_that_says_the_same_in_another_order_tells_nothing() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending", "T-2": "blocked"})
    assert watch.look(CA={"T-2": "blocked", "T-1": "pending"}).seen == ()


def test_what_changes_and_changes_back_between_two_looks_is_no_net_change() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending"})
    watch.look(CA={"T-1": "pending"})
    assert watch.look(CA={"T-1": "pending"}).seen == ()


def test_a_new_agent_comes_with_new_tasks_even_if_its_first_file_is_torn() -> None:
    watch = watcher()
    watch.begin(CA={})
    assert short(watch.look(CB={"T-1": "pending"}).seen) == ["CB T-1 >pending"]
    assert watch.look(CC=UNREADABLE).seen == ()
    assert short(watch.look(CC={"U-1": "pending"}).seen) == ["CC U-1 >pending"]


def test_an_agent_that_could_never_be_read_begins_with_its_first_good_reading() -> None:
    shelf = Shelf()
    watch = watcher(shelf)
    watch.begin(CA=UNREADABLE)
    assert watch.look(CA={"T-1": "pending", "T-2": "pending"}).seen == ()
    assert short(watch.look(CA={"T-1": "blocked", "T-2": "pending"}).seen) == ["CA T-1 pending>blocked"]
    assert len(shelf.lines) == 1


def test_a_file_that_is_away_for_the_first_moment_has_not_come_when_it_is_back() -> None:
    watch = watcher()
    watch.look(CA=MISSING)
    watch.look()
    assert watch.look(CA={"T-1": "pending"}).seen == ()
    assert short(watch.look(CA={"T-1": "blocked"}).seen) == ["CA T-1 pending>blocked"]


def test_tasks_of_an_agent_that_had_no_file_for_long_are_new() -> None:
    watch = watcher()
    watch.begin(CA=MISSING)
    watch.look(after_s=31)
    watch.look(after_s=31)
    assert short(watch.look(CA={"T-1": "pending"}).seen) == ["CA T-1 >pending"]


def test_without_a_place_for_a_record_changes_are_told_all_the_same() -> None:
    watch = Watcher()
    assert watch.look(CA={"T-1": "pending"}).record == RecordState(
        "memory", "", "", ((1_780_000_001.0,) * 2,)
    )
    assert short(watch.look(CA={"T-1": "blocked"}).seen) == ["CA T-1 pending>blocked"]
    assert short(watch.ledger.ring()) == ["CA T-1 pending>blocked"]


# -- what cannot be read, what is not there -------------------------------------------------------------


@pytest.mark.parametrize("word", [UNREADABLE, STALE])
def test_a_file_that_cannot_be_read_is_no_look_at_its_tasks(word: str) -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending"})
    for _ in range(100):
        assert watch.look(CA=word, after_s=10).seen == ()
    assert short(watch.look(CA={"T-1": "blocked"}).seen) == ["CA T-1 pending>blocked"]


@pytest.mark.parametrize("word", [GONE, MISSING])
def test_what_is_gone_is_believed_after_a_minute(word: str) -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending", "T-2": "completed"})
    watch.look(CA=word)
    for _ in range(int(ABSENT_S) - 1):
        assert watch.look().seen == ()
    told = watch.look()
    assert short(told.seen) == ["CA T-1 pending>", "CA T-2 completed>"]
    assert {change.file_mtime for change in told.seen} == {None}
    assert watch.look().seen == ()


@pytest.mark.parametrize("word", [GONE, MISSING])
def test_a_mount_that_comes_back_in_time_has_lost_nothing(word: str) -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending"})
    watch.look(CA=word)
    watch.look(after_s=ABSENT_S - 5)
    assert watch.look(CA={"T-1": "pending"}).seen == ()
    assert watch.look(after_s=59).seen == ()


def test_a_file_that_comes_back_broken_is_there_all_the_same() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending"})
    watch.look(CA=MISSING)
    watch.look(CA=UNREADABLE)
    for _ in range(20):
        assert watch.look(after_s=10).seen == ()
    assert short(watch.look(CA={"T-1": "blocked"}).seen) == ["CA T-1 pending>blocked"]


def test_the_minute_is_one_of_watching() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending"})
    watch.look(CA=GONE)
    assert watch.look(after_s=8 * 3600.0).caught_up == ()  # asleep: nobody saw that it was away so long
    assert watch.look(CA={"T-1": "pending"}).seen == ()


def test_agents_that_went_for_good_leave_nothing_behind() -> None:
    shelf = Shelf()
    watch = watcher(shelf)
    watch.begin(CA={})
    for number in range(30):
        name = f"AG{number}"
        watch.see({name: {"T-1": "pending"}})
        watch.see({name: GONE})
        watch.look(after_s=31)
        watch.look(after_s=31)
    chains(shelf.lines)
    assert len(shelf.lines) == 60
    assert len(watch.ledger._agents) == 1
    assert len(watch.ledger._keeper._written) <= 1
    told = watch.look(AG3={"T-1": "blocked"})
    assert short(told.seen) == ["AG3 T-1 >blocked"]


def test_a_reading_that_left_something_out_neither_adds_nor_loses() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending", "T-2": "pending"})
    told = watch.look(CA=states_of("CA", {"T-1": "blocked", "T-3": "pending"}, whole=False))
    assert short(told.seen) == ["CA T-1 pending>blocked", "CA T-3 >pending"]  # T-2 may be in what is broken
    told = watch.look(CA={"T-1": "blocked", "T-3": "pending"})
    assert short(told.seen) == ["CA T-2 pending>"]


def test_what_a_broken_first_reading_left_out_has_not_come_later() -> None:
    shelf = Shelf()
    watch = watcher(shelf)
    watch.begin(CA=states_of("CA", {"T-1": "pending"}, whole=False))
    assert watch.look(CA={"T-1": "pending", "T-2": "pending"}).seen == ()
    assert short(watch.look(CA={"T-1": "pending"}).seen) == ["CA T-2 pending>"]
    assert short(watch.look(CA={"T-1": "pending", "T-2": "pending"}).seen) == ["CA T-2 >pending"]
    chains(shelf.lines)


# -- gaps and clocks --------------------------------------------------------------------------------------


def test_what_happened_while_nobody_looked_is_told_as_such() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending"})
    told = watch.look(CA={"T-1": "blocked"}, after_s=GAP_S + 1)
    assert short(told.caught_up) == ["CA T-1 pending>blocked"]
    assert told.seen == ()
    assert told.record is not None
    assert len(told.record.watched) == 2


def test_a_slow_rhythm_is_no_gap() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending"})
    watch.look(after_s=300)
    told = watch.look(CA={"T-1": "blocked"}, after_s=300)
    assert short(told.seen) == ["CA T-1 pending>blocked"]


def test_a_clock_that_is_set_back_neither_loses_nor_invents() -> None:
    class Stepping(FakeClock):
        def set_back(self, seconds: float) -> None:
            self._wall -= seconds

    clock = Stepping()
    shelf = Shelf()
    watch = watcher(shelf, clock)
    watch.begin(CA={"T-1": "pending"})
    before = clock.wall()
    clock.set_back(3600)
    told = watch.look(CA={"T-1": "blocked"})
    assert short(told.seen) == ["CA T-1 pending>blocked"]
    assert told.record is not None
    assert all(begin <= end <= clock.wall() for begin, end in told.record.watched)
    watch.look(CA={})
    assert watch.look(after_s=MOVING_S).lost is not None  # though the wall has not come so far yet
    assert clock.wall() < before
    chains(shelf.lines)


# -- across restarts ---------------------------------------------------------------------------------------


def test_the_next_start_catches_up_with_what_changed_meanwhile() -> None:
    shelf, clock = Shelf(), FakeClock()
    first = watcher(shelf, clock)
    first.begin(CA={"T-1": "pending", "T-2": "pending"}, CB={"U-1": "pending"})
    first.look(CA={"T-1": "in_progress", "T-2": "pending"})
    shelf.owner = None  # killed
    clock.advance(1000)
    second = watcher(shelf, clock)
    told = second.begin(CA={"T-1": "completed", "T-3": "pending"}, CB={"U-1": "pending"})
    assert short(told.past) == ["CA T-1 pending>in_progress"]
    assert short(told.caught_up) == [
        "CA T-1 in_progress>completed",
        "CA T-3 >pending",
        "CA T-2 pending>",
    ]
    assert told.seen == ()
    assert short(shelf.lines) == short((*told.past, *told.caught_up))


def test_a_restart_with_nothing_new_writes_nothing() -> None:
    shelf, clock = Shelf(), FakeClock()
    watcher(shelf, clock).begin(CA={"T-1": "pending"})
    for _ in range(3):
        shelf.owner = None
        told = watcher(shelf, clock).begin(CA={"T-1": "pending"})
        assert told.caught_up == ()
    assert shelf.lines == []


def test_an_agent_that_vanished_while_nobody_looked_is_waited_for_too() -> None:
    shelf, clock = Shelf(), FakeClock()
    watcher(shelf, clock).begin(CA={"T-1": "pending"}, CB={"U-1": "pending"})
    shelf.owner = None
    second = watcher(shelf, clock)
    assert second.begin(CA={"T-1": "pending"}).caught_up == ()
    assert second.look(after_s=30).seen == ()
    assert short(second.look(after_s=31).seen) == ["CB U-1 pending>"]


def test_an_agent_the_record_never_saw_well_is_not_new_at_the_next_start() -> None:
    shelf, clock = Shelf(), FakeClock()
    watcher(shelf, clock).begin(CA=UNREADABLE)
    shelf.owner = None
    second = watcher(shelf, clock)
    assert second.begin(CA={"T-1": "pending"}).caught_up == ()
    shelf.owner = None
    third = watcher(shelf, clock)
    assert short(third.begin(CA={"T-1": "blocked"}).caught_up) == ["CA T-1 pending>blocked"]


def test_of_an_agent_known_by_its_lines_only_nothing_else_is_taken_for_new() -> None:
    shelf, clock = Shelf(), FakeClock()
    first = watcher(shelf, clock)
    first.begin(CA=UNREADABLE)
    keeps = shelf.keeps
    kept = shelf.states
    first.look(CA={"T-1": "pending", "T-2": "pending"})  # where it begins; and before that is kept …
    assert shelf.keeps > keeps
    first.look(CA={"T-1": "blocked", "T-2": "pending"})
    shelf.states, shelf._kept_lines = kept, 0  # … it is killed
    shelf.owner = None
    second = watcher(shelf, clock)
    told = second.begin(CA={"T-1": "completed", "T-2": "pending"})
    assert short(told.caught_up) == ["CA T-1 blocked>completed"]
    assert short(second.look(CA={"T-1": "completed"}).seen) == ["CA T-2 pending>"]
    chains(shelf.lines)


def test_without_the_states_only_what_the_lines_say_is_known() -> None:
    shelf, clock = Shelf(), FakeClock()
    first = watcher(shelf, clock)
    first.begin(CA={"T-1": "pending", "T-2": "pending"}, CB={"U-1": "pending"})
    first.look(CA={"T-1": "blocked", "T-2": "pending"})
    shelf.lose_states()
    shelf.owner = None
    told = watcher(shelf, clock).begin(CA={"T-1": "failed", "T-2": "pending"}, CB={"U-1": "pending"})
    assert short(told.caught_up) == ["CA T-1 blocked>failed"]
    assert statuses((shelf.states or {})["CA"]) == {"T-1": "failed", "T-2": "pending"}
    chains(shelf.lines)


def test_a_writer_that_saw_more_than_this_scan_is_not_taken_back() -> None:
    shelf, clock = Shelf(), FakeClock()
    first, second = watcher(shelf, clock), watcher(shelf, clock)
    first.begin(CA={"T-1": "pending"})
    second.look(CA={"T-1": "pending"})
    first.look(
        CA={"T-1": "blocked"}, after_s=0.1
    )  # after the second read the file in its scan, before it ends
    shelf.owner = None
    told = second.look(after_s=0.1)
    assert told.caught_up == ()
    told = second.look(CA={"T-1": "blocked"})
    assert told.caught_up == ()
    assert short(told.past) == short(shelf.lines) == ["CA T-1 pending>blocked"]


def test_nor_is_it_where_the_file_cannot_be_read_any_more() -> None:
    shelf, clock = Shelf(), FakeClock()
    first, second = watcher(shelf, clock), watcher(shelf, clock)
    first.begin(CA={"T-1": "pending"})
    second.look(CA={"T-1": "pending"})
    first.look(CA={"T-1": "blocked"}, after_s=0.1)
    shelf.owner = None
    for _ in range(3):
        assert second.look(CA=STALE).caught_up == ()
    assert short(second.look(CA={"T-1": "failed"}).seen) == ["CA T-1 blocked>failed"]
    assert chains(shelf.lines) == {("CA", "T-1"): ["pending", "blocked", "failed"]}


def test_one_look_for_a_command_tells_what_the_record_knew() -> None:
    shelf, clock = Shelf(), FakeClock()
    first = watcher(shelf, clock)
    first.begin(CA={"T-1": "pending", "T-2": "pending"})
    first.look(CA={"T-1": "in_progress"})
    reader = Watcher(MemoryRecord(shelf, wants=False), clock=clock)
    told = reader.look(at_once=True, after_s=60.0, CA={"T-1": "in_progress"})
    assert short(told.past) == ["CA T-1 pending>in_progress", "CA T-2 pending>"]
    assert told.lost == (Lost("CA", "T-2", "pending", shelf.lines[-1].seen_at),)
    assert told.record is not None
    assert told.record.mode == "reading"
    assert len(shelf.lines) == 2


# -- lost tasks ---------------------------------------------------------------------------------------------


def test_a_task_that_vanishes_from_every_file_is_reported() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "in_progress", "T-2": "completed"})
    told = watch.look(CA={})
    assert told.lost is None
    at = watch.clock.wall()
    assert watch.look(after_s=MOVING_S).lost == (Lost("CA", "T-1", "in_progress", at),)
    assert watch.look().lost is None  # the same as before
    assert watch.ledger.standing(["T-1", "T-2", "T-9"]) == {"T-1": ("CA", "vanished")}


def test_a_task_that_moves_is_not_lost_whichever_file_is_read_first() -> None:
    for source, target in (("CA", "CB"), ("CB", "CA")):
        watch = watcher()
        watch.begin(**{source: {"T-1": "pending"}, target: {}})
        watch.see({source: {}})
        watch.see({target: {"T-1": "pending"}})
        assert watch.look(after_s=MOVING_S).lost is None
        watch.look(
            CA={"T-1": "pending"} if source == "CA" else {}, CB={"T-1": "pending"} if source == "CB" else {}
        )
        assert watch.look(after_s=MOVING_S).lost is None


def test_a_task_that_another_agent_has_too_is_not_lost() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending"}, CB={"T-1": "completed"})
    watch.look(CA={})
    assert watch.look(after_s=MOVING_S).lost is None


def test_a_lost_task_that_comes_back_is_lost_no_more_and_after_a_day_it_is_forgotten() -> None:
    watch = watcher()
    watch.begin(CA={"T-1": "pending", "T-2": "pending"})
    watch.look(CA={})
    assert len(watch.look(after_s=MOVING_S).lost or ()) == 2
    assert [lost.task for lost in watch.look(CB={"T-1": "pending"}).lost or ()] == ["T-2"]
    assert watch.look(after_s=LOST_FOR_S).lost == ()


def test_lost_tasks_are_known_again_after_a_restart() -> None:
    shelf, clock = Shelf(), FakeClock()
    first = watcher(shelf, clock)
    first.begin(CA={"T-1": "pending"})
    first.look(CA={})
    shelf.owner = None
    clock.advance(100)
    told = watcher(shelf, clock).begin(CA={})
    assert [lost.task for lost in told.lost or ()] == ["T-1"]


def test_many_lost_at_once_are_looked_for_together() -> None:
    watch = watcher()
    many = {f"T-{number}": "pending" for number in range(100)}
    watch.begin(CA=many, CB={"T-50": "completed"})
    watch.look(CA={})
    assert len(watch.look(after_s=MOVING_S).lost or ()) == 99


def test_knots_follow_what_is_read() -> None:
    watch = watcher()
    watch.begin(
        CA=states_of("CA", {"T-1": "pending"}, needs={"T-1": ("U-1",)}),
        CB={"U-1": "in_progress"},
        CC=UNREADABLE,
    )
    assert watch.look(CB={"U-1": "in_progress"}).knots is None
    told = watch.look(CB={"U-1": "failed"})
    assert [(knot.kind, knot.task) for knot in told.knots or ()] == [("failed", "T-1")]
    told = watch.look(CB={"U-1": "completed"})
    assert told.knots == ()
    # An agent of which nothing was known has the task too, and there it is not over.
    watch.look(CA=states_of("CA", {"T-1": "pending"}, needs={"T-1": ("V-1",)}))
    told = watch.look(CC={"V-1": "failed"})
    assert [(knot.kind, knot.task) for knot in told.knots or ()] == [("failed", "T-1")]


# -- finished work -------------------------------------------------------------------------------------------


def test_an_estimate_that_the_history_lacks_is_remembered() -> None:
    shelf, clock = Shelf(), FakeClock()
    watch = watcher(shelf, clock)
    watch.begin(CA=states_of("CA", {})._replace(text="i\tT-1\t4\t2"))
    done = states_of("CA", {"T-1": "completed"}, ended=(ended("T-1", actual=2.0, delivered=1),))
    watch.look(CA=done)
    work = watch.ledger.work("CA")
    assert (work.estimated_hours, work.earned_hours, work.actual_hours) == (4.0, 2.0, 2.0)
    assert watch.ledger.work("CB") is NO_WORK
    assert watch.ledger.remembered("CA")["T-1"].estimated_hours == 4.0
    # The next start has it from the record, and says so once that is open.
    shelf.owner = None
    second = watcher(shelf, clock)
    second.look(CA=done)
    assert second.ledger.work("CA").hours_n == 0
    assert second.look().work == (("CA", work),)


def test_a_ledger_that_was_let_go_lets_another_one_write() -> None:
    shelf, clock = Shelf(), FakeClock()
    first = watcher(shelf, clock)
    first.begin(CA={})
    assert shelf.owner is not None
    first.ledger.close()
    assert shelf.owner is None
    second = Ledger(clock, [MemoryRecord(shelf)])
    second.tell(no_beat)
    second.tell(no_beat)
    assert shelf.owner is not None


# -- very many tasks ------------------------------------------------------------------------------------------

IDS = [f"TASK-{number:04}" for number in range(4000)]
EDITS = st.lists(
    st.tuples(st.integers(0, len(IDS)), st.sampled_from(["drop", "last", "first", "hours", *LETTERS])),
    max_size=6,
)


def edited(rows: list[str], edits: list[tuple[int, str]], name: str) -> list[str]:
    """The lines after some of them were changed or dropped, and some added that begin with `name`."""
    rows = list(rows)
    for number, (at, what) in enumerate(edits):
        at = min(at, len(rows) - 1)
        letter, _, rest = rows[at].partition("\t")
        match what:
            case "drop":
                del rows[at]
            case "first" | "last":
                rows.insert(0 if what == "first" else len(rows), f"p\t{name}-{number}")
            case "hours":
                rows[at] = f"{letter}\t{rest.partition(chr(9))[0]}\t7"
            case _:
                rows[at] = f"{LETTERS[what]}\t{rest}"
    return rows


@settings(max_examples=30, deadline=None)
@given(EDITS, EDITS, st.booleans(), st.booleans())
def test_of_a_long_text_the_lines_that_differ_tell_all_there_is_to_tell(
    first: list[tuple[int, str]], then: list[tuple[int, str]], whole: bool, begun: bool
) -> None:
    old_rows = edited([f"p\t{task}" for task in IDS], first, "ONE")
    old, new = "\n".join(old_rows), "\n".join(edited(old_rows, then, "TWO"))
    assert len(old) > LARGE
    made, differ = merged(old, TaskStates("CA", new, 1.0, whole), begun)
    was, now = parse(old), parse(new)
    assert sorted(differ, key=str) == sorted(changes(was, now, vanished=whole, come=begun), key=str)
    carried(was, now)
    assert parse(made) == (now if whole else {**was, **now})
