"""What the prober tells of the past: the record, and what it has found itself since."""

import time
from pathlib import Path

from core.prober.recording import latest, life
from core.queues import Limits
from core.queues.postbox import PostboxBackend
from core.record.journal import Journal
from core.record.ledger import Ledger
from tests.cli.past import Past, task
from tests.fakes import FakeClock


def no_beat(path: str) -> None:
    """Nothing hangs here."""


class Reader:
    """An instance that only reads the record, opened with its first look."""

    def __init__(self, root: Path) -> None:
        self.clock = FakeClock(wall=time.time())
        self._backend = PostboxBackend(str(root), Limits(), self.clock, self.clock.advance)
        self.ledger = Ledger(
            self.clock, [Journal(str(root / ".bluetop"), self.clock, write=False, within=str(root))]
        )
        self.look()

    def look(self) -> None:
        for part in self._backend.scan(no_beat):
            self.ledger.take(part)
        self.ledger.tell(no_beat, at_once=True)
        self.clock.advance(60.0)


def told(changes):
    return [(c.agent, c.task, c.before, c.after) for c in changes]


def test_the_latest_transition_of_every_unfinished_task_is_told(tmp_path):
    past = Past(tmp_path, 1)
    past.put("CA", task("T-1"), task("T-2"))
    past.put("CB", task("U-1"))
    past.look(2)
    past.put("CA", task("T-1", "in_progress"), task("T-2", "completed"))
    past.put("CB", task("U-1", "blocked"))
    past.look()
    past.put("CA", task("T-1", "ready_for_review"), task("T-2", "completed"))
    past.look()
    past.end()
    ledger = Reader(tmp_path).ledger
    assert sorted(told(latest(ledger, [], no_beat))) == [
        ("CA", "T-1", "in_progress", "ready_for_review"), ("CB", "U-1", "pending", "blocked"),
    ]  # fmt: skip
    assert told(latest(ledger, ["CB"], no_beat)) == [("CB", "U-1", "pending", "blocked")]
    assert told(latest(ledger, [f"A{n}" for n in range(50)] + ["CB"], no_beat)) == [
        ("CB", "U-1", "pending", "blocked")
    ]


def test_what_changed_while_nobody_looked_is_told_though_it_is_in_no_record(tmp_path):
    past = Past(tmp_path, 1)
    past.put("CA", task("T-1"), task("T-2"))
    past.look(2)
    past.put("CA", task("T-1", "in_progress"), task("T-2"))
    past.end()
    past.put("CA", task("T-1", "blocked"))
    ledger = Reader(tmp_path).ledger
    assert told(life(ledger, "", "T-1", no_beat)) == [
        ("CA", "T-1", "pending", "in_progress"), ("CA", "T-1", "in_progress", "blocked"),
    ]  # fmt: skip
    assert told(life(ledger, "", "T-2", no_beat)) == [("CA", "T-2", "pending", None)]
    assert told(latest(ledger, [], no_beat)) == [("CA", "T-1", "in_progress", "blocked")]


def test_what_another_instance_wrote_meanwhile_is_told_once(tmp_path):
    past = Past(tmp_path, 0.0)
    past.put("CA", task("T-1"))
    past.look(2)
    reader = Reader(tmp_path)
    for status in ("in_progress", "blocked", "in_progress"):
        past.put("CA", task("T-1", status))
        past.look()
        reader.look()
    past.end(until_now=False)
    assert told(life(reader.ledger, "CA", "", no_beat)) == [
        ("CA", "T-1", "pending", "in_progress"), ("CA", "T-1", "in_progress", "blocked"),
        ("CA", "T-1", "blocked", "in_progress"),
    ]  # fmt: skip


def test_a_task_is_found_in_every_file_that_has_it_else_names_like_it(tmp_path):
    past = Past(tmp_path, 0.1)
    past.put("CA", task("T-1"), task("T-12"))
    past.put("CB", task("T-1", "blocked"))
    past.end()
    ledger = Reader(tmp_path).ledger
    assert ledger.find("T-1")[0] == {"CA": "pending", "CB": "blocked"}
    where, like = ledger.find("t-1")
    assert (where, like.same, like.begins) == ({}, ("T-1",), ("T-12",))
