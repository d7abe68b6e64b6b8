"""What keys do to alerts: acknowledge, silence, read the runbook, jump; and what the alerts screen shows."""

import time

import pytest
from msgspec.structs import replace
from textual import events

from core.text import clean_line
from core.units import until_morning_s
from tests.snapshots import WALL, agents, alert, alerts, ended, host_alert, on_fire, snapshot
from tests.stage import Stage, stage, still
from tui.screens.silencing import wanted
from tui.view.spans import width

FIRE = snapshot(alerts=on_fire())
QUIET = snapshot(alerts=alerts(history=(ended(),)), events=())


def done(on: Stage) -> list[tuple[object, ...]]:
    """What was asked of the desk."""
    assert on.engine.alerts is not None
    return on.engine.alerts.done


def foot(on: Stage) -> str:
    return on.rows()[-1].strip()


async def pick(on: Stage, key: str) -> None:
    """Put the cursor of the alerts on a row."""
    on.screen.alert_rows.to_row(on.screen.alert_rows.names.index(key))
    on.screen.redraw()


# -- which alert is meant ---------------------------------------------------------------------------


async def test_without_the_focus_the_most_urgent_open_alert_is_acknowledged():
    async with stage(80, 24, still(FIRE), keys=("j", "a")) as on:
        assert foot(on) == "acknowledged cpu_critical on host, until it resolves"
        await on.press("a")
        assert "memory_high on host" in foot(on)
        assert [call[1] for call in done(on)] == ["cpu_critical", "memory_high"]
        assert "   2 alerts" in on.rows()[0]


async def test_with_the_focus_it_is_the_one_under_the_cursor():
    async with stage(80, 24, still(FIRE), keys=("tab", "j", "j", "a")) as on:
        assert "acknowledged queue_length on CC" in foot(on)


async def test_what_is_acknowledged_goes_behind_the_open_ones_and_the_cursor_with_it():
    async with stage(120, 40, still(FIRE), keys=("L", "a")) as on:
        assert "acked" in on.selected()
        assert on.table.names[0] == "memory_high/host"
        assert "alerts: 3 of 7 open" in on.rows()[0]
        await on.press("A")
        assert "firing" in on.selected()
        assert on.table.names[0] == "cpu_critical/host"


async def test_marks_are_acted_on_all_at_once():
    async with stage(120, 40, still(FIRE), keys=("L", "space", "space", "space", "a")) as on:
        assert foot(on) == "3 alerts acknowledged"
        assert len(done(on)) == 3
        await on.press("A")
        assert foot(on) == "3 alerts are not acknowledged any more"


async def test_marks_of_which_some_cannot_be_acted_on_say_so():
    async with stage(120, 40, still(FIRE), keys=("L",)) as on:
        for key in ("cpu_critical/host", "queue_length/CB"):
            await pick(on, key)
            await on.press("space")
        await on.press("a")
        assert foot(on).startswith("1 of 2 acknowledged; queue_length on CB does not fire")


async def test_marks_are_silenced_with_one_reason_and_the_silences_end_together():
    async with stage(120, 40, still(FIRE), keys=("L", "space", "v", "z")) as on:
        assert foot(on) == "silence 2 alerts for: 1h why"
        await on.type("4h on it")
        await on.press("enter")
        assert foot(on) == "2 alerts silenced"
        assert [call[1:5] for call in done(on)] == [
            ("cpu_critical", "host", "", 14_400.0), ("memory_high", "host", "", 14_400.0),
        ]  # fmt: skip
        await on.press("Z")
        assert foot(on) == "2 alerts not silenced any more"
        assert [call[:2] for call in done(on)[2:]] == [("unsilence", "s1"), ("unsilence", "s2")]


async def test_marks_of_the_agents_are_none_of_the_alerts():
    async with stage(80, 24, still(FIRE), keys=("space", "space", "a")) as on:
        assert [call[1:3] for call in done(on)] == [("cpu_critical", "host")]


