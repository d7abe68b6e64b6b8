"""Acknowledging and silencing through files: with nobody there to keep alerts, and beside a bluetop that does."""

import json
import os
from pathlib import Path

import pytest

from core.alerts.filedesk import PATIENCE_S, FileDesk, Unanswered
from core.alerts.kept import look
from core.alerts.store import read_log
from core.config import Rule
from core.control import AckAlert, ChangeFailed, EndSilence, Match, SilenceAlerts, submit
from core.errors import ReadOnlyError
from tests.alerts.living import BootClock, Living
from tests.measured import queue

QUEUE = Rule("queue", "queue_length", 15, "agent", clear=12)
LOW = Rule("longish", "queue_length", 10, "agent", severity="low")


def fired(root: Path) -> Living:
    """A bluetop for which the queue of CA fires."""
    here = Living(QUEUE, LOW, root=root)
    here.calm(queue("CA", pending=20), queue("CB", pending=3))
    here.run(2)
    return here


def folder(root: Path) -> str:
    return str(root / ".bluetop")


def desk_of(root: Path, clock, **more) -> FileDesk:
    return FileDesk([folder(root)], str(root), clock, "box", **more)


def later(here: Living, seconds: float = 60.0, boot: str = "b1") -> BootClock:
    """The clock of a command, so many seconds after that bluetop ended."""
    return BootClock(here.at + seconds, here.clock.wall() + seconds, boot)


def going_on(root: Path, clock: BootClock) -> Living:
    """The next bluetop, which finds CA as it was."""
    here = Living(QUEUE, LOW, root=root, at=clock.now() + 1, wall=clock.wall() + 1, boot=clock.boot())
    here.calm(queue("CA", pending=20), queue("CB", pending=3))
    here.run(2)
    return here


def files(root: Path) -> dict[str, tuple[int, int]]:
    return {
        path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in (root / ".bluetop").iterdir()
    }


def test_where_nobody_keeps_alerts_the_next_bluetop_finds_the_acknowledgement(tmp_path):
    here = fired(tmp_path)
    here.end()
    desk = desk_of(tmp_path, later(here), origin="10.1.2.3")
    said = submit(AckAlert(desk, "queue", "CA"), read_only=False, by="ann").text
    assert said == "acknowledged queue on CA, until it resolves"
    assert not desk.asked
    then = going_on(tmp_path, later(here, 120))
    assert then.alert("queue").acked_by == "ann"
    assert then.alert("queue").acked_at == pytest.approx(here.clock.wall() + 60, abs=0.1)
    assert then.told() == []
    submit(AckAlert(then.live.desk, "queue", "CA", undo=True), read_only=False)
    then.end()
    (line,) = [row for row in read_log(folder(tmp_path)) if row["what"] == "ack"]
    assert (line["by"], line["origin"], line["rule"], line["subject"]) == ("ann", "10.1.2.3", "queue", "CA")
    assert "origin" not in next(row for row in read_log(folder(tmp_path)) if row["what"] == "unack")


def test_nothing_that_waits_to_be_told_is_spent_on_a_command(tmp_path):
    here = fired(tmp_path)
    submit(SilenceAlerts(here.live.desk, Match("queue"), 3600, "night"), read_only=False, by="ann")
    here.end()
    (silence,) = look([folder(tmp_path)], str(tmp_path), (QUEUE, LOW), later(here), "box").alerts.silences
    submit(EndSilence(desk_of(tmp_path, later(here)), silence.id), read_only=False, by="bob")
    then = going_on(tmp_path, later(here, 70))
    assert [alert.over for alert in then.alerts.silences] == [True]
    # It was told when it began, and nobody is told of it once more; an episode that nobody was told of would be.
    assert then.told() == []
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    quiet = Living(QUEUE, root=fresh)
    quiet.run(1)
    submit(SilenceAlerts(quiet.live.desk, Match("queue"), 3600, "night"), read_only=False, by="ann")
    quiet.calm(queue("CA", pending=20))
    quiet.run(2)
    assert quiet.told() == []
    quiet.end()
    (silence,) = look([folder(fresh)], str(fresh), (QUEUE,), later(quiet), "box").alerts.silences
    submit(EndSilence(desk_of(fresh, later(quiet)), silence.id), read_only=False, by="bob")
    woken = Living(QUEUE, root=fresh, at=quiet.at + 70, wall=quiet.clock.wall() + 70)
    woken.calm(queue("CA", pending=20))
    woken.run(2)
    assert woken.told() == [("firing", "queue", "CA")]


