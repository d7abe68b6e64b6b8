"""Dependencies: which ids a task names, and which tasks wait for what will never come."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.queues.knots import KINDS, LONGEST, MOST_NEEDED, Knots, needed
from core.queues.model import Knot

# -- what a task says it waits for ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # From real files.
        (["TASK-014", "TASK-060"], ("TASK-014", "TASK-060")),
        (["TASK-061F-plan-api"], ("TASK-061F-plan-api",)),
        (["SPRINT4-002", "TASK_003"], ("SPRINT4-002", "TASK_003")),
        (["TASK-161H-MERGE+TAG"], ("TASK-161H-MERGE+TAG",)),
        (["TASK-167B (backend completion)", "TASK-167A (frontend completion)"], ("TASK-167B", "TASK-167A")),
        (["TASK-168A (security remediation must be complete)"], ("TASK-168A",)),
        (["Day 1 database schema and agents table"], ()),
        (["OAuth2 credentials.json file"], ()),
        (["TASK-BATCH-MERGE (all of it)"], ("TASK-BATCH-MERGE",)),
        (["TASK-00001-0004", "TASK-CHURN-0-17"], ("TASK-00001-0004", "TASK-CHURN-0-17")),
        ([], ()),
        # One word is an id, whatever it looks like; unknown ids mean nothing.
        (["google-api-python-client", "backend", "7"], ("google-api-python-client", "backend", "7")),
        (["none", "N/A", "-", "TBD", ""], ()),
        # Other shapes.
        ("TASK-1", ("TASK-1",)),
        ("TASK-1, TASK-2; TASK-3 & TASK-4 and TASK-5", ("TASK-1", "TASK-2", "TASK-3", "TASK-4", "TASK-5")),
        ("TASK-1,TASK-2", ("TASK-1", "TASK-2")),
        ("TASK-1, the schema and TASK-2", ("TASK-1",)),
        ("TASK-1 (needs TASK-2, TASK-3)", ("TASK-1",)),
        ('["TASK-1", "TASK-2"]', ("TASK-1", "TASK-2")),
        (["- TASK-7: the migration", "  • (TASK-8).", "`TASK-9`"], ("TASK-7", "TASK-8", "TASK-9")),
        (["2025-05-29 release", "3 reviews", "task-based approach"], ()),
        (17, ("17",)),
        ([17, True, 1.5, None, ["TASK-1"], 1 << 70], ("17",)),
        ({"task_id": "TASK-1"}, ("TASK-1",)),
        (
            [{"task_id": "TASK-1 (first)"}, {"id": 7}, {"task": "X-1"}, {"task_id": []}],
            ("TASK-1", "7", "X-1"),
        ),
        ({"TASK-1": "must be done", "note": "x", "SPRINT4-001": None}, ("TASK-1", "SPRINT4-001")),
        ({"blocked by": ["TASK-1"]}, ()),
        (None, ()),
        (True, ()),
        (0.5, ()),
        (["TASK-1", "TASK-1"], ("TASK-1",)),
        (["TASK-1\x1b[2J"], ("TASK-1\\x1b",)),
    ],
)
def test_ids_that_a_task_names(value: Any, expected: tuple[str, ...]) -> None:
    assert needed(value) == expected


def test_no_more_ids_than_anybody_wants_to_see() -> None:
    assert needed([f"TASK-{number}" for number in range(1000)]) == tuple(
        f"TASK-{number}" for number in range(MOST_NEEDED)
    )
    assert needed(" ".join(["x"] * 10**6)) == ()
    assert len(needed("x" * 10**6)[0]) == 120


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=25)
        | st.dictionaries(
            st.sampled_from(["task_id", "id", "TASK-1"]) | st.text(max_size=9), inner, max_size=5
        )
    ),
)
TEXTS = st.lists(st.text(alphabet="TASK-_19 ,;&()\"'\n\x1b\u202e.é", max_size=60), max_size=30)


@given(JSON | TEXTS)
def test_any_value_gives_clean_ids(value: Any) -> None:
    found = needed(value)
    assert len(found) == len(set(found)) <= MOST_NEEDED
    assert all(name and name.isprintable() and len(name) <= 120 for name in found)


# -- who waits for whom -------------------------------------------------------------------------------


def nobody(task: str) -> None:
    """No other task is known."""


def states(**known: tuple[str, str]) -> Callable[[str], tuple[str, str] | None]:
    return known.get


def knots_of(
    edges: Mapping[str, tuple[str, ...]],
    status_of: Callable[[str], tuple[str, str] | None] = nobody,
    retired: tuple[str, ...] = (),
    limit: int = 100,
) -> tuple[Knot, ...]:
    """The knots of one agent's tasks, twice: the second look must say the same."""
    knots = Knots(status_of)
    knots.put("CA", edges)
    for agent in retired:
        knots.retired(agent, True)
    found = knots.find(limit)
    assert knots.find(limit) == found
    return found


