"""Configuration files: read, check every key, merge over the defaults, and say precisely what is wrong.

Loaded only where there is a file to read (`core.config.load` decides). All problems of a file are
found, each with its line; `load_files` raises the first, `bluetop config validate` lists them all.
Not for writing: that is `core.control`.
"""

import os
import re
import tomllib
from math import isfinite
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Meta
from msgspec.structs import fields as struct_fields

from core.config import Settings, parse_condition
from core.errors import ConfigError
from core.text import clean_line
from core.tomllines import Path, dotted, lines_of

MAX_BYTES = 1_048_576  # a configuration larger than this is a mistake, such as a log file named by accident
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Table = dict[str, Any]


class Fault(NamedTuple):
    """One thing in a file that cannot be used. `line` counts from 1, 0 where there is none."""

    file: str
    line: int
    key: str
    value: str
    problem: str
    advice: str

    def sentence(self) -> str:
        """What was wrong, where, and what to do, on one line."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        said = f" is {self.value};" if self.key and self.value else ""
        key = f"{self.key}{said} " if self.key else ""
        return clean_line(f"{where}: {key}{self.problem}; {self.advice}", 1000)


class Loaded(NamedTuple):
    """A merged configuration: `settings` is None if there are faults; `origin` says which file set a key."""

    settings: Settings | None
    faults: tuple[Fault, ...]
    origin: dict[str, str]


def load_files(paths: tuple[str, ...]) -> Settings:
    """The defaults with `paths` merged over them, in order.

    Raises:
        ConfigError: one line: the first fault, and how many more there are.
    """
    loaded = examine(paths)
    if loaded.settings is None:
        first, *more = loaded.faults
        rest = f" (and {len(more)} more: `bluetop config validate` lists them)" if more else ""
        raise ConfigError(first.sentence() + rest)
    return loaded.settings


def examine(paths: tuple[str, ...]) -> Loaded:
    """Read, check and merge `paths` over the defaults; nothing is raised, faults are listed."""
    merged: Table = msgspec.to_builtins(Settings())
    faults: list[Fault] = []
    origin: dict[str, str] = {}
    for path in paths:
        checker = _Checker(path)
        table = checker.read()
        checker.merge(table, merged, Settings, (), origin)
        faults += checker.faults
    if not faults:
        faults += _cross_checks(merged, origin)
    if faults:
        return Loaded(None, tuple(faults), origin)
    return Loaded(msgspec.convert(merged, Settings), (), origin)


def read_table(path: str) -> Table:
    """A file as a table, unchecked.

    Raises:
        ConfigError: it cannot be read or is not TOML.
    """
    checker = _Checker(path)
    table = checker.read()
    if checker.faults:
        raise ConfigError(checker.faults[0].sentence())
    return table


def check_table(table: Table, file: str) -> tuple[Fault, ...]:
    """The faults of a table that is about to be written to `file`."""
    checker = _Checker(file)
    merged: Table = msgspec.to_builtins(Settings())
    origin: dict[str, str] = {}
    checker.merge(table, merged, Settings, (), origin)
    return tuple(checker.faults or _cross_checks(merged, dict.fromkeys(origin, "")))


def shipped_text() -> str:
    """The commented `config.toml` that comes with bluetop: in the wheel, or at the root of a checkout.

    Raises:
        ConfigError: it is in neither place, so the installation is damaged.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    for place in (folder, os.path.dirname(folder)):
        path = os.path.join(place, "config.toml")
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return file.read()
    raise ConfigError(f"{folder}/config.toml is missing, beside {folder} too; install bluetop again")


def duration_s(value: object) -> float:
    """Seconds of a number or of text such as "250ms", "15s", "5m", "4h", "1d".

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("neither a number nor text")
    if isinstance(value, str):
        match = _DURATION.match(value)
        seconds = float(match[1]) * _UNIT_S[match[2]] if match else float(value)
    else:
        seconds = float(value)
    if not isfinite(seconds) or seconds < 0:
        raise ValueError("not a duration")
    return seconds


def shown(value: object) -> str:
    """A value as it stands in TOML, short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


