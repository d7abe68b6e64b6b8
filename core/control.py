"""The narrow door: every change to the world is a Command that is submitted here.

Keys and command line use the same door, so both get the same checks, the same read-only
refusal, the same audit line and the same error text. Nothing else in bluetop writes settings.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from core.config import config_dir
from core.errors import BluetopError, ConfigError, ReadOnlyError
from core.text import clean_line

if TYPE_CHECKING:
    from core.agentmetrics.collect import Place
    from core.agentmetrics.track import Event
    from core.balance.doing import By, Result
    from core.balance.plan import Plan

MOST_SILENCE_S = 366 * 86_400.0
OVERLAY = "settings.toml"
HEAD = (
    "# Written by bluetop when settings are saved on screen, and read over config.toml.\n"
    "# Delete this file to forget them.\n"
)


class SaveSettings(NamedTuple):
    """Keep settings changed on screen: dotted key → value, None to go back to what lies below.

    They are written to `settings.toml` beside the operator's `config.toml`, which is never touched.
    """

    changes: Mapping[str, Any]


class InitConfig(NamedTuple):
    """Write a commented configuration to start from. `path` None: the place where it is looked for."""

    path: str | None = None
    force: bool = False


class CollectMetrics(NamedTuple):
    """Bring `.metrics/` of a workspace up to date, for all agents or for one; with `report`, save a report too.

    Each file is replaced whole; after a failure those before it are up to date. The outcome's `detail`
    is a `core.agentmetrics.collect.Collected`.
    """

    place: "Place"
    agent: str | None = None
    report: bool = False


class TrackTask(NamedTuple):
    """Record the start or the end of a task in its agent's metrics. `detail` is a `collect.Tracked`."""

    place: "Place"
    agent: str
    task: str
    event: "Event"


class WriteExport(NamedTuple):
    """Write what was exported to a file, at once or not at all."""

    path: str
    data: bytes


class Desk(Protocol):
    """Where alerts are acknowledged and silenced: the running engine, or what is kept of one in files.

    Each returns a sentence about what was done, and raises ChangeFailed where that could not be.
    """

    def ack(self, rule: str, subject: str, by: str) -> str:
        """Acknowledge what fires of this rule and subject, until it resolves."""
        ...

    def unack(self, rule: str, subject: str, by: str) -> str:
        """Take that back."""
        ...

    def silence(self, match: "Match", for_s: float, by: str, comment: str) -> str:
        """No notifications of what matches for so many seconds."""
        ...

    def unsilence(self, silence: str, by: str) -> str:
        """End a silence now."""
        ...


class Match(NamedTuple):
    """What a silence is about: globs of rule and subject, and a severity; "" is everything."""

    rule: str = ""
    subject: str = ""
    severity: str = ""

    def __str__(self) -> str:
        words = (self.rule or "every rule", f"on {self.subject}" if self.subject else "", self.severity)
        return ", ".join(word for word in words if word)


class AckAlert(NamedTuple):
    """Acknowledge an alert that fires, or with `undo` take that back."""

    desk: Desk
    rule: str
    subject: str
    undo: bool = False


class SilenceAlerts(NamedTuple):
    """Silence what matches, for so many seconds. There is no silence without an end and a comment."""

    desk: Desk
    match: Match
    for_s: float
    comment: str


class EndSilence(NamedTuple):
    """End a silence now."""

    desk: Desk
    silence: str


class Runner(Protocol):
    """What applies, undoes and recovers plans of a workspace: a helper process, waited for or watched.

    Each gives the result (or the object of its schema), or a sentence where it has only been begun.
    """

    def apply(self, plan: "Plan", by: "By") -> "Result | Mapping[str, Any] | str":
        """Move what the plan moves, as far as that still is right."""
        ...

    def undo(self, plan_id: str, by: "By") -> "Result | Mapping[str, Any] | str":
        """Move back what a plan moved, as far as nobody has begun to work on it; "" is the last plan."""
        ...

    def recover(self, by: "By") -> "Mapping[str, Any] | str":
        """Put in order what plans left that were cut off."""
        ...


