"""The courier as its owner sees it: a real process and real servers; time passes only in deadlines."""

import contextlib
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.alerts import courier, outbox
from tests.alerts.sites import (
    CERTIFICATE,
    ROOT,
    WAIT_S,
    Site,
    after_release,
    carry,
    ended,
    free_port,
    hook,
    job,
    let_go,
    own,
    raw,
    refusal_after_release,
    result_of,
    silent,
    trickle,
    web,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches processes through /proc and pidfd")


@pytest.fixture
def site() -> Iterator[Callable[..., Site]]:
    with contextlib.ExitStack() as made:
        yield lambda *answers, **more: made.enter_context(Site(*answers, **more))


# Webhooks


def test_message_is_posted_as_json_with_the_headers_of_the_channel(site):
    server = site(204)
    work = web(server.url("/a/b?c=%20d"), headers={"X-Key": "s3cret", "content-TYPE": "application/x-alerts"})
    assert carry(work) == {"ok": True, "tries": 1, "problem": ""}
    asked = server.asked()
    assert asked.path == "/a/b?c=%20d"
    assert asked.body == work["message"]
    assert asked.headers["X-Key"] == "s3cret"
    assert asked.headers["content-TYPE"] == "application/x-alerts"
    assert asked.headers["User-Agent"].startswith("bluetop/")


def test_an_error_of_the_server_is_tried_again(site):
    server = site(500, 200)
    assert carry(web(server.url())) == {"ok": True, "tries": 2, "problem": ""}


def test_after_three_tries_it_is_a_failure(site):
    server = site(500)
    result = carry(web(server.url()))
    assert result == {
        "ok": False,
        "tries": 3,
        "problem": "http://127.0.0.1: answered 500 Internal Server Error",
    }
    assert server.requests.qsize() == 3


def test_a_refusal_is_not_tried_again(site):
    server = site(404)
    assert carry(web(server.url())) == {
        "ok": False,
        "tries": 1,
        "problem": "http://127.0.0.1: answered 404 Not Found",
    }
    assert server.requests.qsize() == 1


@pytest.mark.parametrize(
    ("status", "ok", "again"),
    [(200, True, True), (202, True, True), (301, False, False), (400, False, False), (401, False, False),
     (408, False, True), (410, False, False), (429, False, True), (500, False, True), (503, False, True),
     (599, False, True)],
)  # fmt: skip
def test_what_a_status_means(site, status, ok, again):
    outcome = courier.post(site(status).url(), {}, b"{}", 5.0)
    assert outcome.ok is ok
    assert outcome.again is again or ok


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(site, status):
    other = site(200)

    def elsewhere(handler: Any, _: Site) -> None:
        handler.send_response(status)
        handler.send_header("Location", other.url("/stolen"))
        handler.end_headers()

    outcome = courier.post(site(elsewhere).url(), {"X-Key": "s3cret"}, b"{}", 5.0)
    assert not outcome.ok
    assert "redirects are not followed" in outcome.problem
    assert other.requests.empty()


def test_nobody_listens():
    result = carry(web(f"http://127.0.0.1:{free_port()}/x"))
    assert result == {"ok": False, "tries": 3, "problem": "http://127.0.0.1: Connection refused"}


@pytest.mark.parametrize("answer", [silent, trickle])
def test_a_try_has_so_much_time_and_no_more(site, answer):
    server = site(answer)
    result = carry(web(server.url(), timeout_s=0.1, backoff_s=[0.001]))
    assert result == {"ok": False, "tries": 2, "problem": "http://127.0.0.1: no answer within 0.1 s"}


def test_a_server_that_accepts_and_says_nothing_is_left():
    with socket.create_server(("127.0.0.1", 0), backlog=5) as listening:  # nobody ever accepts
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        assert (
            carry(web(url, timeout_s=0.1, backoff_s=[]))["problem"]
            == "http://127.0.0.1: no answer within 0.1 s"
        )


def test_a_silent_server_that_recovers_is_reached_by_the_next_try(site):
    assert carry(web(site(silent, 200).url(), timeout_s=0.3))["ok"]


def test_proxies_of_the_environment_are_not_used(site, monkeypatch):
    proxy = site(200)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy.url("/"))
    server = site(200)
    assert carry(web(server.url()))["ok"]
    assert proxy.requests.empty()


