"""The settings as frozen structs: every number of the product, with its default.

`config.toml` holds the same values with a comment each; a test keeps the two equal. Reading,
merging and checking files is `core.configfile`, imported only where there is a file: without
one the defaults below are the settings and no TOML parser is loaded.

Units are in the names, except where `config.toml` was given other names by its specification
(`[tuning]`, and the durations of `[[kpi]]`, which take "5m" as well as seconds).
"""

import os
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from core.errors import ConfigError

# The description is what an error message says is allowed.
Interval = Annotated[float, Meta(ge=0.1, le=3600, description="a number of seconds from 0.1 to 3600")]
Seconds = Annotated[float, Meta(gt=0, description="a number above 0 (seconds)")]
Whole = Annotated[int, Meta(ge=1, description="a whole number, 1 or more")]
WholeOrZero = Annotated[int, Meta(ge=0, description="a whole number, 0 or more")]
Milliseconds = Annotated[float, Meta(gt=0, description="a number above 0 (milliseconds)")]
Percent = Annotated[float, Meta(ge=0, le=100, description="a number from 0 to 100")]
Hours = Annotated[float, Meta(gt=0, description="a number above 0 (hours)")]
Number = Annotated[float, Meta(description="a finite number")]
NumberOrZero = Annotated[float, Meta(ge=0, description="a number, 0 or more")]
LoadPercent = Annotated[float, Meta(ge=0, le=1000, description="per cent of an agent's capacity, 0 to 1000")]
HoursOrZero = Annotated[float, Meta(ge=0, description="a number, 0 or more (hours)")]
QuietHours = Annotated[
    str,
    Meta(
        pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d\Z",
        description='a time of day to another, such as "22:00-06:00"',
    ),
]
MaybeNumber = Annotated[float | None, Meta(description="a finite number; without it that of threshold")]
Name = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="1 to 64 letters, digits, or any of _ . -")
]
Column = Annotated[
    str, Meta(pattern=r"^[a-z0-9_]{0,32}\Z", description='the name of a column in small letters, or ""')
]
ColumnName = Annotated[
    str, Meta(pattern=r"^[a-z0-9_]{1,32}\Z", description="the name of a column in small letters")
]
TableName = Annotated[
    str,
    Meta(pattern=r"^[a-z_]{1,32}\Z", description='the name of a table in small letters, such as "agents"'),
]
ViewName = Annotated[
    str,
    Meta(pattern=r"^\w([\w -]{0,38}[\w-])?\Z", description="1 to 40 letters, digits, blanks, or any of _ -"),
]
FilterText = Annotated[str, Meta(max_length=2000, description="a filter of at most 2000 characters")]
Duration = Annotated[
    float,
    Meta(
        ge=0,
        extra={"check": "duration"},
        description='seconds, or text such as "250ms", "15s", "5m", "4h", "1d"',
    ),
]
Condition = Annotated[
    str, Meta(extra={"check": "condition"}, description='one of < <= > >= and a number, such as "< 80"')
]
MaybeCondition = Annotated[
    str,
    Meta(
        extra={"check": "condition_or_empty"},
        description='one of < <= > >= and a number, such as "> 95", or ""',
    ),
]
Glob = Annotated[str, Meta(min_length=1, max_length=200, description='a name, or a pattern such as "C*"')]
Template = Annotated[str, Meta(max_length=500, description="text of at most 500 characters")]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/?#]+[^\s]*\Z",
        extra={"secret": True},
        description="an address that begins with http:// or https://",
    ),
]
Header = Annotated[str, Meta(extra={"secret": True}, description="text in quotes")]
Regex = Annotated[str, Meta(extra={"check": "regex"}, description="a regular expression")]
Scope = Literal["host", "agent", "process"]
Severity = Literal["info", "low", "medium", "high", "critical"]
Operator = Literal[">", ">=", "<", "<=", "==", "!="]
Aggregate = Literal["last", "avg", "max", "min"]


class Workspace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the queues are, if the command line, the environment and the current directory do not say."""

    path: str = ""


class Poll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often is asked, and how long is waited. Scans follow `tuning.resource_check_interval`."""

    host_interval_s: Interval = 1.0
    queue_interval_s: Interval = 1.0
    deadline_s: Seconds = 5.0


