"""What was collected, for other programs: CSV as it always was and more, and OpenMetrics. Text in, none out.

CSV (RFC 4180): the first nine columns are those of the exports that were there before, in their
order and with their meaning, so 0 stands there for a rate or duration that is not known; the columns
after them are empty where nothing is known. A text that a spreadsheet would take for a formula, one
that begins with = + - or @, is written with an apostrophe before it.

OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/): gauges, since a task can
leave an agent; what is not known is absent.
"""

import csv
import io
from collections.abc import Callable, Iterator

from core.agentmetrics.collect import Agent, Collected
from core.agentmetrics.measures import COUNTS, Measures
from core.agentmetrics.model import time_of, utc_text
from core.agentmetrics.report import state_of

OLD_COLUMNS = (
    "Agent", "Status", "Current_Task", "Pending_Tasks", "Completed_Tasks", "Success_Rate", "Avg_Duration",
    "Last_Active", "Export_Time",
)  # fmt: skip
COLUMNS = (
    *OLD_COLUMNS, "Total_Tasks", "In_Progress_Tasks", "Review_Tasks", "Blocked_Tasks", "Failed_Tasks",
    "Other_Tasks", "Vanished_Tasks", "Moved_Tasks", "Success_Percent", "Success_N", "Efficiency_Percent",
    "Efficiency_N", "Delivery_Percent", "Delivery_N", "Task_Time_Mean_Hours", "Task_Time_P50_Hours",
    "Task_Time_P95_Hours", "Task_Time_N", "Last_Updated",
)  # fmt: skip
# The words that exports have always used.
_STATUS = {"retired": "inactive", "unreadable": "error", "missing": "no_outbox"}
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")

Value = float | None


def csv_text(found: Collected) -> str:
    """One row an agent, under `COLUMNS`."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    now = utc_text(found.at)
    for agent in found.agents:
        measures, state = agent.sums.measures(), state_of(agent)
        counts, took = measures.counts, measures.task_time
        if state == "idle" and counts["pending"]:
            state = "ready"
        writer.writerow(
            (
                _cell(agent.queue.agent), _STATUS.get(state, state), _cell(agent.current), counts["pending"],
                counts["completed"], round(measures.success_percent or 0, 2), round(took.mean_hours or 0, 2),
                agent.last_active or "", now, measures.total_tasks, counts["in_progress"], counts["review"],
                counts["blocked"], counts["failed"], counts["other"], counts["vanished"], agent.moved_tasks,
                _figure(measures.success_percent), measures.success_n, _figure(measures.efficiency_percent),
                measures.efficiency_n, _figure(measures.delivery_percent), measures.delivery_n,
                _figure(took.mean_hours), _figure(took.p50_hours), _figure(took.p95_hours), took.n,
                agent.last_updated or "",
            )
        )  # fmt: skip
    return file.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip()[:1] in _FORMULA and text.strip() else text


def _figure(value: float | None) -> float | str:
    return "" if value is None else round(value, 2)


# -- OpenMetrics ------------------------------------------------------------------------------------


def _ratio(percent: float | None) -> Value:
    return None if percent is None else percent / 100.0


def _seconds(hours: float | None) -> Value:
    return None if hours is None or hours > 1e300 else hours * 3600.0


# Name, unit, help, and the value of an agent.
_GAUGES: tuple[tuple[str, str, str, Callable[[Agent, Measures], Value]], ...] = (
    ("success_ratio", "ratio", "Completed of completed and failed tasks.", lambda a, m: _ratio(m.success_percent)),
    ("efficiency_ratio", "ratio", "Earned of actual hours of the tasks where both are known.",
     lambda a, m: _ratio(m.efficiency_percent)),
    ("delivery_ratio", "ratio", "Deliverables delivered of those promised, where both are known.",
     lambda a, m: _ratio(m.delivery_percent)),
    ("task_time_mean_seconds", "seconds", "What completed tasks took, on average.",
     lambda a, m: _seconds(m.task_time.mean_hours)),
    ("task_time_p50_seconds", "seconds", "What completed tasks took, median.",
     lambda a, m: _seconds(m.task_time.p50_hours)),
    ("task_time_p95_seconds", "seconds", "What completed tasks took, 95th percentile.",
     lambda a, m: _seconds(m.task_time.p95_hours)),
    ("last_active_timestamp_seconds", "seconds", "When a task was last finished, seconds since 1970.",
     lambda a, m: time_of(a.last_active)),
    ("moved_tasks", "", "Tasks that are kept in its metrics and count for another agent.",
     lambda a, m: float(a.moved_tasks)),
    ("queue_file_read", "", "1 if the queue file was wholly read, 0 if not, absent if there is none.",
     lambda a, m: None if a.queue.form in ("missing", "gone") else float(a.queue.form == "read")),
)  # fmt: skip


def openmetrics_text(found: Collected) -> str:
    """The exposition, with its end mark."""
    every = [(f'agent="{_label(agent.queue.agent)}"', agent, agent.sums.measures()) for agent in found.agents]
    lines = list(_head("tasks", "", "Tasks by status, as far as they are known."))
    for label, agent, measures in every:
        if agent.queue.form == "unread" and not agent.kept:
            continue  # nothing is known of it, which is not that it has none
        lines += [
            f'bluetop_agent_tasks{{{label},status="{name}"}} {measures.counts[name]}' for name in COUNTS
        ]
    lines += _head("measured_tasks", "", "How many tasks a measure rests on.")
    for label, _, measures in every:
        for name, n in (("success", measures.success_n), ("efficiency", measures.efficiency_n),
                        ("delivery", measures.delivery_n), ("task_time", measures.task_time.n)):  # fmt: skip
            lines.append(f'bluetop_agent_measured_tasks{{{label},measure="{name}"}} {n}')
    for name, unit, words, value_of in _GAUGES:
        lines += _head(name, unit, words)
        for label, agent, measures in every:
            value = value_of(agent, measures)
            if value is not None:
                lines.append(f"bluetop_agent_{name}{{{label}}} {value!r}")
    return "\n".join([*lines, "# EOF"]) + "\n"


def _head(name: str, unit: str, words: str) -> Iterator[str]:
    yield f"# TYPE bluetop_agent_{name} gauge"
    if unit:
        yield f"# UNIT bluetop_agent_{name} {unit}"
    yield f"# HELP bluetop_agent_{name} {words}"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
