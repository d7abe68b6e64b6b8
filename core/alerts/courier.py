"""The program of a helper process that carries one message to one channel, and ends.

It is given a job (JSON, read to its end from a descriptor), tries a few times with pauses between
them, writes one line of JSON with the result, and is gone. Each try is a process of its own with a
deadline, so that whatever a try is stuck in (a name server, a peer that sends a byte a second, a
command that ignores SIGTERM) is ended by SIGKILL. Not for deciding what is told, and when: that is
`core.alerts.outbox`, which also says what is in a job.

Three descriptors, four if it has to wait for another courier; their numbers are its arguments:

    job      read to its end; nothing secret is ever in an argument list
    result   the result is written here
    life     the owner answers a failure with one byte, "I have it"; end of file: the owner is gone
    turn     end of file: the courier that goes before this one has ended

A courier outlives its owner, so that what was handed over at the end is still delivered. Exactly
one of the two notes a failure in the log: the owner, once it has said so on `life`, else the courier.

The text of a result is made here of the scheme, the host and words of our own. The texts of
exceptions and answers are never passed on: they may repeat the address or a header.
"""

import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from core.clock import SYSTEM_CLOCK
from core.prober.spawn import close_inherited, new_page
from core.text import clean, clean_line

PREFIX = "BLUETOP_ALERT_"

# What a command is spared of what this process ignores or handles.
_RESET = (signal.SIGHUP, signal.SIGINT, signal.SIGTSTP, signal.SIGPIPE, signal.SIGXFSZ)
_REAP_S = 1.0  # for a killed process to be gone, unless it is stuck in the kernel
_ANSWER_BYTES = 4096
_SAID_FD = 3  # in the process of a try
# Set by the length of the body; a second one of a channel's own would make the request ambiguous.
_OURS = frozenset(("content-length", "transfer-encoding", "connection"))


class Outcome(NamedTuple):
    """How one try ended. `again` says whether another one could end better."""

    ok: bool
    problem: str = ""
    again: bool = True


class Children:
    """Waits for child processes, with a deadline. One a process: it takes SIGCHLD for itself."""

    def __init__(self) -> None:
        self._woken, end = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(end, False)
        # A handler, not SIG_IGN: that, if inherited, would throw away the exit status.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(end, warn_on_full_buffer=False)

    def ended(self, pid: int, within_s: float) -> int | None:
        """The exit status (negative: the signal); None if it has not ended within the time."""
        until = SYSTEM_CLOCK.now() + within_s
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            left = until - SYSTEM_CLOCK.now()
            if left <= 0:
                return None
            self._pause(left)

    def end(self, pid: int, grace_s: float) -> None:
        """SIGTERM, then SIGKILL, to the whole group of `pid`, which leads one."""
        _to_group(pid, signal.SIGTERM)
        # Not reaped before SIGKILL is sent: until then the number cannot become another group's.
        self._pause(grace_s)
        _to_group(pid, signal.SIGKILL)
        self.ended(pid, _REAP_S)

    def _pause(self, seconds: float) -> None:
        """Until a child has ended since the last pause, but no longer than `seconds`."""
        select.select([self._woken], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 64)


def _to_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, of a zombie
        os.killpg(pid, number)


# Webhook


