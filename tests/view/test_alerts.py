"""The rows of the alerts, how they look, and one of them in words."""

from math import inf

import pytest
from msgspec.structs import replace

from core.snapshot import Chart, Event
from core.text import clean_line
from tests.snapshots import WALL, agents, alert, alerts, ended, host_alert, on_fire, snapshot
from tui.panes.alertdetail import detail_lines, draw_side, facts_of, runbook_lines
from tui.panes.alertrows import NO_EVENT, Entry, Listing, shifted
from tui.panes.alerts import DASHBOARD, SCREEN, alerts_table, clock_text, said_short, value_text
from tui.panes.head import Head
from tui.view.chart import chart_lines, spark
from tui.view.glyphs import ASCII, UTF8
from tui.view.pane import Size, Ui
from tui.view.spans import ROLES, line_width, plain
from tui.view.table import Drawn

FIRE = snapshot(alerts=on_fire())
ROLE_SETS = ("high", "chart", "chart_last")


def rows(snap=FIRE, dashboard=False):
    return Listing(dashboard).rows(snap)


def entry(one, **changes):
    (row, *_) = rows(snapshot(alerts=alerts(one), events=(), **changes))
    return row


def table(snap=FIRE, dashboard=False):
    made = alerts_table(dashboard)
    made.put(rows(snap, dashboard))
    return made


def drawn(made, cells=78, height=20, glyphs=UTF8):
    return [plain(line) for line in made.lines(cells, height, False, Drawn(WALL, glyphs))]


# -- which rows there are --------------------------------------------------------------------------


def test_the_dashboard_shows_what_fires_open_ones_first_then_history():
    names = [row.key for row in rows(dashboard=True)]
    assert names == [
        "cpu_critical/host", "memory_high/host", "queue_length/CC", "efficiency_low/CA", "disk_io/host",
        "open_files/host", "note 2", "cpu_critical/ended/3600", "note 1", "cpu_critical/ended/90000",
        "queue_length/ended/180000",
    ]  # fmt: skip


def test_the_screen_shows_hidden_and_pending_ones_too():
    names = [row.key for row in rows()]
    assert {"task_queue_overflow/CC", "queue_length/CB"} <= set(names)
    assert names[7] == "queue_length/CB"  # pending ones are the last of those that are active
    assert [row.open for row in rows()][:5] == [True, True, True, True, False]


def test_rows_that_did_not_change_are_the_same_objects():
    listing = Listing()
    before = listing.rows(FIRE)
    assert listing.rows(FIRE) is before
    first, *rest = FIRE.alerts.active
    after = listing.rows(snapshot(alerts=replace(FIRE.alerts, active=(replace(first, value=98.0), *rest))))
    assert after[0] is not before[0]
    assert all(a is b for a, b in zip(after[1:8], before[1:8], strict=True))
    assert after[8:] == before[8:]


def test_notes_are_newest_first_whatever_order_they_come_in():
    events = tuple(Event(n, WALL - 100 + n, "low", "note", "host", f"note {n}") for n in (3, 1, 2))
    assert [row.key for row in rows(snapshot(alerts=alerts(), events=events))] == [
        "note 3",
        "note 2",
        "note 1",
    ]


def test_a_host_is_called_by_its_name():
    assert entry(host_alert()).subject == "prod-01"
    assert entry(alert()).subject == "CC"


# -- what stands in a row --------------------------------------------------------------------------


def test_a_row_says_whose_what_its_value_and_its_limit():
    assert said_short(entry(alert())) == "CC queue 14 tasks > 10"
    assert said_short(entry(host_alert())) == "open files 104 handles > 100"
    assert said_short(entry(alert(value=None))) == "CC queue - > 10"
    assert (
        said_short(entry(host_alert(unit="B", value=3e9, threshold=float(2 << 30))))
        == "open files 2.79 GiB > 2.00 GiB"
    )


@pytest.mark.parametrize(
    ("value", "limit", "unit", "text"),
    [(90.3, 90.0, "%", "90.3 %"), (90.04, 90.0, "%", "90.04 %"), (90.0, 90.0, "%", "90 %"), (97.2, 90.0, "%", "97 %"),
     (50.02, 50.0, "MB/s", "50.02 MB/s"), (0.5, 0.5, "h", "0.5 h"), (90.00001, 90.0, "%", "90.000 %")],
)  # fmt: skip
def test_a_value_just_beyond_its_limit_does_not_look_like_it(value, limit, unit, text):
    assert value_text(alert(value=value, threshold=limit, unit=unit)) == text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "firing"), ({"acked_by": "ann"}, "acked"), ({"silence": "s1"}, "silenced"),
        ({"inhibited_by": "cpu"}, "inhibited"), ({"state": "pending"}, "pending"), ({"stale": True}, "no data"),
        ({"acked_by": "ann", "silence": "s1"}, "acked"), ({"flapping": True}, "firing ↑↓"),
    ],
)  # fmt: skip
def test_how_it_stands_is_one_word(changes, word):
    line = drawn(table(snapshot(alerts=alerts(alert(**changes)), events=())))[1]
    assert f"{word} " in line


