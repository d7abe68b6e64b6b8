from core.config import Settings, Ui
from core.config import View as Saved
from tui.choices import TableChoices, as_setting, no_view_name
from tui.panes.processes import processes_table
from tui.view.table import View


def choices(**ui):
    return TableChoices(Settings(ui=Ui(**ui)).ui)


def test_a_new_table_of_a_kind_gets_the_columns_of_the_last():
    kept = choices()
    table = processes_table()
    table.choose(("cpu", "name"))
    kept.remember("processes", table)
    other, agents = processes_table(), processes_table()
    kept.dress("processes", other)
    kept.dress("agents", agents)
    assert other.chosen_columns == ("cpu", "name")
    assert agents.chosen_columns == ()


def test_the_columns_of_the_settings_are_those_of_the_agents():
    kept = choices(columns=("name",))
    table = processes_table()
    kept.dress("agents", table)
    assert table.chosen_columns == ("name",)


def test_views_are_listed_for_their_table_by_name_and_hide_built_in_ones():
    kept = choices(views={"b": Saved("processes"), "A": Saved("processes", "x"), "other": Saved()})
    table = processes_table()
    table.views = (View("a"), View("b", "built in"))
    assert kept.all_of("processes", table) == [(View("a"), False), (View("A", "x"), True), (View("b"), True)]
    assert [v.name for v in kept.own("agents")] == ["other"]


def test_a_view_that_is_saved_comes_back_as_it_was():
    kept = choices()
    made = View("mine", 'title:"a b"', "cpu", True, ("cpu", "name"))
    kept.keep("processes", made)
    assert kept.own("processes") == (made,)
    assert Saved(**{**as_setting("processes", made), "columns": ("cpu", "name")}) == kept.views["mine"]
    kept.forget("mine")
    kept.forget("mine")
    assert kept.own("processes") == ()


def test_a_filter_of_the_settings_is_cleaned():
    kept = choices(views={"x": Saved("processes", "a\x1b]0;b\x07")})
    assert kept.own("processes")[0].filter == "a\\x1b]0;b\\x07"


def test_names_of_views():
    for good in ("mine", "long queues", "a-b_c", "Ärger", "日本", "7"):
        assert no_view_name(good) == ""
    for bad in ("", " ", "a.b", "a ", " a", "x" * 41, "a\n", "[b]", "-a"):
        assert no_view_name(bad)
