"""Parsers for what /proc says of one process. Pure functions on bytes; nonsense gives None."""

from typing import NamedTuple


class Stat(NamedTuple):
    """The fields of /proc/PID/stat that are used. Ticks are 1/SC_CLK_TCK seconds."""

    name: bytes
    state: str
    parent: int
    cpu_ticks: int
    started: int
    rss_pages: int


def parse_stat(text: bytes) -> Stat | None:
    """One /proc/PID/stat. The name may hold spaces and parentheses: its end is the last one."""
    end = text.rfind(b")")
    begin = text.find(b"(")
    fields = text[end + 2 :].split(None, 22)
    if end < 0 or begin < 0 or len(fields) < 22:
        return None
    try:
        return Stat(
            name=text[begin + 1 : end],
            state=fields[0].decode("ascii", "replace"),
            parent=int(fields[1]),
            cpu_ticks=int(fields[11]) + int(fields[12]),
            started=int(fields[19]),
            rss_pages=max(0, int(fields[21])),
        )
    except ValueError:
        return None


def parse_limit(text: bytes) -> int | None:
    """The soft limit on open files from /proc/PID/limits; None where there is none."""
    for line in text.splitlines():
        if line.startswith(b"Max open files"):
            fields = line.split()
            if len(fields) > 3 and fields[3].isdigit():
                return int(fields[3])
    return None