@pytest.mark.parametrize(
    ("key", "said"),
    [("a", "no alert is open: there is nothing to acknowledge"), ("A", "nothing is acknowledged"),
     ("z", "no alert is open: there is nothing to silence"), ("Z", "nothing is silenced"), ("R", "no alert is open")],
)  # fmt: skip
async def test_where_there_is_nothing_to_do_it_says_so(key, said):
    async with stage(80, 24, still(QUIET), keys=(key,)) as on:
        assert foot(on) == said
        assert (on.kind, done(on)) == ("dashboard", [])
        await on.publish(snapshot(alerts=alerts(), events=()))
        await on.press("L", key)
        assert foot(on) == said


@pytest.mark.parametrize("key", ["a", "A", "z", "Z", "R"])
async def test_a_note_is_no_alert(key):
    async with stage(80, 24, still(FIRE), keys=("L",)) as on:
        await pick(on, "note 2")
        await on.press(key)
        assert foot(on) == "this is a note, not an alert"
        assert done(on) == []


async def test_what_does_not_fire_cannot_be_acknowledged_and_what_is_not_silenced_says_so():
    async with stage(80, 24, still(FIRE), keys=("L",)) as on:
        await pick(on, "queue_length/CB")
        await on.press("a")
        assert "does not fire: there is nothing to acknowledge" in foot(on)
        await on.press("Z")
        assert foot(on) == "it is not silenced"


async def test_where_no_alerts_are_judged_keys_say_so():
    engine = still(FIRE)
    engine.alerts = None
    async with stage(80, 24, engine) as on:
        for key in ("a", "z"):
            await on.press(key)
            assert foot(on) == "no alerts are judged here"
        assert not on.screen.prompting


async def test_read_only_refuses_and_offers_nothing_that_writes():
    snap = snapshot(alerts=on_fire(), read_only=True)
    async with stage(120, 40, still(snap), read_only=True, keys=("L",)) as on:
        assert " ack " not in foot(on)
        assert "silence" not in foot(on)
        assert not on.rows()[5].rstrip(" │").endswith("a f")
        for key in ("a", "A", "Z"):
            if key == "Z":
                await pick(on, "open_files/host")
            await on.press(key)
            assert "was refused: bluetop runs with --read-only" in foot(on)
        await on.press("z")
        assert foot(on) == "read-only: nothing is silenced"
        assert (on.screen.prompting, done(on)) == (False, [])
        await on.press("question_mark")
        assert "Acknowledge" not in on.text()
        assert "step by step" in on.text()
        await on.press("escape", "R")
        assert "RUNBOOK" in on.text()


# -- the line in which a silence is asked for ---------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "first how long: 1h, 4h, tomorrow, or such as 90m; then why"),
        ("90 why", "90 of what? write 90m, 90h or 90d"),
        ("soon why", "soon is no time; first how long"),
        ("0m why", "a silence needs an end, at most 366 days from now"),
        ("9999999d why", "a silence needs an end, at most 366 days from now"),
        ("-5m why", "-5m is no time"),
        ("1h", "a silence needs a comment: say why, for whoever comes after you"),
        ("tomorrow   ", "a silence needs a comment"),
    ],
)
async def test_a_mistake_in_the_prompt_says_what_is_missing_and_keeps_it_open(typed, problem):
    async with stage(120, 40, still(FIRE), keys=("L", "z")) as on:
        await on.type(typed)
        await on.press("enter")
        assert on.screen.prompting
        assert problem in foot(on) or "now say why" in foot(on)
        assert done(on) == []
        await on.press("escape")
        assert not on.screen.prompting
        assert on.kind == "alerts"


async def test_while_one_types_it_is_said_what_would_be_silenced_until_when():
    async with stage(80, 24, still(FIRE), keys=("L", "z")) as on:
        await on.type("1h30 ")
        assert "1h30 is no time" in foot(on)
        await on.press(*["backspace"] * 5)
        await on.type("90m")
        assert foot(on) == "silences cpu_critical on host until 21:56 (1h 30m); now say why"
        await on.type(" backup")
        assert foot(on) == "silences cpu_critical on host until 21:56 (1h 30m)"


