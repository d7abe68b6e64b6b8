"""What the automatic mode does, and when it does nothing: a table of decisions."""

import pytest

from core.balance.auto import (
    DRY_RUN,
    OFF,
    ON,
    AutoSettings,
    Harm,
    Past,
    asked,
    auto_of,
    decide,
    hindrance,
    is_quiet,
    line_of,
    made_anew,
    mark_of,
    nothing,
)
from core.balance.deeds import with_undos
from core.balance.doing import UNDO
from core.balance.options import Options
from core.balance.plan import Plan
from core.errors import UsageError
from tests.balance.auto.building import HOUR, MARK, NOW, OPTIONS, READY, SETTINGS, a_deed, a_line, a_plan

GOOD = a_plan()
DRY = SETTINGS._replace(mode=DRY_RUN)
A_HARM = Harm("badbadbad", NOW - HOUR, "drained in 9 h")
UNDONE = with_undos((
    a_deed(NOW - 9 * HOUR, plan_id="mine0001"),
    a_deed(NOW - 8 * HOUR, user="otto", kind=UNDO, plan_id="undo0001", undo_of="mine0001"),
))  # fmt: skip


CASES: list[tuple[str, AutoSettings, Past, Plan, str, str]] = [
    ("a good plan is applied", SETTINGS, READY, GOOD, "apply", "2 moves between 2 agents"),
    ("off", SETTINGS._replace(mode=OFF), READY, GOOD, "nothing", "is off"),
    ("read-only", SETTINGS, READY._replace(read_only=True), GOOD, "nothing", "--read-only"),
    (
        "unreadable",
        SETTINGS,
        READY._replace(problem="postbox cannot be read"),
        GOOD,
        "nothing",
        "cannot be read",
    ),
    ("a journal has no end", SETTINGS, READY._replace(unfinished=1), GOOD, "nothing", "--recover"),
    ("dry run", DRY, READY, GOOD, "would", "dry run (balance.auto.mode)"),
    ("never seen", SETTINGS, Past(mark=MARK), GOOD, "would", "1 of 3 with these settings"),
    ("seen twice", SETTINGS, READY._replace(lines=(a_line(NOW - 300, trials=2),)), GOOD, "would", "3 of 3"),
    ("other settings", SETTINGS, READY._replace(mark="other"), GOOD, "would", "1 of 3"),
    (
        "quiet",
        SETTINGS._replace(quiet_hours=("22:00-06:00", "12:00-13:00")),
        READY,
        GOOD,
        "nothing",
        "12:00 to 13:00",
    ),
    ("not quiet", SETTINGS._replace(quiet_hours=("22:00-06:00",)), READY, GOOD, "apply", "2 moves"),
    ("little gain", SETTINGS, READY, a_plan(peak=(90.0, 86.0)), "nothing", "4.0 points are less than the 5"),
    (
        "below the target there is nothing to gain",
        SETTINGS,
        READY,
        a_plan(peak=(84.0, 10.0)),
        "nothing",
        "less than",
    ),
    (
        "misplaced tasks are gain enough",
        SETTINGS,
        READY,
        a_plan(peak=(90, 90), misplaced=(2, 0)),
        "apply",
        "2 misplaced",
    ),
    ("nothing to do", SETTINGS, READY, a_plan(0, (70.0, 70.0)), "nothing", "worst agent is at 70 %"),
    ("an old plan", SETTINGS, READY, a_plan(at=NOW - HOUR), "nothing", "too old"),
    ("a plan of the future", SETTINGS, READY, a_plan(at=NOW + HOUR), "nothing", "too old"),
    ("more than an hour allows", SETTINGS, READY, a_plan(11), "nothing", "more than the 10"),
    (
        "the hour's moves are made",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW - 1800, 10),)),
        GOOD,
        "nothing",
        "10 moves were made",
    ),
    (
        "what was decided counts as made",
        SETTINGS,
        READY._replace(lines=(a_line(NOW - 400, "apply", trials=3, plan_id="soon0001", moves=9),)),
        GOOD,
        "nothing",
        "more than the 1",
    ),
    (
        "it is not counted twice",
        SETTINGS,
        READY._replace(
            lines=(a_line(NOW - 900, "apply", trials=3, plan_id="deed0001", moves=8),),
            deeds=(a_deed(NOW - 890, 8, first=50),),
        ),
        GOOD,
        "apply",
        "2 moves",
    ),
    (
        "undone moves were moves",
        SETTINGS,
        READY._replace(
            deeds=(
                a_deed(NOW - 1000, 5, first=20),
                a_deed(NOW - 900, 4, first=20, kind=UNDO, plan_id="undo0002"),
            )
        ),
        GOOD,
        "nothing",
        "than the 1",
    ),
    (
        "an hour later",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW - HOUR - 1, 10, first=20),)),
        GOOD,
        "apply",
        "2 moves",
    ),
    (
        "somebody applied a plan",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW - 1800, user="otto"),)),
        GOOD,
        "nothing",
        "otto applied a plan 30 min ago",
    ),
    (
        "somebody undid a plan",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW - 60, user="otto", kind=UNDO),)),
        GOOD,
        "nothing",
        "otto undid a plan 1 min ago",
    ),
    (
        "that was long ago",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW - 2 * HOUR, user="otto", first=20),)),
        GOOD,
        "apply",
        "2 moves",
    ),
    (
        "the clock was set back",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW + 9 * HOUR, 10),)),
        GOOD,
        "nothing",
        "10 moves",
    ),
    (
        "harm was done",
        SETTINGS,
        READY._replace(harms=(A_HARM,)),
        GOOD,
        "nothing",
        'set balance.auto.mode to "dry-run"',
    ),
    ("harm does not hinder a dry run", DRY, READY._replace(harms=(A_HARM,)), GOOD, "would", "dry run"),
    (
        "a person undid its plan",
        SETTINGS,
        READY._replace(deeds=UNDONE),
        GOOD,
        "nothing",
        "mine0001 was undone by otto",
    ),
    (
        "turned on again, and not looked at yet",
        SETTINGS,
        READY._replace(harms=(A_HARM,), lines=(a_line(NOW - 300, trials=1, cleared_at=NOW - 600),)),
        GOOD,
        "would",
        "2 of 3",
    ),
    (
        "turned on again",
        SETTINGS,
        READY._replace(harms=(A_HARM,), lines=(a_line(NOW - 300, trials=3, cleared_at=NOW - 600),)),
        GOOD,
        "apply",
        "2 moves",
    ),
    (
        "cleared before the harm",
        SETTINGS,
        READY._replace(harms=(A_HARM,), lines=(a_line(NOW - 300, trials=3, cleared_at=NOW - 2 * HOUR),)),
        GOOD,
        "nothing",
        "stopped",
    ),
    (
        "a queue became unreadable",
        SETTINGS,
        READY._replace(unread=("CZ",)),
        GOOD,
        "nothing",
        "queue of CZ cannot be read any more",
    ),
    (
        "it was unreadable before",
        SETTINGS,
        READY._replace(unread=("CZ",), lines=(a_line(NOW - 300, trials=3, unread=("CZ",)),)),
        GOOD,
        "apply",
        "2 moves",
    ),
    (
        "moved often",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW - 9 * HOUR), a_deed(NOW - 99 * HOUR, plan_id="deed0002"))),
        GOOD,
        "nothing",
        "T-1 was moved often enough",
    ),
    (
        "that was last week",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW - 170 * HOUR), a_deed(NOW - 169 * HOUR, plan_id="deed0002"))),
        GOOD,
        "apply",
        "2 moves",
    ),
    (
        "a task would go back",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW - 9 * HOUR, back=True),)),
        GOOD,
        "nothing",
        "T-1 would go back to CB",
    ),
    (
        "the cool-down is doubled",
        SETTINGS,
        READY._replace(deeds=(a_deed(NOW - 1.9 * HOUR),)),
        GOOD,
        "nothing",
        "T-1",
    ),
    ("and then over", SETTINGS, READY._replace(deeds=(a_deed(NOW - 2.1 * HOUR),)), GOOD, "apply", "2 moves"),
]