class _Checker:
    """Checks one file against the structs and merges what is right; keeps the faults."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._lines: dict[Path, int] = {}

    def read(self) -> Table:
        """The file as a table; {} and a fault where it is not TOML."""
        try:
            if not os.path.isfile(self.file):  # a FIFO would be waited for
                raise OSError(0, "it is not a file")
            with open(self.file, "rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            reason = error.strerror or str(error)
            self._fault((), "", f"cannot be read: {reason}", "name a file that you may read")
            return {}
        if len(raw) > MAX_BYTES:
            self._fault((), "", "is larger than 1 MiB", "name a bluetop configuration")
            return {}
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            self.faults.append(Fault(self.file, line, "", "", "is not UTF-8", "save the file as UTF-8"))
            return {}
        try:
            table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: also a number of 5,000 digits
            match = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            reason = re.sub(r" \(at .*\)$", "", str(error))
            line = int(match[1]) if match else text.count("\n") + 1
            self.faults.append(
                Fault(
                    self.file, line, "", "", f"is not TOML: {reason}", "correct this line; all else is unread"
                )
            )
            return {}
        self._lines = lines_of(text)
        return table

    def merge(self, table: Table, into: Table, struct: type[Any], path: Path, origin: dict[str, str]) -> None:
        """Check `table` as a `struct` and put what is right into `into`."""
        known = {field.encode_name: field for field in struct_fields(struct)}
        for key, value in table.items():
            at = (*path, key)
            field = known.get(key)
            if field is None:
                self._unknown(at, key, list(known))
                continue
            kind = _without_meta(field.type)
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                if isinstance(value, dict):
                    self.merge(value, into[key], kind, at, origin)
                else:
                    self._fault(at, shown(value), "it must be a table", f"write [{dotted(at)}]")
            elif (element := _element(kind)) is not None and issubclass(element, msgspec.Struct):
                into[key] = self._merge_list(value, into[key], element, at, origin)
            elif _known_dict(kind):
                self._merge_dict(value, into[key], get_args(kind), at, origin)
            else:
                self._leaf(value, into, key, field.type, at, origin)

    def _merge_list(
        self, value: object, old: Any, element: type[Any], path: Path, origin: dict[str, str]
    ) -> list[Table]:
        """Tables with a name: one of an old name changes it, a new name is added."""
        merged = [dict(entry) for entry in old]
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self._fault(path, shown(value), "it must be a list of tables", f"write [[{dotted(path)}]]")
            return merged
        index = {entry["name"]: entry for entry in merged}
        seen: dict[str, int] = {}
        required = [f.encode_name for f in struct_fields(element) if f.default is msgspec.NODEFAULT]
        for number, entry in enumerate(value):
            at = (*path, number)
            name = entry.get("name")
            if not isinstance(name, str):
                self._fault(at, "", "it has no name", 'add a line such as name = "cpu"')
                continue
            if name in seen:
                self._fault(
                    (*at, "name"),
                    shown(name),
                    f"line {self._line((*path, seen[name], 'name'))} has that name too",
                    "give each its own name",
                )
                continue
            seen[name] = number
            target = index.get(name)
            if target is None:
                missing = [key for key in required if key not in entry]
                if missing:
                    self._fault(
                        at, "", f"{shown(name)} is new and lacks {' and '.join(missing)}",
                        f"add {' and '.join(missing)}, or use the name of a shipped one to change it",
                    )  # fmt: skip
                    continue
                target = _defaults(element)
                merged.append(target)
                index[name] = target
            self.merge(entry, target, element, at, origin)
            for key in entry:
                origin[f"{dotted(path)}.{name}.{key}"] = self.file
        return merged

    def _merge_dict(
        self, value: object, into: Table, kinds: tuple[Any, ...], path: Path, origin: dict[str, str]
    ) -> None:
        """A table with keys of the operator's own; `kinds` are those of its keys and of its values."""
        if not isinstance(value, dict):
            self._fault(path, shown(value), "it must be a table", f"write [{dotted(path)}]")
            return
        name_kind, kind = kinds
        for key, entry in value.items():
            at = (*path, key)
            try:
                _converted(key, name_kind)
            except (ValueError, msgspec.ValidationError):
                self._fault(at, "", f"its name must be {allowed_text(name_kind)}", "give it another name")
                continue
            if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
                self._leaf(entry, into, key, kind, at, origin)
            elif isinstance(entry, dict):
                self.merge(entry, into.setdefault(key, _defaults(kind)), kind, at, origin)
            else:
                self._fault(at, shown(entry), "it must be a table", f"write [{dotted(at)}]")

    def _leaf(self, value: Any, into: Table, key: str, kind: Any, path: Path, origin: dict[str, str]) -> None:
        allowed = allowed_text(kind)
        try:
            into[key] = _converted(value, kind)
            origin[dotted(path)] = self.file
        except (ValueError, msgspec.ValidationError) as error:
            detail = f" ({error})" if isinstance(error, _Detail) else ""
            default = shown(into[key]) if key in into and not isinstance(into[key], list) else ""
            advice = (
                f"change it, or remove the line for {default}" if default else "change or remove the line"
            )
            self._fault(path, shown(value), f"it must be {allowed}{detail}", advice)

    def _unknown(self, path: Path, key: str, known: list[str]) -> None:
        from difflib import get_close_matches

        close = get_close_matches(key, known, n=1, cutoff=0.6)
        elsewhere = [place for place in all_keys() if place.rpartition(".")[2] == key]
        if close:
            advice = f"did you mean {close[0]}?"
        elif elsewhere:
            advice = f"did you mean {elsewhere[0]}?"
        else:
            advice = f"known here: {', '.join(sorted(known))}"
        self._fault(path, "", "is not a setting", advice)

    def _line(self, path: Path) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def _fault(self, path: Path, value: str, problem: str, advice: str) -> None:
        self.faults.append(Fault(self.file, self._line(path), dotted(path), value, problem, advice))


