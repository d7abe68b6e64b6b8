"""A metrics file brought up to date: what wins, what stays known, and that nothing is lost."""

import copy
import json
from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agentmetrics.merge import NoMetricsFile, ids_of, merge
from core.agentmetrics.model import ENTRY, Seen, task_key
from core.agentmetrics.store import parsed, text_of
from tests.agentmetrics.space import LAYOUT, entry

CREATED, STARTED, ENDED = "2026-05-01T10:00:00Z", "2026-05-01T11:00:00Z", "2026-05-01T13:00:00Z"


def seen(task_id="TASK-1", status="pending", **more):
    return Seen(task_id, status, **more)


def finished(task_id="TASK-1", **more):
    """As the history tells of it: one time."""
    return Seen(task_id, "completed", completed_at=ENDED, stamp=ENDED, stamped=True, **more)


def document(*entries, **more):
    return {
        "agent_id": "CA",
        "last_updated": "2026-05-01T00:00:00Z",
        "summary": {},
        "metrics": list(entries),
        **more,
    }


def after(old, *rows, **more):
    return merge(old, "CA", rows, more.pop("owner", lambda key: ""), **more)


def one(merged):
    (row,) = merged.document["metrics"]
    return row


def test_a_task_first_seen_pending_and_now_completed_is_completed():
    row = one(after(document(entry()), finished()))
    assert (row["status"], row["completed_at"]) == ("completed", ENDED)


def test_what_was_known_while_the_task_was_live_outlives_its_move_into_the_history():
    live = seen(status="in_progress", created_at=CREATED, started_at=STARTED, estimated_hours=4.0, promised=7)
    first = after(None, live)
    merged = after(first.document, finished(actual_hours=2.0))
    row = one(merged)
    assert [row[name] for name in ENTRY[2:]] == ["completed", CREATED, STARTED, ENDED, 4, 2, 0, 7]
    assert merged.sums.measures().efficiency_percent == 200.0


def test_hours_are_never_a_hundred_per_cent_by_default():
    measures = after(None, finished(actual_hours=500.0)).sums.measures()
    assert (measures.efficiency_percent, measures.task_time.mean_hours) == (None, 500)


def test_a_completed_at_of_the_agents_own_is_better_than_the_time_of_the_history_entry():
    review = seen(status="ready_for_review", completed_at="2026-05-01T12:00:00Z")
    row = one(after(after(None, review).document, finished()))
    assert row["completed_at"] == "2026-05-01T12:00:00Z"


def test_a_time_of_a_history_entry_gives_way_to_a_better_one_and_to_a_newer_entry():
    first = after(None, finished()).document
    assert first["bluetop"]["tasks"]["TASK-1"]["approximate"] == ["created_at", "completed_at"]
    better = after(first, seen(status="completed", created_at=CREATED, completed_at=STARTED))
    assert (one(better)["created_at"], one(better)["completed_at"]) == (CREATED, STARTED)
    assert better.document["bluetop"]["tasks"] == {}
    later = Seen(
        "TASK-1", "completed", completed_at="2026-05-02T00:00:00Z", stamp="2026-05-02T00:00:00Z", stamped=True
    )
    assert one(after(first, later))["completed_at"] == "2026-05-02T00:00:00Z"


def test_a_task_that_is_worked_on_again_is_not_ended_any_more():
    row = one(after(after(None, finished()).document, seen(status="in_progress", started_at=ENDED)))
    assert (row["status"], row["completed_at"], row["started_at"]) == ("in_progress", None, ENDED)


def test_an_entry_of_the_tool_before_this_one_is_known_to_be_approximate():
    old = entry(status="completed", created_at=ENDED, started_at=ENDED, completed_at=ENDED)
    merged = after(
        document(old), seen(status="completed", created_at=CREATED, started_at=STARTED, completed_at=ENDED)
    )
    assert [one(merged)[name] for name in ("created_at", "started_at", "completed_at")] == [
        CREATED,
        STARTED,
        ENDED,
    ]


def test_delivered_is_only_what_is_claimed_and_the_old_key_has_the_files_where_nothing_is():
    merged = after(None, finished(files=9))
    assert one(merged)["deliverables_completed"] == 9
    assert "delivered" not in merged.document["bluetop"]["tasks"]["TASK-1"]
    merged = after(merged.document, finished(files=9, delivered=4))
    assert one(merged)["deliverables_completed"] == 4
    assert merged.document["bluetop"]["tasks"]["TASK-1"]["delivered"] == 4


def test_a_doubt_stays_with_a_time_even_when_the_file_grows_older():
    doubted = seen(status="in_progress", started_at=STARTED, doubtful=("started_at",))
    first = after(None, doubted).document
    again = after(first, seen(status="in_progress", started_at=STARTED))
    assert again.document["bluetop"]["tasks"]["TASK-1"]["doubtful"] == ["started_at"]
    corrected = after(first, seen(status="in_progress", started_at=CREATED))
    assert "doubtful" not in corrected.document["bluetop"]["tasks"].get("TASK-1", {})


