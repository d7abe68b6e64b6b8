"""Whatever happens, the automatic mode keeps its limits."""

from bisect import bisect_left

from hypothesis import given, settings
from hypothesis import strategies as st

from core.balance.auto import (
    ACTS,
    DRY_RUN,
    MODES,
    NOTHING,
    ON,
    AutoSettings,
    Past,
    asked,
    decide,
    hindrance,
    is_quiet,
    line_of,
    mark_of,
    nothing,
)
from core.balance.deeds import Deed, with_undos
from core.balance.doing import UNDO
from core.balance.options import Options
from tests.balance.auto.building import HOUR, NOW, a_deed, a_line, a_plan

STEP_S = st.floats(20.0, 2000.0)
EVENT = st.tuples(
    STEP_S, st.integers(0, 12), st.sampled_from(("", "", "", "", "undo", "person", "cut", "lost"))
)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 8), st.sampled_from(MODES), st.floats(0.0, 4.0),
    st.sampled_from(((), ("08:00-11:00",), ("23:00-21:00",))), st.lists(EVENT, min_size=5, max_size=60),
)  # fmt: skip
def test_never_more_moves_in_any_hour_and_never_when_it_must_not(
    per_hour: int, mode: str, cooldown: float, quiet: tuple[str, ...], events: list[tuple[float, int, str]]
) -> None:
    auto = AutoSettings(mode, 10.0, per_hour, 1.0, quiet, 2)
    options = Options(cooldown_hours=cooldown)
    mark, now = mark_of(auto, options), NOW
    lines = [a_line(now - 50, trials=3, mark=mark)]
    deeds: list[Deed] = []
    acts: list[float] = []
    for number, (step_s, wanted, event) in enumerate(events):
        now += step_s
        cut = event == "cut"
        past = Past(
            with_undos(deeds), tuple(reversed(lines)), (), int(cut), int(now / 60) % 1440, mark,
            unread=("CZ",) if event == "lost" else (),
        )  # fmt: skip
        if event == "person":
            deeds.append(a_deed(now - 1, wanted, user="otto", plan_id=f"person{number:03}", first=500))
        elif event == "undo" and deeds and deeds[-1].moved:
            last = deeds[-1]
            moved = tuple(move._replace(at=now - 1) for move in last.moved)
            deeds.append(
                a_deed(
                    now - 1, user="otto", kind=UNDO, plan_id=f"undo{number:04}", undo_of=last.plan_id
                )._replace(moved=moved)
            )
        past = past._replace(deeds=with_undos(deeds))
        against = hindrance(auto, options, past, now)
        if against:
            decision = nothing(against, auto, past, now)
        else:
            limits = asked(options, auto, past, now)
            assert 1 <= limits.max_moves <= per_hour
            plan = a_plan(min(wanted, limits.max_moves), options=limits, at=now, first=1 + 20 * number,
                          plan_id=f"auto{number:05}")  # fmt: skip
            decision = decide(plan, auto, past, now)
        lines.append(line_of(decision, auto, past, now, "me"))
        if decision.what != NOTHING:
            assert not cut
            assert not is_quiet(quiet, past.minute)
            assert decision.plan is not None
            assert decision.plan.moves
        if decision.what == ACTS:
            assert mode == ON
            assert decision.plan is not None
            # The moves are made one by one, some of them only once the next decision is due.
            made = a_deed(now + 1, len(decision.plan.moves), plan_id=decision.plan.plan_id,
                          first=1 + 20 * number, every_s=2.0)  # fmt: skip
            deeds.append(made)
            acts += [move.at for move in made.moved]
    assert not acts or mode == ON
    acts.sort()
    for begin, at in enumerate(acts):
        assert bisect_left(acts, at + HOUR) - begin <= per_hour


@given(st.integers(1, 8), st.integers(0, 200))
def test_a_dry_run_never_acts_however_often_it_was_seen(wanted: int, trials: int) -> None:
    auto = AutoSettings(DRY_RUN)
    mark = mark_of(auto, Options())
    past = Past(lines=(a_line(NOW - 900, trials=trials, mark=mark, mode=DRY_RUN),), mark=mark)
    assert decide(a_plan(wanted), auto, past, NOW).what == "would"
