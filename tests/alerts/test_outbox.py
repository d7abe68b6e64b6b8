"""The outbox with real couriers and a clock that stands still: who is told, when, and what never waits."""

import contextlib
import json
import os
import queue
import select
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.alerts.outbox import AT_ONCE, LOOK_S, PATIENCE, Delivery, Outbox, Patience
from core.config import Hook, Webhook
from tests.alerts.sites import (
    WAIT_S,
    Brood,
    Site,
    after_release,
    couriers,
    descriptors,
    finish,
    free_port,
    refusal_after_release,
    silent,
    told,
)
from tests.alerts.test_grouping import note
from tests.fakes import FakeClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches processes through /proc")

QUICK = Patience(timeout_s=5.0, backoff_s=(0.001, 0.001), grace_s=0.05)


@pytest.fixture
def site() -> Iterator[Callable[..., Site]]:
    with contextlib.ExitStack() as made:
        yield lambda *answers: made.enter_context(Site(*answers))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def outbox(clock: FakeClock) -> Iterator[Callable[..., Outbox]]:
    """Makes outboxes; kills the couriers that a test leaves under way."""
    made: list[Outbox] = []

    def make(*channels: Webhook | Hook, **more: Any) -> Outbox:
        made.append(Outbox(channels, clock, **({"patience": QUICK} | more)))
        return made[-1]

    yield make
    for box in made:
        for pid in couriers(box):
            os.kill(pid, signal.SIGKILL)
        for pid in couriers(box) + box._killed:
            os.waitpid(pid, 0)
        for courier in box._couriers:
            if not courier.told:
                os.close(courier.started.result)
                os.close(courier.started.life)


@pytest.fixture
def brood() -> Brood:
    return Brood()


def test_first_note_goes_at_once_and_the_next_ones_together_ten_seconds_later(site, clock, outbox):
    server = site(200)
    box = outbox(Webhook("ops", server.url()))
    assert box.due is None
    box.put([note("a1")])
    assert box.due == 0.0
    assert box.turn() == []
    assert told(server) == ["a1"]
    box.put([note("a2")])
    assert finish(box) == [Delivery("ops", True, 1, 1, "")]
    box.put([note("a2", what="resolved"), note("a3", "critical")])
    assert (box.turn(), couriers(box), box.due) == ([], [], clock.now() + 10)
    clock.advance(10)
    box.turn()
    assert told(server) == ["a3", "a2", "a2"]
    assert finish(box) == [Delivery("ops", True, 1, 3, "")]
    assert box.due is None


def test_message_says_when_and_where_from(site, clock, outbox):
    server = site(200)
    box = outbox(Webhook("ops", server.url()))
    box.put([note(str(number)) for number in range(25)])
    box.turn()
    body = server.asked().body
    assert {key: body[key] for key in body if key != "alerts"} == {
        "schema": "bluetop.alerts.message/1", "host": "build-7", "workspace": "/w",
        "sent_at": "2026-05-28T20:26:40Z", "count": 25, "more": 5,
    }  # fmt: skip
    assert len(body["alerts"]) == 20
    assert finish(box) == [Delivery("ops", True, 1, 25, "")]


def test_each_channel_hears_of_its_severities_only_and_one_that_is_off_of_nothing(site, outbox):
    all_of_it, worst, off = site(200), site(200), site(200)
    box = outbox(
        Webhook("all", all_of_it.url()),
        Webhook("worst", worst.url(), severity="critical"),
        Webhook("off", off.url(), enabled=False),
    )
    box.put([note("high", "high"), note("info", "info")])
    box.turn()
    assert told(all_of_it) == ["high", "info"]
    finish(box)
    box.put([note("critical", "critical")])
    box.turn()
    assert told(worst) == ["critical"]
    finish(box)
    assert off.requests.empty()


def test_turn_returns_while_a_dead_channel_is_under_way(site, clock, outbox):
    server = site(silent)
    box = outbox(Webhook("dead", server.url()))
    box.put([note()])
    assert box.turn() == []
    server.asked()
    assert box.turn() == []
    assert len(couriers(box)) == 1
    assert box.due == clock.now() + LOOK_S


def test_two_couriers_at_most_and_never_two_of_one_channel(site, clock, outbox):
    server = site(after_release)
    box = outbox(*(Webhook(f"ops{number}", server.url(f"/{number}")) for number in range(4)))
    for step in range(4):
        box.put([note(f"a{step}")])
        box.turn()
        clock.advance(4)
    assert len(couriers(box)) == AT_ONCE
    assert {server.asked().path, server.asked().path} == {"/0", "/1"}
    server.released.set()
    done = [delivery.channel for delivery in finish(box)]
    assert set(done[:2]) == {"ops0", "ops1"}
    assert set(done[2:]) == {"ops0", "ops1", "ops2", "ops3"}
    assert server.most <= AT_ONCE


