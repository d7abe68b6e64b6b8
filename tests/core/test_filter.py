"""The filter language: what matches, what is said about mistakes, and how tab completes."""

from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.filter import MOST_CHARACTERS, Field, FilterError, before_key, parse
from core.filtercompletion import Completion, complete
from core.filterscan import scan

WALL = 1_780_000_000.0
STATES = ("working", "idle", "failed", "blocked")


class Agent(NamedTuple):
    """What the fields below are asked of."""

    name: str = "CB"
    state: str | None = "working"
    title: str | None = "Database schema"
    skills: tuple[str, ...] = ()
    wait: float | None = 3
    load: float | None = 61.6
    since: float | None = WALL - 7500
    cost: float | None = None


def text_of(agent: Agent) -> str:
    return f"{agent.name} {agent.state} {agent.title}"


FIELDS = {
    field.name: field
    for field in (
        Field("agent", "id", lambda a, wall: a.name, "name of the agent"),
        Field("state", "choice", lambda a, wall: a.state, "what it does", STATES, ("status",)),
        Field("title", "text", lambda a, wall: a.title, "title of its task"),
        Field("skill", "id", lambda a, wall: a.skills),
        Field("wait", "number", lambda a, wall: a.wait, "tasks that wait"),
        Field("load", "percent", lambda a, wall: a.load),
        Field("age", "duration", lambda a, wall: None if a.since is None else wall - a.since, "time in it"),
        Field("in_progress", "number", lambda a, wall: a.cost),
    )
}


def matches(text, wall=WALL, **fields):
    agent = Agent(**fields)
    query = parse(text, FIELDS)
    found = query.matches(agent, text_of(agent), wall)
    assert query.hits([agent], text_of, wall) == [found]
    return found


def error(text, fields=FIELDS):
    with pytest.raises(FilterError) as caught:
        parse(text, fields)
    return caught.value


# -- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True),
        ("   ", True),
        ("SCHEMA", True),
        ("schema database", True),
        ("schema nowhere", False),
        ('"database schema"', True),
        ('"schema database"', False),
        ("!nowhere", True),
        ("-schema", False),
        ('-"database schema"', False),
        ("!", True),
        ("-", True),
        ("sch*ma", True),
        ("data*base*schema", True),
        ("schema*database", False),
        ('"sch*ma"', False),
        ("*", True),
        ('""', True),
    ],
)
def test_words_must_all_occur_and_negated_ones_must_not(text, found):
    assert matches(text) is found


def test_a_quoted_text_may_hold_anything():
    assert matches(r'"http://x \"y\" a\\b"', title=r'see HTTP://x "y" a\b')
    assert matches('"state:failed"', title="why state:failed is shown")


def test_what_cannot_be_a_key_is_a_word():
    for text in ("12:30", "a->b", "[/x]", ":x", ">5", "=", "a/b:c", "!!x", "a,b"):
        assert parse(text, FIELDS).terms[0].key == ""
    assert matches("12:30", title="at 12:30")


def test_without_fields_everything_is_a_word():
    query = parse("mount:/mnt http://x -load>3", {})
    assert [term.key for term in query.terms] == ["", "", ""]
    assert query.matches(None, "mount:/mnt at http://x", 0.0)


# -- keys: text, ids, choices --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("agent:cb", True),
        ("agent:C", False),
        ("agent:C*", True),
        ("agent:*b", True),
        ("agent:CA,CB", True),
        ("agent:CA,CC", False),
        ("-agent:CA", True),
        ("!agent:CB", False),
        ("AGENT:CB", True),
        ("agent=CB", True),
        ("state:working", True),
        ("status:idle,Working", True),
        ("state:wor*", True),
        ("state:failed", False),
        ("state:working state:idle", False),
        ("title:schema", True),
        ("title=schema", False),
        ('title="Database Schema"', True),
        ("title:schema*", False),
        ("title:*schema*", True),
        ('title:"base sch"', True),
        ("title:nowhere,schema", True),
        ("skill:sql", True),
        ("skill:go,python", True),
        ("skill:go", False),
        ("skill:py*", True),
    ],
)
def test_a_key_names_whole_ids_and_parts_of_texts(text, found):
    assert matches(text, skills=("Python", "SQL")) is found


def test_a_quoted_choice_may_be_one_that_nobody_has_heard_of():
    assert matches('state:"tagged"', state="tagged")
    assert matches('title:"a,b*"', title="xa,b*c")
    assert not matches('title:"a*b"', title="axb")