def test_userinfo_of_the_address_becomes_basic_authorization(site):
    server = site(200)
    assert courier.post(server.url(user="ann:p%40ss@"), {}, b"{}", 5.0).ok
    assert server.asked().headers["Authorization"] == "Basic " + b64encode(b"ann:p@ss").decode()


def test_length_and_connection_are_not_the_channels_to_say(site):
    server = site(200)
    assert courier.post(
        server.url(), {"Content-Length": "99999", "transfer-encoding": "chunked"}, b"{}", 5.0
    ).ok
    assert server.asked().headers["Content-Length"] == "2"


def test_https_needs_a_certificate_that_is_trusted(site, tmp_path, monkeypatch):
    pem = tmp_path / "both.pem"
    pem.write_text(CERTIFICATE)
    url = site(200, tls=str(pem)).url("/t0ken").replace("http://127.0.0.1", "https://localhost")
    refused = courier.post(url, {}, b"{}", 5.0)
    assert refused.problem == "https://localhost: certificate not accepted: self-signed certificate"
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    assert carry(web(url)) == {"ok": True, "tries": 1, "problem": ""}


# Secrets

TOKEN = "t0ken"


def echo(handler: Any, _: Site) -> None:
    """Repeats what it was asked where an exception or a status line would quote it."""
    handler.wfile.write(f"{handler.path} {handler.headers['X-Key']}\r\n\r\n".encode())


def echo_reason(handler: Any, _: Site) -> None:
    handler.send_response(500, f"no {handler.path} for {handler.headers['X-Key']}")
    handler.end_headers()


@pytest.mark.parametrize("answer", [500, 302, echo, echo_reason, raw(b""), raw(b"HTTP/1.1 t0ken\r\n\r\n")])
def test_no_answer_makes_a_problem_tell_a_secret(site, answer):
    server = site(answer)
    url = server.url(f"/{TOKEN}/x?key={TOKEN}#{TOKEN}", user=f"ann{TOKEN}:{TOKEN}@")
    outcome = courier.post(url, {"X-Key": TOKEN}, b"{}", 5.0)
    assert not outcome.ok
    assert TOKEN not in outcome.problem
    assert outcome.problem.startswith("http://127.0.0.1: ")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:t0ken/", "http://127.0.0.1:1/t0ken\x01", "http://127.0.0.1:1/t0ken x", "http://[t0ken/",
     "http://t0ken:t0ken/x@127.0.0.1/", "http://127.0.0.1:1/\udc80t0ken", "http://127.0.0.1:99999/t0ken",
     "http://ann:t0ken@127.0.0.1:1/t0ken", "ftp://ann:t0ken@127.0.0.1/t0ken", "http:///t0ken", "t0ken"],
)  # fmt: skip
def test_no_address_makes_a_problem_tell_a_secret(url):
    outcome = courier.post(url, {}, b"{}", 5.0)
    assert not outcome.ok
    assert outcome.problem
    assert TOKEN not in outcome.problem


@pytest.mark.parametrize(
    "headers", [{"X-Key": "t0ken\r\nEvil: 1"}, {"X t0ken\n": "1"}, {"t0keñ": "1"}, {"X-Key": "t0ken\udc80"}]
)
def test_no_header_makes_a_problem_tell_a_secret(site, headers):
    server = site(200)
    outcome = courier.post(server.url(), headers, b"{}", 5.0)
    assert outcome == (False, "http://127.0.0.1: the address or a header cannot be sent", False)
    assert server.requests.empty()


def test_a_job_that_cannot_be_done_ends_in_a_result_without_its_text():
    assert carry(job(kind="webhook", url=7, headers={"X": TOKEN})) == {
        "ok": False, "tries": 1, "problem": "the courier met AttributeError"}  # fmt: skip


def test_arguments_and_environment_of_the_courier_hold_no_secret(site):
    server = site(after_release)
    started = outbox.start(json.dumps(web(server.url(f"/{TOKEN}"), headers={"X-Key": TOKEN})))
    server.asked()
    for name in ("cmdline", "environ"):
        assert TOKEN.encode() not in Path(f"/proc/{started.pid}/{name}").read_bytes()
    server.released.set()
    assert result_of(started)["ok"]
    own(started)
    assert ended(started) == 0


# The courier's own life


def test_owner_that_lives_is_waited_for_and_the_courier_logs_nothing(tmp_path):
    log = tmp_path / "alerts.jsonl"
    log.touch()
    result = carry(web(f"http://127.0.0.1:{free_port()}/", log=str(log), backoff_s=[]))
    assert not result["ok"]
    assert log.read_text() == ""