class ApplyPlan(NamedTuple):
    """Apply a plan of rebalancing. The outcome's `detail` is the object of bluetop.apply/1, if it is known."""

    runner: Runner
    plan: "Plan"
    reason: str = ""


class UndoPlan(NamedTuple):
    """Undo a plan that was applied, or an undo; `detail` as of `ApplyPlan`."""

    runner: Runner
    plan_id: str
    reason: str = ""


class RecoverPlans(NamedTuple):
    """Put in order what plans left that were cut off; `detail` is the object of bluetop.recover/1."""

    runner: Runner
    reason: str = ""


Command = (
    SaveSettings
    | InitConfig
    | CollectMetrics
    | TrackTask
    | WriteExport
    | AckAlert
    | SilenceAlerts
    | EndSilence
    | ApplyPlan
    | UndoPlan
    | RecoverPlans
)


class Outcome(NamedTuple):
    """What was done, in one sentence, and to which file; `detail` is whatever else the command tells of."""

    text: str
    path: str
    detail: Any = None


class ChangeFailed(BluetopError):
    """The change could not be made; nothing was changed."""


def submit(
    command: Command, *, read_only: bool, environ: Mapping[str, str] | None = None, by: str = ""
) -> Outcome:
    """Carry out `command`, or raise and leave everything as it was.

    Raises:
        ReadOnlyError: bluetop runs with --read-only.
        ConfigError: a value is not allowed, or there is no place to write to.
        ChangeFailed: the file system refused.
    """
    variables = os.environ if environ is None else environ
    who = by or variables.get("USER") or variables.get("LOGNAME") or _user()
    asker = _asker(command, who, variables)
    if read_only:
        _audit(asker, command, "refused: read-only")
        raise ReadOnlyError(f"{_words(command)} was refused: bluetop runs with --read-only; start it without")
    try:
        outcome = _carry_out(command, variables, who)
    except OSError as error:
        _audit(asker, command, f"failed: {error}")
        where = f" {error.filename}" if error.filename else ""
        late = isinstance(error, TimeoutError)
        reason = "another bluetop is saving" if late else error.strerror or type(error).__name__
        raise ChangeFailed(
            clean_line(
                f"{_words(command)} failed:{where}: {reason}; check the directory's permissions and space"
            )
        ) from error
    except BluetopError as error:
        _audit(asker, command, f"failed: {error}")
        raise
    _audit(asker, command, outcome.text)
    return outcome