@pytest.mark.parametrize("status", ["pending", "assigned", "in_progress", "blocked", "completed", "sent", ""])
def test_to_wait_for_an_unfinished_or_finished_task_is_fine(status: str) -> None:
    assert knots_of({"A": ("B",)}, states(B=("CB", status))) == ()


def test_to_wait_for_what_nobody_knows_is_fine() -> None:
    assert knots_of({"A": ("B",), "C": ("A",)}) == ()


@pytest.mark.parametrize(
    ("status", "retired", "expected"),
    [
        ("failed", (), ("failed", "A waits for B, which failed")),
        ("vanished", (), ("vanished", "A waits for B, which is in no file any more")),
        ("pending", ("CB",), ("retired", "A waits for B, whose agent CB is retired")),
        ("failed", ("CB",), ("failed", "A waits for B, which failed")),
        ("completed", ("CB",), None),
    ],
)
def test_what_will_never_come_is_named(
    status: str, retired: tuple[str, ...], expected: tuple[str, str] | None
) -> None:
    found = knots_of({"A": ("B",)}, states(B=("CB", status)), retired)
    if expected is None:
        assert found == ()
    else:
        kind, text = expected
        assert found == (Knot(kind, "A", "CA", ("A", "B"), text),)


def test_the_head_of_a_chain_is_told_of_and_not_every_link() -> None:
    (knot,) = knots_of({"A": ("B",), "B": ("C",), "C": ("D",)}, states(D=("CB", "failed")))
    assert knot == Knot(
        "failed",
        "A",
        "CA",
        ("A", "B", "C", "D"),
        "A waits for B, which waits for C, which waits for D, which failed",
    )


def test_a_long_chain_is_told_by_its_length() -> None:
    edges = {f"T{n:03}": (f"T{n + 1:03}",) for n in range(100)}
    (knot,) = knots_of(edges, states(T100=("CB", "failed")))
    assert knot.text == "T000 waits, by way of 99 others, for T100, which failed"
    assert knot.chain == (*(f"T{n:03}" for n in range(LONGEST - 1)), "T100")


def test_the_nearest_dead_end_is_the_one_that_is_named() -> None:
    found = knots_of({"A": ("B", "X"), "B": ("Y",)}, states(X=("CB", "failed"), Y=("CB", "failed")))
    assert [knot.chain for knot in found] == [("A", "X"), ("B", "Y")]


def test_a_dead_end_below_the_head_is_told_once_by_who_waits_for_it() -> None:
    edges = {"A": ("B", "C"), "B": ("X",), "C": ("Y",)}
    found = knots_of(edges, states(X=("CB", "failed"), Y=("CB", "vanished")))
    assert [(knot.kind, knot.chain) for knot in found] == [
        ("failed", ("A", "B", "X")),
        ("vanished", ("C", "Y")),
    ]


def test_an_unfinished_task_of_a_retired_agent_ends_a_chain() -> None:
    knots = Knots(states(X=("CB", "failed")))
    knots.put("WA", {"B": ("X",)})
    knots.put("CA", {"A": ("B",)})
    assert [knot.text for knot in knots.find()] == ["A waits for B, which waits for X, which failed"]
    knots.retired("WA", True)
    assert [knot.text for knot in knots.find()] == ["A waits for B, whose agent WA is retired"]
    knots.retired("WA", False)
    assert [knot.kind for knot in knots.find()] == ["failed"]


def test_what_only_a_retired_agents_task_waits_for_is_a_head() -> None:
    knots = Knots(states(X=("CB", "failed")))
    knots.put("WA", {"A": ("B",)})
    knots.put("CA", {"B": ("C",), "C": ("X",)})
    knots.retired("WA", True)
    assert [knot.chain for knot in knots.find()] == [("B", "C", "X")]


@pytest.mark.parametrize(
    ("edges", "chain", "text"),
    [
        ({"A": ("A",)}, ("A",), "A waits for itself"),
        ({"B": ("A",), "A": ("B",)}, ("A", "B"), "A and B wait for each other"),
        ({"C": ("A",), "A": ("B",), "B": ("C",)}, ("A", "B", "C"), "A, B and C wait for each other"),
        # Two circles with a task in common are one; the way round is the shortest.
        (
            {"A": ("B", "C"), "B": ("A",), "C": ("D",), "D": ("A",)},
            ("A", "B"),
            "A, B and 2 more wait for each other",
        ),
        (
            {"A": ("B",), "B": ("C",), "C": ("D",), "D": ("E",), "E": ("A",)},
            ("A", "B", "C", "D", "E"),
            "A, B, C and 2 more wait for each other",
        ),
    ],
)
def test_tasks_that_wait_for_each_other_are_one_circle(
    edges: dict[str, tuple[str, ...]], chain: tuple[str, ...], text: str
) -> None:
    assert knots_of(edges) == (Knot("cycle", "A", "CA", chain, text),)


