"""Who writes: a full disk, a writer that goes, two places, a record that is taken away."""

from core.record.keeper import REMARK_S, RETRY_S
from core.record.ledger import ABSENT_S
from tests.fakes import FakeClock
from tests.record.memory import MemoryRecord, Shelf
from tests.record.scenes import GONE, STALE, UNREADABLE, Watcher, chains, no_beat, short, statuses

INSIDE, OUTSIDE = "/w/.bluetop/transitions.jsonl", "/state/w/transitions.jsonl"


def pair() -> tuple[Shelf, Watcher, Watcher]:
    """A writer and a reader, both begun on one agent with one task."""
    shelf, clock = Shelf(), FakeClock()
    writer, reader = (Watcher(MemoryRecord(shelf), clock=clock) for _ in range(2))
    writer.begin(CA={"T-1": "pending"})
    told = reader.begin(CA={"T-1": "pending"})
    assert told.record is not None
    assert told.record.mode == "reading"
    return shelf, writer, reader


def die(shelf: Shelf) -> None:
    """The writer is killed; the kernel takes its lock away."""
    shelf.owner = None


# -- a full disk --------------------------------------------------------------------------------------


def test_what_a_full_disk_refused_is_written_once_as_the_net_change() -> None:
    shelf = Shelf()
    watch = Watcher(MemoryRecord(shelf))
    watch.begin(CA={"T-1": "pending"}, CB={"U-1": "pending"})
    shelf.full = True
    told = watch.look(CA={"T-1": "in_progress"})
    assert short(told.seen) == ["CA T-1 pending>in_progress"]
    assert told.record is not None
    assert "No space left" in told.record.problem
    watch.look(CA={"T-1": "blocked", "T-2": "pending"})
    watch.look(CA={"T-1": "in_progress"})  # T-2 has come and gone: nothing to be written of it
    assert shelf.lines == []
    shelf.full = False
    told = watch.look(after_s=RETRY_S)
    assert short(shelf.lines) == ["CA T-1 pending>in_progress"]
    assert told.record is not None
    assert told.record.problem == ""
    watch.look(CB={"U-1": "blocked"})
    assert short(shelf.lines)[1:] == ["CB U-1 pending>blocked"]


def test_a_change_of_another_agent_brings_what_is_owed_with_it() -> None:
    shelf = Shelf()
    watch = Watcher(MemoryRecord(shelf))
    watch.begin(CA={"T-1": "pending"}, CB={"U-1": "pending"})
    shelf.full = True
    watch.look(CA={"T-1": "blocked"})
    shelf.full = False
    watch.look(CA={"T-1": "failed"}, CB={"U-1": "blocked"})
    assert sorted(short(shelf.lines)) == ["CA T-1 pending>failed", "CB U-1 pending>blocked"]
    chains(shelf.lines)


def test_an_agent_that_went_while_the_disk_was_full_is_owed_too() -> None:
    shelf = Shelf()
    watch = Watcher(MemoryRecord(shelf))
    watch.begin(CA={"T-1": "pending"})
    shelf.full = True
    watch.look(CA=GONE)
    watch.look(after_s=31)
    assert short(watch.look(after_s=31).seen) == ["CA T-1 pending>"]
    shelf.full = False
    watch.look(after_s=RETRY_S)
    assert short(shelf.lines) == ["CA T-1 pending>"]


def test_a_disk_that_is_full_from_the_start_loses_the_beginning_only() -> None:
    shelf = Shelf()
    watch = Watcher(MemoryRecord(shelf))
    shelf.full = True
    told = watch.begin(CA={"T-1": "pending"})
    assert told.record is not None
    assert "cannot be kept" in told.record.problem
    shelf.full = False
    told = watch.look(after_s=RETRY_S)
    assert told.record is not None
    assert told.record.problem == ""
    assert statuses((shelf.states or {})["CA"]) == {"T-1": "pending"}


# -- taking over --------------------------------------------------------------------------------------


def test_a_reader_takes_over_when_the_writer_goes_and_nothing_is_written_twice() -> None:
    shelf, writer, reader = pair()
    for watch in (writer, reader):
        watch.look(CA={"T-1": "blocked"})
    die(shelf)
    reader.look(CA={"T-1": "in_progress"})  # nobody writes this yet
    told = reader.look(after_s=RETRY_S)
    assert told.record is not None
    assert told.record.mode == "writing"
    assert told.seen == ()
    reader.look()
    assert short(shelf.lines) == ["CA T-1 pending>blocked", "CA T-1 blocked>in_progress"]
    reader.look(CA={"T-1": "completed"})
    assert short(shelf.lines)[2:] == ["CA T-1 in_progress>completed"]


def test_an_heir_that_has_seen_less_than_the_writer_looks_once_more() -> None:
    shelf, writer, reader = pair()
    writer.look(CA={"T-1": "blocked"})  # the reader's scan read the file just before
    die(shelf)
    reader.look(after_s=RETRY_S)
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]
    reader.look(CA={"T-1": "blocked"})
    reader.look()
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]


