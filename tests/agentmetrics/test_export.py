"""CSV that spreadsheets and old readers take, and OpenMetrics that a strict reader takes."""

import csv
import io
import re

import pytest

from core.agentmetrics.export import COLUMNS, OLD_COLUMNS, csv_text, openmetrics_text
from core.agentmetrics.report import export_data
from tests.agentmetrics.space import history, task
from tests.documented import faults

_NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_SAMPLE = re.compile(rf"({_NAME})\{{(.*)\}} (-?[0-9][0-9.e+-]*)")


def samples(text):
    """(name, labels) → value of an exposition that keeps to OpenMetrics 1.0, as far as gauges go."""
    assert text.endswith("# EOF\n")
    assert text.count("# EOF") == 1
    found, seen, family, unit = {}, set(), "", ""
    for line in text.splitlines()[:-1]:
        if line.startswith("# "):
            _, kind, name, rest = line.split(" ", 3)
            if kind == "TYPE":
                assert name not in seen, f"{name} is interleaved"
                seen.add(name)
                family, unit = name, ""
                assert rest == "gauge"
            elif kind == "UNIT":
                unit = rest
                assert name.endswith(f"_{unit}")
            else:
                assert kind == "HELP"
            assert name == family
            continue
        match = _SAMPLE.fullmatch(line)
        assert match, line
        assert match[1] == family
        labels = tuple(_LABEL.findall(match[2]))
        assert ",".join(f'{name}="{value}"' for name, value in labels) == match[2]
        assert (match[1], labels) not in found
        found[match[1], labels] = float(match[3])
    return found


@pytest.fixture
def found(space):
    live = [task("T1", "in_progress", started_at="2026-05-01T10:00:00Z"), task("T2"), task("T3", "failed")]
    space.queue("CA", *live, done=[history("T4", estimated_hours=2, actual_hours=4)])
    space.queue("CB")
    space.queue("WA", status="DECOMMISSIONED - No longer active")
    space.raw("BAD", b"")
    (space.root / "postbox" / "NONE").mkdir()
    return space.collect(save=False, tasks=True)


def rows(text):
    return {row["Agent"]: row for row in csv.DictReader(io.StringIO(text))}


def test_csv_begins_with_the_columns_that_exports_always_had(found):
    head = csv_text(found).split("\r\n")[0].split(",")
    assert tuple(head[:9]) == OLD_COLUMNS
    assert tuple(head) == COLUMNS
    row = rows(csv_text(found))["CA"]
    assert [row[name] for name in OLD_COLUMNS] == [
        "CA", "working", "T1", "1", "1", "50.0", "4.0", "2026-05-01T12:00:00Z", "2026-05-28T20:26:40Z",
    ]  # fmt: skip


def test_unknown_is_zero_in_the_old_columns_and_empty_in_the_new(found):
    row = rows(csv_text(found))["CB"]
    assert (row["Success_Rate"], row["Avg_Duration"]) == ("0", "0")
    assert (row["Success_Percent"], row["Efficiency_Percent"], row["Task_Time_P95_Hours"]) == ("", "", "")
    assert {name: found["Status"] for name, found in rows(csv_text(found)).items()} == {
        "BAD": "error", "CA": "working", "CB": "idle", "NONE": "no_outbox", "WA": "inactive",
    }  # fmt: skip


FORMULAS = ["=1+1", "+1", "-rf", "@SUM(A1)", " =cmd|' /C calc'!A0", "＝1+1"]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_cell_is_a_formula(space, name):
    space.queue(name.replace("/", "_"), task(name, "in_progress"))
    cells = next(csv.reader(io.StringIO(csv_text(space.collect(save=False)).split("\r\n", 1)[1])))
    assert cells[0].startswith("'")
    assert cells[2].startswith("'")
    assert not any(cell.lstrip()[:1] in tuple("=+-@＝＋－＠") for cell in cells if cell.strip())


def test_csv_quotes_what_has_commas_quotes_and_line_breaks(space):
    name = 'a,"b"\nc'
    space.queue(name, task())
    assert list(rows(csv_text(space.collect(save=False)))) == ['a,"b"\\x0ac']


def test_openmetrics_has_what_is_known_and_nothing_else(found):
    text = openmetrics_text(found)
    known = samples(text)
    agent = ("agent", "CA")
    assert known["bluetop_agent_tasks", (agent, ("status", "in_progress"))] == 1
    assert known["bluetop_agent_success_ratio", (agent,)] == 0.5
    assert known["bluetop_agent_efficiency_ratio", (agent,)] == 0.5
    assert known["bluetop_agent_task_time_mean_seconds", (agent,)] == 4 * 3600
    assert known["bluetop_agent_measured_tasks", (agent, ("measure", "efficiency"))] == 1
    assert known["bluetop_agent_queue_file_read", (("agent", "BAD"),)] == 0
    for missing in (
        "delivery_ratio",
        "task_time_p95_seconds",
        "success_ratio",
        "last_active_timestamp_seconds",
    ):
        assert (f"bluetop_agent_{missing}", (("agent", "CB"),)) not in known
    assert not any(labels[0] == ("agent", "BAD") for name, labels in known if name == "bluetop_agent_tasks")
    assert ("bluetop_agent_queue_file_read", (("agent", "NONE"),)) not in known


def test_labels_are_escaped(space):
    space.queue('a"b\\c', task())
    known = samples(openmetrics_text(space.collect(save=False)))
    assert {labels[0][1] for _, labels in known} == {'a\\"b\\\\c'}


def test_the_json_export_keeps_to_its_documentation_and_has_each_task_once(found):
    data = export_data(found, "/w")
    assert faults(data) == []
    assert [row["id"] for row in data["tasks"]] == ["T1", "T2", "T3", "T4"]
    assert data["tasks"][3]["efficiency_percent"] == 50
    assert data["complete"] is False
