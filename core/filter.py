"""The filter language of tables and of the command line: words, and `key:value` terms about fields.

    state:failed agent:CB age>10m load:80..100 title:*schema* "two words" -state:idle

Blanks separate terms, and all of them must hold. `-` or `!` before a term makes it its complement, so
a negated comparison also takes in what is unknown. Letter case never matters.

- `word`, `"two words"`: occurs in the item's text. `*` in a bare word stands for anything.
- `key:a,b`: is one of these. An id or a choice is compared as a whole; a text need only contain the
  value (`key=value` compares it as a whole too). With a `*` the value is a pattern of the whole.
- Numbers, per cent and durations: `key>10`, `key:>=10`, `key:3..10`, `key:..10`. `key:10` is equality to the
  digits that are written: `load:62` takes 61.6; `age:2h` takes what is shown as 2 hours and some minutes.
- `key:-` and `no:key`: unknown. `key:*`: known. Unknown matches nothing else.
- In quotes everything is plain text; `\\"` is a quote.

Pure: no clock, no files, and cheap to import, since tables exist before the first frame. Not for
saying which fields there are: whoever has the items hands them in. Close to the search of GitHub
(docs.github.com, "Understanding the search syntax").
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from core.errors import UsageError
from core.filterscan import COMPARE, Piece, Raw, scan

MOST_CHARACTERS = 2000
ORDERED = ("number", "percent", "duration")
_SCALES = {
    "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 1024.0, "mi": 1024.0**2, "gi": 1024.0**3, "ti": 1024.0**4,
}  # fmt: skip
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}

Test = Callable[[Any, float], bool]


class Field(NamedTuple):
    """One thing that can be asked of an item. `value(item, wall)` is None where it is not known.

    `kind` is "text", "id" or "choice" (text, or a tuple of them of which one must match), "number",
    "percent", or "duration" (seconds; ages are worked out from `wall`, wall seconds). `choices`
    are all values of a choice, () if it is open: others then count as typing errors.
    """

    name: str
    kind: str
    value: Callable[[Any, float], Any]
    help: str = ""
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class FilterError(UsageError):
    """A filter that cannot be used. `start` and `end` are the place in its text that is wrong."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


class Value(NamedTuple):
    """One value as it was written; a quoted one is plain text, without `*` and `-`."""

    text: str
    quoted: bool = False


class Term(NamedTuple):
    """One term. `key` is a field's name, "no", or "" for a word; `op` is one of : = > >= < <=."""

    negated: bool
    key: str
    op: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        written = ",".join(in_quotes(v.text) if v.quoted else v.text for v in self.values)
        return f"{'-' if self.negated else ''}{self.key}{self.op}{written}"


class Query:
    """A filter ready for use: `matches` one item, or `hits` for many. `str` of it parses to the same.

    `depends_on_time` says that the answer can change by itself (ages); `uses_text` that there are
    words, so that an item's text is needed at all.
    """

    __slots__ = ("_globs", "_tests", "_with", "_without", "depends_on_time", "terms", "uses_text")

    def __init__(self, terms: tuple[Term, ...], tests: tuple[Test, ...], depends_on_time: bool) -> None:
        self.terms = terms
        self.depends_on_time = depends_on_time
        self._tests = tests
        words = [(term.negated, term.values[0]) for term in terms if not term.key]
        globs = [(negated, value) for negated, value in words if "*" in value.text and not value.quoted]
        plain = [(negated, value) for negated, value in words if "*" not in value.text or value.quoted]
        self._with = tuple(value.text.casefold() for negated, value in plain if not negated)
        self._without = tuple(value.text.casefold() for negated, value in plain if negated)
        self._globs = tuple((_glob(f"*{value.text.casefold()}*"), negated) for negated, value in globs)
        self.uses_text = bool(words)

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def matches(self, item: Any, text: str, wall: float) -> bool:
        """Whether an item holds every term. `text` is what words are looked for in, "" unless `uses_text`."""
        for test in self._tests:
            if not test(item, wall):
                return False
        return not self.uses_text or self._in_text(text)

    def hits(self, items: Iterable[Any], text_of: Callable[[Any], str], wall: float) -> list[bool]:
        """`matches` for each of `items`, in their order. Text is made only for items that words decide on."""
        if len(self._tests) == 1 and not self.uses_text:
            only = self._tests[0]
            return [only(item, wall) for item in items]
        found = []
        for item in items:
            for test in self._tests:
                if not test(item, wall):
                    found.append(False)
                    break
            else:
                found.append(not self.uses_text or self._in_text(text_of(item)))
        return found

    def _in_text(self, text: str) -> bool:
        folded = text.casefold()
        for word in self._with:
            if word not in folded:
                return False
        for word in self._without:
            if word in folded:
                return False
        return all(glob(folded) is not negated for glob, negated in self._globs)