def test_what_was_seen_to_is_in_the_background_and_the_rest_is_not():
    made = table(dashboard=True)
    lines = made.lines(118, 12, False, Drawn(WALL, UTF8))
    roles = [{role for text, role in line if text.strip()} for line in lines[1:]]
    assert "critical" in roles[0]
    assert "high" in roles[1]
    for row in (4, 5):  # acknowledged, silenced
        assert roles[row] <= {"dim", "bar_rest"}


def test_a_row_of_history_says_how_long_it_lasted_and_why_it_ended():
    line = drawn(table(snapshot(alerts=alerts(history=(ended(),)), events=()), True), 118)[1]
    assert line.split()[:4] == ["○", "critical", "1h", "00m"]
    assert "CPU of prod-01 is 96 % (> 90) for 40 s" in line
    assert "cleared" in line


def test_who_has_seen_to_it_and_until_when_it_is_silent():
    text = "\n".join(drawn(table(), 150))
    assert "by ann" in text
    assert "to Fri 07:33" in text
    assert "by queue_len" in text


def test_only_keys_that_work_are_named():
    usual = drawn(table(snapshot(alerts=alerts(alert(), host_alert(acked_by="ann"))), True))
    assert usual[1].rstrip().endswith("a enter")
    assert usual[2].rstrip().endswith("acked       f")
    read_only = drawn(table(snapshot(alerts=alerts(alert()), read_only=True), True))
    assert read_only[1].rstrip().endswith("firing      enter")
    unheard = drawn(table(snapshot(alerts=alerts(alert(action="rebalance", hint="r"))), True))
    assert unheard[1].rstrip().endswith("firing      a")


def test_a_step_that_writes_is_not_offered_in_read_only_mode():
    asked = alert(action="ack", hint="acknowledge it")
    for read_only, count in ((False, 1), (True, 0)):
        made = table(snapshot(alerts=alerts(asked), events=(), read_only=read_only))
        made.choose(["step"])
        assert "\n".join(drawn(made)).count("acknowledge it") == count


def test_numbers_move_nothing_but_themselves():
    places = set()
    for value in (9.0, 14.0, 120.0):
        line = drawn(table(snapshot(alerts=alerts(alert(value=value)), events=())), 118)[1]
        places.add((line.index("> 10"), line.index("firing"), line.index("a enter")))
    assert len(places) == 1


@pytest.mark.parametrize("cells", [58, 78, 98, 118, 158, 198])
@pytest.mark.parametrize("glyphs", [UTF8, ASCII])
@pytest.mark.parametrize("shown", [DASHBOARD, SCREEN])
def test_every_line_is_as_wide_as_the_table_and_uses_known_roles(cells, glyphs, shown):
    made = table(dashboard=shown == DASHBOARD)
    for names in ((), [column.name for column in made.columns]):
        made.choose(names)
        for line in made.lines(cells, 16, True, Drawn(WALL, glyphs)):
            assert line_width(line) == cells
            assert {role for _, role in line} <= set(ROLES)
            if glyphs.ascii:
                assert plain(line).replace("…", "").isascii()


def test_a_time_says_its_day_if_that_is_another_one(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    assert clock_text(WALL - 60, WALL) == "20:25"
    assert clock_text(WALL + 40_000, WALL) == "Fri 07:33"
    assert clock_text(WALL + 20 * 86_400, WALL) == "06-17 20:26"


# -- filter and views ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("state:firing", 7), ("state:pending", 1), ("state:resolved,note", 5), ("what:note", 2), ("severity:high", 1),
        ("rule:queue*", 3), ("subject:CC", 2), ("subject:prod-01", 6), ("metric:cpu_percent", 3), ("acked:yes", 1),
        ("silenced:yes", 1), ("inhibited:yes", 1), ("flapping:yes", 1), ("stale:yes", 1), ("bottleneck:yes", 2),
        ("by:ann", 1), ("value>100", 1), ("age>1h state:firing", 0), ("age>30m state:firing", 1), ("lasted>10m", 2),
        ("count>2", 1), ("no:rule", 2), ("text:*backup*", 0), ("cpu_critical", 3), ("acked", 1),
    ],
)  # fmt: skip
def test_a_filter_may_ask(text, count):
    made = table()
    made.at(WALL)
    assert made.set_filter(text) is None
    assert len(made.rows) == count, [row.key for row in made.rows]


