"""Pressure stall information (/proc/pressure): how long work waited for a resource.

Says what use does not: a machine at 100 % without pressure is well used. Missing before
Linux 4.20, where it is switched off (`psi=0`) and in some containers: then None.
"""

from core.pollers.procfs import ProcFile
from core.samples import Pressure


def parse_pressure(text: bytes | None) -> Pressure | None:
    """The 10 s averages of one file of /proc/pressure. `full` is missing for CPU before Linux 5.13."""
    if not text:
        return None
    some = _average(text, b"some avg10=")
    return None if some is None else Pressure(some, _average(text, b"full avg10="))


def _average(text: bytes, name: bytes) -> float | None:
    at = text.find(name)
    if at < 0:
        return None
    at += len(name)
    try:
        return float(text[at : text.index(b" ", at)])
    except ValueError:
        return None


class PressureFile:
    """/proc/pressure/`resource`, kept open."""

    def __init__(self, root: str, resource: str) -> None:
        self._file = ProcFile(root, f"proc/pressure/{resource}")

    def read(self) -> Pressure | None:
        """The pressure now; None where the kernel does not tell."""
        return parse_pressure(self._file.read())
