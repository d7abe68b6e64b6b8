"""The schemas as docs/json.md has them, and whether an object keeps to one."""

import json
import re
from pathlib import Path
from typing import Any

DOC = Path(__file__).parent.parent / "docs" / "json.md"
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


def schemas() -> dict[str, tuple[dict[str, str], Any]]:
    """Schema name → (field path → type, the example)."""
    found = {}
    for section in DOC.read_text(encoding="utf-8").split("\n## ")[1:]:
        name = section.split("\n", 1)[0].strip()
        fields = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+?) \|", section, re.M))
        example = re.search(r"```json\n(.*?)```", section, re.S)
        assert example, name
        found[name] = (fields, json.loads(example[1]))
    for fields, _ in found.values():
        _take_over(fields, found)
    return found


def _take_over(fields: dict[str, str], found: dict[str, tuple[dict[str, str], Any]]) -> None:
    """Put the rows that a row "as `path` of schema" stands for in its place; rows of our own win."""
    for path, kind in list(fields.items()):
        taken = re.fullmatch(r"as `([^`]+)` of (bluetop\.\S+)", kind)
        if taken:
            del fields[path]
            theirs = found[taken[2]][0]
            assert theirs is fields or not any(text.startswith("as `") for text in theirs.values()), path
            for other, text in list(theirs.items()):
                if other.startswith(f"{taken[1]}."):
                    fields.setdefault(path.removesuffix(".") + other[len(taken[1]) :], text)


def faults(document: Any) -> list[str]:
    """Where an object differs from the documentation of its schema; [] if nowhere."""
    fields, _ = schemas()[document["schema"]]
    wrong: list[str] = []
    _object(document, "", fields, wrong)
    return wrong


def _object(value: dict[str, Any], prefix: str, fields: dict[str, str], wrong: list[str]) -> None:
    here = {
        path[len(prefix) :]: kind
        for path, kind in fields.items()
        if path.startswith(prefix) and not re.search(r"[.\[]", path[len(prefix) :])
    }
    for key in here.keys() - value.keys():
        if not here[key].endswith(" or absent"):
            wrong.append(f"{prefix}{key} is missing")
    for key, entry in value.items():
        if key not in here:
            wrong.append(f"{prefix}{key} is not documented")
        else:
            _value(entry, f"{prefix}{key}", here[key], fields, wrong)


def _value(value: Any, path: str, kind: str, fields: dict[str, str], wrong: list[str]) -> None:
    plain, _, may_be_null = kind.partition(" or ")
    if value is None:
        if may_be_null != "null" and plain != "null":
            wrong.append(f"{path} is null, but documented as {kind}")
    elif plain == "object":
        _object(value, f"{path}.", fields, wrong)
    elif plain == "list":
        for entry in value:
            _object(entry, f"{path}[].", fields, wrong)
    elif plain.startswith("list of "):
        for entry in value:
            _value(entry, f"{path}[]", plain.removeprefix("list of "), fields, wrong)
    elif plain.startswith("map"):
        if not isinstance(value, dict):
            wrong.append(f"{path} is no map")
        elif plain.startswith("map of "):
            inner = plain.removeprefix("map of ")
            for key, entry in value.items():  # the rows of an object in a map are those of `path{}`
                at = f"{path}{{}}" if inner == "object" else f"{path}.{key}"
                _value(entry, at, inner, fields, wrong)
    elif not _is(value, plain):
        wrong.append(f"{path} is {value!r}, but documented as {kind}")


def _is(value: Any, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "time":
        return isinstance(value, str) and bool(_TIME.match(value))
    if kind == "true/false":
        return isinstance(value, bool)
    if kind == "whole number":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return False
