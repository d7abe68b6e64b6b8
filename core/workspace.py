"""Which directory is the workspace: one that holds `postbox/`.

Named on the command line, by BLUETOP_WORKSPACE, found from the current directory upward, or named in
the configuration, in this order. Looking happens apart (`core.apart`), since the path may
lie on a mount that does not answer. Not for reading what is in it: that is `core.queues`.
"""

import os
from collections.abc import Mapping

from core.apart import ask_apart
from core.errors import WorkspaceError
from core.text import clean_line

POSTBOX = "postbox"
QUEUE_FILE = "outbox.json"
DEADLINE_S = 2.0
HOW = "name one with --workspace DIR or BLUETOP_WORKSPACE, or try `bluetop demo`"


def find(
    named: str | None = None,
    environ: Mapping[str, str] | None = None,
    fallback: str = "",
    deadline_s: float = DEADLINE_S,
) -> str | None:
    """Absolute path of the workspace; None where none is named and none is found.

    `named` is what --workspace says, `fallback` what the configuration says.

    Raises:
        WorkspaceError: the one that is named, or found, cannot be read.
    """
    variables = os.environ if environ is None else environ
    for origin, path in (("--workspace", named), ("BLUETOP_WORKSPACE", variables.get("BLUETOP_WORKSPACE"))):
        if path:
            return _usable(origin, path, deadline_s)
    found = _upward(deadline_s)
    if found is not None:
        return _usable("the current directory", found, deadline_s)
    if fallback:
        return _usable("workspace.path in the configuration", fallback, deadline_s)
    return None


def required(workspace: str | None) -> str:
    """`workspace`, where a command cannot do without.

    Raises:
        WorkspaceError: there is none.
    """
    if workspace is None:
        raise WorkspaceError(
            f"no workspace here: no directory from the current one upward holds postbox/; {HOW}"
        )
    return workspace


def _usable(origin: str, path: str, deadline_s: float) -> str:
    full = os.path.abspath(os.path.expanduser(path))
    (_, answer), *_ = ask_apart([full], problem_of, deadline_s)
    problem = answer.value if not answer.problem else answer.problem
    if answer.hung:
        problem = (
            f"does not answer ({deadline_s:g} s): its mount may be hung; try again, or name another directory"
        )
    if problem:
        raise WorkspaceError(clean_line(f"workspace {full} (from {origin}) {problem}"))
    return full


def problem_of(path: str) -> str:
    """Why `path` is no readable workspace, "" if it is one. May hang with the mount it lies on."""
    postbox = os.path.join(path, POSTBOX)
    try:
        with os.scandir(postbox):
            return ""
    except FileNotFoundError:
        if not os.path.isdir(path):
            return f"is not there; {HOW}"
        if os.path.basename(path) == POSTBOX:
            return f"is itself a postbox; name the directory above: {os.path.dirname(path)}"
        return f"holds no postbox/; {HOW}"
    except NotADirectoryError:
        what = "postbox in it is" if os.path.isdir(path) else "is"
        return f"{what} not a directory; {HOW}"
    except OSError as error:
        return f"cannot be read: {error.strerror}; check its permissions (`bluetop doctor` says more)"


def _upward(deadline_s: float) -> str | None:
    """The nearest directory from the current one upward that holds a directory `postbox`."""
    try:
        here = os.getcwd()
    except FileNotFoundError:  # the current directory was removed
        return None
    (_, answer), *_ = ask_apart([here], _search, deadline_s)
    if answer.hung:
        raise WorkspaceError(
            f"the current directory {clean_line(here)} does not answer ({deadline_s:g} s): "
            "its mount may be hung; change to another, or name one with --workspace DIR"
        )
    return answer.value or None


def _search(path: str) -> str:
    while True:
        if os.path.isdir(os.path.join(path, POSTBOX)):
            return path
        above = os.path.dirname(path)
        if above == path:
            return ""
        path = above


def queue_files(path: str, deadline_s: float = DEADLINE_S) -> list[str]:
    """The queue files that `path` stands for: those of a workspace or of an agent's folder, else itself.

    Raises:
        WorkspaceError: it is a directory without any, cannot be listed, or does not answer.
    """
    (_, answer), *_ = ask_apart([path], _folders, deadline_s)
    if answer.hung:
        raise WorkspaceError(clean_line(f"{path} does not answer ({deadline_s:g} s): its mount may be hung"))
    if answer.problem:
        raise WorkspaceError(clean_line(f"{path} cannot be read: {answer.problem}; check its permissions"))
    kind, names = answer.value
    if kind == "file":
        return [path]
    folders = [_path(name) for name in names]
    files = [
        # One that hangs is no reason to be silent about the others: whoever reads it will say so.
        os.path.join(folder, QUEUE_FILE) if found.hung else _path(found.value)
        for folder, found in ask_apart(folders, _queue_file, deadline_s)
        if found.hung or found.value
    ]
    if not files and kind == "folder":
        said = f"{path} holds neither {POSTBOX}/ nor {QUEUE_FILE}; name a workspace or a queue file"
        raise WorkspaceError(clean_line(said))
    return files


def is_workspace(path: str, deadline_s: float = DEADLINE_S) -> bool:
    """Whether `path` is a readable workspace."""
    (_, answer), *_ = ask_apart([path], problem_of, deadline_s)
    return bool(answer.value == "")


def _folders(path: str) -> tuple[str, list[str]]:
    """Whether `path` is a workspace, a folder or a file, and the folders to look for queue files in."""
    if not os.path.isdir(path):
        return "file", []
    postbox = os.path.join(path, POSTBOX)
    if not os.path.isdir(postbox):
        return "folder", [_hex(path)]
    with os.scandir(postbox) as entries:
        folders = [entry.path for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    return "workspace", [_hex(folder) for folder in sorted(folders)]


def _queue_file(folder: str) -> str:
    """The queue file of an agent, "" if there is none: `outbox.json`, also in a folder named `outbox`."""
    for place in (folder, os.path.join(folder, "outbox")):
        file = os.path.join(place, QUEUE_FILE)
        if os.path.lexists(file):
            return _hex(file)
    return ""


def _hex(path: str) -> str:
    """A path as JSON can hold it: a name need not be UTF-8."""
    return os.fsencode(path).hex()


def _path(text: str) -> str:
    return os.fsdecode(bytes.fromhex(text))