class _Detail(ValueError):
    """A ValueError whose text helps the reader of the message."""


def _converted(value: Any, kind: Any) -> Any:
    """`value` as the builtin that `kind` wants."""
    check = _check_of(kind)
    if check == "duration":
        value = duration_s(value)
    result = msgspec.convert(value, kind)
    for number in result if isinstance(result, tuple) else (result,):
        if isinstance(number, float) and not isfinite(number):
            raise ValueError("not finite")
    texts = result if isinstance(result, tuple) else (result,)
    element = _element(_without_meta(kind), keep_meta=True)
    check = _check_of(element) if element is not None else check
    for text in texts:
        if check == "condition" or (check == "condition_or_empty" and text):
            parse_condition(text)
        elif check == "regex":
            try:
                re.compile(text)
            except re.error as error:
                raise _Detail(str(error)) from error
    return list(result) if isinstance(result, tuple) else result


def _metas(kind: Any) -> list[Meta]:
    return [meta for meta in getattr(kind, "__metadata__", ()) if isinstance(meta, Meta)]


def _check_of(kind: Any) -> str:
    for meta in _metas(kind):
        if meta.extra:
            return str(meta.extra.get("check", ""))
    return ""


def _without_meta(kind: Any) -> Any:
    return kind.__origin__ if hasattr(kind, "__metadata__") else kind


def _element(kind: Any, keep_meta: bool = False) -> Any:
    """What a `tuple[X, ...]` holds, else None."""
    if get_origin(kind) is not tuple:
        return None
    inner = get_args(kind)[0]
    return inner if keep_meta else _without_meta(inner)


def _known_dict(kind: Any) -> bool:
    return get_origin(kind) is dict


def _defaults(struct: type[Any]) -> Table:
    """The defaults of a struct by the names they have in the file."""
    return {
        field.encode_name: field.default
        for field in struct_fields(struct)
        if field.default is not msgspec.NODEFAULT
    }


def allowed_text(kind: Any) -> str:
    """What may stand there, in words."""
    for meta in _metas(kind):
        if meta.description:
            return meta.description
    plain = _without_meta(kind)
    if get_origin(plain) is Literal:
        return "one of " + ", ".join(shown(choice) for choice in get_args(plain))
    element = _element(plain, keep_meta=True)
    if element is not None:
        return f"a list, each {allowed_text(element)}"
    if _known_dict(plain):
        return f"a table, each value {allowed_text(get_args(plain)[1])}"
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        return f"a table with any of {', '.join(field.encode_name for field in struct_fields(plain))}"
    return {bool: "true or false", str: "text in quotes", int: "a whole number", float: "a number"}.get(
        plain, str(plain)
    )


