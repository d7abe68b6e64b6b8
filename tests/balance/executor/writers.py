"""Other programs that write queue files while plans are carried out: each a process of its own.

`locking` follows the protocol; `unlocked` reads, changes and renames, as shell scripts do; `in_place` empties the
file and writes it anew, `atomic` renames what it has written down to the disk. None but the first
takes a lock. Each adds one to a counter of its own and leaves the tasks as it read them. Not a test by itself.
"""

import fcntl
import json
import os
import random
import select
import sys
from pathlib import Path
from typing import Any

KINDS = ("locking", "unlocked", "in_place", "atomic")
THINK_S, REST_S = 0.003, 0.008


def main(kind: str, name: str, path: str, updates: int) -> None:
    """So many updates of one queue file."""
    rng = random.Random(name)
    for _ in range(updates):
        update(kind, name, Path(path), rng)
        rest(rng.uniform(0, REST_S))


def update(kind: str, name: str, path: Path, rng: random.Random) -> None:
    """Read, think, write."""
    if kind == "locking":
        fd = os.open(path.parent / ".outbox.json.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            renamed(name, path, changed(name, path, rng), sync=False)
        finally:
            os.close(fd)
    elif kind == "in_place":
        text = changed(name, path, rng)
        with open(path, "w", encoding="utf-8") as file:
            half = len(text) // 2
            file.write(text[:half])
            file.flush()
            file.write(text[half:])
    else:
        renamed(name, path, changed(name, path, rng), sync=kind == "atomic")


def changed(name: str, path: Path, rng: random.Random) -> str:
    """What the file shall hold: as it was read, with one more counted."""
    document = read(path)
    rest(rng.uniform(0, THINK_S))
    counters = document.setdefault("counters", {})
    counters[name] = counters.get(name, 0) + 1
    return json.dumps(document, indent=2, ensure_ascii=False)


def read(path: Path) -> dict[str, Any]:
    """The object in the file, once it is whole."""
    while True:
        try:
            found: dict[str, Any] = json.loads(path.read_bytes())
        except ValueError:
            rest(0.001)
        else:
            return found


def renamed(name: str, path: Path, text: str, *, sync: bool) -> None:
    """Replace the file."""
    made = path.parent / f"outbox.json.{name}.new"
    with open(made, "w", encoding="utf-8") as file:
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    os.replace(made, path)


def rest(seconds: float) -> None:
    """Let time pass."""
    select.select((), (), (), seconds)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