def test_a_task_that_left_the_queue_file_stays_and_is_marked_only_if_all_of_the_file_was_read():
    first = after(None, seen(), seen("TASK-2")).document
    assert after(first, seen("TASK-2"), whole=False).document == first
    merged = after(first, seen("TASK-2"))
    assert merged.document["bluetop"]["tasks"] == {"TASK-1": {"gone": True}}
    assert merged.sums.measures().counts["vanished"] == 1
    back = after(merged.document, seen(), seen("TASK-2"))
    assert back.document["bluetop"] == first["bluetop"]


def test_a_task_that_moved_is_kept_marked_and_counted_elsewhere():
    first = after(None, seen(), seen("TASK-2")).document
    merged = after(first, seen("TASK-2"), owner=lambda key: "CB" if key == "TASK-1" else "")
    assert merged.moved == ("TASK-1",)
    assert merged.document["bluetop"]["tasks"]["TASK-1"]["moved_to"] == "CB"
    assert (merged.sums.measures().total_tasks, merged.document["summary"]["moved_tasks"]) == (1, 1)
    both = after(first, seen(), seen("TASK-2"), owner=lambda key: "CB" if key == "TASK-1" else "")
    assert both.document["bluetop"]["tasks"]["TASK-1"]["counted_for"] == "CB"
    assert (both.moved, both.sums.measures().total_tasks) == ((), 1)


def test_the_new_owner_inherits_what_the_former_one_knew():
    left = {"TASK-1": {"estimated_hours": 4.0, "deliverables_total": 3, "created_at": CREATED}}
    merged = after(None, finished(actual_hours=2.0), bequeathed=left)
    row = one(merged)
    assert (row["estimated_hours"], row["deliverables_total"], row["created_at"]) == (4, 3, CREATED)
    assert after(merged.document, finished(actual_hours=2.0), bequeathed=left).changed is False


def test_two_entries_of_one_task_are_kept_and_count_once():
    rows = [entry(), entry(status="completed"), {"no": "id"}, "text", None]
    merged = after(document(*rows), finished())
    assert merged.document["metrics"][1:] == rows[1:]
    assert merged.sums.measures().total_tasks == 1


def test_unknown_keys_their_order_and_everything_nobody_asked_about_stay():
    old = document(
        entry(reviewer="ann"),
        entry("TASK-9"),
        owner={"x": [1]},
        bluetop={"tasks": {"TASK-1": {"note": 1}}, "z": 2},
    )
    old = {"first": 1, **old, "summary": {"trend": "up", "total_tasks": 0}}
    merged = after(old, finished(), whole=False).document
    assert list(merged) == list(old)
    assert list(merged["summary"])[:2] == ["trend", "total_tasks"]
    assert list(merged["metrics"][0]) == [*LAYOUT, "reviewer"]
    assert (merged["owner"], merged["bluetop"]["z"]) == ({"x": [1]}, 2)
    assert merged["bluetop"]["tasks"]["TASK-1"]["note"] == 1
    assert merged["metrics"][1] == entry("TASK-9")


def test_what_is_merged_is_not_changed_in_place():
    old = document(entry(), bluetop={"tasks": {"TASK-1": {"note": 1}}})
    before = copy.deepcopy(old)
    after(old, finished())
    assert old == before


NOT_ONE = [[], 3, {"metrics": {}}, {"metrics": [], "summary": []}, {"bluetop": 1}, {"bluetop": {"tasks": []}}]


@pytest.mark.parametrize("value", NOT_ONE)
def test_what_is_no_metrics_file_is_refused(value):
    with pytest.raises(NoMetricsFile, match=r"in it is no|holds no JSON object"):
        after(value, finished())


# -- whoever read these files before ------------------------------------------------------------------


@dataclass
class OldReader:
    """A reader of the kind there is: a record of exactly these keys, times by the standard library."""

    task_id: str
    agent_id: str
    status: str
    created_at: str
    started_at: str | None
    completed_at: str | None
    estimated_hours: float
    actual_hours: float | None
    deliverables_completed: int
    deliverables_total: int

    def figures(self):
        hours = None
        if self.started_at and self.completed_at:
            began, ended = (
                datetime.fromisoformat(t.replace("Z", "+00:00")) for t in (self.started_at, self.completed_at)
            )
            hours = (ended - began).total_seconds() / 3600
        share = self.deliverables_completed / self.deliverables_total if self.deliverables_total > 0 else 1
        return hours, share, self.estimated_hours / self.actual_hours if self.actual_hours else None


STATUSES = st.sampled_from(
    ["pending", "in_progress", "ready_for_review", "completed", "failed", "partial", ""]
)
IDS = st.sampled_from(["T1", "T2", "T3", "T4"]) | st.text(min_size=1, max_size=5).map(task_key).filter(bool)
TIME = st.none() | st.sampled_from(
    [CREATED, STARTED, ENDED, "2026-05-01T10:00:00.123456Z", "2026-05-01T10:00:00-07:00"]
)
HOURS = st.none() | st.floats(1e-3, 999_999)  # a million and more is taken for an error: unknown
COUNT = st.none() | st.integers(0, 50)