def test_a_circle_goes_through_several_agents() -> None:
    knots = Knots(nobody)
    knots.put("CB", {"T-1": ("T-2",)})
    knots.put("CA", {"T-2": ("T-1",)})
    assert knots.find() == (Knot("cycle", "T-1", "CB", ("T-1", "T-2"), "T-1 and T-2 wait for each other"),)


def test_who_waits_for_a_circle_is_not_told_of_again() -> None:
    assert [knot.task for knot in knots_of({"A": ("A",), "B": ("A",), "C": ("B",)})] == ["A"]


def test_a_circle_that_waits_for_a_failed_task_too_is_two_knots() -> None:
    found = knots_of({"A": ("B",), "B": ("A", "X")}, states(X=("CB", "failed")))
    assert [(knot.kind, knot.chain) for knot in found] == [("cycle", ("A", "B")), ("failed", ("B", "X"))]


def test_one_task_with_two_agents_waits_for_what_either_waits_for() -> None:
    knots = Knots(states(X=("CC", "failed")))
    knots.put("CB", {"A": ("X",)})
    knots.put("CA", {"A": ("Y",)})
    assert [(knot.agent, knot.chain) for knot in knots.find()] == [("CA", ("A", "X"))]


def test_what_changes_is_forgotten() -> None:
    knots = Knots(states(X=("CB", "failed")))
    knots.put("CA", {"A": ("A",), "B": ("X",)})
    assert len(knots.find()) == knots.total == 2
    knots.put("CA", {"B": ("X",), "C": ()})
    assert [knot.task for knot in knots.find()] == ["B"]
    knots.put("CA", {})
    assert knots.find() == ()
    assert knots.total == 0


def test_another_status_is_seen_though_nobody_waits_otherwise() -> None:
    status = {"X": ("CB", "pending")}
    knots = Knots(status.get)
    knots.put("CA", {"A": ("X",)})
    assert knots.find() == ()
    status["X"] = ("CB", "failed")
    assert [knot.kind for knot in knots.find()] == ["failed"]


def test_knots_are_in_the_order_of_kind_and_id_and_limited() -> None:
    edges = {"D": ("X",), "C": ("Y",), "B": ("Z",), "A": ("X",), "Q": ("Q",), "P": ("P",)}
    status = states(X=("CB", "failed"), Y=("CB", "vanished"), Z=("WA", "pending"))
    found = knots_of(edges, status, ("WA",))
    assert [(knot.kind, knot.task) for knot in found] == [
        ("cycle", "P"), ("cycle", "Q"), ("failed", "A"), ("failed", "D"), ("retired", "B"), ("vanished", "C"),
    ]  # fmt: skip
    assert tuple(dict.fromkeys(knot.kind for knot in found)) == KINDS
    knots = Knots(status)
    knots.put("CA", edges)
    assert [knot.task for knot in knots.find(3)] == ["P", "Q", "A"]
    assert knots.total == 5
    assert [knot.task for knot in knots.find(1)] == ["P"]


def test_without_dependencies_nobody_is_asked() -> None:
    def asked(task: str) -> None:
        raise AssertionError(task)

    knots = Knots(asked)
    for number in range(1000):
        knots.put(f"A{number}", {})
    assert knots.find() == ()


def test_each_other_task_is_asked_for_once() -> None:
    asked: list[str] = []
    knots = Knots(lambda task: asked.append(task))
    knots.put("CA", {f"T{n}": ("X", "Y", f"T{n + 1}") for n in range(50)})
    knots.find()
    assert sorted(asked) == ["T50", "X", "Y"]


def test_too_many_dependencies_are_given_up() -> None:
    knots = Knots(nobody, most=10)
    knots.put("CA", {f"T{n}": (f"T{n}",) for n in range(10)})
    assert (len(knots.find()), knots.complete) == (10, True)
    knots.put("CB", {"U": ("U",)})
    assert (knots.find(), knots.complete) == ((), False)
    knots.put("CB", {})
    knots.put("CA", {"A": ("A",)})
    assert (knots.find(), knots.complete) == ((), False)


