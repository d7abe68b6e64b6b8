"""What an attack found: hostile files and lines, pauses, removals, and a burst; none of it may cost an alert."""

import json
import os

import pytest

from core.alerts import saved
from core.alerts.engine import AlertEngine
from core.alerts.keeping import Keeping
from core.alerts.store import LOG, NEW, STATE, AlertStore, append, read_log
from core.config import Rule
from core.control import AckAlert, submit
from core.schedule import Schedule
from tests.alerts.living import Living
from tests.alerts.test_engine_keeps import engine, fires
from tests.core.test_engine_live import Live, live, write
from tests.fakes import FakeClock
from tests.measured import WALL, memory, queue, queues

QUEUE = Rule("queue", "queue_length", 15, "agent", clear=12)


def test_a_pause_with_alerts_that_fire_and_an_ack_in_it(tmp_path):
    write(tmp_path, "CA", *["pending"] * 20)

    async def story(here: Live) -> None:
        await here.until(lambda s: fires(s) and s.alerts.mode == "writing")
        here.engine.pause()
        submit(AckAlert(here.engine.alerts.desk, "queue", "CA"), read_only=False, by="ann")
        here.engine._alert([])
        here.engine.resume()
        await here.until(lambda s: s.alerts.active and s.alerts.active[0].acked_by == "ann")

    live(engine(tmp_path), story)
    assert [row["what"] for row in read_log(str(tmp_path / ".bluetop"))].count("ack") == 1


def test_a_schedule_passes_over_a_name_that_it_has_not():
    schedule = Schedule(0.0)
    schedule.soon("nobody", 1.0)
    assert schedule.take(2.0) == []


def test_what_cannot_be_kept_stays_the_same_alert_while_it_is_tried_again(tmp_path):
    (tmp_path / ".bluetop").write_text("not a folder")
    here = Living(QUEUE, root=tmp_path)
    here.calm(queue("CA", pending=20))
    here.run(2)
    since = here.alert("queue").since
    here.keep(again=True)
    here.run(3)
    assert here.alert("queue").since == since
    assert here.told() == [("firing", "queue", "CA")]


LONG_SILENCE = {"what": "request", "op": "silence", "id": "s", "match": {}, "by": "x", "comment": "c"}
HOSTILE = [
    {"what": "transition", "to": "resolved", "rule": "q", "severity": "low", "id": "1", "threshold": 10**400},
    {"what": "transition", "to": "resolved", "rule": [], "severity": {}, "id": None, "value": "x"},
    {"what": "transition", "to": "firing", "id": ["1"], "text": 7, "at": "9999-99-99"},
    {"what": "request", "op": "ack", "rule": "queue", "subject": "CA"},
    {"what": "request", "op": "silence", "id": "s", "match": {}, "until": "2099-01-01T00:00:00Z", "by": "x"},
    {"what": "request", "op": "silence", "id": "s", "match": [], "until": 1e400, "by": "x", "comment": "c"},
    {**LONG_SILENCE, "until": "9999-01-01T00:00:00Z"},
    {"what": "request", "op": ["ack"], "rule": "queue", "subject": "CA", "by": "x"},
    {"from": [], "batch": 1}, {"n": 10**40, "what": "x"}, {"n": True}, {"what": "request"}, {},
]  # fmt: skip


def test_lines_of_anybody_end_nothing_and_do_only_what_is_whole(tmp_path):
    here = Living(QUEUE, root=tmp_path)
    here.calm(queue("CA", pending=20))
    here.run(2)
    with (tmp_path / ".bluetop" / LOG).open("ab") as log:
        for line in HOSTILE:
            log.write(json.dumps(line).encode() + b"\n")
        log.write(b'{"what":"request","op":"silence","id":"odd","match":{},"until":"2026-06-01T00:00:00Z","by":"bob",'
                  b'"comment":"\\ud800 why","n":99999999999999999999,"junk":"' + b"x" * 99 + b'"}\n')  # fmt: skip
    here.run(2)
    assert here.states() == {("queue", "CA"): "firing"}
    assert [(s.id, s.by) for s in here.alerts.silences] == [("odd", "bob")]
    here.end()
    mine = [row for row in read_log(str(tmp_path / ".bluetop")) if row.get("from") == here.live.lines.token]
    assert max(row["n"] for row in mine) < 100
    assert "junk" not in mine[-1]
    later = Living(QUEUE, root=tmp_path, at=here.at + 5, wall=here.clock.wall() + 5)
    later.calm(queue("CA", pending=20))
    later.run(2)
    assert later.told() == []
    later.end()