@pytest.mark.parametrize(
    ("name", "first", "count"),
    [("open", "cpu_critical/host", 4), ("everything", "cpu_critical/host", 13), ("bottlenecks", "disk_io/host", 2),
     ("history", "note 2", 5)],
)  # fmt: skip
def test_the_views_that_come_with_it(name, first, count):
    made = table()
    made.at(WALL)
    assert made.apply(next(view for view in made.views if view.name == name)) == ""
    assert (made.names[0], len(made.names)) == (first, count)


def test_every_column_can_be_sorted_by():
    made = table()
    for column in made.columns:
        for descending in (False, True):
            made.sort_by(column.name, descending)
            assert len(made.names) == 13


# -- the line of the last minutes ------------------------------------------------------------------


def line(values, op=">", limit=10.0, cells=4, glyphs=UTF8):
    chart = Chart(5.0, tuple(values[:-1]), values[-1], len(values) - 1)
    return plain(spark(chart, cells, op, limit, ROLE_SETS, glyphs))


def test_values_beyond_the_limit_stand_above_the_rail():
    assert line([1, 9, 11, 11]) == "  ⢤⣶"


def test_below_a_lower_limit_they_stand_under_it():
    assert line([11, 11, 9, 1], "<") == "  ⣶⡤"


def test_a_gap_is_a_gap_in_the_rail_too():
    assert line([11, 11, None, None, 11, 11]) == " ⣶ ⣶"
    assert plain(spark(None, 4, ">", 1.0, ROLE_SETS, UTF8)) == "    "


@pytest.mark.parametrize(
    ("op", "value", "above"), [(">", 10, False), (">=", 10, True), ("<", 10, True), ("<=", 10, False)]
)
def test_a_value_at_the_limit_is_on_the_side_on_which_it_counts(op, value, above):
    assert (line([value, value], op, cells=1) == "⣶") == above


def test_cells_beyond_the_limit_have_the_colour_of_the_severity():
    chart = Chart(5.0, (1.0, 1.0, 11.0, 1.0, 1.0), 1.0, 5)
    assert spark(chart, 3, ">", 10.0, ROLE_SETS, UTF8) == [("⠤", "chart"), ("⡦", "high"), ("⠤", "chart_last")]


def test_in_ascii_the_worse_of_two_is_shown():
    assert line([0, 0, 9, 9, 11, 1], glyphs=ASCII) == " _.#"
    assert line([11, 11, 9, 11], "<", glyphs=ASCII) == "  #."


@pytest.mark.parametrize("op", [">", ">=", "<", "<=", "==", "!=", "?"])
@pytest.mark.parametrize("limit", [0.0, -5.0, 1e-9, inf])
def test_no_limit_breaks_it(op, limit):
    assert len(line([0.0, -3.0, None, 7.0, 1e12], op, limit)) == 4


def test_columns_keep_their_partners_while_points_come():
    first = tuple(float(n % 7) for n in range(60))
    listing = Listing()
    seen = []
    for step in range(4):
        points = (*first[step:], *(50.0 + n for n in range(step)))
        (row, *_) = listing.rows(snapshot(alerts=alerts(alert(points=points)), events=()))
        seen.append(row.chart.completed)
    assert seen == [59, 60, 61, 62]


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [((), (1.0,), 0), ((1.0, 2.0), (1.0, 3.0), 0), ((1.0, 2.0), (1.0, 2.0, 3.0), 0),
     ((1.0, 2.0, 3.0), (2.0, 3.0, 4.0), 1), ((1.0, 2.0, 3.0), (7.0, 8.0, 9.0), 0)],
)  # fmt: skip
def test_how_many_points_have_left(before, after, steps):
    assert shifted(before, after) == steps


def test_two_thin_lines_stand_where_it_fires_and_where_it_clears():
    chart = Chart(5.0, (5.0,) * 8, 5.0, 8)
    lines = [plain(part) for part in chart_lines(chart, 6, 10, 100.0, 90.0, UTF8, clear=70.0)]
    assert [at for at, text in enumerate(lines) if UTF8.target in text] == [0, 2]


# -- in words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [Size(78, 3), Size(58, 1), Size(118, 4), Size(20, 2), Size(200, 6)])
@pytest.mark.parametrize("glyphs", [UTF8, ASCII])
def test_the_lines_about_a_row_are_exactly_their_size(size, glyphs):
    for row in (None, *rows()):
        lines = detail_lines(row, FIRE, size, glyphs)
        assert len(lines) == size.height
        assert {line_width(line) for line in lines} == {size.width}


