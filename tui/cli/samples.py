"""--samples of `alerts replay` and `alerts test`: a file or standard input, read once or twice, with its progress."""

import os
import sys
from collections.abc import Iterator
from typing import IO

from core.errors import UsageError
from core.text import clean_line

MB = 1_000_000


class Samples:
    """The file that --samples names. `lines` begins at the start; standard input can be read once, or be spooled."""

    def __init__(self, name: str, command: str) -> None:
        """Open it.

        Raises:
            UsageError: it cannot be read.
        """
        from tui.cli.progress import ProgressLine

        self.name = "standard input" if name == "-" else name
        self._command = command
        self.progress = ProgressLine()
        try:
            self._file: IO[bytes] = sys.stdin.buffer if name == "-" else open(name, "rb")  # noqa: SIM115
            self._total = os.fstat(self._file.fileno()).st_size if name != "-" else 0
        except OSError as error:
            raise self._unreadable(error) from error
        self._seekable = name != "-" and self._file.seekable()

    def _unreadable(self, error: OSError) -> UsageError:
        why = error.strerror or str(error)
        return UsageError(
            clean_line(f"{self._command}: {self.name} cannot be read: {why}; name a file of samples")
        )

    def spool(self) -> None:
        """Make it a file that can be read twice."""
        if self._seekable:
            return
        import shutil
        import tempfile

        spooled = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            shutil.copyfileobj(self._file, spooled)
        except OSError as error:
            raise self._unreadable(error) from error
        self._total = spooled.tell()
        self._file, self._seekable = spooled, True

    def lines(self) -> Iterator[bytes]:
        """Every line, from the beginning where that can be.

        Raises:
            UsageError: it cannot be read any further.
        """
        from core.alerts.samplefile import lines_of

        if self._seekable:
            self._file.seek(0)
        try:
            yield from lines_of(self._file, self._told)
        except OSError as error:
            raise self._unreadable(error) from error
        finally:
            self.progress.clear()

    def _told(self, done: int) -> None:
        self.progress.show(done // MB, self._total // MB, "MB of samples")
