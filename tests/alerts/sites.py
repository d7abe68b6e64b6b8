"""Servers, jobs and owners for the tests of couriers: real ones, on this host. Nothing here is a test."""

import contextlib
import json
import os
import queue
import select
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from core.alerts import outbox
from core.alerts.grouping import Group, message
from tests.alerts.test_grouping import note

WAIT_S = 20.0  # for what is certain to come; a test that waits so long has failed
ROOT = str(Path(__file__).parents[2])
# Of a server for localhost, made for this test and used nowhere else.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgsNmxrHBjSMvbyOkP
GLdYQulXmOZaXCM+coD+pPYr526hRANCAAT3awccjv3HqbO7BpwYjgErdWKT6het
I86jluC5zVutPot5zuLKYx/6fDPre2o4OtRD094dm3UOSOdOVc8Ocd2Q
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUF5caB3BIJBoHeGi/JmnqOR4h0lowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDA5NTQ0NloYDzIxMjYxMDMx
MDk1NDQ2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT3awccjv3HqbO7BpwYjgErdWKT6hetI86jluC5zVutPot5zuLKYx/6
fDPre2o4OtRD094dm3UOSOdOVc8Ocd2Qo2kwZzAdBgNVHQ4EFgQUDYwRmWpAAKFC
+gCN7ztTh9mZk6YwHwYDVR0jBBgwFoAUDYwRmWpAAKFC+gCN7ztTh9mZk6YwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIgOCMqbqGhY6BiRqmURkRT3nKxW5IMXMZUzQSU0Os1pdECIQCVaCk80Z19
SUxZnBKIUhz/PgTEnRDEP9cwe70UGvHn0Q==
-----END CERTIFICATE-----
"""


class Request(NamedTuple):
    """What a server was asked."""

    path: str
    headers: dict[str, str]
    body: Any


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        site = self.server.site
        with site.lock:
            answer = site.answers.pop(0) if len(site.answers) > 1 else site.answers[0]
            site.open += 1
            site.most = max(site.most, site.open)
        site.requests.put(Request(self.path, dict(self.headers), json.loads(body)))
        try:
            if callable(answer):
                answer(self, site)
            else:
                self.send_response(answer)
                self.end_headers()
        except OSError:
            return  # the courier has gone away
        finally:
            with site.lock:
                site.open -= 1

    def log_message(self, *_: object) -> None:
        return


class _Server(ThreadingHTTPServer):
    site: "Site"

    def handle_error(self, *_: object) -> None:
        return


class Site:
    """A server on this host that gives its answers in turn, and the last one again and again.

    An answer is a status or a function of the handler. `requests` are what it was asked, `most` how
    many at the same time. `released` is what slow answers wait for.
    """

    def __init__(self, *answers: int | Callable[[Any, "Site"], None], tls: str = "") -> None:
        self.answers = list(answers) or [200]
        self.requests: queue.Queue[Request] = queue.Queue()
        self.lock = threading.Lock()
        self.open = self.most = 0
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.site = self
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()

    def url(self, path: str = "/hook", user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.port}{path}"

    def asked(self) -> Request:
        """The next request; waits for it."""
        return self.requests.get(timeout=WAIT_S)

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def silent(_: Any, site: Site) -> None:
    """An answer that never comes."""
    site.released.wait(WAIT_S)


def after_release(handler: Any, site: Site) -> None:
    """200, but not before the test wants it."""
    site.released.wait(WAIT_S)
    handler.send_response(200)
    handler.end_headers()


def refusal_after_release(handler: Any, site: Site) -> None:
    site.released.wait(WAIT_S)
    handler.send_response(503)
    handler.end_headers()


def raw(data: bytes) -> Callable[[Any, Site], None]:
    """Answers with bytes of the test's own."""
    return lambda handler, _site: handler.wfile.write(data)


def trickle(handler: Any, site: Site) -> None:
    """A header that never ends, a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not site.released.wait(0.01):
        handler.wfile.write(b"x")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def job(**more: Any) -> dict[str, Any]:
    """A job as the outbox makes it, with pauses of milliseconds."""
    told = message(Group((note(),), 3), 1_780_000_000.0)
    plain: dict[str, Any] = {"channel": "ops", "log": "", "message": told, "timeout_s": 5.0,
        "backoff_s": [0.001, 0.001], "grace_s": 0.05, "life_s": 20.0}  # fmt: skip
    return plain | more


def web(url: str, **more: Any) -> dict[str, Any]:
    return job(kind="webhook", url=url, headers=more.pop("headers", {}), **more)


def hook(*command: str, **more: Any) -> dict[str, Any]:
    return job(kind="hook", command=list(command), **more)


def result_of(started: outbox.Started) -> dict[str, Any]:
    """What the courier says; waits for it."""
    assert select.select([started.result], [], [], WAIT_S)[0], "the courier says nothing"
    said: dict[str, Any] = json.loads(os.read(started.result, 4096) or b"null")
    return said


def ended(started: outbox.Started) -> int:
    """Its exit status; waits for it."""
    return os.waitstatus_to_exitcode(os.waitpid(started.pid, 0)[1])


def own(started: outbox.Started) -> None:
    """What the owner does once it has the result."""
    os.write(started.life, b"+")
    let_go(started)


def let_go(started: outbox.Started) -> None:
    """What is left of an owner that is gone."""
    os.close(started.result)
    os.close(started.life)


def carry(work: dict[str, Any]) -> dict[str, Any]:
    """The result of a job, from an owner that lives."""
    started = outbox.start(json.dumps(work))
    try:
        result = result_of(started)
    finally:
        own(started)
        status = ended(started)
    assert status == 0
    return result


def script(folder: Path, text: str, name: str = "hook.sh") -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def couriers(box: outbox.Outbox) -> list[int]:
    return [courier.started.pid for courier in box._couriers]


def finish(box: outbox.Outbox) -> list[outbox.Delivery]:
    """Turn whenever there is something to read or to reap, until no courier is under way."""
    ended: list[outbox.Delivery] = []
    while couriers(box):
        if box.descriptors:
            assert select.select(box.descriptors, [], [], WAIT_S)[0], "no courier says anything"
        for courier in box._couriers:
            if courier.told:
                os.waitid(os.P_PID, courier.started.pid, os.WEXITED | os.WNOWAIT)
        ended += box.turn()
    return ended


def told(server: Site) -> list[str]:
    """The ids in the next message that a server is sent."""
    return [alert["id"] for alert in server.asked().body["alerts"]]


def descriptors() -> int:
    """How many are open; without sockets, since the servers are in this process too."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            count += not os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    return count


def children() -> set[int]:
    """This process's children, zombies too."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


class Brood:
    """The processes that a test starts, as opposed to those that were there before."""

    def __init__(self) -> None:
        self._before = children()

    def __len__(self) -> int:
        return len(children() - self._before)

    def wait(self) -> None:
        """Until all have ended."""
        for pid in children() - self._before:
            os.waitpid(pid, 0)