@pytest.mark.parametrize(
    ("settings", "past", "plan", "what", "says"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_decision(settings: AutoSettings, past: Past, plan: Plan, what: str, says: str) -> None:
    decision = decide(plan, settings, past, NOW)
    assert (decision.what, says in decision.why) == (what, True), decision.why
    assert (decision.plan is None) == (what == "nothing")


def test_a_stop_is_lifted_by_a_dry_run_that_was_looked_at() -> None:
    past = READY._replace(harms=(A_HARM,))
    assert decide(GOOD, SETTINGS, past, NOW).what == "nothing"
    for step, (mode, what) in enumerate([(DRY_RUN, "would"), (ON, "would"), (ON, "would"), (ON, "apply")]):
        settings, now = SETTINGS._replace(mode=mode), NOW + step * 300.0
        decision = decide(a_plan(at=now), settings, past, now)
        assert decision.what == what
        past = past._replace(lines=(line_of(decision, settings, past, now, "me"), *past.lines))


def test_dry_runs_count_while_there_is_nothing_to_do() -> None:
    past = READY._replace(lines=(a_line(NOW - 300, trials=2),))
    line = line_of(nothing("it is quiet", SETTINGS, past, NOW), SETTINGS, past, NOW, "me")
    assert (line.trials, line.what) == (2, "nothing")


def test_a_plan_is_asked_for_within_the_budget_and_without_worn_tasks() -> None:
    past = READY._replace(deeds=(
        a_deed(NOW - 600, 4), a_deed(NOW - 9 * HOUR, plan_id="deed0002", first=8),
        a_deed(NOW - 19 * HOUR, plan_id="deed0003", first=8),
    ))  # fmt: skip
    found = asked(Options(max_moves=0, pins=("T-90",)), SETTINGS, past, NOW)
    assert (found.max_moves, found.min_gain) == (6, 5.0)
    assert found.pins == ("T-1", "T-2", "T-3", "T-4", "T-8", "T-90")
    assert asked(Options(max_moves=3), SETTINGS, past, NOW).max_moves == 3
    assert asked(Options(min_gain=9.0), SETTINGS, past, NOW).min_gain == 9.0


def test_no_budget_is_never_asked_for_as_a_plan_without_limit() -> None:
    past = READY._replace(deeds=(a_deed(NOW - 600, 10),))
    assert hindrance(SETTINGS, OPTIONS, past, NOW)
    assert not hindrance(SETTINGS, OPTIONS, READY, NOW)


@pytest.mark.parametrize(
    ("span", "quiet", "loud"),
    [
        ("22:00-06:00", (22 * 60, 0, 359), (21 * 60 + 59, 360, 720)),
        ("12:30-13:00", (750, 779), (749, 780)),
        ("00:00-24:00", (0, 1439), ()),
        ("9:00-9:00", (0, 540, 1439), ()),
    ],
)
def test_quiet_hours(span: str, quiet: tuple[int, ...], loud: tuple[int, ...]) -> None:
    assert all(is_quiet((span,), minute) == span for minute in quiet)
    assert not any(is_quiet((span,), minute) for minute in loud)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"mode": "maybe"}, "mode must be one of off, dry-run, on"),
        ({"every_s": 0}, "every_s"),
        ({"moves_per_hour": 0}, "moves_per_hour"),
        ({"min_gain": -1}, "min_gain"),
        ({"max_task_moves": True}, "max_task_moves"),
        ({"quiet_hours": ["22-6"]}, "22-6"),
        ({"quiet_hours": ["22:00-24:30"]}, "24:30"),
        ({"loud": 1}, "loud is no setting"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_named(data: dict[str, object], names: str) -> None:
    with pytest.raises(UsageError, match=names):
        auto_of(data)


def test_settings_come_back_as_they_went() -> None:
    settings = AutoSettings("on", 60.0, 5, 2.5, ("22:00-06:00",), 3)
    assert auto_of(settings.data()) == settings
    assert auto_of({}) == AutoSettings()


def test_the_mode_is_no_part_of_what_was_tried() -> None:
    assert mark_of(DRY, OPTIONS) == mark_of(SETTINGS, OPTIONS)
    assert mark_of(SETTINGS._replace(min_gain=6.0), OPTIONS) != MARK
    assert mark_of(SETTINGS, Options(target=70.0)) != MARK


def test_a_plan_is_made_anew_without_tasks_that_would_go_back() -> None:
    past = READY._replace(deeds=(a_deed(NOW - 9 * HOUR, back=True),))
    seen: list[tuple[str, ...]] = []

    def make(limits: Options) -> Plan:
        seen.append(limits.pins)
        return a_plan(first=2 if "T-1" in limits.pins else 1)

    plan = made_anew(make, OPTIONS, SETTINGS, past, NOW)
    assert [move.task_id for move in plan.moves] == ["T-2", "T-3"]
    assert seen == [(), ("T-1",)]
    assert decide(plan, SETTINGS, past, NOW).what == "apply"


def test_it_does_not_plan_for_ever() -> None:
    past = READY._replace(deeds=(a_deed(NOW - 9 * HOUR, 50, back=True),))
    count = 0

    def make(limits: Options) -> Plan:
        nonlocal count
        count += 1
        return a_plan(1, first=count)

    assert decide(made_anew(make, OPTIONS, SETTINGS, past, NOW), SETTINGS, past, NOW).what == "nothing"
    assert count == 3
