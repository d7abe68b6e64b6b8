"""Every exception that bluetop raises on purpose.

    BluetopError
    ├── ConfigError          a configuration file or value; exit status 2
    ├── UsageError           wrong words on the command line; exit status 2
    ├── WorkspaceError       the workspace cannot be read at all; exit status 3
    ├── PollError            one source gave no sample this time; the rest go on
    │   └── ProberGone       the prober process died or was abandoned
    └── ReadOnlyError        a change was asked for in read-only mode

A message says what was wrong, where, names the value, and says what to do next.
It is one line and fit for a terminal: whatever a path or a value brought along is cleaned here.
"""

from core.text import clean_line

_LONGEST = 2000


class BluetopError(Exception):
    """Base of the tree; `exit_status` is what the command line ends with."""

    exit_status = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(clean_line(message, _LONGEST))


class ConfigError(BluetopError):
    """A configuration file cannot be read, or a key in it cannot be used."""

    exit_status = 2


class UsageError(BluetopError):
    """The command line asks for something that does not exist."""

    exit_status = 2


class WorkspaceError(BluetopError):
    """There is no readable workspace where one was named."""

    exit_status = 3


class PollError(BluetopError):
    """A source gave no sample this time. The message is the reason shown to the operator."""


class ProberGone(PollError):
    """The prober process ended, or was abandoned because it did not answer."""


class ReadOnlyError(BluetopError):
    """A change was asked for while bluetop runs with --read-only."""

    exit_status = 2