class Queues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of queue files is read, and how patiently: the fields of `core.queues.Limits`."""

    max_bytes: Whole = 536_870_912
    deep_check_bytes: WholeOrZero = 8_388_608
    max_agents: Whole = 100_000
    torn_retries: WholeOrZero = 2
    repair_bytes: WholeOrZero = 33_554_432
    cross_ids: WholeOrZero = 50_000
    max_tasks: Whole = 50_000


class Watch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which processes are watched besides those that work in the workspace. Regular expressions."""

    patterns: tuple[Regex, ...] = ()
    scan_budget_ms: Milliseconds = 40.0
    agents: dict[str, Regex] = {}


class Workload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The workload score: estimated pending hours / `hours` x 100, at most 100."""

    hours: Hours = 8.0
    overloaded_percent: Percent = 80.0
    underused_percent: Percent = 30.0


class Liveness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an agent with a task in progress counts as silent. A busy process has `tuning.task_timeout_hours`."""

    silent_after_s: Seconds = 1800.0


class Auto(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The automatic mode of rebalancing. `min_gain` is in percentage points, `quiet_hours` in local time."""

    mode: Literal["off", "dry-run", "on"] = "off"
    every_s: Annotated[float, Meta(ge=10, le=86_400, description="a number of seconds from 10 to 86400")] = (
        300.0
    )
    moves_per_hour: Whole = 10
    min_gain: NumberOrZero = 5.0
    quiet_hours: tuple[QuietHours, ...] = ()
    max_task_moves: Whole = 2


class Balance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a plan is asked to do: the fields of `core.balance.options.Options`, and how long it holds."""

    target: LoadPercent = 80.0
    under: LoadPercent = 30.0
    queue_limit: WholeOrZero = 10
    max_moves: WholeOrZero = 0
    cooldown_hours: HoursOrZero = 1.0
    min_gain: NumberOrZero = 1.0
    unlabelled: Literal["peers", "any", "never"] = "peers"
    plan_expires_s: Seconds = 900.0
    auto: Auto = Auto()


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The record of what happened to tasks, kept below the workspace in `.bluetop/`."""

    enabled: bool = True
    max_bytes: Annotated[
        int, Meta(ge=65_536, le=4_294_967_296, description="a whole number of bytes from 65536 to 4294967296")
    ] = 67_108_864


class Kpi(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={
    "window_s": "window", "stale_after_s": "stale_after",
}):  # fmt: skip
    """One key performance indicator (status: critical, warning, unknown, ok). Off if not `enabled`."""

    name: Name
    metric: Name
    target: Condition
    scope: Scope = "host"
    aggregate: Aggregate = "last"
    window_s: Duration = 60.0
    stale_after_s: Duration = 15.0
    critical: MaybeCondition = ""
    enabled: bool = True


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={
    "window_s": "window", "for_s": "for", "keep_s": "keep_firing_for", "stale_after_s": "stale_after",
    "hold_max_s": "hold_max", "repeat_s": "repeat", "flap_window_s": "flap_window",
}):  # fmt: skip
    """One alert rule (alerting.md, section 1). What its keys must be to each other: `core.alerts.rules`.

    `scope` "" is any, `clear` None is the threshold, `window_s` is used by every aggregate but last.
    """

    name: Name
    metric: Name
    threshold: Number
    scope: Literal["", "host", "agent", "process"] = ""
    subject: Glob = "*"
    aggregate: Aggregate = "last"
    window_s: Duration = 60.0
    op: Operator = ">"
    clear: MaybeNumber = None
    for_s: Duration = 0.0
    keep_s: Duration = 0.0
    severity: Severity = "medium"
    on_missing: Literal["hold", "resolve", "fire"] = "hold"
    stale_after_s: Duration = 15.0
    hold_max_s: Duration = 3600.0
    repeat_s: Duration = 14_400.0
    inhibit: bool = True
    flap_window_s: Duration = 600.0
    flap_high: WholeOrZero = 6
    flap_low: WholeOrZero = 2
    enabled: bool = True
    summary: Template = ""
    recommendation: Template = ""


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the terminal is told of alerts. Of less than `severity` it hears nothing."""

    bell: bool = True
    osc: Literal["auto", "9", "777", "off"] = "auto"
    severity: Severity = "medium"


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address that alerts are posted to as JSON. Address and headers may hold secrets: never logged."""

    name: Name
    url: Url
    headers: dict[str, Header] = {}
    severity: Severity = "info"
    enabled: bool = True


class Hook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command that is run for alerts: a list of arguments, never a shell; the text comes on standard input."""

    name: Name
    command: tuple[str, ...]
    severity: Severity = "info"
    enabled: bool = True


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the load counts as high and as low, for the tuning."""

    cpu_high_percent: Percent = 80.0
    cpu_low_percent: Percent = 40.0
    memory_high_percent: Percent = 75.0
    memory_low_percent: Percent = 50.0


class HighLoad(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tuning under high load."""

    max_concurrent_tasks: Whole = 3
    cache_ttl_seconds: Seconds = 60.0


class LowLoad(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tuning under low load."""

    max_concurrent_tasks: Whole = 8
    cache_ttl_seconds: Seconds = 600.0


class Tuning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tuning parameters at ordinary load."""

    max_concurrent_tasks: Whole = 5
    cache_ttl_seconds: Seconds = 300.0
    resource_check_interval: Interval = 5.0
    task_timeout_hours: Hours = 4.0
    max_retry_attempts: WholeOrZero = 3
    file_operation_batch_size: Whole = 100
    metrics_aggregation_interval: Seconds = 3600.0
    thresholds: Thresholds = Thresholds()
    high: HighLoad = HighLoad()
    low: LowLoad = LowLoad()


class Cache(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long each tier keeps a value."""

    l1_ttl_s: Seconds = 60.0
    l2_ttl_s: Seconds = 300.0
    l3_ttl_s: Seconds = 3600.0


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to look at a table that was given a name. Without `columns` those that are there stay."""

    table: TableName = "agents"
    filter: FilterText = ""
    sort: Column = ""
    descending: bool = False
    columns: tuple[ColumnName, ...] = ()


class Ui(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The dashboard."""

    theme: Name = "dusk"
    ascii: Literal["auto", "always", "never"] = "auto"
    mouse: bool = True
    title: bool = True
    sort: Column = ""
    sort_descending: bool = False
    columns: tuple[ColumnName, ...] = ()
    views: dict[ViewName, View] = {}


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log file of the program itself. Nothing is ever logged to the terminal."""

    level: Literal["debug", "info", "warning", "error"] = "warning"
    file: str = ""


DEFAULT_KPIS = (
    Kpi("cpu", "cpu_percent", aggregate="avg", window_s=300, target="< 80", critical="> 95"),
    Kpi("memory", "memory_percent", aggregate="avg", window_s=300, target="< 75", critical="> 90"),
    Kpi("disk_io", "disk_io_mb_per_s", aggregate="avg", window_s=60, target="< 50"),
    Kpi("open_files", "open_files", target="< 100"),
    Kpi("queue", "queue_length", scope="agent", target="< 10"),
    Kpi("workload", "workload_percent", scope="agent", target="<= 80"),
    Kpi("success", "success_percent", scope="agent", target="> 95"),
    Kpi("completion", "completion_hours", scope="agent", target="< 2"),
    Kpi("efficiency", "efficiency_percent", scope="agent", target="> 80"),
)
DEFAULT_RULES = (
    Rule("cpu_critical", "cpu_percent", 90, "host", clear=85, for_s=15, severity="critical"),
    Rule("memory_high", "memory_percent", 85, "host", clear=80, for_s=15, severity="high"),
    Rule("queue_length", "queue_length", 15, "agent", clear=12),
    Rule("efficiency_low", "efficiency_percent", 60, "agent", op="<", clear=65, for_s=60, severity="low"),
    # Bottlenecks: beyond the limit for a whole window, so a spike is none.
    Rule("task_queue_overflow", "queue_length", 10, "agent", aggregate="min", clear=8, severity="low"),
    Rule("slow_completion", "completion_hours", 2, "agent", aggregate="min", clear=1.8),
    Rule("cpu_exhausted", "cpu_percent", 95, "host", aggregate="avg", clear=90, severity="high"),
    Rule("memory_exhausted", "memory_percent", 90, "host", aggregate="avg", clear=85, severity="critical"),
    Rule("disk_io", "disk_io_mb_per_s", 50, "host", aggregate="avg", clear=40),
    Rule("open_files", "open_files", 100, "host", aggregate="min", clear=90, severity="low"),
    Rule("memory_growth", "memory_mb_per_min", 100, "host", aggregate="avg", window_s=600, clear=50, severity="low"),
)  # fmt: skip


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that `config.toml` can say. `kpis` and `rules` are what is enabled of `kpi` and `rule`."""

    workspace: Workspace = Workspace()
    poll: Poll = Poll()
    queues: Queues = Queues()
    watch: Watch = Watch()
    workload: Workload = Workload()
    liveness: Liveness = Liveness()
    record: Record = Record()
    balance: Balance = Balance()
    tuning: Tuning = Tuning()
    cache: Cache = Cache()
    ui: Ui = Ui()
    log: Log = Log()
    notify: Notify = Notify()
    webhook: tuple[Webhook, ...] = ()
    hook: tuple[Hook, ...] = ()
    kpi: tuple[Kpi, ...] = DEFAULT_KPIS
    rule: tuple[Rule, ...] = DEFAULT_RULES

    @property
    def kpis(self) -> tuple[Kpi, ...]:
        """The KPIs that are judged."""
        return tuple(kpi for kpi in self.kpi if kpi.enabled)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are in force."""
        return tuple(rule for rule in self.rule if rule.enabled)


def parse_condition(text: str) -> tuple[str, float]:
    """Operator and number of a condition such as "< 80".

    Raises:
        ValueError: it is none.
    """
    stripped = text.strip()
    op = stripped[:2] if stripped[1:2] == "=" else stripped[:1]
    if op not in ("<", "<=", ">", ">="):
        raise ValueError(f"{text!r} does not begin with < <= > or >=")
    number = float(stripped[len(op) :])
    if number - number != 0:  # inf and nan
        raise ValueError(f"{text!r} has no finite number")
    return op, number


def holds(value: float, op: str, limit: float) -> bool:
    """Whether `value op limit` is true; `op` is one of > >= < <=."""
    if op == ">":
        return value > limit
    if op == "<":
        return value < limit
    return value >= limit if op == ">=" else value <= limit


def config_dir(environ: Mapping[str, str]) -> str | None:
    """`$XDG_CONFIG_HOME/bluetop`, `~/.config/bluetop`, or None where there is no home."""
    return _xdg(environ, "XDG_CONFIG_HOME", ".config")


def state_dir(environ: Mapping[str, str]) -> str | None:
    """`$XDG_STATE_HOME/bluetop`, `~/.local/state/bluetop`, or None where there is no home."""
    return _xdg(environ, "XDG_STATE_HOME", ".local/state")


def _xdg(environ: Mapping[str, str], name: str, below_home: str) -> str | None:
    base = environ.get(name, "")
    if not base.startswith("/"):  # the XDG specification: relative paths are invalid and ignored
        home = environ.get("HOME", "")
        if not home.startswith("/"):
            return None
        base = os.path.join(home, below_home)
    return os.path.join(base, "bluetop")


def files_in_force(named: str | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The files that are read over the defaults, in order: the operator's own, then the saved overlay.

    The current directory is never looked at: a configuration names commands to run.

    Raises:
        ConfigError: `--config` or BLUETOP_CONFIG names a file that is not there.
    """
    files: list[str] = []
    folder = config_dir(environ)
    chosen = named or environ.get("BLUETOP_CONFIG", "")
    if chosen:
        path = os.path.abspath(os.path.expanduser(chosen))
        if not os.path.exists(path):
            origin = "--config" if named else "BLUETOP_CONFIG"
            raise ConfigError(
                f"{origin} names {path}, which does not exist; "
                "name an existing file, or write one with `bluetop config init`"
            )
        files.append(path)
    elif folder is not None and os.path.exists(own := os.path.join(folder, "config.toml")):
        files.append(own)
    if folder is not None and os.path.exists(overlay := os.path.join(folder, "settings.toml")):
        files.append(overlay)
    return tuple(files)


def load(named: str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in force: defaults, then the operator's file, then what was saved on screen.

    `named` is the file of `--config`, if any.

    Raises:
        ConfigError: a file cannot be read, or a key in it cannot be used (the first of the problems).
    """
    files = files_in_force(named, os.environ if environ is None else environ)
    if not files:
        return Settings()
    from core.configfile import load_files

    return load_files(files)


def rejected(named: str | None = None, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """A sentence for each alert rule, or change of one, that `load` leaves out; () where there is no file."""
    files = files_in_force(named, os.environ if environ is None else environ)
    if not files:
        return ()
    from core.configfile import examine

    return tuple(fault.sentence() for fault in examine(files).rejected)