class Described(NamedTuple):
    """One setting for people: its key, its default as TOML ("" if it must be given), and what is allowed."""

    key: str
    default: str
    allowed: str


def described(struct: type[Any] = Settings, prefix: str = "") -> list[Described]:
    """Every setting there is; those of the list tables as `kpi.target`."""
    found: list[Described] = []
    for field in struct_fields(struct):
        kind = _without_meta(field.type)
        inner = _element(kind) or kind
        name = f"{prefix}{field.encode_name}"
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            found += described(inner, f"{name}.")
        else:
            default = "" if field.required else shown(_default(field))
            found.append(Described(name, default, allowed_text(field.type)))
    return found


def _default(field: Any) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return list(field.default) if isinstance(field.default, tuple) else field.default


def all_keys() -> list[str]:
    """Every key there is, as `section.key`."""
    return [setting.key for setting in described()]


def _cross_checks(merged: Table, origin: dict[str, str]) -> list[Fault]:
    """What only several keys together show. The line is not known; the file of the later key is named."""
    from core.metrics import METRICS

    faults: list[Fault] = []

    def fault(key: str, value: object, problem: str, advice: str) -> None:
        faults.append(_located(origin.get(key, ""), key, shown(value), problem, advice))

    limits = merged["tuning"]["thresholds"]
    pairs = [
        ("tuning.thresholds.cpu_low_percent", limits, "cpu_low_percent", "cpu_high_percent"),
        ("tuning.thresholds.memory_low_percent", limits, "memory_low_percent", "memory_high_percent"),
        ("workload.underused_percent", merged["workload"], "underused_percent", "overloaded_percent"),
    ]
    for key, table, low, high in pairs:
        if table[low] >= table[high]:
            upper = key.rpartition(".")[0] + "." + high
            changed = key if key in origin or upper not in origin else upper
            value = table[low] if changed == key else table[high]
            fault(
                changed, value, f"{low} must be below {high}", f"they are {table[low]:g} and {table[high]:g}"
            )
    for kind in ("kpi", "rule"):
        for entry in merged[kind]:
            key = f"{kind}.{entry['name']}"
            metric = entry["metric"]
            if entry["enabled"] and metric not in METRICS:
                from difflib import get_close_matches

                close = get_close_matches(metric, list(METRICS), n=1, cutoff=0.8)
                advice = (
                    f"did you mean {close[0]}?" if close else "set enabled = false, or name a known metric"
                )
                named = f"{key}.metric" if f"{key}.metric" in origin else f"{key}.enabled"
                fault(named, metric, "that metric is not measured", advice)
            elif entry["enabled"] and METRICS[metric].scope != entry["scope"]:
                named = f"{key}.scope" if f"{key}.scope" in origin else f"{key}.metric"
                scope = METRICS[metric].scope
                fault(named, entry["scope"], f"{metric} has another scope", f'write scope = "{scope}"')
            if kind == "kpi" and entry["aggregate"] != "last" and entry["window"] <= 0:
                named = f"{key}.window" if f"{key}.window" in origin else f"{key}.aggregate"
                fault(
                    named,
                    entry["window"],
                    f"{entry['aggregate']} needs a window above 0",
                    'write window = "60s"',
                )
    return faults


def _located(file: str, key: str, value: str, problem: str, advice: str) -> Fault:
    """A fault with its line found again by the key's name. The file was read a moment ago."""
    line = 0
    try:
        with open(file, encoding="utf-8-sig") as opened:
            text = opened.read(MAX_BYTES)
    except (OSError, UnicodeDecodeError):
        return Fault(file or "defaults", 0, key, value, problem, advice)
    lines = lines_of(text)
    parts = key.split(".")
    if parts[0] in ("kpi", "rule"):
        for number, entry in enumerate(tomllib.loads(text).get(parts[0], ())):
            if entry.get("name") == ".".join(parts[1:-1]):
                at: Path = (parts[0], number)
                line = lines.get((*at, parts[-1]), lines.get(at, 0))
    else:
        line = lines.get(tuple(parts), 0)
    return Fault(file, line, key, value, problem, advice)
