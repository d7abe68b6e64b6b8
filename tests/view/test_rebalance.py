"""The panes of a plan, as lines: bars with the target in them, columns at every width, sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.balance.options import Options
from core.balance.plan import AgentLoad, Move, Picture, Plan, Unresolved, Warned
from tui.panes import rebalance as loads
from tui.panes import rebalancewords as words
from tui.panes.rebalancemoves import DROPPED, MOVE, PINNED, between, move_rows, moves_table
from tui.panes.rebalanceplans import past_lines, past_rows, plans_table, verified_lines
from tui.view.glyphs import ASCII, UTF8
from tui.view.pane import Size, Ui
from tui.view.spans import ROLES, line_width, plain
from tui.view.table import Drawn

NASTY = "[@click=app.quit]x[/]\x1b]52;c;aGk=\x07\u202e日本"
WALL = 1_780_000_000.0


def load(agent: str, percent: float, pending: int = 3, state: str = "active") -> AgentLoad:
    return AgentLoad(agent, state, 8.0, percent * 0.08, percent, min(100.0, percent), pending)


def picture(*rows: AgentLoad, target: float = 80.0) -> Picture:
    alive = [row for row in rows if row.state != "decommissioned"]
    return Picture(
        0, max((row.utilisation for row in alive), default=0.0),
        sum(max(0.0, row.load_hours - target * 0.08) for row in alive), 0,
        tuple(row.agent for row in alive if row.utilisation > target), (), rows,
    )  # fmt: skip


def move(seq: int, task: str = "", source: str = "CA", receiver: str = "CB", **more: object) -> Move:
    base = Move(seq, task or f"TASK-{seq}", source, receiver, 2.0, 1.6, False, "f", "relieve_overload",
                "CA 132.5 % -> 107.5 %", f"Title {seq}", "HIGH", 3)  # fmt: skip
    return base._replace(**more)


def plan(**changes: object) -> Plan:
    base = Plan(
        "ab" * 16, "2026-05-28T20:26:40Z", Options(),
        picture(load("CA", 132.5, 13), load("CB", 12.0, 0), load("CC", 96.0), load("CD", 40.0)),
        picture(load("CA", 82.5, 9), load("CB", 62.0, 4), load("CC", 96.0), load("CD", 40.0)),
        90.0, 0.07, tuple(move(n) for n in range(1, 5)),
        (Unresolved("CC", 96.0, "no_eligible_receiver", "its tasks ask for rust, which nobody else has"),),
        (Warned("duplicate_id", "CA", "TASK-9", "2 tasks have this id; none of them is moved"),),
    )  # fmt: skip
    return base._replace(**changes)


# -- bars --------------------------------------------------------------------------------------------


@given(
    st.floats(0, 5000), st.floats(0, 200), st.integers(4, 40), st.sampled_from([UTF8, ASCII]), st.booleans()
)
def test_a_bar_is_as_wide_as_asked_and_true_about_the_target(percent, target, cells, glyphs, faded):
    one = load("CA", percent)
    made = plan(before=picture(one), after=picture(one), options=Options(target=target))
    (row,) = loads.rows_of(made, faded)
    bar = loads.load_bar(row, one, cells, glyphs)
    assert line_width(bar) == cells
    text = plain(bar)
    if target > 0:
        beyond = text[text.index(glyphs.side) + 1 :]
        assert (glyphs.bar in beyond or text[-1] in "»>") == row.is_over(one)
    if percent > 0:
        assert glyphs.bar in text or text[-1] in "»>"
    assert all(role in ROLES for _, role in bar)


def test_what_lies_beyond_the_target_is_drawn_as_such():
    (row, *_) = loads.rows_of(plan())
    before = {role: text for text, role in loads.load_bar(row, row.before, 16, UTF8)}
    assert before["target"] == "│"
    assert len(before["high"]) > 0
    after = [role for _, role in loads.load_bar(row, load("CA", 80.0), 16, UTF8)]
    assert "high" not in after  # at the target is not above it


# -- the agents --------------------------------------------------------------------------------------


def test_the_agents_that_the_plan_is_about_come_first_and_the_rest_is_folded():
    rows = loads.rows_of(plan())
    shown, rest = loads.folded(rows, ())
    assert [row.agent for row in shown] == ["CA", "CC", "CB"]
    assert loads.fold_text(rest, "e") == "1 more agent, 40.0 %; e shows it"
    assert [row.agent for row in loads.folded(rows, {"CD"})[0]] == ["CA", "CC", "CD", "CB"]


def test_who_stays_above_the_target_is_named_with_the_cause():
    (row,) = [row for row in loads.rows_of(plan()) if row.cause]
    assert (row.agent, loads.note_of(row)) == ("CC", "active, no receiver")
    assert loads.above_text(loads.rows_of(plan()), 40) == "CC no receiver"


@pytest.mark.parametrize("glyphs", [UTF8, ASCII])
@pytest.mark.parametrize("cells", [60, 80, 100, 120, 200])
def test_each_line_is_as_wide_as_its_pane(cells, glyphs):
    hostile = plan(
        moves=(move(1, NASTY, NASTY, NASTY + "x", text=NASTY, title=NASTY, priority=NASTY, hours_from=1e9),),
        before=picture(load(NASTY, 1e7, 10**7), load("CB", 0.0, 0, NASTY)),
        unresolved=(Unresolved(NASTY, 1e7, NASTY, NASTY),), warnings=(Warned(NASTY, NASTY, NASTY, NASTY),),
    )  # fmt: skip
    for made in (plan(), hostile, plan(moves=(), unresolved=(), warnings=())):
        for level in ("rows", "panes"):
            ui = Ui(glyphs, True, level)
            table = loads.agents_table()
            table.put(loads.rows_of(made))
            lines = loads.draw_agents(table, Size(cells, 9), ui, "3 more agents")
            assert [line_width(line) for line in lines] == [cells] * 9
            moves = moves_table()
            moves.put(move_rows(made, made.moves, {NASTY: "CA"}))
            lines += moves.lines(cells, 9, True, Drawn(0.0, glyphs), "MOVES")
            text = "\n".join(plain(line) for line in lines)
            assert "\x1b" not in text
            assert "\u202e" not in text
            if glyphs.ascii:
                assert "→" not in text


def test_everything_essential_stands_in_eighty_cells():
    table = loads.agents_table()
    table.put(loads.rows_of(plan()))
    lines = [plain(line) for line in loads.draw_agents(table, Size(80, 6), Ui(UTF8, False, "rows"), "")]
    ca = next(line for line in lines if line.startswith(" CA"))
    assert "132.5 %" in ca
    assert "82.5 %" in ca
    assert "10.6 →   6.6" in ca
    assert "13 →   9" in ca
    assert ca.rstrip().endswith("-4")


# -- the moves ---------------------------------------------------------------------------------------


def test_a_dropped_move_stays_in_its_place_and_a_pinned_task_comes_last():
    full = plan().moves
    rows = move_rows(plan(moves=(full[0], full[2], full[3])), full, {"TASK-70": "CC"})
    assert [(row.task_id, row.kind) for row in rows] == [
        ("TASK-1", MOVE), ("TASK-2", DROPPED), ("TASK-3", MOVE), ("TASK-4", MOVE), ("TASK-70", PINNED),
    ]  # fmt: skip


def test_what_became_of_a_move_replaces_why_it_was_made():
    rows = move_rows(plan(), (), None, {"TASK-2": ("skipped", "now in_progress (stale_status)")})
    assert [row.word for row in rows] == ["relieve", "skipped", "relieve", "relieve"]
    lines = words.move_lines(rows[1], UTF8, 70)
    assert "skipped: now in_progress (stale_status)" in "\n".join(map(plain, lines))


@pytest.mark.parametrize(
    ("source", "receiver", "said"),
    [
        ("CA", "CB", "CA → CB"),
        ("A" * 30, "CB", "AAAAAAAAAAA… → CB"),
        ("CA", "B" * 30, "CA → BBBBBBBBBBB…"),
        ("A" * 30, "B" * 30, "AAAAAA… → BBBBBB…"),
    ],
)
def test_of_two_names_the_longer_gives_way(source, receiver, said):
    (row,) = move_rows(plan(moves=(move(1, source=source, receiver=receiver),)))
    assert between(row, UTF8, 17) == said


# -- sentences ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "no plan can do better than 90.0 %; this one comes to 96.0 %"),
        ({"bound": 96.0}, "no plan can do better than 96.0 %"),
        ({"bound": 70.0, "after": picture(load("CA", 79.0))},
         "every agent comes to the target of 80 % or below"),
        ({"bound": None}, "how much better any plan could be is not known"),
        ({"before": picture(load("CA", 50.0)), "after": picture(load("CA", 50.0))},
         "every agent is at or below the target of 80 %"),
        ({"options": Options(target=0.0), "bound": 88.0},
         "no plan can do better than 88.0 %; this one comes to 96.0 %"),
    ],
)  # fmt: skip
def test_the_bound_in_plain_words(changes, said):
    assert words.bound_text(plan(**changes)) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "4 moves from CA to CB"),
        ({"moves": ()}, "nothing can be gained by moving tasks"),
        ({"moves": (), "before": picture(load("CA", 50.0))}, "balanced: there is nothing to move"),
        ({"moves": (), "before": picture()}, "there are no queues to balance"),
    ],
)
def test_what_a_plan_does_in_half_a_sentence(changes, said):
    assert words.what_it_does(plan(**changes)) == said


def test_the_figures_are_cut_between_two_of_them_and_never_within_one():
    for cells in range(10, 100):
        line = words.figures_line(plan(), UTF8, cells)
        assert line_width(line) <= cells
        assert not plain(line).endswith(("→ ", " "))


def test_a_figure_that_gets_worse_is_no_gain():
    before, after = (
        picture(load("CA", 300.0), load("CB", 10.0)),
        picture(load("CA", 150.0), load("CB", 160.0)),
    )
    roles = {row.label: row.role for row in words.figures(plan(before=before, after=after))}
    assert roles == {"peak": "ok", "above target": "ok", "overloaded": "medium"}


def test_a_target_of_zero_says_nothing_of_who_is_above_it():
    made = plan(options=Options(target=0))
    assert [row.label for row in words.figures(made)] == ["peak"]
    assert words.figures(plan(before=picture(), after=picture())) == []


def test_without_a_target_the_bars_end_at_the_highest_load():
    made = plan(options=Options(target=0), before=picture(load("CA", 700.0), load("CB", 200.0)))
    assert {row.scale for row in loads.rows_of(made)} == {700.0}


def test_what_a_move_costs_is_said_with_what_it_is_made_of():
    rows = move_rows(plan(moves=(move(1), move(2, disruption=5), move(3, priority="soon"))))
    said = [plain(words.move_lines(row, UTF8, 70)[-1]) for row in rows]
    assert [text.partition("cost ")[2] for text in said] == ["3: high 3", "5: high 3, dependencies +2", "3"]


def test_the_cause_of_an_agent_that_stays_above_goes_before_its_figures():
    row = next(row for row in loads.rows_of(plan()) if row.agent == "CC")
    assert "its tasks ask for rust" in plain(words.agent_lines(row, UTF8, 70)[1])


def test_a_sentence_does_not_repeat_the_agent_and_load_that_stand_before_it():
    left = Unresolved("CC", 96.0, "saturated", "CC stays at 96 %: every other agent is full")
    lines = [plain(line) for line in words.plan_lines(plan(unresolved=(left,)), UTF8, 60)]
    assert [line.split() for line in lines if "every other" in line] == [
        ["CC", "96.0", "%", "every", "other", "agent", "is", "full"]
    ]


def test_a_stop_is_one_line_of_the_receipt():
    rows = [
        {"seq": n, "task_id": f"TASK-{n}", "code": "stopped", "detail": "asked to"} for n in range(2, 600)
    ]
    data = {"plan_id": "ab" * 16, "applied": [1], "state": "partial", "skipped": rows}
    lines = words.result_lines(data, {1: ("TASK-1", "CA", "CB")}, "applied", 60, "somewhere.json")
    assert plain(lines[0]) == "partial: 1 move applied, 598 not begun"
    assert "598 moves not begun: it was stopped before" in [plain(line) for line in lines]
    assert len(lines) < 14


def test_the_plan_in_words_names_what_stays_and_what_is_odd():
    text = "\n".join(map(plain, words.plan_lines(plan(), UTF8, 60, "last 9 plans: 8 helped")))
    assert "its tasks ask for rust" in text
    assert "CA TASK-9" in text
    assert "last 9 plans: 8 helped" in text
    assert "target 80 %, any number of moves" in text


def test_a_question_states_the_number_of_moves_and_agents():
    assert words.apply_question(plan().moves) == "apply 4 moves between 2 agents?"
    assert words.apply_question((move(1),)) == "apply 1 move between 2 agents?"


def test_a_receipt_names_what_was_moved_and_what_was_not():
    data = {
        "plan_id": "ab" * 16, "applied": [1], "state": "partial",
        "skipped": [{"seq": 2, "task_id": "TASK-2", "code": "stale_status", "detail": "now in_progress"}],
        "recovered": [{"task_id": "TASK-7", "code": "restored", "detail": "it was gone"}],
    }  # fmt: skip
    moves = {1: ("TASK-1", "CA", "CB"), 2: ("TASK-2", "CA", "CB")}
    text = "\n".join(map(plain, words.result_lines(data, moves, "applied", 60, "somewhere.json")))
    assert text.startswith("partial: 1 move applied, 1 skipped")
    assert "TASK-1  CA to CB" in text
    assert "TASK-2: now in_progress (stale_status)" in text
    assert "TASK-7 restored: it was gone" in text
    assert "somewhere.json" in text


# -- plans before ------------------------------------------------------------------------------------


PAST = {
    "plan_id": "cd" * 16, "kind": "apply", "at": "2026-05-28T18:26:40Z", "user": NASTY, "origin": "10.0.0.7",
    "reason": "CA was full", "moved": 5, "skipped": 1, "state": "partial", "peak_before": 132.5,
    "peak_after": 82.0, "undone_by": "", "moves": [{"seq": 1, "task_id": "TASK-1", "from": "CA", "to": "CB"}],
    "outcome": {"what": "helped", "text": "done in 3 h, 5 h without it", "predicted_hours": 4.0, "actual_hours": 3.0},
}  # fmt: skip


def test_a_past_plan_is_shown_as_predicted_and_as_it_came():
    table = plans_table()
    table.put(past_rows([PAST, {"plan_id": "x", "moved": True, "outcome": 7, "at": 9}]))
    lines = table.lines(140, 4, True, Drawn(WALL, UTF8), "PLANS")
    assert [line_width(line) for line in lines] == [140] * 4
    first = plain(lines[1])
    assert "132 → 82 %" in first
    assert "4.0 h" in first
    assert "3.0 h" in first
    assert "helped" in first
    text = "\n".join(map(plain, past_lines(past_rows([PAST])[0], UTF8, 70, WALL, moves=True)))
    assert "because CA was full" in text
    assert "TASK-1" in text
    assert "\x1b" not in text


def test_a_checked_receipt_says_what_is_wrong():
    good = {"ok": True, "intact": True, "conserved": True, "tasks": 12, "moved": [], "trouble": []}
    assert plain(verified_lines(good, 60)[0]) == "no task was lost or doubled"
    bad = {**good, "ok": False, "intact": False, "trouble": [{"task_id": "TASK-1", "state": "gone", "detail": ""}],
           "changed_since": ["CA"]}  # fmt: skip
    text = "\n".join(map(plain, verified_lines(bad, 60)))
    assert text.startswith("something is wrong")
    assert "the receipt itself was changed" in text
    assert "TASK-1  gone" in text
    assert "changed since: CA" in text