def test_a_channel_that_is_under_way_waits_though_there_is_a_courier_to_spare(site, clock, outbox):
    server = site(after_release)
    box = outbox(Webhook("ops", server.url()))
    box.put([note("a1")])
    box.turn()
    clock.advance(10)
    box.put([note("a2")])
    box.turn()
    assert len(couriers(box)) == 1
    assert box.due == clock.now() + LOOK_S
    server.released.set()
    assert [delivery.alerts for delivery in finish(box)] == [1, 1]


def test_what_waits_for_a_dead_channel_is_bounded_and_counted(site, clock, outbox):
    server = site(refusal_after_release, 200)
    box = outbox(Webhook("dead", server.url()), patience=QUICK._replace(backoff_s=()))
    box.put([note()])
    box.turn()
    server.asked()
    for number in range(1000):
        box.put([note(f"n{number}", "low")])
    assert len(box._channels[0].grouping) == 200
    clock.advance(10)
    server.released.set()
    first, second = finish(box)
    assert (first.ok, first.alerts) == (False, 1)
    assert (second.ok, second.alerts) == (True, 1000)
    body = server.asked().body
    assert (body["count"], body["more"], body["alerts"][0]["id"]) == (1000, 980, "n800")


def test_a_failure_is_returned_with_a_problem_that_may_be_logged_and_is_left_to_the_owner(tmp_path, outbox):
    log = tmp_path / "alerts.jsonl"
    log.touch()
    url = f"http://ann:t0ken@127.0.0.1:{free_port()}/t0ken?t0ken"
    box = outbox(Webhook("ops", url, headers={"X-Key": "t0ken"}), log_path=str(log))
    box.put([note()])
    box.turn()
    assert finish(box) == [Delivery("ops", False, 3, 1, "http://127.0.0.1: Connection refused")]
    assert log.read_text() == ""


def test_a_hook_is_a_channel_like_another(tmp_path, outbox):
    out = tmp_path / "out"
    box = outbox(Hook("pager", ("sh", "-c", 'cat > "$0"', str(out))))
    box.put([note("a1")])
    box.turn()
    assert finish(box) == [Delivery("pager", True, 1, 1, "")]
    assert json.loads(out.read_text())["alerts"][0]["id"] == "a1"


def test_a_courier_that_dies_is_a_failure_and_the_channel_goes_on(site, clock, outbox):
    server = site(silent, 200)
    box = outbox(Webhook("ops", server.url()))
    box.put([note()])
    box.turn()
    server.asked()
    # The process of its try lives on for a while, but does not hold the result open.
    os.kill(couriers(box)[0], signal.SIGKILL)
    os.waitid(os.P_PID, couriers(box)[0], os.WEXITED | os.WNOWAIT)
    assert select.select(box.descriptors, [], [], QUICK.timeout_s / 2)[0]
    assert finish(box) == [Delivery("ops", False, 0, 1, "the courier ended without a result")]
    clock.advance(10)
    box.put([note()])
    box.turn()
    assert finish(box) == [Delivery("ops", True, 1, 1, "")]


def wait_out(box: Outbox, clock: FakeClock, seconds: float) -> list[Delivery]:
    """Let time pass as an owner does that turns about once a second."""
    ended: list[Delivery] = []
    while seconds > 0:
        clock.advance(min(seconds, 2.0))
        seconds -= 2.0
        ended += box.turn()
    return ended


def test_an_overdue_courier_is_killed(site, clock, outbox):
    server = site(silent)
    box = outbox(Webhook("ops", server.url()))
    box.put([note()])
    box.turn()
    server.asked()
    pid = couriers(box)[0]
    assert wait_out(box, clock, PATIENCE.life_s) == []
    late = [Delivery("ops", False, 0, 1, "the courier did not end in time and was killed")]
    assert wait_out(box, clock, 10.0) == late
    assert couriers(box) == []
    with contextlib.suppress(ChildProcessError):  # it was reaped already
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert box.turn() == []
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, 0)


def test_a_courier_that_slept_with_the_machine_is_not_overdue(site, clock, outbox):
    server = site(after_release)
    box = outbox(Webhook("ops", server.url()))
    box.put([note()])
    box.turn()
    server.asked()
    clock.advance(8 * 3600)
    assert box.turn() == []
    server.released.set()
    assert finish(box) == [Delivery("ops", True, 1, 1, "")]


