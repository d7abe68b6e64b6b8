"""Random rule sets and recordings, made so that alerts live full lives in few lines.

Durations, steps of time and thresholds come from the same few small numbers, so that "exactly at" is
common; whole bursts of samples, silences and restarts are single choices, so that what is found shrinks well.
"""

import json
from typing import Any

from hypothesis import strategies as st

SEVERITIES = ("critical", "high", "medium", "low", "info")
# (metric, scope, subject); the first are the usual ones.
SERIES = (
    ("m", "host", "A"), ("m", "host", "B"), ("m", "agent", "A"), ("n", "host", "A"), ("n", "agent", "C"),
)  # fmt: skip
# The same with one scope for each subject, where a result must tell of which series it speaks.
ONE_SCOPE = (("m", "host", "A"), ("m", "agent", "B"), ("n", "host", "A"), ("n", "agent", "C"))
JUNK = (
    "{", "[]", "7", "nonsense", '{"t": 5}', '{"metric": "m", "value": 3}', '{"t": true, "event": "tick"}',
    '{"t": 1e6, "event": "tock"}', '{"t": NaN, "metric": "m", "value": 3}', '{"t": "9", "event": "tick"}',
    '{"t": 1e6, "metric": 4, "value": 3}', '{"t": 1e6, "event": "silence", "id": "s1", "match": {}}',
)  # fmt: skip