def test_an_heir_does_not_judge_by_a_file_it_cannot_read() -> None:
    for word in (STALE, UNREADABLE):
        shelf, writer, reader = pair()
        reader.look(CA=word)
        writer.look(CA={"T-1": "blocked"})
        die(shelf)
        for _ in range(5):
            reader.look(after_s=RETRY_S)
        assert short(shelf.lines) == ["CA T-1 pending>blocked"]
        reader.look(CA={"T-1": "failed"})
        assert short(shelf.lines)[1:] == ["CA T-1 blocked>failed"]


def test_an_heir_knows_of_agents_it_could_never_read() -> None:
    shelf, clock = Shelf(), FakeClock()
    writer, reader = (Watcher(MemoryRecord(shelf), clock=clock) for _ in range(2))
    writer.look()
    reader.look()
    writer.look(CA={"T-1": "pending"})
    reader.look(CA=UNREADABLE)
    writer.look(CA={"T-1": "blocked"})
    die(shelf)
    reader.look(after_s=RETRY_S)
    reader.look()
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]
    reader.look(CA={"T-1": "failed"})
    assert short(shelf.lines)[1:] == ["CA T-1 blocked>failed"]


def test_an_heir_that_began_before_the_record_did_invents_nothing() -> None:
    shelf, clock = Shelf(), FakeClock()
    shelf.owner = MemoryRecord(shelf)  # somebody writes, and has not kept anything yet
    reader = Watcher(MemoryRecord(shelf), clock=clock)
    reader.begin(CA={"T-1": "pending"})
    die(shelf)
    reader.look(after_s=RETRY_S)
    reader.look()
    assert shelf.lines == []
    assert statuses((shelf.states or {})["CA"]) == {"T-1": "pending"}
    reader.look(CA={"T-1": "blocked"})
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]


def test_an_heir_of_a_record_without_states_takes_nothing_for_new() -> None:
    shelf, writer, reader = pair()
    writer.look(CA={"T-1": "blocked", "T-2": "pending"})
    reader.look(CA={"T-1": "blocked", "T-2": "pending"})
    shelf.lose_states()
    del shelf.lines[1:]  # only the line of T-1 is left
    die(shelf)
    reader.look(after_s=RETRY_S)
    reader.look()
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]
    assert statuses((shelf.states or {})["CA"]) == {"T-1": "blocked", "T-2": "pending"}


def test_only_one_of_two_readers_takes_over() -> None:
    shelf, _, second = pair()
    third = Watcher(MemoryRecord(shelf), clock=second.clock)
    third.begin(CA={"T-1": "pending"})
    die(shelf)
    for _ in range(3):
        second.look(after_s=RETRY_S)
        third.look()
    for watch in (second, third):
        watch.look(CA={"T-1": "blocked"})
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]


def test_a_reader_reads_the_record_once_and_not_again_and_again() -> None:
    shelf, clock = Shelf(), FakeClock()
    shelf.owner = MemoryRecord(shelf)
    record = MemoryRecord(shelf)
    reader = Watcher(record, clock=clock)
    reader.begin(CA={})
    for _ in range(20):
        reader.look(after_s=RETRY_S)
    assert record.loads == 1


def test_a_writer_that_rests_lets_another_one_write_and_reads_when_it_looks_again() -> None:
    shelf, writer, reader = pair()
    writer.ledger.rest(no_beat)
    reader.look(CA={"T-1": "blocked"}, after_s=RETRY_S)
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]
    told = writer.look(CA={"T-1": "blocked"}, after_s=100.0)
    assert short(told.caught_up) == ["CA T-1 pending>blocked"]
    assert told.record is not None
    assert told.record.mode == "reading"
    reader.look(CA={"T-1": "failed"})
    writer.look(CA={"T-1": "failed"})
    assert short(shelf.lines)[1:] == ["CA T-1 blocked>failed"]


def test_a_writer_that_rested_alone_catches_up_at_once() -> None:
    shelf, clock = Shelf(), FakeClock()
    watch = Watcher(MemoryRecord(shelf), clock=clock)
    watch.begin(CA={"T-1": "pending"})
    for after_s in (1.0, 100.0):  # a moment, and longer than a gap
        watch.ledger.rest(no_beat)
        assert shelf.owner is None
        watch.look(CA={"T-1": f"word {after_s}"}, after_s=after_s)
        assert shelf.owner is not None
    assert short(shelf.lines) == ["CA T-1 pending>word 1.0", "CA T-1 word 1.0>word 100.0"]
    # The line of a gap stands at the very begin of the time that was watched after it.
    watch.look(after_s=11.0)
    assert shelf.watched[-1][0] == shelf.lines[-1].seen_at


