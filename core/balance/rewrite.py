"""Changing one thing in a queue file's text, and nothing else.

An element of `tasks` is taken out or put in, a task gains its `bluetop` key, `metadata.last_updated` is
refreshed where there is one. Key order, spelling of numbers, escapes, line ends, tabs and the lack of a final
newline stay. What comes out is read again and compared with what was to come out before anybody writes it.
Not for writing files: that is `core.balance.swap`.
"""

import json
import re
from collections import Counter
from typing import Any, NamedTuple

from core.balance.facts import PENDING, PRIORITIES, word
from core.balance.sheet import METADATA, TASKS, Member, Sheet, object_members, sheet_of
from core.balance.strict import NotStandard
from core.errors import BluetopError

LAST_UPDATED, MARK = "last_updated", "bluetop"
_INDENT = "  "
_BREAK = re.compile(r"\r?\n[ \t\r\n]*")
_GAP = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
_plain = json.JSONEncoder(ensure_ascii=False).encode


def _encode(text: str) -> str:
    """A text as JSON; half a character, which UTF-8 has no bytes for, as an escape."""
    found = _plain(text)
    return json.dumps(text) if any("\ud800" <= char <= "\udfff" for char in found) else found


class RewriteFailed(BluetopError):
    """What would be written is not what was to be written; nothing was."""


class Gap(NamedTuple):
    """The text before and after an element, up to its neighbours or the brackets; it goes when the element goes."""

    before: str
    after: str


def gap_at(sheet: Sheet, index: int) -> Gap:
    """The gaps around an element of `tasks`."""
    (begin, end), last = sheet.elements[index], len(sheet.elements) - 1
    before = sheet.elements[index - 1][1] if index else sheet.array[0] + 1
    after = sheet.elements[index + 1][0] if index < last else sheet.array[1] - 1
    return Gap(sheet.text[before:begin], sheet.text[end:after])


def inside(sheet: Sheet) -> str:
    """What stands between the brackets of an empty `tasks`; "" where it is not empty."""
    return "" if sheet.elements else sheet.text[sheet.array[0] + 1 : sheet.array[1] - 1]


def is_gap(text: str) -> bool:
    """Whether a text can stand between two elements: blanks, with a comma or without."""
    return _GAP.fullmatch(text) is not None


# -- taking out and putting in ---------------------------------------------------------------------


def taken_out(sheet: Sheet, index: int, stamp: str, inner: str = "") -> Sheet:
    """The file without an element of `tasks`; `inner` is what then stands in an empty list.

    Raises:
        RewriteFailed: what came out is not what was to come out.
    """
    begin, end = sheet.elements[index]
    if len(sheet.elements) == 1:
        begin, end = sheet.array[0] + 1, sheet.array[1] - 1
        inner = inner if is_gap(inner) and "," not in inner else ""
    elif index:
        begin = sheet.elements[index - 1][1]
        inner = ""
    else:
        end = sheet.elements[1][0]
        inner = ""
    expected = [sheet.element(number) for number in range(len(sheet.elements)) if number != index]
    return _checked(sheet, [(begin, end, inner)], expected, stamp)


def put_in(sheet: Sheet, index: int, element: str, stamp: str, former: Gap | None = None) -> Sheet:
    """The file with `element` at `index` of `tasks`, in the file's own way of separating elements.

    `former` are the gaps that it had when it stood there before, which are used again where they fit.

    Raises:
        RewriteFailed: what came out is not what was to come out.
    """
    count = len(sheet.elements)
    if former is not None and not (is_gap(former.before) and is_gap(former.after)):
        former = None
    if not count:
        before, after = _edges(sheet) if former is None or "," in former.before + former.after else former
        piece = (sheet.array[0] + 1, sheet.array[1] - 1, before + element + after)
    elif index:
        at = sheet.elements[index - 1][1]
        gap = former.before if former is not None and "," in former.before else _between(sheet, index)
        piece = (at, at, gap + element)
    else:
        at = sheet.elements[0][0]
        gap = former.after if former is not None and "," in former.after else _between(sheet, 1)
        piece = (at, at, element + gap)
    expected = [sheet.element(number) for number in range(count)]
    expected.insert(index, element)
    return _checked(sheet, [piece], expected, stamp)


