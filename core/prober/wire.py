"""Frames on the pipes between owner and prober, and the page they share.

A frame is two magic bytes, the length of what follows (32 bits, little endian), and one JSON
document. `json` and not msgspec: paths with undecodable bytes (lone surrogates) must survive.

The shared page holds a beat counter and the name of the unit being worked at. The prober
writes it before each unit, the owner reads it without asking the prober anything. An empty
name means that no probe is running. Not for data: that goes through the frames.

No struct, mmap or select here: for the little there is to pack, an extension module is 70 KiB
of the prober's memory, and a `pwrite` of the page costs no more than writing to a mapping.
"""

import json
import os
from collections.abc import Iterator
from typing import Any

from core.prober.spawn import PAGE_SIZE

CHUNK = 64 * 1024
# Rows are gathered into parts of about this size, so that one part is parsed in about a
# millisecond: the owner draws a screen in between.
PART_SIZE = 48 * 1024
# One row can be larger than a part; nothing honest is larger than this.
LIMIT = 64 * 1024 * 1024

_MAGIC = b"b\xb7"
_HEADER = 6  # magic, length
_BEAT = 10  # counter, length of the name
_NAME_LIMIT = PAGE_SIZE - _BEAT

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class GarbledError(ValueError):
    """What came through the pipe is not a frame."""


def encode(document: Any) -> str:
    """`document` as JSON text. Tuples, named ones too, become arrays."""
    return _encode(document)


def frame(text: str) -> bytes:
    """One frame holding `text`, which is JSON in ASCII."""
    body = text.encode("ascii")
    return _MAGIC + len(body).to_bytes(4, "little") + body


class Frames:
    """Cuts a stream of bytes into the documents it holds."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Every document that `data` completes.

        Raises:
            GarbledError: the bytes are no frame, or hold no JSON.
        """
        rest = self._rest
        rest += data
        at = 0
        try:
            while len(rest) - at >= _HEADER:
                length = int.from_bytes(rest[at + 2 : at + _HEADER], "little")
                if rest[at : at + 2] != _MAGIC or length > self._limit:
                    raise GarbledError("not a frame")
                end = at + _HEADER + length
                if len(rest) < end:
                    break
                body = rest[at + _HEADER : end].decode("ascii")
                at = end
                yield json.loads(body)
        except (ValueError, RecursionError) as error:
            raise GarbledError(str(error)) from error
        finally:
            del rest[:at]


def parts(rows: Iterator[str]) -> Iterator[str]:
    """JSON texts joined with commas into pieces of about `PART_SIZE` characters."""
    piece: list[str] = []
    size = 0
    for row in rows:
        if piece and size + len(row) > PART_SIZE:
            yield ",".join(piece)
            piece, size = [], 0
        piece.append(row)
        size += len(row) + 1
    if piece:
        yield ",".join(piece)


class Page:
    """The prober's side of the shared page: writes only."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._count = 0

    def beat(self, unit: str = "") -> None:
        """Say that `unit` is begun; "" that nothing is being probed. 0.6 µs."""
        self._count += 1
        name = unit.encode("utf-8", "surrogateescape")[:_NAME_LIMIT]
        head = self._count.to_bytes(8, "little") + len(name).to_bytes(2, "little")
        os.pwrite(self._fd, head + name, 0)


def read_page(fd: int) -> tuple[int, str]:
    """The beat counter and the unit of the page behind `fd`. One system call, 0.3 µs."""
    raw = os.pread(fd, 320, 0)
    end = _BEAT + min(int.from_bytes(raw[8:_BEAT], "little"), _NAME_LIMIT)
    if end > len(raw):
        raw = os.pread(fd, end, 0)
    return int.from_bytes(raw[:8], "little"), raw[_BEAT:end].decode("utf-8", "surrogateescape")