@pytest.mark.parametrize("change", [
    {"heard": 7}, {"heard": ["", "x"]}, {"unlogged": 5}, {"unlogged": [7]}, {"n": -1}, {"n": "3"},
])  # fmt: skip
def test_a_state_with_odd_surroundings_is_set_aside(tmp_path, change):
    here = Living(QUEUE, root=tmp_path)
    here.calm(queue("CA", pending=20))
    here.run(2)
    here.end()
    path = tmp_path / ".bluetop" / STATE
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    store = AlertStore([str(path.parent)], str(tmp_path), FakeClock(), write=True)
    opened = store.open()
    assert (opened.mode, opened.state) == ("writing", "")
    assert "could not be used" in opened.problem
    assert list(path.parent.glob(f"{STATE}.corrupt-*"))
    store.close()


@pytest.mark.parametrize("change", [
    ('"since":', '"since":1e300,"x":'), ('"wall":', '"wall":-1e300,"x":'), ('"last":', '"last":-1e299,"x":'),
    ('"op":">"', '"op":"~"'), ('"severity":"medium"', '"severity":"grave"'),
])  # fmt: skip
def test_a_state_with_absurd_values_is_none(change):
    engine = AlertEngine([QUEUE])
    engine.sample(5.0, "queue_length", "agent", "CA", 20.0)
    engine.settle()
    text = saved.encoded(saved.save(engine, wall=WALL, boot="b"))
    assert saved.decoded(text).series
    assert change[0] in text
    with pytest.raises(saved.StateError):
        saved.decoded(text.replace(*change))


def test_a_file_that_lies_where_the_new_state_is_written_is_not_written_through(tmp_path):
    other = tmp_path / "other"
    other.write_text("precious")
    folder = tmp_path / "ws" / ".bluetop"
    folder.mkdir(parents=True)
    os.link(other, folder / NEW)
    store = AlertStore([str(folder)], str(tmp_path / "ws"), FakeClock(), write=True)
    store.open()
    store.keep([], "{}")
    assert other.read_text() == "precious"
    assert (folder / STATE).exists()
    store.close()


def test_a_folder_that_is_removed_while_it_is_used_is_begun_anew(tmp_path):
    here = Living(QUEUE, root=tmp_path)
    here.calm(queue("CA", pending=20))
    here.run(2)
    for path in (tmp_path / ".bluetop").iterdir():
        path.unlink()
    (tmp_path / ".bluetop").rmdir()
    assert here.store is not None
    with pytest.raises(OSError, match="moved or removed"):
        here.store.news()
    assert not here.store.opened
    here.keep(again=True)
    here.run(2)
    assert here.alerts.mode == "writing"
    assert here.states() == {("queue", "CA"): "firing"}
    assert here.told() == [("firing", "queue", "CA")]
    assert (tmp_path / ".bluetop" / STATE).exists()
    here.end()


def test_no_line_of_a_burst_is_missing():
    keeping = Keeping({"write": True})
    keeping.mode = "writing"
    for number in range(30):
        keeping.add([{"what": "transition", "x": n} for n in range(1000)], f'{{"n":{number}}}', 0.0)
    assert len(keeping.take()["lines"]) == 30_000
    keeping.answered("writing", "/f", "", refused=False)
    keeping.add([{"x": n} for n in range(60_000)], "", 0.0)
    sent = keeping.take()["lines"]
    assert sent[0]["lines"] == 10_000
    assert len(sent) == 50_001