def place_for(sheet: Sheet, priority: Any) -> int:
    """Where a task of this priority belongs: after the last pending one of its rank or above, else before the first.

    At the end, where no task is pending.
    """
    rank = _rank(priority)
    first = last = None
    for index, row in enumerate(sheet.tasks):
        if not isinstance(row, dict) or word(row.get("status")).lower() != PENDING:
            continue
        first = index if first is None else first
        if _rank(row.get("priority")) >= rank:
            last = index
    if last is not None:
        return last + 1
    return len(sheet.elements) if first is None else first


def _rank(priority: Any) -> int:
    return PRIORITIES.get(word(priority).upper(), 0)


def _between(sheet: Sheet, index: int) -> str:
    """What separates the elements before and at `index`, in a list that holds at least one."""
    count = len(sheet.elements)
    if count > 1:
        index = min(index, count - 1)
        return sheet.text[sheet.elements[index - 1][1] : sheet.elements[index][0]]
    lead = sheet.text[sheet.array[0] + 1 : sheet.elements[0][0]]
    return "," + (lead or _item_blank(sheet.text))


def _edges(sheet: Sheet) -> Gap:
    """What stands before and after the only element of `tasks`."""
    indent = _key_indent(sheet)
    if indent is None:
        return Gap("", "")
    end = newline_of(sheet.text)
    return Gap(end + indent + indent, end + indent)


def _item_blank(text: str) -> str:
    """A blank after a comma, or none, as a text without line breaks has it."""
    return "" if re.search(r'[\]}"0-9],["\[{]', text) and not re.search(r'[\]}"0-9], ["\[{]', text) else " "


def _key_indent(sheet: Sheet) -> str | None:
    """The blanks before the key `tasks`; None if it does not begin its line."""
    return indent_at(sheet.text, next(member.at for member in sheet.members if member.key == TASKS))


# -- style -----------------------------------------------------------------------------------------


def newline_of(text: str) -> str:
    """How lines end in a text."""
    at = text.find("\n")
    return "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"


def indent_at(text: str, at: int) -> str | None:
    """The blanks between the begin of the line and `at`; None if something else stands there, or no line begins."""
    begin = text.rfind("\n", 0, at) + 1
    lead = text[begin:at]
    return lead if begin and not lead.strip(" \t") else None


def fitted(element: str, source: Sheet, target: Sheet) -> str:
    """An element of `source` as it stands in `target`: its lines indented as those there, one line left as it is."""
    if "\n" not in element:
        return element
    place = _home(target)
    if place is None:
        blank = _item_blank(target.text)
        return _BREAK.sub(lambda found: blank if element[found.start() - 1] == "," else "", element)
    old_unit, new_unit = _unit(source), _unit(target)
    base = _last_indent(element)
    end = newline_of(target.text)
    lines = element.replace("\r\n", "\n").split("\n")
    fixed = [lines[0]]
    for line in lines[1:]:
        body = line.lstrip(" \t")
        lead = line[: len(line) - len(body)]
        deeper = lead[len(base) :] if lead.startswith(base) else lead
        steps = len(deeper) // len(old_unit) if old_unit else 0
        if old_unit and deeper == old_unit * steps:
            deeper = new_unit * steps
        fixed.append(place + deeper + body if body else line)
    return end.join(fixed)


def _home(sheet: Sheet) -> str | None:
    """With which blanks the elements of `tasks` begin their lines; None if the file has them in one line."""
    for begin, end in sheet.elements:
        lead = indent_at(sheet.text, begin)
        if lead is not None:
            return lead
        if "\n" in sheet.text[begin:end]:
            return _last_indent(sheet.text[begin:end])
    indent = _key_indent(sheet)
    return None if indent is None or sheet.elements else indent + indent