def test_where_no_courier_can_be_started_it_is_tried_three_times(clock, outbox, monkeypatch):
    box = outbox(Hook("ops", ("true",)), patience=Patience(backoff_s=(1.0, 2.0)))
    before = descriptors()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/no/such/python")
        box.put([note()])
        assert box.turn() == []
        assert box.due == clock.now() + 1.0
        clock.advance(1.0)
        assert box.turn() == []
        clock.advance(2.0)
        assert box.turn() == [
            Delivery("ops", False, 0, 1, "no courier could be started: No such file or directory")
        ]
        assert box.due is None
        clock.advance(10.0)
        box.put([note()])
        assert box.turn() == []
    assert descriptors() == before
    clock.advance(1.0)
    box.turn()
    assert finish(box) == [Delivery("ops", True, 1, 1, "")]


def test_nothing_is_left_open_or_unreaped(site, clock, outbox, brood):
    server = site(200)
    box = outbox(Webhook("ops", server.url()), Hook("hook", ("false",)))
    before = descriptors()
    box.put([note()])
    box.turn()
    assert len(finish(box)) == 2
    assert descriptors() == before
    assert len(brood) == 0


def test_close_hands_over_everything_at_once_and_within_the_limits(site, clock, outbox, brood):
    server = site(after_release)
    box = outbox(*(Webhook(f"ops{number}", server.url(f"/{number}")) for number in range(4)))
    before = descriptors()
    box.put([note("first")])
    box.turn()
    assert {server.asked().path, server.asked().path} == {"/0", "/1"}
    box.put([note("last", what="resolved")])
    assert box.close() == []
    assert couriers(box) == []
    assert descriptors() == before
    assert len(brood) == 6
    server.released.set()
    brood.wait()
    rest = [server.asked() for _ in range(4)]
    assert sorted((request.path, len(request.body["alerts"])) for request in rest) == [
        ("/0", 1), ("/1", 1), ("/2", 2), ("/3", 2),
    ]  # fmt: skip
    assert server.requests.empty()
    assert server.most <= AT_ONCE


def test_close_lets_a_channel_that_is_under_way_come_first(site, outbox, brood):
    server = site(after_release)
    box = outbox(Webhook("ops", server.url()))
    box.put([note("a1")])
    box.turn()
    assert told(server) == ["a1"]
    box.put([note("a2")])
    box.close()
    with pytest.raises(queue.Empty):
        server.requests.get(timeout=0.2)
    server.released.set()
    assert told(server) == ["a2"]
    brood.wait()


def test_close_does_not_wait_for_the_next_ten_seconds(site, outbox, brood):
    server = site(200)
    box = outbox(Webhook("ops", server.url()))
    box.put([note("a1")])
    box.turn()
    assert finish(box)
    box.put([note("a2")])
    assert box.close() == []
    assert (told(server), told(server)) == (["a1"], ["a2"])
    brood.wait()


def test_after_close_each_courier_logs_its_own_failure_once(site, tmp_path, outbox, brood):
    server = site(refusal_after_release, 404)
    log = tmp_path / "alerts.jsonl"
    log.touch()
    channels = (Webhook("ops", server.url()), Hook("pager", ("false",)), Hook("other", ("false",)))
    box = outbox(*channels, log_path=str(log), patience=QUICK._replace(backoff_s=()))
    box.put([note()])
    box.turn()
    server.asked()
    box.put([note()])
    ended = box.close()
    server.released.set()
    brood.wait()
    logged = [json.loads(line)["channel"] for line in log.read_text().splitlines()]
    assert sorted(logged + [delivery.channel for delivery in ended]) == [
        "ops",
        "ops",
        "other",
        "pager",
        "pager",
    ]


def test_close_returns_what_has_ended_by_then(outbox, tmp_path, brood):
    log = tmp_path / "alerts.jsonl"
    log.touch()
    box = outbox(Hook("ops", ("false",)), log_path=str(log))
    box.put([note()])
    box.turn()
    assert select.select(box.descriptors, [], [], WAIT_S)[0]
    assert box.close() == [Delivery("ops", False, 3, 1, "false: exit status 1")]
    brood.wait()
    assert log.read_text() == ""


def test_after_close_nothing_is_taken_any_more(outbox):
    box = outbox(Hook("ops", ("false",)))
    box.close()
    box.put([note()])
    assert (box.turn(), box.due, box.close()) == ([], None, [])


def test_close_tells_also_what_could_not_be_started_before(site, outbox, monkeypatch, brood):
    server = site(200)
    box = outbox(Webhook("ops", server.url()))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/no/such/python")
        box.put([note("a1")])
        box.turn()
    box.put([note("a2")])
    assert box.close() == []
    brood.wait()
    assert (told(server), told(server)) == (["a1"], ["a2"])
