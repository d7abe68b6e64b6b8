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

from core.config import Rule, Settings, parse_condition
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
    """A merged configuration: `settings` is None if there are faults; `origin` says which file set a key.

    `rejected` tells of alert rules that were left out, or changes of one: they stop nothing else.
    """

    settings: Settings | None
    faults: tuple[Fault, ...]
    origin: dict[str, str]
    rejected: tuple[Fault, ...] = ()


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
    rejected: list[Fault] = []
    origin: dict[str, str] = {}
    for path in paths:
        checker = Checker(path)
        table = checker.read()
        checker.merge(table, merged, Settings, (), origin)
        faults += checker.faults
        rejected += checker.rejected
    if not faults:
        from core.configchecks import cross_checks

        crossed, unmeasured = cross_checks(merged, origin)
        faults += crossed
        rejected += unmeasured
    settings = None if faults else msgspec.convert(merged, Settings)
    return Loaded(settings, tuple(faults), origin, tuple(rejected))


def read_table(path: str) -> Table:
    """A file as a table, unchecked.

    Raises:
        ConfigError: it cannot be read or is not TOML.
    """
    checker = Checker(path)
    table = checker.read()
    if checker.faults:
        raise ConfigError(checker.faults[0].sentence())
    return table


def check_table(table: Table, file: str) -> tuple[Fault, ...]:
    """The faults of a table that is about to be written to `file`."""
    checker = Checker(file)
    merged: Table = msgspec.to_builtins(Settings())
    origin: dict[str, str] = {}
    checker.merge(table, merged, Settings, (), origin)
    from core.configchecks import cross_checks

    return tuple(checker.faults or cross_checks(merged, dict.fromkeys(origin, ""))[0])


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
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "none"}[value]
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


class Checker:
    """Checks one file against the structs and merges what is right; keeps the faults."""

    def __init__(self, file: str, tolerant: tuple[type[Any], ...] = (Rule,)) -> None:
        """Of lists of what is `tolerant`, an entry with a fault is left out, and stops nothing else."""
        self.file = file
        self.faults: list[Fault] = []
        self.rejected: list[Fault] = []
        self._tolerant = tolerant
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
        return self.parse(text)

    def parse(self, text: str) -> Table:
        """A text as a table; {} and a fault where it is not TOML."""
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
        required = [f.encode_name for f in struct_fields(element) if f.required]
        for number, entry in enumerate(value):
            at, before = (*path, number), len(self.faults)
            name = entry.get("name")
            if not isinstance(name, str):
                self._fault(at, "", "it has no name", 'add a line such as name = "cpu"')
            elif name in seen:
                line = self._line((*path, seen[name], "name"))
                self._fault(
                    (*at, "name"), shown(name), f"line {line} has that name too", "give each its own name"
                )
            else:
                seen[name] = number
                missing = [key for key in required if key not in entry]
                if missing and name not in index:
                    advice = "" if not old else ", or use the name of a shipped one to change it"
                    self._fault(
                        at, "", f"{shown(name)} is new and lacks {' and '.join(missing)}",
                        f"add {' and '.join(missing)}{advice}",
                    )  # fmt: skip
                else:
                    made = dict(index.get(name) or _defaults(element))
                    self.merge(entry, made, element, at, {})
                    if element is Rule and len(self.faults) == before:
                        self._check_rule(made, at)
                    if len(self.faults) == before or element not in self._tolerant:
                        if name in index:
                            index[name].update(made)
                        else:
                            merged.append(made)
                            index[name] = made
                        origin |= {f"{dotted(path)}.{name}.{key}": self.file for key in entry}
            if element in self._tolerant:
                self.rejected += [_named(fault, name) for fault in self.faults[before:]]
                del self.faults[before:]
        return merged

    def _check_rule(self, rule: Table, path: Path) -> None:
        """Find what does not go together in a rule whose keys are right one by one."""
        from core.alerts.rules import faults_of

        for key, problem, advice in faults_of(msgspec.convert(rule, Rule)):
            self._fault((*path, key), shown(rule[key]), problem, advice)

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
            told = "" if _is_secret(kind) else shown(value)
            self._fault(path, told, f"it must be {allowed}{detail}", advice)

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


def _named(fault: Fault, name: object) -> Fault:
    """The fault with the name of its table, since a number says little: `rule cpu_critical, clear`."""
    what = re.match(r"^(\w+)\[\d+\]\.?", fault.key)
    if what is None or not isinstance(name, str):
        return fault
    key = fault.key[what.end() :]
    return fault._replace(key=f"{what[1]} {name}{f', {key}' if key else ''}")


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


def _is_secret(kind: Any) -> bool:
    """Whether a value may hold a secret, so that no message repeats it."""
    return any(meta.extra and meta.extra.get("secret") for meta in _metas(kind))


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
    return {field.encode_name: _default(field) for field in struct_fields(struct) if not field.required}


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