def test_a_silence_has_its_end_after_a_reboot_too(tmp_path):
    here = fired(tmp_path)
    here.end()
    clock = later(here)
    clock._now, clock._boot = 20.0, "b2"
    desk = desk_of(tmp_path, clock)
    said = submit(
        SilenceAlerts(desk, Match("qu*", "C?"), 600, " being moved "), read_only=False, by="ann"
    ).text
    assert said.startswith("silenced qu*, on C? until ")
    assert "1 alert that fires now; its id is " in said
    clock.advance(60)
    then = going_on(tmp_path, clock)
    alert = then.alert("queue")
    assert (alert.silenced_by, alert.silence_comment) == ("ann", "being moved")
    assert alert.silenced_until == pytest.approx(here.clock.wall() + 660, abs=0.1)


def test_a_silence_may_come_before_the_first_bluetop(tmp_path):
    clock = BootClock(1000.0, 1_780_000_000.0, "b1")
    desk = desk_of(tmp_path, clock)
    said = submit(
        SilenceAlerts(desk, Match(severity="medium"), 600, "set up"), read_only=False, by="ann"
    ).text
    assert "nothing that fires now" in said
    assert (tmp_path / ".bluetop" / ".gitignore").exists()
    then = going_on(tmp_path, clock)
    assert then.alert("queue").silenced_by == "ann"
    assert then.told() == []


REFUSED = [
    (lambda desk: AckAlert(desk, "queue", "CX"), "queue on CX does not fire: there is nothing to acknowledge"),
    (lambda desk: AckAlert(desk, "queue", "CX"), "; it fires on CA"),
    (lambda desk: AckAlert(desk, "quue", "CA"), "did you mean queue?"),
    (lambda desk: AckAlert(desk, "cpu", "host"), "what fires is queue on CA, longish on CA"),
    (lambda desk: AckAlert(desk, "queue", "CA", undo=True), "queue on CA is not acknowledged; nothing is"),
    (lambda desk: EndSilence(desk, "abc"), "there is no silence abc in force; none is"),
    (lambda desk: SilenceAlerts(desk, Match(), 60, " "), "a silence needs a comment"),
    (lambda desk: SilenceAlerts(desk, Match(), 0, "why"), "a silence needs an end"),
    (lambda desk: AckAlert(desk, "q\x1b[2J", "CA"), "q\\x1b[2J on CA"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "said"), REFUSED)
@pytest.mark.parametrize("running", [True, False])
def test_what_makes_no_sense_is_refused_and_leaves_no_trace(tmp_path, command, said, running):
    here = fired(tmp_path)
    if not running:
        here.end()
    before = files(tmp_path)
    desk = desk_of(tmp_path, later(here))
    with pytest.raises(ChangeFailed) as caught:
        submit(command(desk), read_only=False, by="ann")
    assert said in str(caught.value)
    assert files(tmp_path) == before
    with pytest.raises(ReadOnlyError):
        submit(command(desk), read_only=True, by="ann")


def test_where_nothing_is_kept_an_acknowledgement_says_what_to_start_and_makes_nothing(tmp_path):
    desk = desk_of(tmp_path, BootClock(1000.0, 1.78e9, "b1"))
    with pytest.raises(ChangeFailed, match="nobody has watched it; start `bluetop` or `bluetop collect`"):
        submit(AckAlert(desk, "queue", "CA"), read_only=False)
    assert not (tmp_path / ".bluetop").exists()


def test_a_state_that_cannot_be_used_is_left_as_it_is(tmp_path):
    here = fired(tmp_path)
    here.end()
    (tmp_path / ".bluetop" / "alerts.json").write_text(
        '{"schema": "bluetop.alerts.state/1", "engine": {"t": "x"}}'
    )
    before = files(tmp_path)
    desk = desk_of(tmp_path, later(here))
    for command in (AckAlert(desk, "queue", "CA"), SilenceAlerts(desk, Match(), 60, "why")):
        with pytest.raises(
            ChangeFailed, match=r"cannot be used .*nothing was changed: the next bluetop sets it aside"
        ):
            submit(command, read_only=False)
    assert files(tmp_path) == before


class Beside:
    """A bluetop that keeps the alerts goes on while a command waits: a turn for each pause, from the `after`th on."""

    def __init__(self, here: Living, after: int = 0) -> None:
        self.here, self.after, self.pauses = here, after, 0

    def __call__(self, seconds: float) -> None:
        self.pauses += 1
        if self.pauses > self.after:
            self.here.run(1)
        self.here.clock.advance(seconds)


