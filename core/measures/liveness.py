"""Whether an agent is alive: from its progress, its processes and its signals, never from its status alone.

A ladder, the first that holds:

    (the file's own word)  unreadable, missing, stale, retired, paused
    gone      a task is in progress, and the process that was there when it last moved is not any more
    silent    a task is in progress, and nothing has changed for too long
    working   a task is in progress, and something has changed lately, or its process is busy
    waiting   nothing in progress, and something of it waits for a person
    idle      none of that

Both errors are costly: a hung agent that passes for a working one, and a working one that is
called dead. So every word comes with its evidence, and nothing is done about it here.
"""

from typing import NamedTuple

from core.queues.model import AgentQueue
from core.units import duration_text, percent_text

WORKING, IDLE, WAITING, SILENT, GONE = "working", "idle", "waiting", "silent", "gone"
# What is saved so soon after a process ended may still be its own work; what is saved later is another's.
SAVED_WITHIN_S = 60.0
# An agent may be one short run after another: only what has been away this long is gone.
ENDED_FOR_S = 300.0
BUSY_PERCENT = 1.0
_FILE_WORDS = ("unreadable", "missing", "stale", "retired", "paused")


class Signs(NamedTuple):
    """What there is to judge by. Times are wall seconds, None where there was none.

    `progress_at`: the last change of the file, transition or signal. `processes` are those of this
    agent now, None where nothing is known of processes; `process_at` is when one was last seen.
    `process_from` is when the oldest of them was started: one that came after the last progress is no
    worker but somebody who looks. `asks` are its unanswered signals.
    """

    progress_at: float | None
    processes: int | None
    cpu_percent: float | None
    process_at: float | None
    asks: int
    process_from: float | None = None


class Limits(NamedTuple):
    """`silent_s`: how long nothing may change; with a busy process, `timeout_s`."""

    silent_s: float = 1800.0
    timeout_s: float = 4 * 3600.0


class Liveness(NamedTuple):
    """The word, and the wall time from which on it may be another without any news (None: never)."""

    word: str
    until: float | None


def liveness(queue: AgentQueue, state: str, signs: Signs, wall: float, limits: Limits) -> Liveness:
    """How alive the agent of `queue` is at `wall`; `state` is what the file alone says."""
    if state in _FILE_WORDS:
        return Liveness(state, None)
    if queue.in_progress:
        return _at_work(signs, wall, limits)
    if signs.asks or queue.blocked or queue.review:
        return Liveness(WAITING, None)
    return Liveness(IDLE, None)


def _at_work(signs: Signs, wall: float, limits: Limits) -> Liveness:
    progress = signs.progress_at
    if signs.processes == 0 and signs.process_at is not None and signs.process_from is not None:
        ended_for = wall - signs.process_at
        if progress is not None and signs.process_from <= progress < signs.process_at + SAVED_WITHIN_S:
            if ended_for >= ENDED_FOR_S:
                return Liveness(GONE, None)
            return Liveness(WORKING, signs.process_at + ENDED_FOR_S)
    if progress is None:
        return Liveness(WORKING if signs.processes else SILENT, None)
    busy = bool(signs.processes) and (signs.cpu_percent or 0.0) >= BUSY_PERCENT
    patience = limits.timeout_s if busy else limits.silent_s
    if wall - progress < patience:
        return Liveness(WORKING, progress + min(limits.silent_s, patience))
    return Liveness(SILENT, None)


def evidence(queue: AgentQueue, word: str, why: str, signs: Signs, wall: float) -> tuple[str, ...]:
    """From what the word follows, as short facts; `why` is what the file's own word follows from."""
    if word in _FILE_WORDS:
        return (why,) if why else ()
    found: list[str] = []
    if queue.in_progress:
        found.append("status in_progress")
    elif word == WAITING:
        counts = ((queue.review, "in review"), (queue.blocked, "blocked"), (signs.asks, "unanswered"))
        found.append(", ".join(f"{count} {what}" for count, what in counts if count))
    else:
        idle = f"{queue.other} of unknown status" if queue.other else "nothing to do"
        found.append(f"{queue.pending} waiting, none in progress" if queue.pending else idle)
    if signs.progress_at is not None:
        age = wall - signs.progress_at
        moved = "changed just now" if age < 1 else f"changed {duration_text(age)} ago"
        found.append(f"no change for {duration_text(age)}" if word in (SILENT, GONE) else moved)
    if signs.processes:
        what = "1 process" if signs.processes == 1 else f"{signs.processes} processes"
        found.append(f"{what}, CPU {percent_text(signs.cpu_percent)}")
    elif signs.process_at is not None and signs.processes == 0:
        found.append(f"its process ended {duration_text(max(0.0, wall - signs.process_at))} ago")
    elif signs.processes == 0:
        found.append("no process")
    return tuple(found)
