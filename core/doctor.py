"""What works on this machine and what does not: one `Check` per question, each with a next step.

Looks only: the single thing it creates is a lock file for a moment in the state directory, never
anything in the workspace. Questions about the terminal are asked by `tui.cli.doctor`.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from core.apart import ask_apart
from core.clock import SYSTEM_CLOCK, Clock
from core.config import config_dir, files_in_force, state_dir
from core.errors import BluetopError, ConfigError
from core.text import clean, clean_line
from core.units import bytes_text

OK, WARN, BAD = "ok", "warn", "bad"
OUR_PACKAGES = ("core", "tui", "themes")
PATIENCE_S = 2.0


class Check(NamedTuple):
    """The answer to one question. `status` is ok, warn or bad; `advice` is the next step, "" if none."""

    area: str
    name: str
    status: str
    text: str
    advice: str = ""


def versions() -> Iterator[Check]:
    """Python and the libraries that bluetop stands on."""
    from importlib.metadata import PackageNotFoundError, version

    python = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Check(
        "program", "python", OK if good else BAD, f"{python} ({sys.executable})", "" if good else "use 3.11"
    )
    for name in ("textual", "psutil", "msgspec", "rich", "filelock", "tomli-w"):
        try:
            yield Check("program", name, OK, version(name))
        except PackageNotFoundError:
            yield Check(
                "program", name, BAD, "not installed", "install bluetop again: uv tool install bluetop"
            )


def ownership() -> Check:
    """Whether another distribution owns one of our package names: it would run instead of us."""
    from importlib.metadata import packages_distributions

    owners = packages_distributions()
    others = {
        package: sorted({name for name in owners.get(package, ()) if name.lower() != "bluetop"})
        for package in OUR_PACKAGES
    }
    clash = [
        f"{package} belongs to {clean(', '.join(names))} too" for package, names in others.items() if names
    ]
    if clash:
        advice = "give bluetop an environment of its own: uv tool install bluetop, or pipx install bluetop"
        return Check("program", "packages", BAD, "; ".join(clash), advice)
    return Check("program", "packages", OK, f"nobody else owns {', '.join(OUR_PACKAGES)}")


def configuration(named: str | None, environ: Mapping[str, str]) -> Iterator[Check]:
    """The files in force and whether they are good."""
    try:
        files = files_in_force(named, environ)
    except ConfigError as error:
        yield Check("config", "files", BAD, str(error), "")
        return
    if not files:
        folder = config_dir(environ)
        text = (
            f"no file of yours in {clean(folder)}; defaults are in force"
            if folder
            else "no HOME: defaults only"
        )
        yield Check("config", "files", OK, text)
        return
    from core.configfile import examine

    loaded = examine(files)
    faults = (*loaded.faults, *loaded.rejected)
    for path in files:
        wrong = [fault for fault in faults if fault.file == path]
        if wrong:
            yield Check(
                "config", "file", BAD, wrong[0].sentence(), "bluetop config validate lists all problems"
            )
        else:
            yield Check("config", "file", OK, clean(path))


def workspace(path: str | None, problem: str) -> Iterator[Check]:
    """The workspace: found, readable, writable, and on what it lies. `problem` is why there is none."""
    if path is None:
        text = problem or "none is named, and none is found from the current directory upward"
        status = BAD if problem else WARN
        yield Check("workspace", "found", status, text, "" if problem else "name one with --workspace DIR")
        return
    yield Check("workspace", "found", OK, clean(path))
    postbox = os.path.join(path, "postbox")
    (_, answer), *_ = ask_apart([postbox], _access, PATIENCE_S)
    if answer.problem:
        yield Check("workspace", "readable", BAD, answer.problem, "check the mount and the permissions")
    else:
        count, writable = answer.value
        yield Check("workspace", "readable", OK, f"{count} entries in postbox/")
        text = "writable" if writable else "not writable: you can look, but tasks cannot be moved"
        advice = "" if writable else "run bluetop as the user who owns the workspace, to change anything"
        yield Check("workspace", "writable", OK if writable else WARN, text, advice)
    yield filesystem("workspace", path)


def _access(postbox: str) -> tuple[int, bool]:
    with os.scandir(postbox) as entries:
        return sum(1 for _ in entries), os.access(postbox, os.W_OK | os.X_OK)


def filesystem(area: str, path: str) -> Check:
    """On which kind of file system `path` lies, from the mount table alone: nothing is touched."""
    from core.prober.mounts import all_mounts, mount_of

    mount = mount_of(os.path.abspath(path), all_mounts())
    if mount is None:
        return Check(area, "filesystem", WARN, "unknown: no mount table", "")
    kind = clean(mount.kind)
    if not mount.network:
        return Check(area, "filesystem", OK, f"{kind} (local)")
    if area == "state":
        advice = "SQLite's WAL mode is unsafe there: set XDG_STATE_HOME to a local directory"
        return Check(area, "filesystem", WARN, f"{kind}: a network file system", advice)
    return Check(
        area, "filesystem", WARN, f"{kind}: a network file system; it may hang, bluetop then shows ages", ""
    )


def state(environ: Mapping[str, str], read_only: bool) -> Iterator[Check]:
    """The state directory: can it be written, on what does it lie, do locks work there?"""
    folder = state_dir(environ)
    if folder is None:
        yield Check("state", "directory", WARN, "no HOME and no XDG_STATE_HOME: nothing is kept", "set HOME")
        return
    yield filesystem("state", folder)
    if read_only:
        yield Check("state", "locks", OK, "not tried: --read-only")
        return
    (_, answer), *_ = ask_apart([folder], _lock_works, PATIENCE_S)
    if answer.problem:
        advice = "make the directory writable, or set XDG_STATE_HOME to one that is"
        yield Check("state", "locks", BAD, f"{clean(folder)}: {answer.problem}", advice)
    elif not answer.value:
        advice = "set XDG_STATE_HOME to a local directory"
        yield Check(
            "state", "locks", BAD, f"flock does not exclude a second holder in {clean(folder)}", advice
        )
    else:
        yield Check("state", "locks", OK, f"flock works in {clean(folder)}")


def _lock_works(folder: str) -> bool:
    """Whether a second descriptor is refused a lock that the first one holds."""
    import fcntl

    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, f".doctor-{os.getpid()}.lock")
    descriptors = [os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) for _ in range(2)]
    try:
        fcntl.flock(descriptors[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(descriptors[1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
        os.unlink(path)


def clock_sane(newest_file: float | None, clock: Clock = SYSTEM_CLOCK) -> Check:
    """Whether the wall clock can be right: after this program was written, and not before its own files."""
    wall = clock.wall()
    if wall < 1_735_689_600:  # 2025-01-01, before the first release
        return Check(
            "host", "clock", BAD, "the clock stands before 2025", "set the time: timedatectl set-ntp true"
        )
    if newest_file is not None and newest_file > wall + 120:
        ahead = newest_file - wall
        advice = "compare the clocks of this host and of the one that writes the files"
        return Check("host", "clock", WARN, f"a queue file is {ahead:.0f} s newer than now", advice)
    return Check("host", "clock", OK, "plausible")


def kernel(root: str = "/") -> Iterator[Check]:
    """What the kernel tells: /proc, pressure, limits of the cgroup, other users' processes."""
    stat = _first_line(os.path.join(root, "proc/stat"))
    if stat is None:
        yield Check("host", "proc", WARN, "no /proc here: figures come from psutil, more slowly", "")
        return
    yield Check("host", "proc", OK, "readable")
    pressure = _first_line(os.path.join(root, "proc/pressure/cpu"))
    if pressure is None:
        text = "not available: no figures for stalls (PSI)"
        yield Check("host", "pressure", WARN, text, "boot with psi=1 if the kernel has it")
    else:
        yield Check("host", "pressure", OK, "available (PSI)")
    yield _cgroup(root)
    yield _visibility(root)