def _often(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """The usual one about half of the time."""
    return st.sampled_from([usual] * len(others) + list(others))


# Rules

CONDITIONS = st.one_of(
    st.tuples(st.sampled_from([">", ">="]), st.sampled_from([1, 2]), st.sampled_from([None, 0, 1])),
    st.tuples(st.sampled_from(["<", "<="]), st.sampled_from([2, 3]), st.sampled_from([None, 0, -1])),
    st.tuples(st.sampled_from(["==", "!="]), st.sampled_from([1, 2]), st.none()),
)
FLAPS = st.sampled_from([(None, None), (0, 0), (2, 0), (2, 1), (3, 0), (3, 1), (4, 2)])
# None leaves the key out.
RULE = st.fixed_dictionaries({
    "metric": st.sampled_from(["m", "m", "m", "n"]),
    "scope": st.sampled_from([None, None, None, "host", "agent"]),
    "subject": st.sampled_from([None, "*", "*", "A", "[AB]"]),
    "aggregate": _often(None, "last", "avg", "max", "min"),
    "window": st.sampled_from([2, 5, "5s", 10]),
    "condition": CONDITIONS,
    "for": _often(0, None, 2, 5, "5s", 10),
    "keep_firing_for": st.sampled_from([None, 0, 2, 5, 10]),
    "severity": st.sampled_from([None, *SEVERITIES]),
    "on_missing": st.sampled_from([None, "hold", "resolve", "fire"]),
    "stale_after": st.sampled_from([None, 3, 5, 5, 10]),
    "hold_max": st.sampled_from([None, 5, 10, 16]),
    "repeat": st.sampled_from([None, 0, 2, 5, 10]),
    "inhibit": st.sampled_from([None, True, False]),
    "flap_window": st.sampled_from([None, 5, 10, 20]),
    "flaps": FLAPS,
    "enabled": _often(None, True, True, None, None, False),
})  # fmt: skip
KPI = st.fixed_dictionaries({
    "metric": st.sampled_from(["m", "m", "n"]),
    "scope": st.sampled_from([None, "host", "host", "agent"]),
    "aggregate": st.sampled_from(["last", "avg", "max", "min"]),
    "window": st.sampled_from([2, 5, 10, "20s", 60]),
    "stale_after": st.sampled_from([2, 5, 10]),
    "target": st.sampled_from(["< 2", "<= 2", "> 1", ">= 1"]),
    "critical": st.sampled_from([None, "> 3", ">= 3", "< 1"]),
})  # fmt: skip


def _table(kind: str, keys: dict[str, Any]) -> str:
    said = [f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None]
    return "\n".join([f"[[{kind}]]", *said, ""])


def _rules_text(rules: list[dict[str, Any]], kpis: list[dict[str, Any]]) -> str:
    tables = []
    for index, rule in enumerate(rules):
        op, threshold, clearance = rule["condition"]
        clear = None if clearance is None else threshold - clearance
        high, low = rule["flaps"]
        keys = {key: value for key, value in rule.items() if key not in ("condition", "flaps")}
        keys |= {"op": op, "threshold": threshold, "clear": clear, "flap_high": high, "flap_low": low}
        tables.append(_table("rule", {"name": f"r{index}"} | keys))
    tables += [_table("kpi", {"name": f"k{index}"} | kpi) for index, kpi in enumerate(kpis)]
    return "\n".join(tables)


# Recordings

STEP = st.sampled_from([0, 1, 1, 2, 2, 3, 4, 5, 5, 6, 10])
VALUE = st.sampled_from([0, 1, 2, 3, 4])
MISSING = st.sampled_from([None, float("nan"), float("inf"), True, "3", [3]])
MATCH = st.fixed_dictionaries(
    {},
    optional={
        "rule": st.sampled_from(["r0", "r*", "r[12]"]),
        "subject": st.sampled_from(["A", "*", "[BC]"]),
        "severity": st.sampled_from(SEVERITIES),
    },
)


def _happenings(series: tuple[tuple[str, str, str], ...]) -> st.SearchStrategy[list[Any]]:
    """Lists of (seconds to the next, event, its details): see `recording`."""
    each = st.sampled_from([series[0], *series])
    subjects = sorted({subject for _, _, subject in series})
    # None is all of them.
    rule = st.sampled_from([None, None, "r0", "r1"])
    subject = st.sampled_from([None, None, *subjects])
    late = st.sampled_from([-1, -5])
    until = st.sampled_from([0, 2, 5, 10, 20])
    silence_id = st.sampled_from(["s1", "s2"])
    levels = st.lists(st.tuples(VALUE, st.integers(1, 6)), max_size=3)
    restless = st.lists(st.tuples(VALUE, st.just(1)), min_size=3, max_size=7)

    # A life in one: some samples above, some below (or so), a time without, and some more of the latter.
    extremes = st.sampled_from([(4, 0), (0, 4), (4, 0), (0, 4), (3, 1), (2, 1), (1, 2), (3, 2)])
    up, down = st.integers(1, 5), st.integers(0, 3)
    pause = st.sampled_from(["nothing", "tick", "start", "start and tick", "stop"])
    pause_s = st.sampled_from([2, 4, 6, 11, 16])

    def event(name: str, *details: st.SearchStrategy[Any], step: st.SearchStrategy[int] = STEP) -> Any:
        return st.tuples(step, st.just(name), *details)

    # How often each comes, of some seventy. Strategies joined by `|` would come equally often.
    by_weight = [
        (4, event("nothing", step=st.sampled_from([0, 0, 3, 6, 11]))),
        (14, event("burst", each, levels, step=st.sampled_from([0, 1, 2, 3, 5]))),
        (6, event("burst", each, restless, step=st.sampled_from([0, 1, 1, 2]))),
        (5, event("sample", each, VALUE)),
        (
            10,
            event("episode", each, extremes, up, down, pause, pause_s, step=st.sampled_from([1, 1, 2, 3, 5])),
        ),
        (8, event("all", VALUE, st.integers(1, 4), step=st.sampled_from([1, 1, 2, 3, 5]))),
        (6, event("ticks", st.integers(1, 4))),
        (5, event("ack", rule, subject)),
        (1, event("unack", rule, subject)),
        (4, event("silence", silence_id, until, MATCH)),
        (1, event("unsilence", silence_id)),
        (2, event("sample", each, MISSING)),
        (2, event("gone", each)),
        (2, event("restart")),
        (1, event("stop")),
        (2, event("start")),
        (2, event("resume")),
        (1, event("sample", each, VALUE | MISSING, step=late)),
        (1, event("gone", each, step=late) | event("ticks", st.just(1), step=late)),
        (1, event("ack", rule, subject, step=late) | event("silence", silence_id, until, MATCH, step=late)),
        (1, event("junk", st.sampled_from(JUNK), step=st.just(0))),
    ]
    kinds = [index for index, (weight, _) in enumerate(by_weight) for _ in range(weight)]
    return st.lists(st.sampled_from(kinds).flatmap(lambda kind: by_weight[kind][1]), min_size=8, max_size=30)


def recording(happenings: list[Any], series: tuple[tuple[str, str, str], ...]) -> list[str]:
    """The lines of a recording. A step below zero is one event that comes late."""
    lines: list[str] = []
    now = 0.0

    def say(t: float, **details: Any) -> None:
        lines.append(json.dumps({"t": t} | details))

    def sample(t: float, one: tuple[str, str, str], value: Any) -> None:
        say(t, metric=one[0], scope=one[1], subject=one[2], value=value)

    for step, event, *details in happenings:
        t = now + step
        now = max(now, t)
        match event, details:
            case "sample", [one, value]:
                sample(t, one, value)
            case "burst", [one, levels]:
                values = [value for value, times in levels for _ in range(times)]
                for index, value in enumerate(values):
                    now = t + index * step
                    sample(now, one, value)
            case "episode", [one, (first, second), up, down, pause, pause_s]:
                for index in range(up + down):
                    now = t + index * step
                    sample(now, one, first if index < up else second)
                if pause == "stop":
                    say(now, event="stop")
                now += pause_s
                if pause in ("start", "start and tick", "stop"):
                    say(now, event="start")
                if pause in ("tick", "start and tick"):
                    say(now + 1, event="tick")
                    now += 2
                for index in range(3):
                    now += index * step
                    sample(now, one, second)
            case "all", [value, times]:
                for index in range(times):
                    now = t + index * step
                    for one in series:
                        sample(now, one, value)
            case "ticks", [times]:
                for index in range(times):
                    now = max(now, t + index * step)
                    say(t + index * step, event="tick")
            case "gone", [(_, scope, subject)]:
                say(t, event="gone", scope=scope, subject=subject)
            case (("ack" | "unack"), [rule, subject]):
                for name in [rule] if rule else ["r0", "r1", "r2", "r3", "r4"]:
                    for who in [subject] if subject else sorted({subject for _, _, subject in series}):
                        say(t, event=event, rule=name, subject=who, by="ann")
            case "silence", [name, after, match]:
                say(t, event="silence", id=name, match=match, until=t + after)
            case "unsilence", [name]:
                say(t, event="unsilence", id=name)
            case "restart", []:
                say(now, event="stop")
                now = t + step
                say(now, event="start")
            case "junk", [line]:
                lines.append(line)
            case "nothing", []:
                pass
            case _:
                say(t, event=event)
    return lines


def scenarios(series: tuple[tuple[str, str, str], ...] = SERIES) -> st.SearchStrategy[tuple[str, list[str]]]:
    """Rules as TOML and the lines of a recording."""
    return st.tuples(
        st.builds(_rules_text, st.lists(RULE, min_size=2, max_size=5), st.lists(KPI, max_size=6)),
        st.builds(recording, _happenings(series), st.just(series)),
    )
