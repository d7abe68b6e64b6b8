"""Starting a helper process: `python -I -S`, no shell, no thread, nothing inherited but what is named.

`os.posix_spawn` and not `subprocess`: that module costs the owner 15 ms and a megabyte, and a
fork of a process with a terminal and a screenful of memory is dearer than a spawn. The helper
gets a process group of its own, so that ctrl+c and ctrl+z in the terminal reach the owner only.
"""

import os
import sys
from collections.abc import Sequence

# The prober's descriptors.
COMMANDS_FD = 3
REPLIES_FD = 4
PAGE_FD = 5
LIFE_FD = 6

PAGE_SIZE = 8192  # of the page that prober and owner share

# Run by `python -I -S -c`; the first argument is the project's folder, the second that of the packages.
PATHS = "import sys; sys.path.insert(0, sys.argv[1]); sys.argv[2] and sys.path.append(sys.argv[2]); "
BOOT = PATHS + "from core.prober.main import main; main()"

# Above every descriptor number that a helper knows by heart.
_FLOOR = 16


def raised(fd: int) -> int:
    """`fd` moved to a number no helper uses, so that laying out the helper's own cannot hit it."""
    low = []
    while fd < _FLOOR:
        low.append(fd)
        fd = os.dup(fd)
    for number in low:
        os.close(number)
    return fd


def root() -> str:
    """The folder that holds the `core` package."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def packages() -> str:
    """The folder on the path that holds msgspec, for operations that import it; "" if there is none.

    Looked for by hand: `importlib.util` costs 3 ms that the first frame does not have.
    """
    loaded = sys.modules.get("msgspec")
    if loaded is not None and loaded.__file__:
        return os.path.dirname(os.path.dirname(loaded.__file__))
    for folder in sys.path:
        if folder and os.path.isdir(os.path.join(folder, "msgspec")):
            return os.path.abspath(folder)
    return ""


def spawn_python(code: str, arguments: Sequence[str], descriptors: Sequence[tuple[int, int]] = ()) -> int:
    """Start `python -I -S -c code arguments` and return its process id at once.

    `descriptors` are pairs (ours, its number there); ours must be `raised`. Standard input,
    output and error are /dev/null: nothing but the owner may write to the terminal.

    Raises:
        OSError: there is no such interpreter any more, or no room for a process.
    """
    if not sys.executable:
        raise FileNotFoundError("this Python does not know its own program")
    options = ["-I", "-S"]
    if sys.getfilesystemencoding() == "utf-8":
        options += ["-X", "utf8"]
    if sys.dont_write_bytecode:
        options.append("-B")
    if sys.pycache_prefix:
        options += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    actions: list[tuple[int, int, str, int, int] | tuple[int, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    actions += [(os.POSIX_SPAWN_DUP2, ours, its) for ours, its in descriptors]
    return os.posix_spawn(
        sys.executable,
        [sys.executable, *options, "-c", code, *arguments],
        os.environ,
        file_actions=actions,
        setpgroup=0,
        setsigmask=(),
    )


def new_page() -> int:
    """A descriptor of a zeroed page that lives in memory (in a deleted file where that cannot be)."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("bluetop-prober")
    else:  # pragma: no cover - not on Linux
        import tempfile

        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.ftruncate(fd, PAGE_SIZE)
    return fd


def launch(boot: str = BOOT) -> tuple[int, int, int, int, int]:
    """Start a prober: its process id, and the owner's ends (commands, replies, page, life).

    Nothing but `os` and `sys` is needed for it, so that the dashboard can do it before it imports
    anything else, and both start up at the same time.

    Raises:
        OSError: see `spawn_python`.
    """
    opened: list[int] = []
    try:
        for _ in range(3):
            for fd in os.pipe():
                opened.append(raised(fd))
        opened.append(raised(new_page()))
        commands_r, commands_w, replies_r, replies_w, life_r, life_w, page = opened
        pid = spawn_python(
            boot,
            (root(), packages()),
            ((commands_r, COMMANDS_FD), (replies_w, REPLIES_FD), (page, PAGE_FD), (life_r, LIFE_FD)),
        )
    except OSError:
        for fd in opened:
            os.close(fd)
        raise
    for fd in (commands_r, replies_w, life_r):
        os.close(fd)
    os.set_blocking(commands_w, False)
    os.set_blocking(replies_r, False)
    return pid, commands_w, replies_r, page, life_w


def close_inherited(keep: int) -> None:
    """In a helper: close every descriptor above `keep` that came from the owner's own parent."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            numbers = [int(name) for name in os.listdir(folder) if name.isdigit()]
        except OSError:
            continue
        for number in numbers:
            if number > keep:
                try:
                    os.close(number)
                except OSError:  # the listing's own descriptor is closed already
                    continue
        return


def exited(pid: int) -> int | None:
    """The exit status of our child `pid` (negative: the signal), None while it lives. Never waits."""
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # reaped elsewhere, or SIGCHLD is ignored
        return 0
    return os.waitstatus_to_exitcode(status) if done else None


def kill(pid: int) -> None:
    """SIGKILL to our child `pid`; it may be gone already."""
    import signal

    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
