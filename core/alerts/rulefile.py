"""Rules and KPIs of a file that stands alone (`--rules FILE`): nothing shipped is merged in.

A rule that cannot be used is left out, named with its line, and stops no other.
"""

import os
from typing import Any, NamedTuple

import msgspec

from core.config import Kpi, Rule, Settings
from core.configfile import Checker, Fault
from core.errors import ConfigError


class RuleFile(NamedTuple):
    """What a file says; `faults` are of rules and KPIs that were left out."""

    rules: tuple[Rule, ...]
    kpis: tuple[Kpi, ...]
    faults: tuple[Fault, ...]


def read(path: str) -> RuleFile:
    """The rules and KPIs of a file.

    Raises:
        ConfigError: it cannot be read, is not TOML, or holds neither a rule nor a KPI that can be used.
    """
    path = os.path.abspath(os.path.expanduser(path))
    checker = Checker(path, (Rule, Kpi))
    return _read(checker, checker.read())


def parse(text: str, name: str) -> RuleFile:
    """The same of a text; `name` is what it is called in messages."""
    checker = Checker(name, (Rule, Kpi))
    return _read(checker, checker.parse(text))


def _read(checker: Checker, table: dict[str, Any]) -> RuleFile:
    if checker.faults:
        raise ConfigError(checker.faults[0].sentence())
    merged: dict[str, Any] = {**msgspec.to_builtins(Settings()), "rule": [], "kpi": []}
    checker.merge({key: table[key] for key in ("rule", "kpi") if key in table}, merged, Settings, (), {})
    faults = (*checker.faults, *checker.rejected)
    if faults and not merged["rule"]:
        raise ConfigError(faults[0].sentence())
    if not merged["rule"] and not merged["kpi"]:
        raise ConfigError(f"{checker.file} holds no rule; write one that begins with [[rule]]")
    rules, kpis = msgspec.convert(merged["rule"], list[Rule]), msgspec.convert(merged["kpi"], list[Kpi])
    return RuleFile(tuple(rules), tuple(kpis), faults)