def test_owner_that_is_gone_is_answered_for(tmp_path):
    log = tmp_path / "alerts.jsonl"
    log.write_text('{"what": "torn')
    started = outbox.start(json.dumps(web(f"http://127.0.0.1:{free_port()}/{TOKEN}", log=str(log))))
    let_go(started)
    assert ended(started) == 0
    torn, line = log.read_text().splitlines()
    assert torn == '{"what": "torn'
    row = json.loads(line)
    assert row.pop("at").endswith("Z")
    assert row == {"what": "delivery_failed", "host": "build-7", "from": f"courier-{started.pid}",
        "channel": "ops", "alerts": 3, "problem": "http://127.0.0.1: Connection refused"}  # fmt: skip


def test_owner_that_was_told_but_went_before_it_said_so_is_answered_for(tmp_path):
    log = tmp_path / "alerts.jsonl"
    log.touch()
    started = outbox.start(json.dumps(hook("false", log=str(log), backoff_s=[])))
    assert not result_of(started)["ok"]
    let_go(started)
    assert ended(started) == 0
    assert len(log.read_text().splitlines()) == 1


def test_what_was_delivered_is_not_logged(site, tmp_path):
    log = tmp_path / "alerts.jsonl"
    log.touch()
    started = outbox.start(json.dumps(web(site(200).url(), log=str(log))))
    let_go(started)
    assert ended(started) == 0
    assert log.read_text() == ""


def test_only_a_log_that_is_a_regular_file_and_there_is_written(tmp_path):
    target = tmp_path / "target"
    target.touch()
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "fifo")
    missing = tmp_path / "missing"
    for place in (tmp_path / "link", tmp_path / "fifo", missing, tmp_path):
        failed = {"ok": False, "tries": 3, "problem": "x"}
        courier.note_failure(str(place), job(), failed)
    assert target.read_text() == ""
    assert not missing.exists()
    assert stat.S_ISFIFO(os.stat(tmp_path / "fifo").st_mode)


def test_the_end_of_the_terminal_is_not_its_end(site):
    server = site(after_release)
    started = outbox.start(json.dumps(web(server.url())))
    server.asked()
    assert os.getpgid(started.pid) == started.pid
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTSTP):
        os.killpg(started.pid, number)
    server.released.set()
    assert result_of(started)["ok"]
    own(started)
    assert ended(started) == 0


def test_it_never_lives_longer_than_it_may(site):
    started = outbox.start(json.dumps(web(site(silent).url(), timeout_s=1.0, life_s=0.1)))
    assert ended(started) == -signal.SIGALRM
    let_go(started)


def test_an_owner_that_never_answers_is_not_waited_for_longer_than_it_may_live():
    started = outbox.start(json.dumps(hook("false", backoff_s=[], life_s=0.3)))
    assert ended(started) == -signal.SIGALRM
    assert not result_of(started)["ok"]  # it is still there for the owner to read
    let_go(started)


OWNER = """
import sys
sys.path.insert(0, sys.argv[1])
from core.alerts.note import Note
from core.alerts.outbox import Outbox, Patience
from core.clock import Clock
from core.config import Webhook
box = Outbox([Webhook("ops", sys.argv[2])], Clock(), log_path=sys.argv[3], patience=Patience(5.0, (0.001, 0.001)))
box.put([Note("firing", "a1", "r", "cpu_percent", "host", "host", "high", 1.0, 0.0, "hot", "", "h", "/w", 0.0, None)])
box.turn()
print(box._couriers[0].started.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("answer", "lines"), [(after_release, 0), (refusal_after_release, 1)])
def test_what_an_owner_handed_over_before_it_was_killed_is_delivered_or_logged(site, tmp_path, answer, lines):
    server = site(answer)
    log = tmp_path / "alerts.jsonl"
    log.touch()
    arguments = [sys.executable, "-c", OWNER, ROOT, server.url(), str(log)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        courier_end = os.pidfd_open(int(owner.stdout.readline()))
        server.asked()
        owner.kill()
        owner.wait()
    server.released.set()
    assert select.select([courier_end], [], [], WAIT_S)[0]
    os.close(courier_end)
    assert server.requests.qsize() == (2 if lines else 0)
    assert [json.loads(line)["problem"] for line in log.read_text().splitlines()] == [
        "http://127.0.0.1: answered 503 Service Unavailable"
    ] * lines