def _last_indent(element: str) -> str:
    line = element[element.rfind("\n") + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(sheet: Sheet) -> str:
    """One step of indentation: what stands before the first top-level key that begins its line."""
    for member in sheet.members:
        lead = indent_at(sheet.text, member.at)
        if lead is not None:
            return lead
    return _INDENT


# -- the bluetop key of a task ---------------------------------------------------------------------


def marked(task: str, moved_at: str, origin: str, plan_id: str) -> str:
    """The text of a task with its `bluetop` key set; what else such an object held is kept.

    Raises:
        NotStandard: the text is no task.
    """
    members = object_members(task)
    if not members:
        raise NotStandard("holds an empty object")
    pairs = [("moved_at", _encode(moved_at)), ("origin", _encode(origin)), ("plan_id", _encode(plan_id))]
    found = next((member for member in members if member.key == MARK), None)
    if found is not None:
        if isinstance(found.value, dict):
            value = task[found.begin : found.end]
            pairs += [
                (row.key, value[row.begin : row.end])
                for row in object_members(value)
                if row.key not in ("moved_at", "origin", "plan_id")
            ]
        return task[: found.begin] + _object_text(task, found.at, members, pairs) + task[found.end :]
    last = members[-1]
    alone = "," + (task[1 : last.at] or _item_blank(task))
    lead = task[members[-2].end : last.at] if len(members) > 1 else alone
    key = _encode(MARK) + _colon(task, last)
    return task[: last.end] + lead + key + _object_text(task, last.at, members, pairs) + task[last.end :]


def mark_origin(task: Any) -> str:
    """The first owner that a task's `bluetop` key names; "" if none."""
    found = task.get(MARK) if isinstance(task, dict) else None
    origin = found.get("origin") if isinstance(found, dict) else None
    return origin if isinstance(origin, str) else ""


def _object_text(task: str, at: int, members: list[Member], pairs: list[tuple[str, str]]) -> str:
    """An object as a member of `task` whose key begins at `at`: spread over lines where the task is."""
    colon = _colon(task, members[-1])
    rows = [_encode(key) + colon + value for key, value in pairs]
    lead = indent_at(task, at)
    if lead is None:
        return "{" + ("," + _item_blank(task)).join(rows) + "}"
    outer = _last_indent(task)
    unit = lead[len(outer) :] if lead.startswith(outer) and len(lead) > len(outer) else _INDENT
    end = newline_of(task)
    return "{" + ",".join(end + lead + unit + row for row in rows) + end + lead + "}"


def _colon(task: str, member: Member) -> str:
    """The colon after a key, with the blanks around it."""
    return task[member.at + len(_key_text(task, member)) : member.begin]


def _key_text(task: str, member: Member) -> str:
    end = member.at + 1
    while task[end] != '"':
        end += 2 if task[end] == "\\" else 1
    return task[member.at : end + 1]


# -- checking --------------------------------------------------------------------------------------


def _checked(sheet: Sheet, pieces: list[tuple[int, int, str]], expected: list[str], stamp: str) -> Sheet:
    """The file with its pieces replaced and refreshed, read anew and compared with what was expected."""
    text = sheet.text
    for begin, end, new in sorted([*pieces, *_refreshed(sheet, stamp)], reverse=True):
        text = text[:begin] + new + text[end:]
    try:
        made = sheet_of(text.encode())
    except NotStandard as error:
        raise RewriteFailed(f"the file would be broken: it {error}") from error
    if [made.element(number) for number in range(len(made.elements))] != expected:
        raise RewriteFailed("the tasks would not be what they should be")
    if _others(made, stamp) != _others(sheet, stamp):
        raise RewriteFailed("something beside the tasks would change")
    before, after = Counter(_ids(sheet)), Counter(_ids(made))
    if sum((before - after).values()) + sum((after - before).values()) != 1:
        raise RewriteFailed("more than one task would come or go")
    return made


def _refreshed(sheet: Sheet, stamp: str) -> list[tuple[int, int, str]]:
    found = next((member for member in sheet.members if member.key == METADATA), None)
    if found is None or not isinstance(found.value, dict):
        return []
    for row in object_members(sheet.text[found.begin : found.end]):
        if row.key == LAST_UPDATED and isinstance(row.value, str | None):
            return [(found.begin + row.begin, found.begin + row.end, _encode(stamp))]
    return []


def _others(sheet: Sheet, stamp: str) -> list[tuple[str, Any]]:
    """Everything but the tasks and the time of the last update, letter by letter."""
    rows: list[tuple[str, Any]] = []
    for member in sheet.members:
        text = sheet.text[member.begin : member.end]
        if member.key == TASKS:
            continue
        if member.key != METADATA or not isinstance(member.value, dict):
            rows.append((member.key, text))
            continue
        for row in object_members(text):
            refreshed = row.key == LAST_UPDATED and isinstance(row.value, str | None)
            rows.append((f"metadata {row.key}", None if refreshed else text[row.begin : row.end]))
    return rows


def _ids(sheet: Sheet) -> list[str]:
    """The ids of all tasks, in every status; what is no task counts by its text."""
    return [
        row["task_id"]
        if isinstance(row, dict) and isinstance(row.get("task_id"), str)
        else sheet.element(index)
        for index, row in enumerate(sheet.tasks)
    ]