def origin(url: str) -> str:
    """What may be said of an address: scheme and host."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # with a port that is none, what stands for the host may be half a password
    except ValueError:
        return "the address"
    shown = f"[{host}]" if ":" in host else host
    return clean_line(f"{parts.scheme}://{shown}", 120)


def post(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Outcome:
    """POST `body`, once. `timeout_s` is for each step of it; the whole is ended from outside.

    Directly, never through a proxy: `http_proxy` and its like are set for other programs, and would
    hand the address and the headers to a third party that nobody named here. No redirect is
    followed, or those would go wherever an answer points. Who needs either has the command hook.
    """
    import http.client
    import socket
    import ssl

    where = origin(url)
    try:
        connection, target, sent = _request(url, headers, timeout_s)
        try:
            connection.request("POST", target, body=body, headers=sent)
            status = connection.getresponse().status
        finally:
            connection.close()
    except http.client.InvalidURL:
        return Outcome(False, f"{where}: this is no address that can be asked for", again=False)
    except http.client.RemoteDisconnected:
        return Outcome(False, f"{where}: closed the connection without an answer")
    except http.client.HTTPException:
        return Outcome(False, f"{where}: answered what is not HTTP")
    except ssl.SSLCertVerificationError as error:
        return Outcome(False, f"{where}: certificate not accepted: {clean_line(error.verify_message, 120)}")
    except ssl.SSLError as error:
        return Outcome(False, f"{where}: TLS failed ({clean_line(error.reason or 'no reason', 60)})")
    except socket.gaierror as error:
        return Outcome(False, f"{where}: {clean_line(error.strerror or 'the name cannot be resolved', 120)}")
    except TimeoutError:
        return Outcome(False, f"{where}: no answer within {timeout_s:g} s")
    except OSError as error:
        return Outcome(False, f"{where}: {os.strerror(error.errno) if error.errno else 'no connection'}")
    except ValueError:
        return Outcome(False, f"{where}: the address or a header cannot be sent", again=False)
    if 200 <= status < 300:
        return Outcome(True)
    phrase = http.client.responses.get(status, "")
    more = "; redirects are not followed" if 300 <= status < 400 else ""
    again = not 300 <= status < 500 or status in (408, 429)
    return Outcome(False, f"{where}: answered {status} {phrase}".rstrip() + more, again)


def _request(url: str, headers: Mapping[str, str], timeout_s: float) -> tuple[Any, str, dict[str, bytes]]:
    """The connection (not yet opened), what is asked for, and the headers.

    Raises:
        ValueError: the address cannot be used; its text may repeat the address.
    """
    import http.client
    import ssl
    from urllib.parse import quote, unquote_to_bytes, urlsplit

    from core import __version__

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    secure = parts.scheme == "https"
    port = parts.port if parts.port is not None else (443 if secure else 80)
    connection: http.client.HTTPConnection
    if secure:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.hostname, port, timeout=timeout_s, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, port, timeout=timeout_s)
    named = {"content-type": ("Content-Type", b"application/json")}
    named["user-agent"] = ("User-Agent", f"bluetop/{__version__}".encode())
    if parts.username is not None:
        import base64

        pair = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
        named["authorization"] = ("Authorization", b"Basic " + base64.b64encode(pair))
    for name, value in headers.items():
        if name.lower() not in _OURS:
            named[name.lower()] = (name, value.encode())
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = dict(named.values()) | {"Connection": b"close"}
    return connection, quote(target, safe="/?%:@!$&'()*+,;=~-._[]"), sent


def _posted(job: dict[str, Any], children: Children) -> Outcome:
    """One try of a webhook, in a process of its own."""
    readable, writable = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            _post_and_exit(job, writable)
        os.close(writable)
        if children.ended(pid, job["timeout_s"]) is None:
            os.kill(pid, signal.SIGKILL)
            children.ended(pid, _REAP_S)
            return Outcome(False, f"{origin(job['url'])}: no answer within {job['timeout_s']:g} s")
        said = os.read(readable, _ANSWER_BYTES)
    finally:
        os.close(readable)
    return Outcome(*json.loads(said)) if said else Outcome(False, f"{origin(job['url'])}: the try was ended")


def _post_and_exit(job: dict[str, Any], writable: int) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        # Nothing else stays open here: the owner is to see at once that a courier was killed.
        os.dup2(writable, _SAID_FD)
        close_inherited(_SAID_FD)
        # The kernel ends it even if the courier itself was killed, and whatever it is blocked in.
        signal.setitimer(signal.ITIMER_REAL, job["timeout_s"] + _REAP_S)
        outcome = post(job["url"], job["headers"], json.dumps(job["message"]).encode(), job["timeout_s"])
        os.write(_SAID_FD, json.dumps(outcome).encode())
    finally:
        os._exit(0)


# Command hook


def found(name: str) -> str:
    """The program that `name` stands for. Never one in the current directory that was not named as such.

    By hand, since `posix_spawnp` runs what it cannot execute with a shell on some systems.

    Raises:
        FileNotFoundError: there is none.
    """
    if "/" in name:
        return name
    for folder in os.get_exec_path():
        path = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError


def environment(channel: str, message: dict[str, Any]) -> dict[bytes, bytes]:
    """The owner's environment, and of the message its first alert: `PREFIX` and the key in capitals."""
    ours = {key: value for key, value in message.items() if key not in ("alerts", "schema")}
    ours |= message["alerts"][0] | {"channel": channel}
    prefix = PREFIX.encode()
    told = {name: value for name, value in os.environb.items() if not name.startswith(prefix)}
    for key, value in ours.items():
        text = "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)
        told[prefix + key.upper().encode()] = clean(text).encode()  # clean: no NUL, no surrogate
    return told


