"""Every key, once: action, keys, label, help, where it works. Footer, `?`, palette and bindings read this.

`where` names the screens a row belongs to, "*" all of them. `foot` is its place in the footer
(0: not shown there). `writes` keys are absent, with their hints, in read-only mode.
"""

from typing import NamedTuple


class Key(NamedTuple):
    """One action and the keys that start it. `keys` are Textual's names, `shown` what a person reads.

    An action that begins with `app.` is a method of the app, any other one of the screen.
    """

    action: str
    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    where: tuple[str, ...] = ("*",)
    foot: int = 0
    writes: bool = False


LISTS = ("dashboard", "agent", "processes", "sources", "alerts")

KEYS: tuple[Key, ...] = (
    Key("app.show_help", ("question_mark", "f1"), "?", "help", "All keys that work here", foot=1),
    Key("filter", ("slash",), "/", "filter", "Show only rows that match: words, !word to exclude", LISTS, 2),
    Key("app.palette", ("colon", "ctrl+p"), ":", "command", "Run any action by its name", foot=3),
    Key("enter", ("enter",), "enter", "open", "Open the row under the cursor", (*LISTS,), 4),
    Key("back", ("escape",), "esc", "back", "Leave this screen, the filter, or the expanded pane", foot=5),
    Key("cursor(-1)", ("up", "k"), "k ↑", "up", "Up one row", (*LISTS, "task", "help")),
    Key("cursor(1)", ("down", "j"), "j ↓", "down", "Down one row", (*LISTS, "task", "help")),
    Key("page(-1)", ("pageup", "ctrl+b", "ctrl+u"), "pgup", "page up", "Up one page", (*LISTS, "task", "help")),
    Key("page(1)", ("pagedown", "ctrl+f", "ctrl+d"), "pgdn", "page down", "Down one page",
        (*LISTS, "task", "help")),
    Key("edge(-1)", ("home", "g"), "g", "top", "First row", (*LISTS, "task", "help")),
    Key("edge(1)", ("end", "G"), "G", "bottom", "Last row", (*LISTS, "task", "help")),
    Key("next_pane(1)", ("tab", "l", "right"), "tab l", "next pane", "Focus the next pane", ("dashboard",)),
    Key("next_pane(-1)", ("shift+tab", "h", "left"), "h", "previous pane", "Focus the previous pane",
        ("dashboard",)),
    Key("back", ("h", "left"), "h", "back", "Leave this screen", ("agent", "processes", "sources", "alerts", "task")),
    Key("enter", ("l", "right"), "l", "open", "Open the row under the cursor",
        ("agent", "processes", "sources", "alerts")),
    Key("sort", ("s",), "s", "sort", "Sort by the next column", ("dashboard", "agent", "processes", "sources"), 7),
    Key("reverse", ("S",), "S", "reverse", "Sort the other way round",
        ("dashboard", "agent", "processes", "sources")),
    Key("expand", ("e",), "e", "expand", "Show the focused pane alone, and back", ("dashboard",), 6),
    Key("open_agent", ("a",), "a", "agent", "Open the agent that the verdict names", ("dashboard",)),
    Key("app.open_processes", ("f",), "f", "files", "Watched processes and their file handles",
        ("dashboard", "agent", "sources", "alerts"), 8),
    Key("app.open_sources", ("o",), "o", "sources", "Every file, mount and poller, and how it answers",
        ("dashboard", "agent", "processes", "alerts"), 11),
    Key("app.open_alerts", ("L",), "L", "log", "The whole alerts log", ("dashboard", "agent", "processes", "sources")),
    Key("copy", ("y",), "y", "copy", "Copy as JSON (OSC 52, through tmux too)", ("task", "agent"), 6),
    Key("app.pause", ("p",), "p", "pause", "Hold the screen still; sampling goes on", foot=10),
    Key("app.slower", ("minus",), "-", "slower", "Longer interval between samples"),
    Key("app.faster", ("plus", "equals_sign"), "+", "faster", "Shorter interval between samples"),
    Key("app.next_theme", ("t",), "t", "theme", "Next theme"),
    Key("app.save_settings", ("W",), "W", "save", "Save theme, interval and sort order for the next start",
        writes=True),
    Key("app.redraw", ("ctrl+l",), "ctrl+l", "redraw", "Draw the whole screen again"),
    Key("app.suspend", ("ctrl+z",), "ctrl+z", "suspend", "Back to the shell; `fg` returns"),
    Key("app.quit", ("q", "ctrl+c", "ctrl+q"), "q", "quit", "Leave bluetop", foot=6),
)  # fmt: skip


def keys_of(screen: str, read_only: bool = False) -> list[Key]:
    """The rows that work on `screen`, in the order of the table."""
    return [
        key for key in KEYS if ("*" in key.where or screen in key.where) and not (read_only and key.writes)
    ]


def key_for(action: str) -> Key | None:
    """The first row of an action (with or without `app.`), None if there is none."""
    return next((key for key in KEYS if key.action.removeprefix("app.") == action), None)
