import pytest

from tui.app import BluetopApp
from tui.keys import KEYS, key_for, keys_of
from tui.screens.agent import AgentScreen
from tui.screens.alerts import AlertsScreen
from tui.screens.columns import ColumnsScreen
from tui.screens.dashboard import DashboardScreen
from tui.screens.lists import NeedsScreen, ProcessesScreen, SourcesScreen
from tui.screens.rebalance import RebalanceScreen
from tui.screens.rebalancehistory import PlansScreen
from tui.screens.task import TaskScreen
from tui.screens.text import HelpScreen
from tui.screens.views import ViewsScreen

SCREENS = {
    "dashboard": DashboardScreen,
    "agent": AgentScreen,
    "alerts": AlertsScreen,
    "needs": NeedsScreen,
    "processes": ProcessesScreen,
    "sources": SourcesScreen,
    "task": TaskScreen,
    "help": HelpScreen,
    "columns": ColumnsScreen,
    "views": ViewsScreen,
    "rebalance": RebalanceScreen,
    "plans": PlansScreen,
}


@pytest.mark.parametrize("screen", sorted(SCREENS))
def test_no_key_has_two_meanings_on_one_screen(screen):
    meanings: dict[str, str] = {}
    for row in keys_of(screen):
        for key in row.keys:
            assert meanings.setdefault(key, row.action) == row.action, (screen, key)


@pytest.mark.parametrize("row", KEYS, ids=lambda r: f"{r.shown}-{r.action}")
def test_every_row_has_an_action_method_wherever_it_works(row):
    method = "action_" + row.action.removeprefix("app.").split("(")[0]
    for name, screen in SCREENS.items():
        if "*" in row.where or name in row.where:
            owner = BluetopApp if row.action.startswith("app.") else screen
            assert hasattr(owner, method), (name, method)


@pytest.mark.parametrize("screen", sorted(SCREENS))
def test_the_bindings_of_a_screen_are_those_of_the_table(screen):
    bound = {binding.key for binding in SCREENS[screen].BINDINGS}
    assert bound == {key for row in keys_of(screen) for key in row.keys}


def test_read_only_has_no_key_that_writes():
    assert not [row for row in keys_of("dashboard", read_only=True) if row.writes]
    assert [row for row in keys_of("dashboard") if row.writes]


def test_no_key_needs_alt_or_a_prefix_of_tmux_or_screen():
    keys = {key for row in KEYS for key in row.keys}
    assert not [key for key in keys if key.startswith("alt+")]
    assert "ctrl+a" not in keys


def test_an_action_is_found_by_its_name():
    assert key_for("quit").shown == "q"
    assert key_for("no such action") is None