async def test_tomorrow_is_eight_in_the_morning_of_the_next_local_day():
    async with stage(80, 24, still(FIRE), keys=("L", "z")) as on:
        await on.type("Tomorrow until the deploy")
        assert "until Fri 08:00" in foot(on)
        await on.press("enter")
        assert done(on)[0][4:] == (until_morning_s(WALL), done(on)[0][5], "until the deploy")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("wall", [1_774_738_800.0, 1_793_574_000.0, 1_772_953_200.0, 1_767_222_000.0, WALL])
def test_tomorrow_is_right_across_changes_of_the_clock(zone, wall, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    here, there = time.localtime(wall), time.localtime(wall + until_morning_s(wall))
    assert (there.tm_hour, there.tm_min, there.tm_sec) == (8, 0, 0)
    assert (there.tm_yday - here.tm_yday) % 365 in (1, 0)
    assert until_morning_s(wall) > 7 * 3600 - 100  # less one hour that may be missing


@pytest.mark.parametrize(
    ("text", "seconds", "comment"),
    [("1h why", 3600.0, "why"), (" 4H   two  words ", 14_400.0, "two  words"), ("90m x", 5400.0, "x"),
     ("2d x", 172_800.0, "x"), ("1.5h x", 5400.0, "x"), ("30s x", 30.0, "x")],
)  # fmt: skip
def test_a_duration_comes_first_and_the_rest_is_why(text, seconds, comment):
    assert wanted(text, WALL) == (seconds, comment, "")


@pytest.mark.parametrize(
    "text", ["nan why", "inf why", "1_0h why", "1e3 why", "٣h why", "h why", "1hh why", "1 h why"]
)
def test_what_is_no_duration_is_said(text):
    assert wanted(text, WALL).problem


async def test_tab_completes_the_usual_durations():
    async with stage(80, 24, still(FIRE), keys=("L", "z", "tab")) as on:
        assert foot(on).split() == ["1h", "4h", "tomorrow"]
        await on.type("t")
        await on.press("tab")
        await on.type("why not")
        assert on.rows()[-2].strip() == "tomorrow why not"
        await on.press("tab")
        assert "for whoever comes after you" in foot(on)
        await on.press(*["backspace"] * 16)
        await on.type("x")
        await on.press("tab")
        assert "first how long" in foot(on)


async def test_a_silence_typed_in_one_packet_acts_as_no_keys():
    async with stage(80, 24, still(FIRE)) as on:
        for key in ("z", "1", "h", "space", "q", "y", "enter"):
            on.app.post_message(events.Key(key, {"space": " ", "enter": "\r"}.get(key, key)))
        await on.settle()
        assert done(on)[0][6] == "qy"
        assert not on.app._exit


async def test_a_subject_that_looks_like_a_pattern_is_silenced_as_it_is_written():
    odd = alert(subject="C[*]?", text="odd")
    async with stage(80, 24, still(snapshot(alerts=alerts(odd, alert()))), keys=("L",)) as on:
        await pick(on, "task_queue_overflow/C[*]?")
        await on.press("z")
        await on.type("1h why")
        await on.press("enter")
        silenced = [a.subject for a in on.app.shown.alerts.active if a.silence]
        assert silenced == ["C[*]?"]


async def test_escape_leaves_the_prompt_and_nothing_is_silenced():
    async with stage(80, 24, still(FIRE), keys=("z",)) as on:
        await on.type("1h why")
        await on.press("escape")
        assert (done(on), on.screen.prompting) == ([], False)


async def test_control_characters_of_a_comment_go_no_further():
    async with stage(80, 24, still(FIRE), keys=("z",)) as on:
        await on.type("1h ")
        on.paste("ev\x1b[31mil\x07")
        await on.settle()
        await on.press("enter")
        comment = str(done(on)[0][6])
        assert "ev" in comment
        assert comment.isprintable()


# -- where enter and R lead ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "kind", "head"),
    [("queue_length/CC", "agent", "agents > CC"), ("cpu_critical/host", "processes", "processes: 3 of 80"),
     ("note 1", "agent", "agents > CB"), ("note 2", "sources", "CPU, 40.0 MiB"),
     ("cpu_critical/ended/3600", "processes", "processes")],
)  # fmt: skip
async def test_enter_goes_to_what_it_is_about(key, kind, head):
    async with stage(100, 30, still(FIRE), keys=("L",)) as on:
        await pick(on, key)
        await on.press("enter")
        assert on.kind == kind
        assert head in on.rows()[0]
        await on.press("escape")
        assert on.kind == "alerts"