def _cgroup(root: str) -> Check:
    limits = []
    for what, path in (
        ("memory", "sys/fs/cgroup/memory.max"),
        ("memory", "sys/fs/cgroup/memory/memory.limit_in_bytes"),
        ("cpu", "sys/fs/cgroup/cpu.max"),
    ):
        line = _first_line(os.path.join(root, path))
        if line is None or line.startswith("max"):
            continue
        if what == "memory" and line.isdigit() and int(line) < 1 << 60:
            limits.append(f"memory {bytes_text(int(line))}")
        elif what == "cpu":
            limits.append(f"cpu {clean_line(line)} µs")
    return Check("host", "cgroup", OK, ", ".join(limits) if limits else "no limit on this level")


def _visibility(root: str) -> Check:
    """How many processes there are, and of how many the working directory may be seen."""
    seen = hidden = 0
    folder = os.path.join(root, "proc")
    for name in os.listdir(folder):
        if name.isdigit():
            try:
                os.readlink(os.path.join(folder, name, "cwd"))
                seen += 1
            except PermissionError:
                hidden += 1
            except OSError:
                continue
    text = f"{seen} visible, {hidden} of other users without details"
    if not hidden:
        return Check("host", "processes", OK, text)
    advice = "run as the agents' user, so that their processes and handles are counted"
    return Check("host", "processes", OK if seen > 1 else WARN, text, advice if seen <= 1 else "")


def _first_line(path: str) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return None


def prober(clock: Clock = SYSTEM_CLOCK) -> Check:
    """How long the helper process takes to start and answer."""
    from core.prober.client import Prober

    began = clock.now()
    helper = Prober(clock)
    try:
        helper.start()
        helper.ask("ping", PATIENCE_S)
    except BluetopError as error:
        return Check("host", "prober", BAD, str(error), "check `ulimit -u` and free memory")
    finally:
        helper.close()
    return Check("host", "prober", OK, f"answers after {1000 * (clock.now() - began):.0f} ms")


def redis() -> Check:
    """The shared cache tier: an extra, and nothing here asks for one."""
    return Check("host", "redis", OK, "not configured; nothing needs it")


def gathered(*parts: Check | Iterator[Check] | Callable[[], Check]) -> Iterator[Check]:
    """All checks, in order; one that fails in a way nobody foresaw becomes a line and stops no other."""
    for part in parts:
        try:
            if isinstance(part, Check):
                yield part
            elif callable(part):
                yield part()
            else:
                yield from part
        except (OSError, ValueError, BluetopError) as error:
            yield Check("doctor", "check", BAD, clean_line(str(error)), "report this as a bug")
