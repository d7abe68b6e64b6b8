"""What the operator chose for tables: the columns of each kind, and views of their own. No Textual in it.

Kept while bluetop runs; what of it is written to the settings is the app's to say.
"""

from typing import Any

import msgspec

from core import config
from core.text import clean_line
from tui.view.table import TableState, View


class TableChoices:
    """Columns by the name of the table, and the operator's views by their own names."""

    def __init__(self, ui: config.Ui) -> None:
        self.columns: dict[str, tuple[str, ...]] = {"agents": ui.columns} if ui.columns else {}
        self.views: dict[str, config.View] = dict(ui.views)

    def dress(self, name: str, table: TableState) -> None:
        """Give a new table the columns that were chosen for its kind."""
        chosen = self.columns.get(name)
        if chosen is not None and chosen != table.chosen_columns:
            table.choose(chosen)

    def remember(self, name: str, table: TableState) -> None:
        """The columns of a table were chosen: others of its kind come with them."""
        self.columns[name] = table.chosen_columns

    def own(self, table: str) -> tuple[View, ...]:
        """The operator's views of a table, by name."""
        return tuple(
            View(name, clean_line(v.filter, 2000), v.sort, v.descending, v.columns)
            for name, v in sorted(self.views.items(), key=lambda pair: pair[0].casefold())
            if v.table == table
        )

    def all_of(self, name: str, table: TableState) -> list[tuple[View, bool]]:
        """Every view of a table, and whether it is the operator's own: one of these hides a built-in of its name."""
        own = self.own(name)
        names = {view.name for view in own}
        return [*((v, False) for v in table.views if v.name not in names), *((v, True) for v in own)]

    def keep(self, table: str, view: View) -> None:
        """A view was saved."""
        self.views[view.name] = config.View(table, view.filter, view.sort, view.descending, view.columns)

    def forget(self, name: str) -> None:
        """A view was removed."""
        self.views.pop(name, None)


def as_setting(table: str, view: View) -> dict[str, Any]:
    """A view as it stands in the settings."""
    return {
        "table": table,
        "filter": view.filter,
        "sort": view.sort,
        "descending": view.descending,
        "columns": list(view.columns),
    }


def no_view_name(name: str) -> str:
    """Why `name` cannot be the name of a view, "" if it can."""
    try:
        msgspec.convert(name, config.ViewName)
    except msgspec.ValidationError:
        return "a name has 1 to 40 letters, digits, blanks, _ or -"
    return ""