def test_a_batch_that_nobody_lives_to_answer_does_not_hold_up_the_next():
    keeping = Keeping({"write": True})
    keeping.mode = "writing"
    keeping.add([{"x": 1}], "", 0.0)
    first = keeping.take()
    keeping.add([{"x": 2}], "", 1.0)
    assert [keeping.take() for _ in range(3)] == [first] * 3
    assert [line.get("x") for line in keeping.take()["lines"]] == [None, 2]


def test_an_agent_that_went_while_nothing_ran_is_gone(tmp_path):
    here = Living(QUEUE, root=tmp_path)
    here.calm(queue("CA", pending=20), queue("CB", pending=20), queue("WA", pending=20))
    here.run(2)
    here.end()
    later = Living(QUEUE, root=tmp_path, at=here.at + 5, wall=here.clock.wall() + 5)
    later.calm(queue("CB", pending=20), queue("WA", pending=20, state="decommissioned"))
    later.run(2)
    assert later.states() == {("queue", "CB"): "firing"}
    assert {alert.reason for alert in later.alerts.history} == {"gone"}
    later.end()


def test_agents_that_come_and_go_leave_nothing_behind():
    engine = AlertEngine([QUEUE, Rule("full", "queue_length", 10, "agent", aggregate="min", window_s=60)])
    for number in range(4000):
        t = float(number)
        engine.sample(t, "queue_length", "agent", f"A{number}", 20.0)
        if number >= 50:
            engine.gone(t, "agent", f"A{number - 50}")
        engine.settle()
    assert len(engine.series) == 50
    assert len(engine.agenda.heap) < 5000


def test_what_is_read_late_does_not_tell_again_and_keeps_what_was_acknowledged(tmp_path):
    first = Living(QUEUE, root=tmp_path)
    first.calm(queue("CA", pending=20))
    first.run(2)
    kept = first.alert("queue").id
    first.end()
    late = Living(QUEUE, root=tmp_path, at=first.at + 5, wall=first.clock.wall() + 5)
    keep, late.keep = late.keep, lambda: None
    late.calm(queue("CA", pending=20), queue("CB", pending=20))
    late.run(14)
    assert late.states() == {("queue", "CA"): "firing", ("queue", "CB"): "firing"}
    submit(AckAlert(late.live.desk, "queue", "CB"), read_only=False, by="ann")
    told = late.told()
    late.keep = keep
    keep()
    late.run(3)
    assert late.told() == told
    alerts = {alert.subject: alert for alert in late.alerts.active}
    assert alerts["CA"].id == kept
    assert alerts["CB"].acked_by == "ann"
    late.end()


def test_half_a_line_that_a_full_disk_took_is_taken_back(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b'{"n": 1}\n')
    fd = os.open(path, os.O_RDWR | os.O_APPEND)
    real = os.write
    calls = []

    def short(target, data):
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(28, "no space left")
        return real(target, data[:5])

    os.write = short
    try:
        with pytest.raises(OSError, match="no space"):
            append(fd, [{"n": 2}])
    finally:
        os.write = real
        os.close(fd)
    assert path.read_bytes() == b'{"n": 1}\n'


def test_while_paused_agents_neither_resolve_nor_fire_for_want_of_samples():
    here = Living(Rule("queue", "queue_length", 15, "agent", on_missing="resolve"))
    here.calm(queue("CA", pending=20))
    here.run(2)
    for _ in range(60):
        here.at += 1.0
        here.clock.advance(1.0)
        here.alerts = here.live.take([memory(here.at)], here.snapshot, here.at, here.clock.wall(), quiet=True)
    assert here.states() == {("queue", "CA"): "firing"}
    here.tick(queues(here.at + 1, queue("CA", pending=22)))
    assert here.told() == [("firing", "queue", "CA")]