@st.composite
def a_row(draw):
    stamp = draw(TIME)
    status = draw(STATUSES)
    stamped = stamp is not None and status in ("completed", "failed") and draw(st.booleans())
    return Seen(draw(IDS), status, draw(TIME), draw(TIME), stamp if stamped else draw(TIME), stamp, stamped,
                None, draw(HOURS), draw(HOURS), draw(COUNT), draw(COUNT), draw(COUNT),
                tuple(draw(st.sets(st.sampled_from(["created_at", "started_at", "completed_at"])))))  # fmt: skip


ROWS = st.lists(a_row(), max_size=5, unique_by=lambda row: row.task_id)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
                    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
                    max_leaves=4)  # fmt: skip
ENTRIES = st.fixed_dictionaries({}, optional={**dict.fromkeys(LAYOUT[1:], JSON | TIME | HOURS | STATUSES),
                                              "task_id": IDS | JSON, "more": JSON})  # fmt: skip
FACTS = st.fixed_dictionaries({}, optional={
    "delivered": JSON | COUNT, "approximate": JSON | st.just(["created_at"]),
    "doubtful": JSON | st.just(["started_at"]),
    "tracked": JSON | st.fixed_dictionaries({}, optional={"started_at": TIME, "completed_at": TIME, "status": STATUSES,
                                                         "actual_hours": HOURS, "estimated_hours": HOURS}),
    "gone": st.booleans(), "moved_to": st.just("CB"), "note": JSON,
})  # fmt: skip
DOCUMENTS = st.none() | st.fixed_dictionaries(
    {"metrics": st.lists(ENTRIES | JSON, max_size=5)},
    optional={"agent_id": JSON, "summary": st.dictionaries(st.text(max_size=3), JSON, max_size=2), "more": JSON,
              "bluetop": st.fixed_dictionaries({}, optional={"tasks": st.dictionaries(IDS, FACTS | JSON, max_size=4)})},
)  # fmt: skip


@given(DOCUMENTS, ROWS, st.booleans(), st.sets(IDS, max_size=2))
def test_merging_the_same_again_changes_nothing(old, rows, whole, elsewhere):
    def other(key):
        return "CB" if key in elsewhere else ""

    first = merge(old, "CA", rows, other, whole)
    again = merge(first.document, "CA", rows, other, whole)
    assert again.document == first.document
    assert (again.changed, again.added, again.updated, again.moved) == (False, (), (), ())
    assert again.sums.measures() == first.sums.measures()


@given(DOCUMENTS, st.lists(ROWS, max_size=4), st.booleans())
def test_no_task_entry_or_foreign_key_is_ever_lost(old, looks, whole):
    found = old
    for rows in looks:
        found = merge(found, "CA", rows, lambda key: "", whole).document
    assert {row.task_id for rows in looks for row in rows} <= set(ids_of(found))
    was = (old or {}).get("metrics", [])
    for before, now in zip(was, (found or {}).get("metrics", []), strict=False):
        if isinstance(before, dict):
            assert {name: now[name] for name in before if name not in LAYOUT} == {
                name: value for name, value in before.items() if name not in LAYOUT
            }
            assert now.get("task_id") == before.get("task_id")
        else:
            assert now == before
    for name in (old or {}).keys() - {"metrics", "summary", "bluetop"}:
        assert found[name] == old[name]


@given(st.lists(ROWS, min_size=1, max_size=5))
def test_what_was_once_known_stays_known(looks):
    found = None
    known = {}
    for rows in looks:
        found = merge(found, "CA", rows, lambda key: "").document
        for row in rows:
            told = known.setdefault(row.task_id, set())
            told |= {
                name
                for name in ("estimated_hours", "actual_hours", "created_at", "started_at")
                if getattr(row, name)
            }
            told |= {"deliverables_total"} if row.promised else set()
    for row in found["metrics"]:
        assert all(row[name] for name in known.get(row["task_id"], ())), row


@given(st.lists(ROWS, max_size=4))
def test_whoever_read_these_files_before_still_can(looks):
    found = merge(None, "CA", [], None).document
    for rows in looks:
        found = merge(found, "CA", rows, lambda key: "").document
    found = json.loads(text_of(found))
    for row in found["metrics"]:
        OldReader(**row).figures()
    numbers = ("total_tasks", "completed_tasks", "failed_tasks", "success_rate", "avg_execution_time_hours",
               "avg_efficiency_score")  # fmt: skip
    assert all(isinstance(found["summary"][name], int | float) for name in numbers)
    assert 0 <= found["summary"]["avg_efficiency_score"] <= 100


@given(DOCUMENTS.filter(lambda found: found is not None))
def test_a_document_is_the_same_after_it_was_written_and_read(old):
    assert parsed(text_of(old)) == old
    assert text_of(old) == json.dumps(old, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