def test_resting_touches_nothing_that_does_not_answer() -> None:
    shelf = Shelf()
    record = MemoryRecord(shelf)
    watch = Watcher(record)
    watch.ledger.rest(no_beat)
    watch.begin(CA={})
    watch.ledger.rest(no_beat, (record.path,))
    assert shelf.owner is record


def test_an_instance_that_must_not_write_never_takes_over() -> None:
    shelf, clock = Shelf(), FakeClock()
    reader = Watcher(MemoryRecord(shelf, wants=False), clock=clock)
    reader.begin(CA={"T-1": "pending"})
    for number in range(10):
        told = reader.look(CA={"T-1": f"word {number}"}, after_s=RETRY_S)
        assert len(told.seen) == 1
    assert shelf.owner is None
    assert shelf.lines == []


# -- places -------------------------------------------------------------------------------------------


def test_the_second_place_is_used_where_the_first_cannot_be_and_the_operator_is_told() -> None:
    inside, outside, clock = Shelf(), Shelf(), FakeClock()
    inside.broken = True
    watch = Watcher(MemoryRecord(inside, INSIDE), MemoryRecord(outside, OUTSIDE), clock=clock)
    told = watch.begin(CA={"T-1": "pending"})
    assert told.record is not None
    assert (told.record.mode, told.record.path) == ("writing", OUTSIDE)
    assert INSIDE in told.record.problem
    told = watch.look(CA={"T-1": "blocked"}, after_s=REMARK_S)
    assert told.record is not None
    assert told.record.problem == ""
    assert short(outside.lines) == ["CA T-1 pending>blocked"]
    assert inside.lines == []


def test_a_record_that_others_hold_is_read_where_it_is() -> None:
    inside, outside, clock = Shelf(), Shelf(), FakeClock()
    inside.owner = MemoryRecord(inside)
    watch = Watcher(MemoryRecord(inside, INSIDE), MemoryRecord(outside, OUTSIDE), clock=clock)
    told = watch.begin(CA={"T-1": "pending"})
    assert told.record is not None
    assert (told.record.mode, told.record.path, told.record.problem) == ("reading", INSIDE, "")
    assert outside.owner is None


def test_with_no_place_at_all_it_is_tried_again() -> None:
    shelf, clock = Shelf(), FakeClock()
    shelf.broken = True
    watch = Watcher(MemoryRecord(shelf), clock=clock)
    told = watch.begin(CA={"T-1": "pending"})
    assert told.record is not None
    assert told.record.mode == "memory"
    assert "Input/output error" in told.record.problem
    watch.look(CA={"T-1": "blocked"})
    shelf.broken = False
    told = watch.look(after_s=RETRY_S)
    assert told.record is not None
    assert told.record.mode == "writing"
    watch.look(CA={"T-1": "failed"})
    assert short(shelf.lines) == ["CA T-1 blocked>failed"]


def test_a_record_that_could_not_be_opened_at_first_is_caught_up_with() -> None:
    shelf, clock = Shelf(), FakeClock()
    Watcher(MemoryRecord(shelf), clock=clock).begin(CA={"T-1": "pending"}, CB={"U-1": "pending"})
    die(shelf)
    shelf.broken = True
    watch = Watcher(MemoryRecord(shelf), clock=clock)
    watch.begin(CA={"T-1": "blocked"})
    shelf.broken = False
    watch.look(after_s=RETRY_S)
    watch.look()
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]  # of CB it is too early to say
    watch.look(after_s=ABSENT_S)
    watch.look()
    assert short(shelf.lines)[1:] == ["CB U-1 pending>"]
    assert len(shelf.watched) >= 2


def test_a_place_that_hangs_is_left_alone() -> None:
    shelf, clock = Shelf(), FakeClock()
    beats: list[str] = []
    watch = Watcher(MemoryRecord(shelf), clock=clock)
    watch.begin(CA={"T-1": "pending"})
    skip = (MemoryRecord(shelf).path,)
    watch.ledger.tell(beats.append, skip)
    told = watch.look(skip=skip, CA={"T-1": "blocked"})
    assert short(told.seen) == ["CA T-1 pending>blocked"]
    assert told.record is not None
    assert "does not answer" in told.record.problem
    for _ in range(10):
        watch.look(skip=skip, after_s=RETRY_S)
    assert shelf.lines == []
    assert beats == []
    watch.look(after_s=RETRY_S)
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]


def test_a_record_that_is_taken_away_is_begun_anew() -> None:
    shelf, clock = Shelf(), FakeClock()
    watch = Watcher(MemoryRecord(shelf), clock=clock)
    watch.begin(CA={"T-1": "pending"})
    shelf.gone = True
    shelf.lose_states()
    told = watch.look(after_s=20.0)
    assert told.record is not None
    assert "moved or removed" in told.record.problem
    watch.look(after_s=RETRY_S)
    watch.look(CA={"T-1": "blocked"})
    assert short(shelf.lines) == ["CA T-1 pending>blocked"]
    assert statuses(shelf.now()["CA"]) == {"T-1": "blocked"}
