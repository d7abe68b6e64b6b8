"""The command line: `main`, and one file per command.

Exit status, of every command:

    0        good
    1        a finding at or above --fail-on; `monitor`: anything fired; `validate`, `metrics`: a file that
             cannot be wholly read; `doctor`: something does not work; `optimize`: moves that were not made, a task
             lost or doubled, a conflict; any command: a change that could not be made
    2        wrong usage, or a configuration that cannot be used
    3        the workspace cannot be read
    128 + n  ended by signal n (130: ctrl+c; 141: the reader of a pipe went away)

Errors are one line on standard error. Results go to standard output, everything else does not.
`--version` and `--help` import argparse and nothing heavy; only the dashboard imports textual.
"""

import errno
import os
import sys
from collections.abc import Sequence

from core import __version__
from core.errors import BluetopError

INTERRUPTED = 130
PIPE_CLOSED = 141

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `bluetop` with `argv` (default: the process's own) and return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _open_streams()
    try:
        status = _run(words)
        sys.stdout.flush()
        if argv is None and "textual" in sys.modules:  # as a program, and the screen has been given back
            from tui.lifecycle import end_process

            end_process(status)
        return status
    except BluetopError as error:
        say(f"bluetop: {error}")
        return error.exit_status
    except BrokenPipeError:
        _forget_stdout()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _forget_stdout()
        say(f"bluetop: the output cannot be written: {error.strerror}")
        return 1


def _run(words: list[str]) -> int:
    if words in (["--version"], ["-V"]):
        sys.stdout.write(f"bluetop {__version__}\n")
        return 0
    from tui import dashboard

    # No command: the prober starts up while all the rest is imported.
    early = not words or (words[0].startswith("-") and not {"-h", "--help", "--or-demo"} & set(words))
    launched = dashboard.launch() if early else None
    from tui.cli.options import quick

    if words[:1] == ["demo"] and (options := quick(words[1:])) is not None:
        from tui.cli.demo import run

        return run(options)
    if (options := quick(words)) is not None:
        return dashboard.run(options, launched)
    dashboard.call_off(launched)
    from tui.cli.parser import parse

    return parse(words)


def say(line: str) -> None:
    """One line on standard error, whatever encoding that has; nobody listening is no error."""
    try:
        encoding = sys.stderr.encoding or "ascii"
        sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()
    except (BrokenPipeError, ValueError, AttributeError):
        return


def _open_streams() -> None:
    """Started with a standard stream closed (`>&-`): nothing is read from it, and what is written is lost.

    The descriptors too, or the next file that is opened would be taken for the stream.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


def _forget_stdout() -> None:
    """Point standard output at nothing, so that the interpreter's last flush is quiet."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
    except OSError:
        return
