"""docs/rebalancing.md names every code, cause, setting and option there is."""

from pathlib import Path

import pytest

from core.balance import doing, plan
from core.balance.options import Options
from core.config import Balance
from tui.cli.optimize_show import CAUSES

TEXT = (Path(__file__).parents[3] / "docs" / "rebalancing.md").read_text(encoding="utf-8")
SKIPPED = (
    doing.LOCKED, doing.UNREADABLE, doing.MISSING, doing.STATUS, doing.CHANGED, doing.DUPLICATE, doing.PINNED,
    doing.RECEIVER, doing.UNSAFE, doing.BUSY, doing.UNWRITABLE, doing.OVERWRITTEN, doing.UNFINISHED, doing.STOPPED,
    doing.NOT_MADE,
)  # fmt: skip
RECOVERED = (
    doing.ABORTED, doing.FINISHED, doing.REMOVED_COPY, doing.RESTORED, doing.CONFLICT, doing.MERGED, doing.LOST,
)  # fmt: skip
UNRESOLVED = (plan.NO_RECEIVER, plan.SATURATED, plan.INDIVISIBLE, plan.PINNED, plan.COOLDOWN, plan.BUDGET)


@pytest.mark.parametrize("code", [*SKIPPED, *RECOVERED, *UNRESOLVED])
def test_code_is_explained(code):
    assert f"| `{code}` | " in TEXT


@pytest.mark.parametrize("name", [name for name in Options._fields if name != "pins"])
def test_setting_is_in_the_configuration_with_the_same_default_and_explained(name):
    assert getattr(Balance(), name) == Options._field_defaults[name]
    assert f"| `{name}` | `--{name.replace('_', '-')} " in TEXT


def test_every_cause_has_a_sentence_of_its_own():
    assert set(CAUSES) == set(UNRESOLVED)
