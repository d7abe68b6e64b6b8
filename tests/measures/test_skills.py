import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measures.skills import ALL, Outcome, SkillEstimate, estimates, normal_tag, speed, success


def done(*skills: str, estimated: float | None = None, actual: float | None = None) -> Outcome:
    """A completed task."""
    return Outcome(skills, True, estimated, actual)


def failed(*skills: str) -> Outcome:
    """A failed task."""
    return Outcome(skills, False, 2.0, 9.0)


def by_skill(*arguments) -> dict[str, SkillEstimate]:
    """The estimates by name."""
    return {found.skill: found for found in estimates(*arguments)}


def test_the_estimate_of_all_work_comes_first_then_skills_by_name():
    found = estimates([done("testing"), done("api", "testing")], ["review"])
    assert [of.skill for of in found] == [ALL, "api", "review", "testing"]
    assert [of.done for of in found] == [2, 1, 0, 2]


def test_nothing_seen_gives_the_prior():
    (found,) = estimates([])
    assert (found.skill, found.done, found.failed, found.speed_n) == (ALL, 0, 0, 0)
    assert (found.success_percent, found.success_high) == (100, 100)
    assert found.success_low == pytest.approx(69.4, abs=0.1)  # 5 % quantile of Beta(5.5, 0.5)
    assert found.speed == 1
    # Student's 95 % quantile for 3 degrees of freedom is 2.353: exp(2.353 x ln 2 / √3).
    assert found.speed_high == pytest.approx(2.56, rel=0.01)
    assert found.speed_low == pytest.approx(1 / found.speed_high)


# completed, failed; the share by hand, (c + 5) / (c + f + 5), and quantiles of
# Beta(c + 5.5, f + 0.5) as scipy has them.
SHARES = [
    (0, 0, 1.0, 0.6943, 1.0000),
    (5, 0, 1.0, 0.8292, 1.0000),
    (20, 0, 1.0, 0.9268, 1.0000),
    (5, 1, 10 / 11, 0.6950, 0.9838),
    (0, 5, 0.5, 0.2619, 0.7381),
    (95, 5, 100 / 105, 0.9087, 0.9780),
    (0, 95, 0.05, 0.0231, 0.0958),
]


@pytest.mark.parametrize(("completed", "failures", "share", "low", "high"), SHARES)
def test_success_is_shrunk_by_five_imagined_successes(completed, failures, share, low, high):
    assert success(completed, failures) == pytest.approx((share, low, high), abs=2e-4)


# Ratios estimated / actual; the speed by hand.
SPEEDS = [
    ([], 1.0),
    ([2.0], 2 ** (1 / 4)),
    ([2.0, 2.0, 2.0], 2 ** (3 / 6)),
    ([0.5, 2.0], 1.0),
    ([100.0], 4 ** (1 / 4)),  # clipped to 4
    ([0.001, 0.001, 0.001], 0.25 ** (3 / 6)),  # clipped to 1/4
]


@pytest.mark.parametrize(("ratios", "expected"), SPEEDS)
def test_speed_is_a_geometric_mean_shrunk_by_three_tasks_on_time(ratios, expected):
    found = by_skill([done("api", estimated=ratio * 3, actual=3.0) for ratio in ratios])[ALL]
    assert found.speed == pytest.approx(expected)
    assert found.speed_n == len(ratios)
    assert found.speed_low <= found.speed <= found.speed_high


def test_the_interval_of_the_speed_narrows_with_what_is_seen():
    few = by_skill([done("api", estimated=2.0, actual=1.0)] * 2)["api"]
    many = by_skill([done("api", estimated=2.0, actual=1.0)] * 40)["api"]
    assert few.speed_low < 1 < few.speed_high
    assert 1.5 < many.speed_low < many.speed < many.speed_high < 2.2


@pytest.mark.parametrize(
    ("estimated", "actual"),
    [
        (None, 2.0),
        (2.0, None),
        (0.0, 2.0),
        (2.0, 0.0),
        (-1.0, 2.0),
        (math.nan, 2.0),
        (2.0, math.inf),
        (math.inf, 2.0),
    ],
)
def test_hours_that_say_nothing_leave_the_speed_alone(estimated, actual):
    found = by_skill([done("api", estimated=estimated, actual=actual)])["api"]
    assert (found.done, found.speed_n, found.speed) == (1, 0, 1)


def test_a_failed_task_counts_against_success_only():
    found = by_skill([failed("api"), done("api", estimated=4.0, actual=2.0)])["api"]
    assert (found.done, found.failed, found.speed_n) == (1, 1, 1)
    assert found.success_percent == pytest.approx(100 * 6 / 7)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("API", "api"),
        ("  Unit - Tests ", "unit_tests"),
        ("a--b\t c", "a_b_c"),
        ("straße", "strasse"),
        (" ", ""),
    ],
)
def test_tags_are_compared_in_one_spelling(tag, expected):
    assert normal_tag(tag) == expected
    assert normal_tag(normal_tag(tag)) == expected


def test_spellings_of_one_skill_are_counted_together_and_once_for_a_task():
    found = by_skill([done("Unit Tests", "unit-tests", ""), done("UNIT_TESTS")], ["unit tests", " ", "*"])
    assert set(found) == {ALL, "unit_tests"}
    assert found["unit_tests"].done == 2


def test_a_skill_that_is_named_like_all_work_is_not_counted_twice():
    assert [of.done for of in estimates([done("*")], ["*"])] == [1]


outcomes = st.lists(
    st.builds(
        Outcome,
        st.lists(st.sampled_from(("api", "API", "tests", "*", "", "-")), max_size=4).map(tuple),
        st.booleans(),
        st.none() | st.floats(),
        st.none() | st.floats(),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(outcomes, st.lists(st.text(max_size=6), max_size=4))
def test_any_outcomes_give_finite_estimates_within_their_intervals(seen, expertise):
    found = estimates(seen, expertise)
    assert found[0].skill == ALL
    assert found[0].done + found[0].failed == len(seen)
    names = [of.skill for of in found[1:]]
    assert names == sorted(set(names))
    for of in found:
        assert of.speed_n <= of.done <= found[0].done
        assert 0 <= of.success_low <= of.success_percent <= of.success_high <= 100
        assert 0.25 <= of.speed_low <= of.speed <= of.speed_high <= 4


@settings(deadline=None)
@given(st.integers(0, 10**5), st.integers(0, 10**5))
def test_any_counts_give_a_share_within_its_interval(completed, failures):
    share, low, high = success(completed, failures)
    assert 0 <= low <= share <= high <= 1


@given(st.lists(st.floats(-math.log(4), math.log(4)), max_size=30))
def test_a_speed_never_leaves_its_interval(logs):
    mean, low, high = speed(sum(logs), sum(value * value for value in logs), len(logs))
    assert 0.25 <= low <= mean <= high <= 4
