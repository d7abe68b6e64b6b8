"""What only several keys of a configuration together show: limits in the wrong order, metrics nobody measures."""

import tomllib
from typing import Any

from core.configfile import MAX_BYTES, Fault, shown
from core.metrics import METRICS
from core.tomllines import Path, lines_of

Table = dict[str, Any]


def cross_checks(merged: Table, origin: dict[str, str]) -> tuple[list[Fault], list[Fault]]:
    """What only several keys together show: faults, and alert rules on what is not measured.

    The line is not known; the file of the later key is named.
    """
    faults: list[Fault] = []
    unmeasured: list[Fault] = []

    def fault(key: str, value: object, problem: str, advice: str) -> None:
        found = _located(origin.get(key, ""), key, shown(value), problem, advice)
        (unmeasured if key.startswith("rule.") else faults).append(found)

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
            elif entry["enabled"] and entry["scope"] and METRICS[metric].scope != entry["scope"]:
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
    return faults, unmeasured


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
