"""A terminal for tests: a pseudo-terminal, an emulator that draws, and a program in front of it.

Waits only on file descriptors, each with a deadline: no test sleeps.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = 15.0  # for what normally takes milliseconds: this machine may be busy
_KITTY = re.compile(rb"\x1b\[[<>=][0-9;]*u|\x1b\[\?[0-9;]*\$p")  # the emulator would print these
_CUT = re.compile(rb"\x1b(\[[<>=?0-9;$]*)?\Z")  # the start of a sequence, its end not here yet
_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_PUSH_POP = re.compile(rb"\x1b\[([<>])[0-9;]*u")
_INITIALLY_ON = {"7", "25"}


class Terminal:
    """`argv` in a session of its own, with this terminal as the one it was started from."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
        ignore: Sequence[signal.Signals] = (),
        synchronised: bool = False,
    ) -> None:
        self.raw = bytearray()
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._held = b""
        self._synchronised = synchronised
        self.fd, slave = os.openpty()
        self._set_size(*size)
        self.termios_before = termios.tcgetattr(self.fd)

        def prepare() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            for number in ignore:
                signal.signal(number, signal.SIG_IGN)

        clean = {
            k: v
            for k, v in os.environ.items()
            if k not in ("NO_COLOR", "COLORTERM", "TMUX", "STY", "COLUMNS")
        }
        self.process = subprocess.Popen(
            list(argv),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env={**clean, "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
            preexec_fn=prepare,
        )
        os.close(slave)
        self.pidfd = os.pidfd_open(self.process.pid)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.fd >= 0:
            os.close(self.fd)
        os.close(self.pidfd)

    # -- what it does ------------------------------------------------------------------------

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self.fd, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Another size; the kernel tells the program."""
        self._set_size(width, height)
        self.screen.resize(height, width)

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def signal(self, number: signal.Signals) -> None:
        """To the program."""
        signal.pidfd_send_signal(self.pidfd, number)

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self.fd)
        self.fd = -1

    # -- what is seen ------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.screen.display)

    def wait(self, seen: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Read until `seen()`."""
        deadline = time.monotonic() + seconds
        while not seen():
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0] or not self._read():
                raise AssertionError(
                    f"not seen; the screen is\n{self.text}\nraw end {bytes(self.raw[-300:])!r}"
                )

    def wait_text(self, pattern: str, seconds: float = SECONDS) -> None:
        """Read until the screen matches."""
        self.wait(lambda: re.search(pattern, self.text) is not None, seconds)

    def end(self, seconds: float = SECONDS, reading: bool = True) -> int:
        """The exit status (minus the signal that killed it), once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            fds = [self.pidfd, self.fd] if reading and self.fd >= 0 else [self.pidfd]
            ready = select.select(fds, [], [], max(0.0, left))[0]
            if self.fd in ready and self.fd >= 0 and not self._read():
                reading = False
            if self.pidfd in ready:
                break
            if left <= 0:
                raise AssertionError(f"still there; the screen is\n{self.text}")
        while reading and self.fd >= 0 and select.select([self.fd], [], [], 0)[0] and self._read():
            continue
        return self.process.wait()

    def _read(self) -> bool:
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        if not data:
            return False
        if self._synchronised and b"\x1b[?2026$p" in data:
            os.write(self.fd, b"\x1b[?2026;2$y")
        self.raw += data
        data = self._held + data
        cut = _CUT.search(data)
        self._held = data[cut.start() :] if cut else b""
        self._stream.feed(_KITTY.sub(b"", data[: cut.start()] if cut else data))
        return True

    def left_on(self) -> list[str]:
        """Modes that are not as they were before the program."""
        on = set(_INITIALLY_ON)
        for numbers, verb in _MODE.findall(bytes(self.raw)):
            for number in numbers.decode().split(";"):
                (on.add if verb == b"h" else on.discard)(number)
        pushed = sum(1 if verb == b">" else -1 for verb in _PUSH_POP.findall(bytes(self.raw)))
        return sorted(on ^ _INITIALLY_ON) + (["kitty"] if pushed > 0 else [])

    def is_restored(self) -> bool:
        """Modes and line discipline as they were."""
        return not self.left_on() and termios.tcgetattr(self.fd) == self.termios_before


def python(module: str, *words: str) -> list[str]:
    """The command that runs a module of the tests."""
    return [sys.executable, "-m", module, *words]
