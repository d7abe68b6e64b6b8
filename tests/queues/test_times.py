from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.queues.times import parse


@pytest.mark.parametrize(
    ("text", "iso", "naive"),
    [
        ("2025-05-29T08:57:17Z", "2025-05-29T08:57:17+00:00", False),
        ("2025-05-29T08:57:17.541202Z", "2025-05-29T08:57:17.541202+00:00", False),
        ("2025-05-24T10:55:00-07:00", "2025-05-24T17:55:00+00:00", False),
        ("2025-05-20T09:15:00.123+05:30", "2025-05-20T03:45:00.123+00:00", False),
        ("2025-05-21T14:30Z", "2025-05-21T14:30:00+00:00", False),
        ("2025-05-29T01:40:52+00:00Z", "2025-05-29T01:40:52+00:00", False),
        ("20250529T014052Z", "2025-05-29T01:40:52+00:00", False),
        ("2025-05-22T14:30:00", "2025-05-22T14:30:00+00:00", True),
        ("2025-05-20 09:15:00.123456", "2025-05-20T09:15:00.123456+00:00", True),
        ("2025-05-21", "2025-05-21T00:00:00+00:00", True),
        (" 2024-02-29 ", "2024-02-29T00:00:00+00:00", True),
    ],
)
def test_every_real_form_of_timestamp_is_read(text: str, iso: str, naive: bool) -> None:
    moment = parse(text)
    assert moment is not None
    assert moment.at == pytest.approx(datetime.fromisoformat(iso).timestamp(), abs=1e-6)
    assert moment.naive is naive


@pytest.mark.parametrize(
    "text",
    ["", "*Generated on Saturday, May 31*", "2025-02-30", "2025-13-01T00:00:00Z", "2025-05-29T25:00:00Z",
     "2025-05-29T08:61:00Z", "0001-01-01T00:00:00Z", "soon", "2025-05-29T08:45:36Zzz", None, 1748500000, True, [],
     "２０２５-05-29T08:45:36Z", "9" * 1000],
)  # fmt: skip
def test_what_is_no_time_is_none(text: object) -> None:
    assert parse(text) is None


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_python_and_bluetop_agree_on_iso_times(moment: datetime) -> None:
    for text in (moment.isoformat(), moment.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)):
        found = parse(text)
        assert found is not None
        assert found.at == pytest.approx(moment.timestamp(), abs=1.0)


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = parse(text)
    assert found is None or found.at >= 0
