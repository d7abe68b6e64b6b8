"""The panes of the dashboard, one file each; `PANES` names those that are drawn from a Snapshot alone."""

from tui.panes.gauges import CPU, DISK, FILES, MEMORY
from tui.panes.needs import NEEDS
from tui.view.pane import Pane

PANES: dict[str, Pane] = {pane.name: pane for pane in (CPU, MEMORY, DISK, FILES, NEEDS)}
