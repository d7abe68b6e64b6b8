"""evaluate: pure, incremental, and every part the same object until it changes."""

import pytest

from core.config import Settings
from core.evaluator import absorb, begin, evaluate, with_policy
from core.queues.model import Problem
from core.samples import MountSpace
from core.sources import Answer, Trouble
from tests.measured import (
    LOWER_CASE,
    TRAILING_COMMA,
    WALL,
    Session,
    cpu,
    disk,
    host,
    memory,
    mounts,
    policy,
    process,
    processes,
    queue,
    queues,
)


def test_same_state_and_answers_give_the_same_snapshot_and_change_nothing():
    session = Session()
    session.calm(queue("CA", pending=3))
    state = session.state
    answers = [
        *host(1002.0),
        queues(1002.0, queue("CA", pending=12), queue("CB")),
        processes(1002.0, process(1, "CA")),
    ]
    _, first = evaluate(state, answers, 1002.0, WALL + 2)
    _, second = evaluate(state, answers, 1002.0, WALL + 2)
    assert first == second
    assert state.snapshot.agents[0].queue.pending == 3
    assert len(state.snapshot.agents) == 1


def test_parts_that_did_not_change_are_the_same_objects():
    session = Session()
    before = session.calm(queue("CA", pending=12), queue("CB"))
    after = session.step(queues(1002.0), seconds=1.0)
    for part in ("agents", "kpis", "charts", "events", "verdict", "cpu", "processes", "mounts"):
        assert getattr(after, part) is getattr(before, part), part
    assert session.step(seconds=0.5).sources is after.sources
    changed = session.step(queues(1004.0, queue("CB", pending=1)), seconds=0.5)
    assert changed.agents is not before.agents
    assert changed.agents[0] is before.agents[0]
    assert changed.kpi("cpu") is before.kpi("cpu")
    assert changed.charts["cpu_percent"] is before.charts["cpu_percent"]


def test_a_file_read_again_with_the_same_content_changes_nothing():
    session = Session()
    before = session.calm(queue("CA", pending=12))
    after = session.step(queues(1002.0, queue("CA", pending=12, read_at=WALL + 2, read_ms=3.0)), seconds=1.0)
    assert after.agents is before.agents


def test_a_sample_replaces_the_reading_and_a_failure_keeps_it_with_its_age():
    session = Session()
    session.calm()
    value = session.snapshot.cpu.value
    after = session.step(Answer("cpu", 1003.0, None, "/proc/stat: no permission", "unreadable"), seconds=2.0)
    assert after.cpu.value is value
    assert (after.cpu.at, after.cpu.problem) == (1001.0, "/proc/stat: no permission")
    assert not after.cpu.fresh(1004.0)
    row = next(s for s in after.sources if s.name == "cpu")
    assert (row.state, row.detail, row.misses, row.answered_at) == (
        "unreadable",
        "/proc/stat: no permission",
        1,
        1001.0,
    )
    assert session.tick().cpu.problem == ""


def test_a_kpi_is_judged_over_its_window_and_unknown_when_stale():
    session = Session()
    for second in range(10):
        session.step(cpu(1000.0 + second, 100.0 if second % 2 else 70.0), seconds=1.0)
    status = session.snapshot.kpi("cpu")
    assert (status.status, status.value, status.window_s) == ("warning", pytest.approx(85.0), 300)
    assert session.step(seconds=15.5).kpi("cpu").status == "unknown"
    assert session.snapshot.overall == "unknown"


def test_a_kpi_of_a_slow_poller_is_not_stale_between_its_samples():
    session = Session()
    slow = policy()
    slow.intervals["processes"] = 60.0
    session.state = with_policy(session.state, slow)
    session.step(processes(1000.0, process(1)))
    assert session.step(seconds=100.0).kpi("open_files").status == "ok"
    assert session.step(seconds=100.0).kpi("open_files").status == "unknown"


def test_no_watched_process_is_zero_files_and_uncountable_ones_are_unknown():
    session = Session()
    assert session.step(processes(1000.0)).kpi("open_files").value == 0
    session = Session()
    assert session.step(processes(1000.0, process(1, handles=None))).kpi("open_files").value is None


def test_agents_come_change_and_go():
    session = Session()
    session.calm(queue("CB"), queue("CA", pending=12))
    assert [view.queue.agent for view in session.snapshot.agents] == ["CA", "CB"]
    session.tick(queues(1002.0, queue("AA")))
    assert [view.queue.agent for view in session.snapshot.agents] == ["AA", "CA", "CB"]
    after = session.tick(queues(1003.0, gone=("CA",)))
    assert [view.queue.agent for view in after.agents] == ["AA", "CB"]
    assert after.queues.value.agents == 2
    assert after.kpi("queue").status == "ok"
    assert [event.text for event in after.events] == [
        "AA is new",
        "CA is gone: /w/postbox/CA/outbox.json is not there any more",
    ]