def test_chains_and_circles_may_be_longer_than_the_interpreters_stack() -> None:
    ring = {f"T{n:05}": (f"T{(n + 1) % 40_000:05}",) for n in range(40_000)}
    (knot,) = knots_of(ring)
    assert knot.text == "T00000, T00001, T00002 and 39997 more wait for each other"
    assert (len(knot.chain), knot.chain[-1]) == (LONGEST, "T39999")
    (knot,) = knots_of({**ring, "T39999": ("X",)}, states(X=("CB", "failed")))
    assert (knot.task, knot.chain[-1]) == ("T00000", "X")


def test_a_crowd_at_the_end_of_a_long_chain_costs_no_more_than_what_is_shown() -> None:
    chain = {f"T{n:05}": (f"T{n + 1:05}",) for n in range(20_000)}
    crowd = {f"U{n:05}": ("T00000",) for n in range(20_000)}
    found = knots_of({**chain, **crowd}, states(T20000=("CB", "failed")), limit=5)
    assert [knot.task for knot in found] == [f"U{n:05}" for n in range(5)]
    assert {len(knot.chain) for knot in found} == {LONGEST}


# -- against the plain definition ---------------------------------------------------------------------


NAMES = [f"T-{number}" for number in range(9)]
AGENTS = ["CA", "CB", "WA"]
EDGES = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3).map(tuple))
FLEET = st.dictionaries(st.sampled_from(AGENTS), EDGES)
STATUS = st.sampled_from(["pending", "failed", "vanished", "completed"])
STANDING = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from(AGENTS), STATUS))


def reachable(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """What each task waits for, however indirectly: Warshall's closure."""
    found = {name: set(graph.get(name, ())) for name in NAMES}
    for middle in NAMES:
        for name in NAMES:
            if middle in found[name]:
                found[name] |= found[middle]
    return found


@given(FLEET, STANDING, st.sets(st.sampled_from(AGENTS)))
def test_knots_are_what_the_definition_says(
    fleet: dict[str, dict[str, tuple[str, ...]]],
    standing: dict[str, tuple[str, str]],
    retired: set[str],
) -> None:
    knots = Knots(standing.get)
    graph: dict[str, set[str]] = {}
    owner: dict[str, str] = {}
    for agent in sorted(fleet):
        knots.put(agent, fleet[agent])
        for task, wanted in fleet[agent].items():
            if wanted:
                graph.setdefault(task, set()).update(wanted)
                owner.setdefault(task, agent)
    for agent in retired:
        knots.retired(agent, True)
    found = knots.find()
    assert len(found) == len({(knot.kind == "cycle", knot.task) for knot in found}) == knots.total

    far = reachable(graph)
    circles = {frozenset(other for other in far[task] if task in far[other]) for task in graph} - {
        frozenset()
    }
    told = [knot for knot in found if knot.kind == "cycle"]
    assert sorted(min(circle) for circle in circles) == [knot.task for knot in told]
    for knot in told:
        assert knot.chain[0] == knot.task
        steps = zip(knot.chain, (*knot.chain[1:], knot.task), strict=True)
        assert all(after in graph[task] for task, after in steps)

    dead: dict[str, str] = {}
    for name in NAMES:
        agent, status = standing.get(name, ("", ""))
        if name in owner:
            agent, status = owner[name], "pending"
        if status in ("failed", "vanished"):
            dead[name] = status
        elif status == "pending" and agent in retired:
            dead[name] = "retired"
    ways = {task: wanted for task, wanted in graph.items() if task not in dead}
    stuck = {task for task in ways if reachable(ways)[task] & dead.keys()}
    heads = {task for task in stuck if not any(task in ways[other] for other in stuck - {task})}
    rest = [knot for knot in found if knot.kind != "cycle"]
    assert heads <= {knot.task for knot in rest} <= stuck
    for knot in rest:
        assert knot.agent == owner[knot.task]
        assert knot.kind == dead[knot.chain[-1]]
        steps = zip(knot.chain, knot.chain[1:], strict=False)
        assert all(after in ways[task] for task, after in steps)
        assert len(set(knot.chain)) == len(knot.chain)
    ends = {knot.chain[-1] for knot in rest}
    for end in dead.keys() - ends:  # whoever waits for it has a knot of its own already
        assert {task for task in stuck if end in ways[task]} <= {knot.task for knot in rest}


@given(FLEET, FLEET)
def test_putting_again_is_the_same_as_starting_anew(
    before: dict[str, dict[str, tuple[str, ...]]], after: dict[str, dict[str, tuple[str, ...]]]
) -> None:
    again, anew = Knots(nobody), Knots(nobody)
    for agent in AGENTS:
        again.put(agent, before.get(agent, {}))
    again.find()
    for agent in AGENTS:
        again.put(agent, after.get(agent, {}))
        anew.put(agent, after.get(agent, {}))
    assert again.find() == anew.find()
    assert json.dumps(again.find()) == json.dumps(anew.find())