def _ran(job: dict[str, Any], children: Children) -> Outcome:
    """One try of a command hook: the argument vector as it stands, never a shell."""
    command = job["command"]
    if not command:
        return Outcome(False, "the channel names no command", again=False)
    name = clean_line(os.path.basename(command[0]), 60)
    told = environment(job["channel"], job["message"])
    # In memory, not in a pipe: one that the command does not read would hold the courier up.
    fd = new_page()
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(job["message"]).encode() + b"\n", 0)
        pid = _spawned(found(command[0]), command, told, fd)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "no such command"
        return Outcome(False, f"{name}: {reason}", not isinstance(error, FileNotFoundError | PermissionError))
    except ValueError:
        return Outcome(False, f"{name}: an argument cannot be passed on", again=False)
    finally:
        os.close(fd)
    status = children.ended(pid, job["timeout_s"])
    if status is None:
        children.end(pid, job["grace_s"])
        return Outcome(False, f"{name}: did not end within {job['timeout_s']:g} s and was killed")
    if status:
        how = f"exit status {status}" if status > 0 else f"ended by signal {-status}"
        return Outcome(False, f"{name}: {how}")
    return Outcome(True)


def _spawned(program: str, command: list[str], told: dict[bytes, bytes], stdin: int) -> int:
    """Start the command with a group, and where that can be a session, of its own: it has no terminal."""
    actions: list[tuple[int, int, str, int, int] | tuple[int, int, int]] = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        return os.posix_spawn(program, command, told, file_actions=actions, setsid=True, setsigdef=_RESET)
    except NotImplementedError:  # pragma: no cover - an old C library
        return os.posix_spawn(program, command, told, file_actions=actions, setpgroup=0, setsigdef=_RESET)


# The courier


def deliver(job: dict[str, Any], children: Children) -> dict[str, Any]:
    """Try until it is delivered, or need not be tried again, or there are no more tries."""
    carry = _posted if job["kind"] == "webhook" else _ran
    if carry is _posted:
        import http.client  # noqa: F401 - once here instead of once in each try
    tries = 0
    outcome = Outcome(False)
    for pause_s in (0.0, *job["backoff_s"]):
        select.select([], [], [], pause_s)
        tries += 1
        try:
            outcome = carry(job, children)
        except OSError as error:  # no room for a process, a pipe, a file in memory
            outcome = Outcome(False, f"this host: {os.strerror(error.errno or 0)}")
        if outcome.ok or not outcome.again:
            break
    return {"ok": outcome.ok, "tries": tries, "problem": outcome.problem}


def note_failure(path: str, job: dict[str, Any], result: dict[str, Any]) -> None:
    """Add one line to the log (`core.alerts.lines`), if it is there and is a regular file: with one write."""
    from core.record.files import open_regular, stamp

    row = {
        "at": stamp(SYSTEM_CLOCK.wall()),
        "what": "delivery_failed",
        "host": job["message"]["host"],
        "from": f"courier-{os.getpid()}",
        "channel": clean_line(job["channel"], 64),
        "alerts": job["message"]["count"],
        "problem": result["problem"],
    }
    try:
        fd = open_regular(path, os.O_RDWR | os.O_APPEND)
    except OSError:
        return
    with contextlib.suppress(OSError):
        size = os.fstat(fd).st_size
        torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"  # by an owner that died while writing
        os.write(fd, ("\n" * torn + json.dumps(row) + "\n").encode())
    os.close(fd)


def _settle() -> None:
    """The owner's end is not ours: neither its terminal's nor its own."""
    for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGTSTP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _await_end(fd: int, within_s: float) -> None:
    """Until end of file: its writer, the courier that goes before, has ended."""
    until = SYSTEM_CLOCK.now() + within_s
    while (left := until - SYSTEM_CLOCK.now()) > 0:
        if not select.select([fd], [], [], left)[0] or not os.read(fd, _ANSWER_BYTES):
            break
    os.close(fd)


def main() -> None:
    """Entry of the helper process; the numbers of its descriptors are the arguments after the paths."""
    job_fd, result_fd, life_fd, *turn = numbers = [int(number) for number in sys.argv[3:]]
    close_inherited(max(numbers))
    for fd in numbers:
        os.set_inheritable(fd, False)  # the command must hold neither the job nor the pipes
    _settle()
    with open(job_fd, "rb") as file:
        job = json.loads(file.read())
    if turn:
        _await_end(turn[0], job["wait_s"])
    # Whatever happens from here on, the kernel ends it after so long.
    signal.setitimer(signal.ITIMER_REAL, job["life_s"])
    try:
        result = deliver(job, Children())
    except Exception as error:  # noqa: BLE001 - the owner is told of anything; of its text it is not, that may hold secrets
        result = {"ok": False, "tries": 1, "problem": f"the courier met {type(error).__name__}"}
    with contextlib.suppress(BrokenPipeError):
        os.write(result_fd, json.dumps(result).encode() + b"\n")
    if not result["ok"] and not os.read(life_fd, 1) and job["log"]:
        note_failure(job["log"], job, result)