# -- keys: numbers, per cent, durations ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("wait>2", True),
        ("wait>3", False),
        ("wait>=3", True),
        ("wait:>=3", True),
        ("wait<4", True),
        ("wait<=2", False),
        ("wait:3", True),
        ("wait=3", True),
        ("wait:3.0", True),
        ("wait:0,3", True),
        ("wait:0,>2", True),
        ("wait:1..3", True),
        ("wait:4..9", False),
        ("wait:3..*", True),
        ("wait:..2", False),
        ("wait:..3", True),
        ("wait>-1", True),
        ("wait<0.003k", False),
        ("wait<=0.003k", True),
        ("load:62", True),
        ("load:61", False),
        ("load:61.6", True),
        ("load:61.5", False),
        ("load:60..70", True),
        ("load>61.6%", False),
        ("load:62%", True),
        ("age:2h", True),
        ("age:125m", True),
        ("age:124m", False),
        ("age:1h", False),
        ("age>2h", True),
        ("age>2h4m59s", True),
        ("age>2h5m", False),
        ("age<=2.5h", True),
        ("age:1h..3h", True),
        ("age>1w", False),
        ("age<1d", True),
        ("age>0", True),
        ('age:"2h 05m"', True),
    ],
)
def test_numbers_and_times_are_compared(text, found):
    assert matches(text) is found


def test_a_large_number_may_be_written_short():
    assert matches("wait>9k", wait=10_000)
    assert matches("wait:10k", wait=10_200)
    assert matches("wait>=1Ki", wait=1024)
    assert not matches("wait>1Ki", wait=1024)
    assert matches("wait<1.5M", wait=1_499_999)


def test_an_age_grows_with_the_wall_time_and_the_query_says_so():
    assert not matches("age>3h")
    assert matches("age>3h", wall=WALL + 3600)
    assert parse("age>3h", FIELDS).depends_on_time
    assert not parse("wait>3 schema", FIELDS).depends_on_time


def test_only_words_need_the_text():
    assert parse("x", FIELDS).uses_text
    assert not parse("wait>3 -agent:CB", FIELDS).uses_text

    def never(agent):
        raise AssertionError("no text was needed")

    assert parse("wait>3", FIELDS).hits([Agent(), Agent(wait=4)], never, WALL) == [False, True]
    assert parse("wait>3 cb", FIELDS).hits([Agent()], never, WALL) == [False]


# -- unknown -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["wait>0", "wait<=0", "wait:0", "wait:0..9", "wait:*", "state:idle", "title:a",
                                  "title:*", "agent:x", "age:*", "skill:*"])  # fmt: skip
def test_unknown_matches_no_value(text):
    nothing = {"name": "", "state": None, "title": "", "skills": (), "wait": None, "since": None}
    assert not matches(text, **nothing)
    assert matches(f"-{text}", **nothing)


@pytest.mark.parametrize("key", ["wait", "state", "title", "agent", "age", "skill"])
def test_unknown_can_be_asked_for(key):
    nothing = {"name": "", "state": None, "title": None, "skills": (), "wait": None, "since": None}
    something = {"name": "x", "skills": ("go",)}
    for text in (f"{key}:-", f"no:{key}", f"-{key}:*"):
        assert matches(text, **nothing)
        assert not matches(text, **something)
    assert matches(f"{key}:*", **something)


def test_unknown_may_be_one_of_several():
    assert matches("wait:-,>5", wait=None)
    assert matches("wait:-,>5", wait=6)
    assert not matches("wait:-,>5", wait=5)
    assert matches("agent:-,CA", name="CA")
    assert matches("no:wait,load", load=None)
    assert matches("no:in-progress")


# -- mistakes ------------------------------------------------------------------------------------