def parse(text: str, fields: Mapping[str, Field]) -> Query:
    """The query that `text` is. Without any fields every term is a word.

    Raises:
        FilterError: it cannot be used; the message says what is wrong and what would be right.
    """
    if len(text) > MOST_CHARACTERS:
        raise FilterError(
            f"this filter has {len(text)} characters; at most {MOST_CHARACTERS} are read",
            MOST_CHARACTERS,
            len(text),
        )
    known = by_name(fields)
    terms: list[Term] = []
    tests: list[Test] = []
    timed = False
    for raw in scan(text, bool(known)):
        for piece in raw.pieces:
            if not piece.closed:
                raise FilterError('this quote is not closed; add " at its end', piece.start, piece.end)
        values = tuple(Value(piece.text, piece.quoted) for piece in raw.pieces)
        if not raw.key:
            if values[0].text:
                terms.append(Term(raw.negated, "", "", values))
            continue
        folded = raw.key.casefold().replace("-", "_")
        field = known.get(folded)
        if field is not None:
            test = _ordered_test(field, raw) if field.kind in ORDERED else _words_test(field, raw)
            timed = timed or field.kind == "duration"
        elif folded == "no":
            test = _unknown_test(known, raw)
        else:
            raise no_such_key(raw, known)
        terms.append(Term(raw.negated, field.name if field else "no", raw.op, values))
        tests.append(_complement(test) if raw.negated else test)
    return Query(tuple(terms), tuple(tests), timed)


def in_quotes(text: str) -> str:
    """Plain text as the language quotes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def before_key(good: str, text: str) -> str:
    """`good` without its last word, where `text` goes on from that word as a key; else `good` as it is.

    Who types `cpu>50` has asked for the word `cpu` on the way, and did not mean to.
    """
    terms = scan(good, True)
    last = terms[-1] if terms else None
    if (
        last is None
        or last.key
        or last.pieces[0].quoted
        or last.end != len(good)
        or not text.startswith(good)
    ):
        return good
    now = next((term for term in scan(text, True) if term.start == last.start), None)
    return good[: last.start] if now is not None and now.key else good


def by_name(fields: Mapping[str, Field]) -> dict[str, Field]:
    """The fields by everything they may be called."""
    known: dict[str, Field] = {}
    for field in fields.values():
        for name in (*field.aliases, field.name):
            known[name.casefold()] = field
    return known


# -- meaning: a term → a test ------------------------------------------------------------------


def _complement(test: Test) -> Test:
    return lambda item, wall: not test(item, wall)


def _is_unknown(value: Any) -> bool:
    return value is None or (not value and isinstance(value, str | tuple | list | frozenset))


def _glob(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text is `pattern`, in which each `*` stands for anything. Linear in the text."""
    first, *middle, last = pattern.split("*")

    def test(text: str) -> bool:
        if not text.startswith(first):
            return False
        at = len(first)
        for piece in middle:
            at = text.find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        return len(text) - len(last) >= at and text.endswith(last)

    return test


def _words_test(field: Field, raw: Raw) -> Test:
    """The test of a text, an id or a choice."""
    if raw.op in COMPARE:
        raise FilterError(
            f"{field.name} has no order; write {field.name}:{(field.choices or ('VALUE',))[0]}",
            raw.start,
            raw.end,
        )
    whole = frozenset(_known_values(field, raw))
    parts: tuple[str, ...] = ()
    if field.kind == "text" and raw.op != "=":
        parts, whole = tuple(whole), frozenset()
    globs = tuple(_glob(p.text.casefold()) for p in raw.pieces if _is_pattern(p))
    unknown = any(p.text == "-" and not p.quoted for p in raw.pieces)
    get = field.value

    def one(value: Any) -> bool:
        folded = str(value).casefold()
        return folded in whole or any(part in folded for part in parts) or any(glob(folded) for glob in globs)

    def test(item: Any, wall: float) -> bool:
        value = get(item, wall)
        if _is_unknown(value):
            return unknown
        return any(map(one, value)) if isinstance(value, tuple | list | frozenset) else one(value)

    return test


