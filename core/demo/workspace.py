"""The demo's folder: made, marked as ours, and removed again. Never anyone else's folder."""

from __future__ import annotations

import os

from core.demo import jsontext, simulation
from core.demo.rng import Rng
from core.errors import UsageError, WorkspaceError

MARK = ".bluetop-demo"
_MARK_TEXT = "Made by `bluetop demo`: simulated agents work here. Safe to delete.\n"

# True for type checkers only: `typing` is 1.5 MB in the fleet.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def temporary() -> str:
    """A new folder, marked as ours, for its owner only, where temporary files belong on this machine.

    Raises:
        WorkspaceError: there is no place for it.
    """
    # Not `tempfile`: it imports random, shutil and weakref, 10 ms before the first frame.
    for parent in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp"):
        if parent and os.path.isdir(parent):
            path = os.path.join(os.path.abspath(parent), f"bluetop-demo-{os.urandom(4).hex()}")
            try:
                os.mkdir(path, 0o700)
                _write(os.path.join(path, MARK), _MARK_TEXT)
            except OSError:
                continue
            return path
    raise WorkspaceError("bluetop demo: no temporary folder can be written; name one with TMPDIR=DIR")


def is_demo(directory: str) -> bool:
    """Whether the folder carries our mark."""
    return os.path.isfile(os.path.join(directory, MARK))


def create(directory: str, rng: Rng, wall: float) -> None:
    """Lay out a workspace in an empty or new folder; one of ours is laid out anew.

    Raises:
        UsageError: the folder holds something that is not ours.
        WorkspaceError: it cannot be written.
    """
    # Imported here, since the fleet's process never comes this way and would carry it for nothing.
    from core.text import clean

    try:
        os.makedirs(directory, exist_ok=True)
        if is_demo(directory):
            _empty(directory, keep=MARK)
        elif os.listdir(directory):
            raise UsageError(
                f"bluetop demo: {clean(directory)} is not empty and not a demo's; name a new or empty folder"
            )
        _write(os.path.join(directory, MARK), _MARK_TEXT)
        for agent, document in simulation.first_documents(rng, wall).items():
            os.makedirs(os.path.join(directory, "postbox", agent, "inbox"))
            save_in_place(outbox(directory, agent), jsontext.pretty(document))
            for task in document["tasks"]:
                announce(directory, agent, task)
                if task["status"] == "blocked":
                    ask_for_help(directory, agent, task, wall)
    except OSError as error:
        raise WorkspaceError(f"bluetop demo: {clean(directory)}: {error.strerror}") from error


def outbox(directory: str, agent: str) -> str:
    """The path of an agent's queue file."""
    return os.path.join(directory, "postbox", agent, "outbox.json")


def load(path: str) -> Any:
    """A queue file's document. Raises ValueError where it is not standard, OSError where unreadable."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        data = os.read(fd, 1 << 20)
    finally:
        os.close(fd)
    document = jsontext.parse(data.decode())
    if not simulation.is_standard(document):
        raise ValueError("not a standard queue file")
    return document


def save_in_place(path: str, text: str) -> None:
    """Save as the agents' editors do: truncate and write, so that a reader may see it torn."""
    _write(path, text)


def save_by_rename(path: str, text: str) -> None:
    """Save as the orchestrator's scripts do: a temporary file beside it, then a rename."""
    _write(path + ".tmp", text + "\n")
    os.replace(path + ".tmp", path)


def announce(directory: str, agent: str, task: dict[str, Any]) -> None:
    """Lay a new task into the agent's inbox: how a real agent notices it."""
    inbox = os.path.join(directory, "postbox", agent, "inbox")
    task_id = task["task_id"]
    _write(os.path.join(inbox, f"{task_id}.md"), f"# {task_id}: {task['title']}\n\n{task['description']}\n")
    if task["status"] == "pending":
        _write(os.path.join(inbox, f"NEW_{task_id}.flag"), "")


def retract(directory: str, agent: str, *names: str) -> None:
    """Remove what `announce` laid into the inbox, as far as it is still there."""
    for name in names:
        try:
            os.unlink(os.path.join(directory, "postbox", agent, "inbox", name))
        except FileNotFoundError:
            continue


def ask_for_help(directory: str, agent: str, task: dict[str, Any], wall: float) -> None:
    """Lay down a signal that wants an answer, as the real agents' tool does."""
    active = os.path.join(directory, ".signals", "active")
    os.makedirs(active, exist_ok=True)
    signal_id = _signal_id(agent, task)
    signal = {
        "signal_id": signal_id,
        "signal_type": "NEEDS_HELP",
        "timestamp": simulation.stamp(wall),
        "from_agent": agent,
        "message": f"{task['title']}: {task.get('blocked_by', 'cannot go on')}",
        "priority": task.get("priority", "MEDIUM"),
        "response_required": True,
        "context": {"current_task": task["task_id"]},
    }
    _write(os.path.join(active, f"{signal_id}.json"), jsontext.pretty(signal))


def no_more_help(directory: str, agent: str, task: dict[str, Any]) -> None:
    """The signal was answered: take it away, if it is still there."""
    try:
        os.unlink(os.path.join(directory, ".signals", "active", f"{_signal_id(agent, task)}.json"))
    except FileNotFoundError:
        return


def _signal_id(agent: str, task: dict[str, Any]) -> str:
    return f"SIG-{agent}-{task['task_id']}"


def remove(directory: str) -> None:
    """Remove a demo's folder with all that is in it; anything else is left alone. The mark goes last."""
    if is_demo(directory):
        _empty(directory, keep=MARK)
        try:
            if os.listdir(directory) == [MARK]:
                os.unlink(os.path.join(directory, MARK))
                os.rmdir(directory)
        except OSError:
            return


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _empty(directory: str, keep: str = "") -> None:
    """Not `shutil.rmtree`: its imports (archives, compression) are 10 ms and 1 MB. Follows no link."""
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _empty(entry.path)
                    os.rmdir(entry.path)
                elif entry.name != keep:
                    os.unlink(entry.path)
    except OSError:
        # Gone already, or an agent's process has just made another file: the caller looks again.
        return