MISTAKES = [
    ("stat:idle", 0, 4, "no key is called stat; did you mean state? (plain text goes in quotes)"),
    ("x -wiat>3", 3, 7, "did you mean wait?"),
    ("http://x", 0, 4, "no key is called http; put plain text in quotes, or use agent, state, title"),
    ("state:wrking", 6, 12, "state cannot be wrking; did you mean working?"),
    ("state:idle,zzz", 11, 14, "it is one of working, idle, failed, blocked"),
    ("state:fail", 6, 10, "did you mean failed?"),
    ("state:", 0, 6, "state: is not complete: it is one of working"),
    ("a state:idle,", 2, 13, "state: is not complete"),
    ("wait>", 0, 5, "wait> is not complete: it takes a number such as 10, >=10 or 3..10"),
    ("wait:>", 0, 6, "is not complete"),
    ("wait>-", 0, 6, "is not complete"),
    ("wait:many", 5, 9, "wait cannot be many; it takes a number"),
    ("wait:1_0", 5, 8, "wait cannot be 1_0"),
    ("wait:²", 5, 6, "wait cannot be ²"),
    ("wait:inf", 5, 8, "wait cannot be inf"),
    ("wait:nan", 5, 8, "wait cannot be nan"),
    ("wait:3..1", 5, 9, "3..1 runs backwards; write 1..3"),
    ("wait>1,2", 0, 8, "> takes one value"),
    ("load>x%", 5, 7, "it takes per cent such as >80 or 80..100"),
    ("age>10", 4, 6, "10 of what? write 10m (s, m, h, d or w)"),
    ("age>10y", 4, 7, "age cannot be 10y; it takes a time such as >10m"),
    ("age>m", 4, 5, "age cannot be m"),
    ("age>10m5", 4, 8, "age cannot be 10m5"),
    ("state>idle", 0, 10, "state has no order; write state:working"),
    ("agent>=A", 0, 8, "agent has no order; write agent:VALUE"),
    ('a "b c', 2, 6, 'this quote is not closed; add " at its end'),
    ('title:"b c', 6, 10, "this quote is not closed"),
    ("no:stat", 0, 7, "no: wants a key, not stat; did you mean state?"),
    ("no:", 0, 3, "the keys are agent, state"),
    ("no>state", 0, 8, "no: wants a key"),
    ("x" * (MOST_CHARACTERS + 1), MOST_CHARACTERS, MOST_CHARACTERS + 1, "at most 2000 are read"),
]


@pytest.mark.parametrize(("text", "start", "end", "said"), MISTAKES, ids=lambda v: str(v)[:20])
def test_a_mistake_says_where_it_is_and_what_would_be_right(text, start, end, said):
    wrong = error(text)
    assert (wrong.start, wrong.end) == (start, end)
    assert said in str(wrong)
    assert wrong.exit_status == 2


def test_hostile_text_is_harmless_in_a_message():
    assert "\x1b" not in str(error("wait:\x1b]0;x\x07"))


# -- any text ------------------------------------------------------------------------------------

_SNIPPETS = st.sampled_from([
    "state:", "agent", "wait", "age", "title", "no:", "skill:", ">", ">=", "<", "=", ":", ",", "-", "!", '"', "\\",
    " ", "*", "..", "10", "2h", "idle", "CB", "k", "%", "x", "\t", "\u2028", "İ", "ß", "日本",
])  # fmt: skip
TEXTS = st.one_of(st.text(max_size=40), st.lists(_SNIPPETS, max_size=14).map("".join))


def parsed(text):
    try:
        return parse(text, FIELDS)
    except FilterError as error:
        wrong = error
    assert 0 <= wrong.start <= wrong.end <= len(text)
    assert str(wrong)
    return None


@given(TEXTS)
@example('-"a\\"b"c!d state:"x",-,"y*"')
def test_any_text_is_a_query_or_a_mistake_inside_it(text):
    query = parsed(text)
    if query is not None:
        again = parse(str(query), FIELDS)
        assert again.terms == query.terms
        assert str(again) == str(query)
        for agent in (Agent(), Agent("", None, None, (), None, None, None)):
            found = query.matches(agent, text_of(agent), WALL)
            assert found is again.matches(agent, text_of(agent), WALL)
            assert [found] == query.hits([agent], text_of, WALL)


@given(st.text(min_size=1, max_size=6), st.text(max_size=30))
def test_a_negated_word_is_the_complement_of_the_word(word, text):
    quoted = '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert parse(quoted, {}).matches(None, text, 0.0) is (word.casefold() in text.casefold())
    assert parse(f"-{quoted}", {}).matches(None, text, 0.0) is (word.casefold() not in text.casefold())


@given(TEXTS, st.sampled_from(["wait>2", "age:2h", "state:idle", "skill:*", "no:wait", "schema"]),
       st.builds(Agent, state=st.sampled_from([None, *STATES]), wait=st.none() | st.integers(0, 9)))  # fmt: skip