@pytest.mark.parametrize("size", [Size(60, 26), Size(72, 56), Size(60, 8)])
def test_the_pane_beside_the_table_is_exactly_its_size(size):
    for row in (None, *rows()):
        lines = draw_side(row, FIRE, size, Ui(UTF8))
        assert len(lines) == size.height
        assert {line_width(line) for line in lines} == {size.width}
        assert {role for line in lines for _, role in line} <= set(ROLES)


def test_the_pane_beside_the_table_has_chart_limits_facts_and_steps():
    (silent,) = [row for row in rows() if row.alert is not None and row.alert.silence]
    text = "\n".join(map(plain, draw_side(silent, FIRE, Size(72, 56), Ui(UTF8))))
    for word in ("> 100 fires", "90 clears", "until Fri 07:33 by bob: backup is running", "RUNBOOK",
                 "1  Find who holds the files", "CB (process 4000) 41", "Close file handles on prod-01"):  # fmt: skip
        assert word in text


def test_the_facts_say_how_it_is_judged_and_who_has_seen_to_it():
    def said(one):
        return {fact.label: fact.text for fact in facts_of(one, WALL)}

    full = said(alert(acked_by="ann", acked_at=WALL - 180, inhibited_by="cpu", flapping=True))
    assert full["judged"] == "smallest over 1 m > 10, clears at 8"
    assert full["acked"] == "by ann, 3 m ago, until it resolves"
    assert "more severe" in full["hidden"]
    assert "again and again" in full["flapping"]
    assert said(alert(state="pending"))["since"].endswith("not long enough yet to fire")
    assert said(alert(value=None, stale=True))["value"] == "unknown, no new samples"
    assert said(ended(reason="rule_removed"))["ended"].endswith("1h 00m ago, rule removed")
    assert said(host_alert())["judged"] == "last value > 100, clears at 90"


def test_the_runbook_names_keys_only_where_they_work():
    (row, *_) = [r for r in rows() if r.key == "queue_length/CC"]
    assert row.alert is not None
    text = "\n".join(map(plain, runbook_lines(row, row.alert, FIRE, UTF8, 76)))
    assert "enter on this alert: CC" in text
    assert "1  Move tasks to an agent that has time" in text
    assert max(len(part) for part in text.split("\n")) <= 76


def test_text_of_strangers_stays_in_its_line():
    nasty = clean_line("\x1b]0;x\x07[@click=app.quit]日本語[/]\u202e") * 3
    hostile = alert(subject=nasty, text=nasty, advice=nasty, acked_by=nasty, silence="s", silence_comment=nasty,
                    silenced_by=nasty, label=nasty, rule="r")  # fmt: skip
    snap = snapshot(
        alerts=alerts(hostile, history=(ended(text=nasty, reason=nasty),)), agents=agents(), events=()
    )
    for row in rows(snap)[:2]:
        for part in (
            *detail_lines(row, snap, Size(78, 3), UTF8),
            *draw_side(row, snap, Size(60, 40), Ui(UTF8)),
        ):
            assert not any(char < " " or "\x7f" <= char < "\xa0" for char in plain(part))
        assert row.alert is not None
        assert runbook_lines(row, row.alert, snap, UTF8, 76)


# -- the head --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active", "text", "role"),
    [
        ((), "", ""), ((alert(),), "1 alert ", "low"),
        ((alert(), alert("q", severity="critical")), "2 alerts", "critical"),
        ((alert(acked_by="ann"), alert("q", severity="high", inhibited_by="x")), "", ""),
        ((alert(state="pending"),), "", ""), ((alert(severity="info"),), "1 alert ", "dim"),
        (tuple(alert(f"r{n}") for n in range(120)), "99+ alerts", "low"),
    ],
)  # fmt: skip
def test_the_head_counts_open_alerts_in_the_colour_of_the_worst(active, text, role):
    (first, _) = Head().draw(snapshot(alerts=alerts(*active)), Size(80, 2), Ui(UTF8))
    found = [(said.strip(), how) for said, how in first if "alert" in said]
    assert found == ([(text.strip(), role)] if text else [])


def test_the_count_moves_nothing_in_the_head():
    places = {
        plain(Head().draw(snapshot(alerts=alerts(*many)), Size(80, 2), Ui(UTF8))[0]).index("20:26")
        for many in ((), (alert(),), tuple(alert(f"r{n}") for n in range(120)))
    }
    assert len(places) == 1


def test_an_entry_without_an_alert_is_a_note():
    note = Entry(None, NO_EVENT, None, "h", False)
    assert (note.key, note.state, note.over, note.open) == ("note 0", "note", True, False)