def _is_pattern(piece: Piece) -> bool:
    return "*" in piece.text and not piece.quoted


def _known_values(field: Field, raw: Raw) -> Iterable[str]:
    """The plain values, folded; those that a choice cannot have are errors unless they are quoted."""
    choices = {choice.casefold() for choice in field.choices}
    for piece in raw.pieces:
        if not piece.text:
            raise FilterError(f"{field.name}{raw.op} is not complete: {takes(field)}", raw.start, raw.end)
        if _is_pattern(piece) or (piece.text == "-" and not piece.quoted):
            continue
        folded = piece.text.casefold()
        if choices and folded not in choices and not piece.quoted:
            close = _closest(folded, field.choices)
            advice = f"did you mean {close}?" if close else f"it is one of {_listed(field.choices)}"
            raise FilterError(
                f"{field.name} cannot be {shortened(piece.text)}; {advice}", piece.start, piece.end
            )
        yield folded


def _unknown_test(known: Mapping[str, Field], raw: Raw) -> Test:
    """The test of `no:key`: one of these is not known."""
    gets = []
    for piece in raw.pieces:
        field = known.get(piece.text.casefold().replace("-", "_"))
        if field is None or raw.op not in (":", "="):
            close = _closest(piece.text.casefold(), names_of(known))
            advice = f"did you mean {close}?" if close else f"the keys are {_listed(names_of(known))}"
            raise FilterError(f"no: wants a key, not {shortened(piece.text)}; {advice}", raw.start, raw.end)
        gets.append(field.value)
    return lambda item, wall: any(_is_unknown(get(item, wall)) for get in gets)


def _ordered_test(field: Field, raw: Raw) -> Test:
    """The test of a number, of per cent or of a duration."""
    if raw.op in COMPARE and len(raw.pieces) > 1:
        raise FilterError(
            f"{raw.op} takes one value; write {field.name}:{raw.op}{raw.pieces[0].text},... for one of several",
            raw.start,
            raw.end,
        )
    get = field.value
    unknown = False
    tests: list[Callable[[float], bool]] = []
    for piece in raw.pieces:
        text = piece.text
        op = raw.op if raw.op in COMPARE else next((o for o in COMPARE if text.startswith(o)), "")
        if op and raw.op not in COMPARE:
            text = text[len(op) :]
        if not text or (op and text == "-"):
            raise FilterError(f"{field.name}{raw.op} is not complete: {takes(field)}", raw.start, raw.end)
        if text == "-":
            unknown = True
        elif text == "*" and not op:
            tests.append(lambda value: True)
        elif ".." in text and not op:
            tests.append(_between(field, piece))
        else:
            number, step = _number(field, text, piece)
            tests.append(_compared(op, number) if op else _equal(field, number, step))
    if len(tests) == 1 and not unknown:
        only = tests[0]
        return lambda item, wall: (value := get(item, wall)) is not None and only(value)

    def test(item: Any, wall: float) -> bool:
        value = get(item, wall)
        return unknown if value is None else any(one(value) for one in tests)

    return test


def _compared(op: str, limit: float) -> Callable[[float], bool]:
    if op == ">":
        return lambda value: value > limit
    if op == "<":
        return lambda value: value < limit
    return (lambda value: value >= limit) if op == ">=" else (lambda value: value <= limit)


def _equal(field: Field, number: float, step: float) -> Callable[[float], bool]:
    """Equal to the digits written: numbers and per cent are shown rounded, durations cut off."""
    if field.kind == "duration":
        return lambda value: number <= value < number + step
    return lambda value: number - step / 2 <= value < number + step / 2


def _between(field: Field, piece: Piece) -> Callable[[float], bool]:
    """`3..10`, both included; an end that is left out or `*` is open."""
    low_text, _, high_text = piece.text.partition("..")
    low = float("-inf") if low_text in ("", "*") else _number(field, low_text, piece)[0]
    high = float("inf") if high_text in ("", "*") else _number(field, high_text, piece)[0]
    if low > high:
        raise FilterError(
            f"{piece.text} runs backwards; write {high_text}..{low_text}", piece.start, piece.end
        )
    return lambda value: low <= value <= high