def test_terms_are_joined_by_and_and_a_negated_term_is_its_complement(text, term, agent):
    query = parsed(text)
    alone = parse(term, FIELDS).matches(agent, text_of(agent), WALL)
    assert parse(f"-{term}", FIELDS).matches(agent, text_of(agent), WALL) is not alone
    if query is not None:
        both = parse(f"{text} {term}", FIELDS)
        assert both.matches(agent, text_of(agent), WALL) is (
            query.matches(agent, text_of(agent), WALL) and alone
        )


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_a_pattern_means_what_a_regular_expression_says(pattern, text):
    import re

    if not pattern or "*" not in pattern:
        return
    meant = re.fullmatch(pattern.replace("*", "[ab]*"), text) is not None and text != ""
    assert matches(f"agent:{pattern}", name=text) is meant


@given(TEXTS)
def test_terms_cover_the_text_in_order(text):
    at = 0
    for raw in scan(text, True):
        assert at <= raw.start < raw.end <= len(text)
        assert text[at : raw.start].isspace() or at == raw.start
        at = raw.end
    assert text[at:].isspace() or at == len(text)


@pytest.mark.parametrize(
    ("good", "text", "left"),
    [
        ("wait", "wait>", ""),
        ("a -wait", "a -wait:", "a "),
        ("a wait", "a wait :", "a wait"),
        ("wait>5", "wait>5x", "wait>5"),
        ('"wait"', '"wait":x', '"wait"'),
        ("sta", "x:y", "sta"),
        ("", "state:", ""),
        ("a", 'a "', "a"),
    ],
)
def test_a_word_on_the_way_to_a_key_is_taken_back(good, text, left):
    assert before_key(good, text) == left


@given(TEXTS, TEXTS)
def test_what_is_left_of_a_good_filter_is_good(good, more):
    query = parsed(good)
    if query is not None:
        rest = before_key(good, good + more)
        assert good.startswith(rest)
        assert parse(rest, FIELDS).terms in (query.terms, query.terms[:-1])


# -- completion ----------------------------------------------------------------------------------

NAMES = {
    "agent": ["CA", "CB", "CC", "ARCH"],
    "title": ["Data a", "Data b", 'The "x"', "Other"],
    "skill": ["go"],
}


def completed(text, cursor=None):
    return complete(text, len(text) if cursor is None else cursor, FIELDS, lambda field: NAMES[field.name])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("st", "state:"),
        ("STA", "state:"),
        ("stat", "state:"),
        ("x -sta", "x -state:"),
        ("state:i", "state:idle "),
        ("state:idle,f", "state:idle,failed "),
        ("state:I", "state:idle "),
        ("agent:a", "agent:ARCH "),
        ("agent:c", "agent:c"),
        ("title:d", 'title:"Data '),
        ('title:"Data a', 'title:"Data a" '),
        ('title:"The', 'title:"The \\"x\\"" '),
        ("title:o", "title:Other "),
        ("no:wa", "no:wait "),
        ("in_p", "in_progress:"),
    ],
)
def test_tab_writes_what_is_certain(text, wanted):
    assert completed(text)[:2] == (wanted, len(wanted))


def test_tab_shows_what_could_stand_there():
    assert completed("").candidates == (*(f"{name}:" for name in FIELDS), "no:")
    assert completed("state:").candidates == STATES
    assert completed("agent:c").candidates == ("CA", "CB", "CC")
    assert completed("state:idle").candidates == ()


def test_tab_says_what_is_wanted_where_nothing_can_be_listed():
    assert completed("age>").hint == "time in it: it takes a time such as >10m, <4h or 1d..7d"
    assert completed("age:2").text == "age:2"
    assert "nothing there begins with zz" in completed("agent:zz").hint
    assert "no key begins so" in completed("zz").hint
    assert "did you mean state?" in completed("stat:").hint
    assert completed('"ab').hint == "plain text"


def test_tab_completes_in_the_middle_and_keeps_what_follows():
    assert completed("st wait>3", 2)[:2] == ("state: wait>3", 6)
    assert completed("state:i wait>3", 7)[:2] == ("state:idle wait>3", 10)


@given(TEXTS, st.integers(-3, 50))
def test_completing_never_loses_what_was_typed(text, cursor):
    done = completed(text, cursor)
    assert isinstance(done, Completion)
    at = max(0, min(cursor, len(text)))
    assert done.text.endswith(text[at:])
    assert 0 <= done.cursor <= len(done.text)
    assert done.text[done.cursor :] == text[at:]