async def test_history_of_an_agent_that_is_gone_leads_nowhere():
    async with stage(100, 30, still(FIRE), keys=("L", "G")) as on:
        assert "WA" in on.selected()
        await on.publish(snapshot(alerts=on_fire(), agents=agents()[:1]))
        await on.press("enter")
        assert foot(on) == "WA is gone"
        assert on.kind == "alerts"


async def test_enter_in_the_pane_of_the_dashboard_goes_there_too():
    async with stage(80, 24, still(FIRE), keys=("tab", "enter")) as on:
        assert on.kind == "processes"


async def test_the_runbook_has_facts_steps_and_what_is_measured():
    async with stage(120, 40, still(FIRE), keys=("R",)) as on:
        text = on.text()
        for word in ("RUNBOOK", "CPU of prod-01 is 97 % (> 90)", "last value > 90, clears at 85", "WHAT TO DO",
                     "1  Check for a loop", "f files", "CB (process 4000) uses 2 % of a core",
                     "4  Consider a pool"):  # fmt: skip
            assert word in text
        await on.press("f")  # a key that the text names works there
        assert on.kind == "processes"
        await on.press("escape", "escape")
        assert on.kind == "dashboard"


# -- what is shown ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (200, 60)])
async def test_every_kind_of_alert_is_on_the_screen_and_the_selected_one_in_words(columns, lines):
    async with stage(columns, lines, still(FIRE), keys=("L", "j", "j", "j", "j")) as on:
        text = on.text()
        for word in (
            "critical",
            "firing ↑↓",
            "no data",
            "acked",
            "inhibited",
            "silenced",
            "pending",
            "resolved",
            "note",
        ):
            assert word in text
        assert "acked by ann" in " ".join(text.split()) or "acked      by ann, 30 m ago" in text
        assert "R runbook" in text or "R all of it" in text
        assert [width(row) for row in on.rows()] == [columns] * lines
        if columns == 200:
            for word in ("> 50 fires", "40 clears", "RUNBOOK", "Find what reads and writes"):
                assert word in text


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 60)])
async def test_a_quiet_screen_says_so(columns, lines):
    async with stage(columns, lines, still(snapshot(alerts=alerts(), events=())), keys=("L",)) as on:
        assert "alerts: nothing fires" in on.rows()[0]
        assert "nothing fires, and nothing has since the start" in on.text()


async def test_what_happened_meanwhile_is_said_once_and_on_the_screen_until_it_is_left():
    away = replace(on_fire(), away="while you were away: 3 fired, 1 still open")
    async with stage(80, 24, still(snapshot(alerts=alerts()))) as on:
        assert "away" not in on.text()
        await on.publish(snapshot(alerts=away))
        assert foot(on) == "while you were away: 3 fired, 1 still open; L shows them"
        await on.press("j")
        await on.publish(snapshot(alerts=replace(away, away="while you were away: 3 fired, 2 still open")))
        assert "away" not in on.text()
        await on.press("L")
        assert on.rows()[2].strip() == "while you were away: 3 fired, 2 still open"
        await on.press("j", "enter", "escape")
        assert "away" in on.rows()[2]
        await on.press("escape", "L")
        assert on.rows()[2].strip() == ""


