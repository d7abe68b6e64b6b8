"""docs/json.md says the truth: its examples and everything that commands print keep to its tables."""

import pytest

from core.advice import Limits
from core.config import Settings
from core.policy import policy_of
from core.report import analysis
from tests.documented import faults, schemas
from tests.snapshots import snapshot


@pytest.mark.parametrize("name", list(schemas()))
def test_example_keeps_to_its_table(name):
    _, example = schemas()[name]
    assert example["schema"] == name
    assert faults(example) == []


def test_undocumented_missing_and_mistyped_fields_are_noticed():
    _, example = schemas()["bluetop.doctor/1"]
    del example["bad"]
    example["extra"] = 1
    example["checks"][0]["text"] = 3
    example["collectors"][0]["took_ms"] = None
    assert sorted(faults(example)) == [
        "bad is missing", "checks[].text is 3, but documented as text", "extra is not documented",
    ]  # fmt: skip


def test_analysis_of_a_full_snapshot_keeps_to_its_table():
    rules = policy_of(Settings(), host="h", workspace="/w", read_only=True, intervals={}).kpis
    assert faults(analysis(snapshot(), rules, Limits())) == []