def test_agents_without_anything_to_judge_have_no_part():
    session = Session()
    session.calm(
        queue("WA", state="decommissioned", pending=40),
        queue("ARCH", form="missing"),
        queue("CA", pending=3, pending_hours=None),
        queue("CB", form="unreadable", problems=(TRAILING_COMMA,)),
    )
    parts = {p.subject: p.status for p in session.snapshot.kpi("queue").parts}
    assert parts == {"CA": "ok", "CB": "unknown"}
    assert {p.subject for p in session.snapshot.kpi("workload").parts} == {"CB"}


def test_severity_of_an_agent_is_the_worst_of_its_kpis_and_problems():
    session = Session()
    snapshot = session.calm(
        queue("A"),
        queue("B", pending=12),
        queue("C", problems=(LOWER_CASE,)),
        queue("D", form="unreadable", problems=(TRAILING_COMMA,), pending=0),
        queue("E", problems=(LOWER_CASE, TRAILING_COMMA)),
        queue("F", stale_since=WALL),
    )
    assert [view.severity for view in snapshot.agents] == ["ok", "medium", "low", "high", "medium", "medium"]


def test_last_good_state_is_judged_for_a_while_and_then_unknown():
    session = Session()
    session.calm(queue("CA", pending=12))
    session.tick(queues(1002.0, queue("CA", pending=12, stale_since=WALL, problems=(TRAILING_COMMA,))))
    assert session.snapshot.agents[0].state == "stale"
    assert session.snapshot.kpi("queue").status == "warning"
    for _ in range(17):
        session.tick()
    assert session.snapshot.kpi("queue").status == "unknown"
    assert session.snapshot.queues.value.unreadable == 1
    session.tick(queues(session.at + 1, queue("CA", pending=2)))
    assert session.snapshot.kpi("queue").status == "ok"
    assert session.state.roster.unsure == {}


def test_a_file_that_hangs_makes_its_agent_stale_and_back():
    session = Session()
    session.calm(queue("CA", in_progress=1), queue("CB", in_progress=1))
    path = "/w/postbox/CA/outbox.json"
    session.tick(Trouble(path, "path", "hung", "no answer for 5 s", 1002.0))
    assert [view.state for view in session.snapshot.agents] == ["stale", "working"]
    assert session.snapshot.agents[0].why == "last good state; now: no answer for 5 s"
    assert session.snapshot.verdict.text == f"{path} does not answer"
    session.tick(Trouble(path, "path", "gone", "", 1003.0))
    assert [view.state for view in session.snapshot.agents] == ["working", "working"]
    assert path not in {s.name for s in session.snapshot.sources if s.kind == "path"}
    assert next(e.text for e in session.snapshot.events if e.what == "resolved") == f"{path}: answers again"


def test_all_agents_below_a_hung_mount_are_stale():
    session = Session()
    session.calm(queue("CA"), queue("CB"))
    session.tick(Trouble("/w", "mount", "hung", "does not answer", 1002.0))
    assert {view.state for view in session.snapshot.agents} == {"stale"}


def test_figures_of_processes_reach_their_agent():
    session = Session()
    before = session.calm(queue("CA"), queue("CB"))
    after = session.tick(processes(1002.0, process(1, "CA", handles=41, cpu_percent=3.0), process(2, "XX")))
    assert (after.agents[0].handles, after.agents[0].processes, after.agents[0].cpu_percent) == (41, 1, 3.0)
    assert after.agents[1] is before.agents[1]
    assert session.tick(processes(1003.0)).agents[0].handles is None


def test_changed_at_is_the_files_time_at_first_and_then_when_the_change_was_seen():
    session = Session()
    session.calm(queue("CA", mtime=WALL - 3600), queue("CB", mtime=WALL + 86_400))
    assert session.snapshot.agents[0].changed_at == WALL - 3600
    assert session.snapshot.agents[1].changed_at == WALL + 1
    session.tick(queues(1002.0, queue("CA", pending=1, mtime=WALL - 3600)))
    assert session.snapshot.agents[0].changed_at == WALL + 2
    session.tick(processes(1003.0, process(1, "CA")))
    assert session.snapshot.agents[0].changed_at == WALL + 2


def test_a_missed_target_is_no_line_of_the_log_since_alerts_tell_of_it():
    session = Session()
    session.calm(queue("CA", pending=3))
    for pending in (12, 13, 14, 3):
        session.tick(queues(session.at + 1, queue("CA", pending=pending)))
    session.step(memory(session.at + 20, 99), seconds=20.0)
    assert session.snapshot.events == ()