def test_a_running_bluetop_is_asked_and_its_own_line_is_the_answer(tmp_path):
    here = fired(tmp_path)
    desk = desk_of(tmp_path, here.clock, wait=Beside(here, 3), origin="10.1.2.3")
    said = submit(AckAlert(desk, "queue", "CA"), read_only=False, by="ann").text
    assert said == "acknowledged queue on CA, until it resolves (by the bluetop that keeps the alerts)"
    assert desk.asked
    assert here.alert("queue").acked_by == "ann"
    said = submit(SilenceAlerts(desk, Match("queue"), 600, "moved"), read_only=False, by="ann").text
    silence = here.alert("queue").silence
    assert f"its id is {silence} (by the bluetop" in said
    submit(EndSilence(desk, silence), read_only=False, by="ann")
    assert here.alert("queue").silence == ""
    submit(AckAlert(desk, "queue", "CA", undo=True), read_only=False, by="ann")
    assert here.alert("queue").acked_by == ""
    here.end()
    done = [
        row for row in read_log(folder(tmp_path)) if row["what"] in ("ack", "silence", "unsilence", "unack")
    ]
    assert [(row["what"], row["by"], row["origin"]) for row in done] == [
        (what, "ann", "10.1.2.3") for what in ("ack", "silence", "unsilence", "unack")
    ]


def test_one_that_does_not_answer_is_said_to_be_silent(tmp_path):
    here = fired(tmp_path)
    beside = Beside(here, after=1000)
    desk = desk_of(tmp_path, here.clock, wait=beside)
    began = here.clock.now()
    with pytest.raises(Unanswered, match="to acknowledge queue on CA; it has not answered yet"):
        submit(AckAlert(desk, "queue", "CA"), read_only=False, by="ann")
    assert PATIENCE_S <= here.clock.now() - began < PATIENCE_S + 0.2
    here.run(2)  # it hears it all the same
    assert here.alert("queue").acked_by == "ann"


def test_one_that_is_just_starting_cannot_be_asked_yet(tmp_path):
    here = fired(tmp_path)
    (tmp_path / ".bluetop" / "alerts.jsonl").unlink()
    with pytest.raises(Unanswered, match="is just starting; try again"):
        submit(AckAlert(desk_of(tmp_path, here.clock), "queue", "CA"), read_only=False)


def test_where_the_keeper_ends_meanwhile_it_is_done_all_the_same(tmp_path):
    here = fired(tmp_path)

    def ends(seconds: float) -> None:
        here.end()

    desk = desk_of(tmp_path, here.clock, wait=ends)
    submit(AckAlert(desk, "queue", "CA"), read_only=False, by="ann")
    assert not desk.asked
    then = going_on(tmp_path, later(here))
    assert then.alert("queue").acked_by == "ann"


def test_two_commands_at_once_lose_nothing(tmp_path):
    here = fired(tmp_path)
    here.end()
    clock = later(here)
    first, second = desk_of(tmp_path, clock), desk_of(tmp_path, clock)
    submit(AckAlert(first, "queue", "CA"), read_only=False, by="ann")
    submit(AckAlert(second, "longish", "CA"), read_only=False, by="bob")
    then = going_on(tmp_path, later(here, 90))
    assert (then.alert("queue").acked_by, then.alert("longish").acked_by) == ("ann", "bob")


def test_a_request_that_nobody_heard_is_not_lost_by_a_command_after_it(tmp_path):
    here = fired(tmp_path)
    unheard = desk_of(tmp_path, here.clock, wait=here.clock.advance)
    with pytest.raises(Unanswered):
        submit(AckAlert(unheard, "queue", "CA"), read_only=False, by="ann")
    assert here.store is not None
    here.store.close()  # killed
    submit(AckAlert(desk_of(tmp_path, later(here)), "longish", "CA"), read_only=False, by="bob")
    then = going_on(tmp_path, later(here, 90))
    assert (then.alert("queue").acked_by, then.alert("longish").acked_by) == ("ann", "bob")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_of_somebody_else_is_named(tmp_path):  # pragma: no cover - not as root
    here = fired(tmp_path)
    here.end()
    (tmp_path / ".bluetop" / "alerts.lock").chmod(0o444)
    with pytest.raises(ChangeFailed, match="check who owns that folder"):
        submit(AckAlert(desk_of(tmp_path, later(here)), "queue", "CA"), read_only=False)


def test_a_place_that_cannot_be_had_is_named(tmp_path):
    (tmp_path / ".bluetop").write_text("a file where the folder should be")
    with pytest.raises(ChangeFailed, match=r"alerts cannot be kept: .*check who owns that folder"):
        submit(
            SilenceAlerts(desk_of(tmp_path, BootClock(1.0, 1.78e9, "b1")), Match(), 60, "why"),
            read_only=False,
        )


def test_the_state_stays_what_the_store_reads(tmp_path):
    here = fired(tmp_path)
    here.end()
    submit(AckAlert(desk_of(tmp_path, later(here)), "queue", "CA"), read_only=False, by="ann")
    kept = json.loads((tmp_path / ".bluetop" / "alerts.json").read_text())
    assert kept["unlogged"][0]["what"] == "ack"
    assert kept["engine"]["t"] == here.at  # the picture is as old as it was
