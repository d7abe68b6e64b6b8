"""The careful, the fast and the streaming reader say the same of every good queue."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.queues import Limits
from core.queues.model import AgentQueue
from core.queues.reader import Reading, interpret

LATEST = 1_780_000_000.0
WORDS = st.sampled_from(["pending", "in_progress", "completed", "COMPLETED", "done", "blocked", "failed", "In Progress",
                         "ready_for_review", "assigned", "partial", "", "x"])  # fmt: skip
TIMES = st.sampled_from(
    ["2025-05-29T08:45:36Z", "2025-05-28T08:45:36Z", "2024-05-29T08:45:36Z", "2025-05-29T08:45:36", "2025-05-29",
     "2099-01-01T00:00:00Z", "2025-0529T084536.12Z", "20250529T084536.123Z", "2025-05-29T08:45.12Z",
     "2025-99-29T08:45:36Z",
     "2025-05-24T10:55:00-07:00", "", "soon"]
)  # fmt: skip
ODD = st.none() | st.booleans() | st.integers(-3, 10**30) | st.floats(allow_nan=False, allow_infinity=False)
ANY = ODD | st.text(max_size=5) | st.just([]) | st.just({})
IDS = st.sampled_from(["T-1", "T-2", "T-3", "T-4", "T-5", "T-6", "7", ""])
TASK = st.fixed_dictionaries(
    {},
    optional={
        "task_id": IDS | ANY, "status": WORDS | ANY, "title": ANY, "estimated_hours": st.integers(0, 9) | ANY,
        "created_at": TIMES | ANY, "started_at": TIMES | ANY, "completed_at": TIMES | ANY, "metrics": ANY,
        "timestamp": TIMES, "summary": ANY, "content": ANY, "details": ANY, "extra": ANY,
    },
)  # fmt: skip
QUEUE = st.fixed_dictionaries(
    {"tasks": st.lists(TASK, max_size=8)},
    optional={
        "history": st.lists(TASK, max_size=6), "agent_id": st.just("CA") | ANY, "status": st.just("paused") | ANY,
        "expertise": st.lists(ANY, max_size=3) | ANY, "metadata": st.just({"capacity_hours": 6}) | ANY,
        "role": ANY, "agent_name": ANY, "messages": st.just([]) | st.lists(TASK, max_size=2),
    },
)  # fmt: skip


def read(content: Any, limits: Limits, careful: bool) -> Reading:
    return interpret(json.dumps(content).encode(), "CA", LATEST, limits, careful)


def row(content: Any, limits: Limits, careful: bool) -> AgentQueue:
    return read(content, limits, careful).queue


@given(QUEUE)
def test_careful_and_fast_agree_on_every_standard_queue(content: Any) -> None:
    careful, fast = read(content, Limits(), True), read(content, Limits(), False)
    assert careful.counted == fast.counted
    assert [problem.code for problem in careful.problems] == [problem.code for problem in fast.problems]


@given(QUEUE)
def test_careful_and_streamed_agree_on_every_standard_queue(content: Any) -> None:
    assert row(content, Limits(), True) == row(content, Limits(repair_bytes=0), False)


@given(st.lists(TASK, max_size=6))
def test_they_agree_on_messages(records: Any) -> None:
    content = {"agent_id": "CA", "messages": records}
    assert row(content, Limits(), True) == row(content, Limits(repair_bytes=0), False)
    assert row(content, Limits(), True) == row(content, Limits(), False)


def test_a_good_queue_really_takes_the_fast_path() -> None:
    from core.queues import fast

    content = {
        "agent_id": "CA",
        "tasks": [{"task_id": "T", "status": "pending"}],
        "history": [{"task_id": "H", "status": "done"}],
    }
    assert fast.sheet(json.dumps(content).encode()) is not None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_row_or_a_named_problem(data: bytes) -> None:
    for limits, careful in ((Limits(), True), (Limits(), False), (Limits(repair_bytes=0), False)):
        found = interpret(data, "CA", LATEST, limits, careful)
        assert found.problems or found.queue.form != "unreadable"
        assert all(problem.detail.isprintable() for problem in found.problems)


@given(QUEUE, st.data())
def test_a_queue_cut_anywhere_is_never_called_good(content: Any, data: st.DataObject) -> None:
    text = json.dumps(content).encode()
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    for limits, careful in ((Limits(), True), (Limits(), False), (Limits(repair_bytes=0), False)):
        found = interpret(cut, "CA", LATEST, limits, careful)
        assert any(problem.severity == "error" for problem in found.problems)