def test_a_thousand_odd_files_at_the_start_are_one_line():
    session = Session()
    agents = [queue(f"A{n:04d}", problems=(LOWER_CASE,)) for n in range(1000)]
    session.step(queues(1000.0, *agents[:500], done=500, total=1000))
    assert session.snapshot.events == ()
    assert session.snapshot.progress.done == 500
    session.step(queues(1000.5, *agents[500:], done=1000, total=1000))
    (line,) = session.snapshot.events
    assert line.text.startswith("1000 × file odd, first ")
    assert session.snapshot.progress is None


def test_problems_of_the_workspace_are_rows_and_go_away():
    session = Session()
    problem = Problem("error", "no_postbox", "there is no postbox folder")
    session.step(queues(1000.0, problems=(("/w", problem),)))
    row = next(s for s in session.snapshot.sources if s.kind == "workspace")
    assert (row.state, row.detail) == ("unreadable", "there is no postbox folder")
    assert session.snapshot.events[0].severity == "critical"
    session.step(queues(1002.0, problems=()))
    assert not any(s.kind == "workspace" for s in session.snapshot.sources)
    assert session.snapshot.events[-1].what == "resolved"


def test_sources_list_pollers_mounts_and_files():
    session = Session()
    hung = MountSpace("/mnt/x", "nfs4", None, None, None, True, None, "no answer for 14 s")
    session.calm(queue("CA"), queue("CB", problems=(LOWER_CASE,)))
    session.tick(mounts(1002.0, MountSpace("/", "ext4", 9, 4, 55.0, False, 0.2, None), hung))
    rows = {(s.kind, s.name): s.state for s in session.snapshot.sources}
    assert rows["poller", "cpu"] == "ok"
    assert rows["mount", "/"] == "ok"
    assert rows["mount", "/mnt/x"] == "hung"
    assert rows["file", "/w/postbox/CA/outbox.json"] == "ok"
    assert rows["file", "/w/postbox/CB/outbox.json"] == "odd"
    session.tick(mounts(1003.0))
    assert ("mount", "/mnt/x") not in {(s.kind, s.name) for s in session.snapshot.sources}


def test_slow_and_hung_pollers_are_told_apart_and_misses_are_counted():
    session = Session()
    session.step(cpu(1000.0)._replace(took_ms=1500.0, missed=1))
    row = next(s for s in session.snapshot.sources if s.name == "cpu")
    assert (row.state, row.misses) == ("slow", 1)
    session.step(Answer("cpu", 1005.0, None, "no answer for 5 s", "hung", 5000.0), seconds=5.0)
    row = next(s for s in session.snapshot.sources if s.name == "cpu")
    assert (row.state, row.misses) == ("hung", 2)


def test_charts_grow_and_show_gaps():
    session = Session()
    for second in range(12):
        session.step(disk(1000.0 + second, float(second)), seconds=1.0)
    chart = session.snapshot.charts["disk_io_mb_per_s"]
    assert chart.columns == (4.0, 9.0)
    assert chart.partial == 11.0
    session.step(seconds=20.0)
    assert session.snapshot.charts["disk_io_mb_per_s"].columns[-1] is None


def test_absorbed_samples_keep_windows_and_charts_without_a_snapshot():
    session = Session()
    session.calm(queue("CA"))
    before = session.state.snapshot
    for second in range(60):
        session.state = absorb(session.state, [cpu(1002.0 + second, 90.0), memory(1002.0 + second)])
    assert session.state.snapshot is before
    after = session.step(seconds=61.0)
    assert after.kpi("cpu").status == "warning"
    assert None not in after.charts["cpu_percent"].columns


def test_it_works_without_a_workspace():
    session = Session(workspace=None)
    snapshot = session.step(*host(1000.0), processes(1000.0))
    assert (snapshot.workspace, snapshot.agents, snapshot.overall) == (None, (), "ok")


def test_settings_that_cannot_be_honoured_are_told():
    kpis = tuple(
        type(kpi)(kpi.name, kpi.metric, kpi.target, scope=kpi.scope, aggregate="avg")
        for kpi in Settings().kpis
    )
    session = Session(settings=Settings(kpi=kpis))
    assert [e.text for e in session.snapshot.events] == [
        f"KPI {name}: agents are judged by their last value, not by the avg over a window"
        for name in ("queue", "workload", "success", "completion", "efficiency")
    ]


def test_the_first_snapshot_knows_nothing_and_says_so():
    snapshot = begin(policy(), 1000.0, WALL).snapshot
    assert snapshot.overall == "unknown"
    assert snapshot.cpu.value is None
    assert {row.state for row in snapshot.sources} == {"waiting"}
    assert snapshot.host == "prod-01"