async def test_it_does_not_take_a_question_away():
    asked = []
    async with stage(80, 24) as on:
        on.screen.confirm("really?", lambda: asked.append(1))
        await on.publish(
            snapshot(alerts=replace(on_fire(), away="while you were away: 1 fired, none still open"))
        )
        await on.press("y")
        assert asked == [1]
        await on.publish(
            snapshot(alerts=replace(on_fire(), away="while you were away: 1 fired, none still open"))
        )
        assert "while you were away" in foot(on)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"mode": "reading"}, "another bluetop keeps these alerts"),
     ({"problem": "the disk is full"}, "the disk is full"), ({"mode": "memory"}, "")],
)  # fmt: skip
async def test_how_alerts_are_kept_is_said_where_it_matters(changes, said):
    async with stage(80, 24, still(snapshot(alerts=alerts(alert(), **changes))), keys=("L",)) as on:
        assert on.rows()[2].strip() == said


async def test_the_pane_shows_the_most_urgent_ones_as_long_as_nobody_is_in_it():
    old = tuple(alert(f"r{n}", since_s=100.0 + n) for n in range(9))
    async with stage(80, 24, still(snapshot(alerts=alerts(*old))), keys=("tab", "j", "j", "j", "tab")) as on:
        worse = host_alert("fire", "critical", text="fire", label="fire")
        await on.publish(snapshot(alerts=alerts(*old, worse)))
        heading = on.row_of("ALERTS   ")
        assert "critical" in on.rows()[heading + 1]


async def test_columns_of_the_pane_and_of_the_screen_are_chosen_apart():
    async with stage(120, 40, still(FIRE), keys=("tab", "C", "space", "escape")) as on:
        chosen = on.screen.alerts.chosen_columns
        assert chosen
        await on.press("L")
        assert on.table.chosen_columns == ()
        await on.press("C")
        assert "alerts > columns" in on.rows()[0]


async def test_views_and_filters_of_the_screen():
    async with stage(80, 24, still(FIRE), keys=("L", "slash")) as on:
        await on.type("state:firing acked:yes")
        await on.press("enter")
        assert on.table.names == ["disk_io/host"]
        await on.press("V")
        assert on.table.names == ["open", "everything", "bottlenecks", "history"]
        await on.press("enter")
        assert len(on.table.rows) == 4


HOSTILE = {
    "markup": "[@click=app.quit]x[/] [red",
    "escapes": clean_line("\x1b]0;x\x07\x9b31m\u202eevil"),
    "wide": "日本語" * 20,
    "long": "x" * 3000,
    "empty": "",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_no_text_of_an_alert_breaks_a_screen(name):
    text = HOSTILE[name]
    nasty = alert("r", text, text=text, advice=text, label=text, hint=text, acked_by=text, silence="s",
                  silenced_by=text, silence_comment=text, silenced_until=WALL + 60, inhibited_by=text)  # fmt: skip
    open_one = alert("q", text, text=text, advice=text, label=text, hint=text)
    snap = snapshot(alerts=alerts(nasty, open_one, history=(ended(text=text, reason=text),), away=text))
    async with stage(80, 24, still(snap), keys=("L",)) as on:
        for columns, lines in ((80, 24), (120, 40), (200, 60)):
            await on.resize(columns, lines)
            for key in ("g", "j", "j", "R"):
                await on.press(key)
                rows = on.rows()
                assert [width(row) for row in rows] == [columns] * lines
                assert not any(char < " " or "\x7f" <= char < "\xa0" for row in rows for char in row)
            await on.press("escape", "g", "z")
            assert [width(row) for row in on.rows()] == [columns] * lines
            await on.press("escape", "a")
            assert [width(row) for row in on.rows()] == [columns] * lines
        assert not on.app._exit
