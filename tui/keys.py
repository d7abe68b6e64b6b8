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


LISTS = ("dashboard", "agent", "processes", "sources", "alerts", "needs")
SORTED = ("dashboard", "agent", "processes", "sources", "alerts", "rebalance", "plans")
ALERTS = ("dashboard", "alerts")
CHOICES = ("columns", "views")
PLAN = ("rebalance",)
PLANS = ("plans",)
PLANNING = (*PLAN, *PLANS)
TABLES = (*LISTS, *PLANNING)
MARKED = (*LISTS, *PLAN)
MOVES = (*TABLES, *CHOICES, "task", "help")

KEYS: tuple[Key, ...] = (
    Key("app.show_help", ("question_mark", "f1"), "?", "help", "All keys that work here", foot=1),
    Key("filter", ("slash",), "/", "filter", "Show only rows that match: words, -word, key:value; tab completes",
        TABLES, 2),
    Key("app.palette", ("colon", "ctrl+p"), ":", "command", "Run any action by its name", foot=3),
    Key("enter", ("enter",), "enter", "open", "Open the row under the cursor", TABLES, 4),
    Key("enter", ("enter", "l", "right"), "enter", "use", "Look at the table this way", ("views",), 4),
    Key("show_column", ("space", "enter"), "space", "on/off", "Show this column, or leave it out", ("columns",), 4),
    Key("back", ("escape",), "esc", "back", "Leave the marks, the filter, the expanded pane, or this screen", foot=5),
    Key("cursor(-1)", ("up", "k"), "k ↑", "up", "Up one row", MOVES),
    Key("cursor(1)", ("down", "j"), "j ↓", "down", "Down one row", MOVES),
    Key("page(-1)", ("pageup", "ctrl+b", "ctrl+u"), "pgup", "page up", "Up one page", MOVES),
    Key("page(1)", ("pagedown", "ctrl+f", "ctrl+d"), "pgdn", "page down", "Down one page",
        MOVES),
    Key("edge(-1)", ("home", "g"), "g", "top", "First row", MOVES),
    Key("edge(1)", ("end", "G"), "G", "bottom", "Last row", MOVES),
    Key("next_pane(1)", ("tab", "l", "right"), "tab l", "next pane", "Focus the next pane", ("dashboard",)),
    Key("next_pane(-1)", ("shift+tab", "h", "left"), "h", "previous pane", "Focus the previous pane",
        ("dashboard",)),
    Key("back", ("h", "left"), "h", "back", "Leave this screen",
        ("agent", "processes", "sources", "alerts", "needs", "task", *CHOICES, *PLANNING)),
    Key("enter", ("l", "right"), "l", "open", "Open the row under the cursor",
        ("agent", "processes", "sources", "alerts", "needs", *PLANNING)),
    Key("section(1)", ("tab",), "tab", "section", "The next section: tasks, timeline, past, skills, processes",
        ("agent",), 3),
    Key("section(-1)", ("shift+tab",), "shift+tab", "section before", "The section before", ("agent",)),
    Key("sort", ("s",), "s", "sort", "Sort by the next column", SORTED, 7),
    Key("reverse", ("S",), "S", "reverse", "Sort the other way round", SORTED),
    Key("mark", ("space",), "space", "mark", "Mark or unmark the row, and go down one", MARKED, 12),
    Key("mark_range", ("v", "ctrl+@", "ctrl+space"), "v", "mark to here",
        "Mark all rows from the last mark to this one", MARKED),
    Key("clear_marks", ("backslash",), "\\", "unmark", "Unmark everything", MARKED),
    Key("views", ("V",), "V", "views", "Saved ways to look at this table: filter, order, columns", LISTS, 13),
    Key("columns", ("C",), "C", "columns", "Choose and order the columns of this table", TABLES, 14),
    Key("new_view", ("n",), "n", "new", "Save the table as it stands, as a view of your own", ("views",), 6,
        writes=True),
    Key("remove_view", ("x",), "x", "remove", "Remove a view of your own", ("views",), 7, writes=True),
    Key("reorder(-1)", ("K", "shift+up"), "K", "left", "Move this column up: to the left in the table",
        ("columns",), 6),
    Key("reorder(1)", ("J", "shift+down"), "J", "right", "Move this column down: to the right in the table",
        ("columns",), 7),
    Key("sort_here", ("s",), "s", "sort", "Sort the table by this column; again: the other way round",
        ("columns",), 8),
    Key("defaults", ("0", "D"), "0", "default", "The default set of columns, as many as fit", ("columns",), 9),
    Key("app.open_rebalance", ("r",), "r", "rebalance", "Preview a rebalance of the queues: this changes nothing",
        ("dashboard", "agent", "alerts", "needs", "task"), 5),
    Key("expand", ("e",), "e", "expand", "Show the focused pane alone, and back", ("dashboard",), 8),
    Key("app.open_needs", ("n",), "n", "needs", "Everything that needs a person, the most urgent first",
        ("dashboard", "agent", "processes", "sources", "alerts"), 5),
    Key("open_agent", ("i",), "i", "agent", "Open the agent that the verdict names", ("dashboard",)),
    Key("app.open_processes", ("f",), "f", "files", "Watched processes and their file handles",
        ("dashboard", "agent", "sources", "alerts", "task"), 8),
    Key("app.open_sources", ("o",), "o", "sources", "Every file, mount and poller, and how it answers",
        ("dashboard", "agent", "processes", "alerts", "task"), 11),
    Key("app.open_alerts", ("L",), "L", "alerts", "Every alert, what was noted, and what has ended",
        ("dashboard", "agent", "processes", "sources", "needs", "task"), 9),
    Key("ack", ("a",), "a", "ack", "Acknowledge: the marked alerts, this one, or the most urgent open one",
        ALERTS, 6, writes=True),
    Key("unack", ("A",), "A", "un-ack", "Take the acknowledgement back", ALERTS, writes=True),
    Key("silence", ("z",), "z", "silence", "Silence: for how long, and why (1h, 4h, tomorrow, 90m)", ALERTS, 7,
        writes=True),
    Key("unsilence", ("Z",), "Z", "un-silence", "End the silence of this alert", ALERTS, writes=True),
    Key("runbook", ("R",), "R", "runbook", "What to do about this alert, step by step, with what is measured", ALERTS,
        8),
    Key("apply", ("A",), "A", "apply", "Apply the plan, after a question that says how many moves that is", PLAN, 1,
        writes=True),
    Key("drop", ("x",), "x", "drop", "Leave the move out of the plan, or take it back; the marked ones together",
        PLAN, 1),
    Key("app.why", ("w",), "w", "why", "Why the task goes there or stays here, and why not elsewhere",
        PLAN, 1),
    Key("app.why", ("w",), "w", "why", "Why the task goes there or stays here, and why not elsewhere",
        ("agent", "task"), 9),
    Key("pin", ("P",), "P", "pin", "Keep the task where it is, for plans on this screen; again: let it go", PLAN, 1),
    Key("target", ("T",), "T", "target", "Another target for the load, in per cent; 0: as even as can be", PLAN, 1),
    Key("budget", ("B",), "B", "budget", "Another limit for the number of moves", PLAN, 1),
    Key("replan", ("r",), "r", "replan", "Read the queues and plan anew", PLAN, 1),
    Key("undo", ("u",), "u", "undo", "Undo the last plan, after saying what cannot be undone any more", PLAN, 1,
        writes=True),
    Key("history", ("H",), "H", "plans", "Plans that were applied or undone here, as predicted and as it came",
        PLAN, 1),
    Key("next_pane(1)", ("tab", "shift+tab"), "tab", "agents", "From the moves to the agents, or back", PLAN, 3),
    Key("describe", ("i",), "i", "in words", "The plan in words: its bound, what stays and why, warnings", PLAN, 6),
    Key("fold", ("e",), "e", "all agents", "All agents, or only those that the plan is about", PLAN, 7),
    Key("recover", ("R",), "R", "recover", "Put in order what a plan that was cut off left half done", PLAN, 8,
        writes=True),
    Key("verify", ("v",), "v", "verify", "Check this plan's receipt: that no task was lost or doubled since", PLANS, 1),
    Key("describe", ("i",), "i", "automatic", "What the automatic mode decided lately", PLANS, 6),
    Key("undo", ("u",), "u", "undo", "Undo this plan; of an undo: make its moves again", PLANS, 1, writes=True),
    Key("copy", ("y",), "y", "copy", "Copy the plan as JSON, fit for `bluetop optimize --apply -`", PLAN, 15),
    Key("copy", ("y",), "y", "copy", "Copy what is known of this plan as JSON", PLANS, 15),
    Key("copy", ("y",), "y", "copy", "Copy the marked agents, or this one, as JSON (OSC 52, through tmux too)",
        ("dashboard",), 15),
    Key("copy", ("y",), "y", "copy", "Copy the task's record as JSON (OSC 52, through tmux too)",
        ("agent", "task"), 15),
    Key("app.pause", ("p",), "p", "pause", "Hold the screen still; sampling goes on", foot=10),
    Key("app.slower", ("minus",), "-", "slower", "Longer interval between samples"),
    Key("app.faster", ("plus", "equals_sign"), "+", "faster", "Shorter interval between samples"),
    Key("app.next_theme", ("t",), "t", "theme", "Next theme"),
    Key("app.save_settings", ("W",), "W", "save", "Save theme, interval, sort order and columns for the next start",
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
