"""The changes that `core.control` carries out here: what they do, and the sentence that tells of it."""

from core.agentmetrics.collect import collect, track
from core.agentmetrics.store import AGENTS, FOLDER, write_file
from core.control import CollectMetrics, Outcome, TrackTask, WriteExport
from core.text import clean_line


def collect_metrics(command: CollectMetrics) -> Outcome:
    """Collect, and save the report if one is wanted."""
    found = collect(command.place, save=True, agent=command.agent, report=command.report)
    text = f"{found.written} of {len(found.agents)} metrics files written"
    if found.report:
        text = f"report saved to {found.report}; {text}"
    return Outcome(text, found.report or f"{FOLDER}/{AGENTS}", found)


def track_task(command: TrackTask) -> Outcome:
    """Record a start or an end."""
    found = track(command.place, command.agent, command.task, command.event)
    text = "recorded" if found.recorded else "known already; nothing was changed"
    return Outcome(clean_line(f"{found.agent}: {found.task_id}: {text}"), found.file, found)


def write_export(command: WriteExport) -> Outcome:
    """Write the export to its file."""
    write_file(command.path, command.data)
    return Outcome(clean_line(f"wrote {command.path}"), command.path)