def _number(field: Field, text: str, piece: Piece) -> tuple[float, float]:
    """A number in the field's own unit, and the size of its last digit or unit."""
    read = _seconds(text) if field.kind == "duration" else _scaled(text, field.kind)
    if read is not None:
        return read
    if field.kind == "duration" and _scaled(text, "number") is not None:
        raise FilterError(
            f"{shortened(text)} of what? write {shortened(text)}m (s, m, h, d or w)", piece.start, piece.end
        )
    raise FilterError(f"{field.name} cannot be {shortened(text)}; {takes(field)}", piece.start, piece.end)


def _digits(text: str) -> tuple[float, float] | None:
    """A plain decimal number and the size of its last digit. Not all that `float` takes (1_0, inf, ²)."""
    unsigned = text.removeprefix("-")
    if not unsigned or not unsigned.isascii() or not unsigned.replace(".", "", 1).isdigit():
        return None
    number = float(text)
    return None if abs(number) == float("inf") else (number, 10.0 ** -len(unsigned.partition(".")[2]))


def _scaled(text: str, kind: str) -> tuple[float, float] | None:
    """A number with k, M, G, T (thousands) or Ki, Mi, Gi, Ti (1024) after it; or per cent."""
    if kind == "percent":
        return _digits(text.removesuffix("%").rstrip())
    plain = text.rstrip("kKmMgGtTi")
    suffix = text[len(plain) :].casefold()
    if suffix and suffix not in _SCALES:
        return None
    read = _digits(plain)
    scale = _SCALES[suffix] if suffix else 1.0
    return None if read is None else (read[0] * scale, read[1] * scale)


def _seconds(text: str) -> tuple[float, float] | None:
    """Seconds of `90s`, `10m`, `1h30m`, `1.5h`, `2d`, `1w` (or "3h 41m", as it is shown); only 0 needs no unit."""
    if text == "0":
        return 0.0, 1.0
    total = step = 0.0
    number = ""
    for char in text:
        if char in "0123456789.":
            number += char
        elif char.casefold() in _UNITS_S:
            read = _digits(number)
            if read is None:
                return None
            unit_s = _UNITS_S[char.casefold()]
            total += read[0] * unit_s
            step = read[1] * unit_s
            number = ""
        elif char != " ":
            return None
    return None if number or not step or total == float("inf") else (total, step)


# -- what is said ------------------------------------------------------------------------------


def takes(field: Field) -> str:
    """What may stand after a field's key, in words."""
    if field.kind == "number":
        return "it takes a number such as 10, >=10 or 3..10"
    if field.kind == "percent":
        return "it takes per cent such as >80 or 80..100"
    if field.kind == "duration":
        return "it takes a time such as >10m, <4h or 1d..7d"
    if field.choices:
        return f"it is one of {_listed(field.choices)}"
    return "it takes words, or *part*" if field.kind == "text" else "it takes a name, or part*"


def no_such_key(raw: Raw, known: Mapping[str, Field]) -> FilterError:
    """The error for a key that is none, with the closest one."""
    start = raw.start + raw.negated
    close = _closest(raw.key.casefold().replace("-", "_"), (*names_of(known), *known))
    advice = f"did you mean {close}? (plain text goes in quotes)"
    if not close:
        advice = f"put plain text in quotes, or use {_listed(names_of(known))}"
    return FilterError(f"no key is called {shortened(raw.key)}; {advice}", start, start + len(raw.key))


def names_of(known: Mapping[str, Field]) -> tuple[str, ...]:
    """The keys, each once, aliases left out."""
    return tuple(dict.fromkeys(field.name for field in known.values()))


def _closest(word: str, names: Sequence[str]) -> str:
    """The name that was meant, as far as one can tell; "" where none is near."""
    begun = [name for name in names if word and name.casefold().startswith(word)]
    if begun:
        return begun[0]
    from difflib import get_close_matches

    close = get_close_matches(word[:40], [name.casefold() for name in names], n=1, cutoff=0.6)
    return next(name for name in names if name.casefold() == close[0]) if close else ""


def _listed(names: Sequence[str]) -> str:
    most = 12
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def shortened(text: str) -> str:
    """At most 30 characters of it."""
    return text if len(text) <= 30 else text[:29] + "…"