def _user() -> str:
    """As whom we run, where no variable says so."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _carry_out(command: Command, variables: Mapping[str, str], who: str) -> Outcome:
    if isinstance(command, AckAlert):
        act = command.desk.unack if command.undo else command.desk.ack
        return Outcome(act(command.rule, command.subject, clean_line(who, 100)), "")
    if isinstance(command, SilenceAlerts):
        comment = clean_line(command.comment.strip(), 300)
        if not comment:
            raise ChangeFailed("a silence needs a comment: say why, for whoever comes after you")
        if not 0 < command.for_s <= MOST_SILENCE_S:
            raise ChangeFailed("a silence needs an end, at most 366 days from now")
        by = clean_line(who, 100)
        return Outcome(command.desk.silence(command.match, command.for_s, by, comment), "")
    if isinstance(command, EndSilence):
        return Outcome(command.desk.unsilence(command.silence, clean_line(who, 100)), "")
    if isinstance(command, SaveSettings):
        return _save(command, variables)
    if isinstance(command, InitConfig):
        return _init(command, variables)
    if isinstance(command, ApplyPlan | UndoPlan | RecoverPlans):
        from core.balance.change import carry_out

        return carry_out(command, who, variables)
    from core.agentmetrics import change

    if isinstance(command, CollectMetrics):
        return change.collect_metrics(command)
    return change.track_task(command) if isinstance(command, TrackTask) else change.write_export(command)


def _words(command: Command) -> str:
    if isinstance(command, AckAlert):
        what = "un-acknowledging" if command.undo else "acknowledging"
        return clean_line(f"{what} {command.rule} on {command.subject}", 200)
    if isinstance(command, SilenceAlerts):
        return clean_line(f"silencing {command.match} for {command.for_s:.0f} s", 200)
    if isinstance(command, EndSilence):
        return clean_line(f"ending the silence {command.silence}", 200)
    if isinstance(command, ApplyPlan | UndoPlan | RecoverPlans):
        from core.balance.change import words

        return words(command)
    if isinstance(command, InitConfig):
        return "writing a configuration"
    if isinstance(command, CollectMetrics):
        return "reporting on the metrics" if command.report else "collecting the metrics"
    if isinstance(command, TrackTask):
        what = "start" if command.event.kind == "start" else "end"
        return clean_line(f"recording the {what} of {command.task} by {command.agent}", 200)
    if isinstance(command, WriteExport):
        return clean_line(f"writing {command.path}")
    return f"saving {', '.join(command.changes)}"


def _asker(command: Command, who: str, environ: Mapping[str, str]) -> str:
    """Who asks, for the audit line; of plans also from where, and why."""
    if not isinstance(command, ApplyPlan | UndoPlan | RecoverPlans):
        return who
    from core.balance.change import asker

    return asker(command, who, environ)


def _audit(who: str, command: Command, result: str) -> None:
    import logging

    logging.getLogger("bluetop.audit").info(
        "%s by %s: %s", _words(command), clean_line(who), clean_line(result)
    )


def _folder(environ: Mapping[str, str]) -> str:
    folder = config_dir(environ)
    if folder is None:
        raise ConfigError("there is no place for settings: set HOME or XDG_CONFIG_HOME to an absolute path")
    return folder


def _save(command: SaveSettings, environ: Mapping[str, str]) -> Outcome:
    import tomli_w

    from core.configfile import check_table, read_table

    folder = _folder(environ)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, OVERLAY)
    with _locked(path):
        table = read_table(path) if os.path.exists(path) else {}
        for key, value in command.changes.items():
            _set(table, key.split("."), value)
        faults = check_table(table, path)
        if faults:
            raise ConfigError(faults[0].sentence())
        _write(path, HEAD + tomli_w.dumps(table))
    return Outcome(f"saved {', '.join(command.changes)} to {clean_line(path)}", path)


def _set(table: dict[str, Any], parts: list[str], value: Any) -> None:
    """Set or (None) remove one key; a section that becomes empty goes too."""
    first, *rest = parts
    if rest:
        below = table.setdefault(first, {})
        if not isinstance(below, dict):
            raise ConfigError(f"settings.toml: {first} is not a table; delete the file and save again")
        _set(below, rest, value)
        if not below:
            del table[first]
    elif value is None:
        table.pop(first, None)
    else:
        table[first] = value


def _locked(path: str) -> AbstractContextManager[Any]:
    """Held while settings.toml is read, changed and replaced, so that two dashboards lose nothing."""
    from filelock import FileLock

    return FileLock(path + ".lock", timeout=2)


def _init(command: InitConfig, environ: Mapping[str, str]) -> Outcome:
    from core.configfile import shipped_text

    path = command.path or os.path.join(_folder(environ), "config.toml")
    path = os.path.abspath(os.path.expanduser(path))
    if os.path.lexists(path) and not command.force:
        raise ConfigError(f"{clean_line(path)} exists; edit it, or write it anew with --force")
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    _write(path, starting_text(shipped_text()))
    return Outcome(
        f"wrote {clean_line(path)}: every setting, commented out; remove the # of what you change", path
    )


def starting_text(shipped: str) -> str:
    """The shipped configuration with every line but the comments commented out.

    So a file that somebody keeps for years follows the defaults in all that it does not change.
    """
    lines = []
    for line in shipped.splitlines():
        plain = not line or line.startswith("# ") or line == "#"
        lines.append(line if plain else f"#{line}")
    return "\n".join(lines) + "\n"


def _write(path: str, text: str) -> None:
    """Replace `path` at once or not at all. A symlink is followed, so that dotfile managers keep theirs."""
    import tempfile

    target = os.path.realpath(path)
    handle, temporary = tempfile.mkstemp(prefix=".bluetop-", suffix=".toml", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
