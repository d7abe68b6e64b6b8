"""Each small timeline gives what the specification says, in the plain model and in the product alike."""

import tomllib

import pytest

from tests.alerts import model
from tests.alerts.timeline import NOTHING, Timeline, compact, jsonl
from tests.alerts.timelines import TIMELINES

EACH = pytest.mark.parametrize("timeline", TIMELINES, ids=lambda timeline: timeline.name)


@EACH
def test_the_model_does_what_the_specification_says(timeline: Timeline):
    result = model.replay(tomllib.loads(timeline.rules), jsonl(timeline.lines))
    assert compact(result) == NOTHING | timeline.expected


@EACH
def test_the_product_does_what_the_specification_says(timeline: Timeline):
    from core.alerts.replay import replay_text

    result = replay_text(timeline.rules, jsonl(timeline.lines))
    assert compact(result) == NOTHING | timeline.expected
    assert result["schema"] == "bluetop.alerts.replay/1"


def test_every_timeline_has_a_name_of_its_own():
    assert len({timeline.name for timeline in TIMELINES}) == len(TIMELINES) >= 50
