"""Every alert has a book; each figure in it is one that was measured, and what is not known is said to be unknown."""

import re

import pytest

from core.alerts.runbook import Step, runbook
from core.measures.agent import UNMEASURED
from core.metrics import METRICS
from core.samples import MountSpace, MountsSample
from core.snapshot import Reading
from tests.snapshots import (
    AT,
    GIB,
    WALL,
    agents,
    alert,
    alerts,
    host_alert,
    measured,
    reading,
    snapshot,
    view,
)
from tui.keys import KEYS

NOTHING = snapshot(
    cpu=Reading(), memory=Reading(), disk=Reading(), mounts=Reading(), handles=Reading(), processes=Reading(),
    own=Reading(), queues=Reading(), agents=(view("CC", "unreadable", load=None),), events=(), needs=(),
    alerts=alerts(), fleet=UNMEASURED,
)  # fmt: skip


def about(metric, subject="CC"):
    """An alert of a metric, on an agent or on the host as the metric has it."""
    scope = METRICS[metric].scope if metric in METRICS else "host"
    if scope == "agent":
        return alert("r", subject, metric=metric)
    return host_alert("r", metric=metric)


def said(steps: list[Step]) -> str:
    return "\n".join(f"{step.text}: {step.evidence}" for step in steps)


@pytest.mark.parametrize("metric", [*METRICS, "gpu_percent", "cpu_of_the_future", ""])
@pytest.mark.parametrize("snap", [snapshot(), NOTHING], ids=["known", "unknown"])
def test_every_metric_has_steps_with_what_is_known(metric, snap):
    steps = runbook(about(metric), snap)
    assert len(steps) >= (2 if snap is not NOTHING else 1)
    actions = {row.action.removeprefix("app.").split("(")[0] for row in KEYS}
    for step in steps:
        assert step.text[0].isupper()
        assert not step.text.endswith(".")
        assert step.evidence
        assert "None" not in step.evidence
        assert "nan" not in step.evidence
        assert step.action in ("", *actions)
    if snap is NOTHING and metric not in ("own_cpu_percent", "own_rss_bytes", "own_tty_bytes_per_s"):
        assert "unknown" in said(steps) or "-" in said(steps)


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_no_number_is_in_a_book_that_is_not_in_the_snapshot(metric):
    """With nothing measured there is no figure but those of the machine's own counting: windows and pids."""
    for step in runbook(about(metric), NOTHING):
        numbers = set(re.findall(r"\d+(?:\.\d+)?", step.evidence))
        assert numbers <= {"0", "1", "5", "30"}, (
            step
        )  # tasks at once, the sample's interval, what counts as underused


def test_high_cpu_names_the_process_and_how_long_its_tasks_stand():
    scan = snapshot().processes.value
    rows = (scan.rows[0]._replace(pid=4312, cpu_percent=98.0), *scan.rows[1:])
    snap = snapshot(processes=reading(scan._replace(rows=rows)))
    steps = runbook(host_alert("cpu_critical", metric="cpu_percent"), snap)
    assert [step.text for step in steps] == [
        "Check for a loop", "Review how many tasks run at once", "Profile what uses the processor",
        "Consider a pool of processes",
    ]  # fmt: skip
    assert (
        steps[0].evidence == "CB (process 4312) uses 98 % of a core, its task in progress unchanged for 1 m"
    )
    assert steps[0].action == "open_processes"
    assert steps[1].evidence == "2 in progress with 2 agents, none more than it may"
    assert "perf top -p 4312" in steps[2].evidence
    assert steps[3].evidence == "the busiest of 2 cores is at 51 %, the others at 35 % on average; load 1.24"


@pytest.mark.parametrize(
    ("cores", "advice"),
    [
        ((98.0, 10.0, 12.0), "a pool would spread it"),
        ((99.0, 97.0, 92.0), "fewer tasks at once"),
        ((51.0, 35.0), ""),
    ],
)
def test_a_pool_is_only_advised_where_one_core_does_the_work(cores, advice):
    cpu = snapshot().cpu.value._replace(per_core_percent=cores, cores=len(cores))
    text = said(runbook(host_alert("cpu", metric="cpu_percent"), snapshot(cpu=reading(cpu))))
    assert advice in text
    assert ("pool would" in text) == ("pool" in advice)


def test_agents_that_work_on_more_than_they_may_are_named():
    busy = view("CB", "working", in_progress=7)
    text = said(runbook(host_alert("cpu", metric="cpu_percent"), snapshot(agents=(busy, view("CA")))))
    assert "7 in progress with 1 agents; more than allowed: CB 7 of 5" in text
    own = said(runbook(about("agent_cpu_percent", "CB"), snapshot(agents=(busy,))))
    assert "7 in progress, of 5 at once" in own


def test_an_old_figure_says_how_old_it_is():
    old = snapshot(processes=Reading(snapshot().processes.value, AT - 60, 2.0))
    text = said(runbook(host_alert("files", metric="open_files"), old))
    assert "CB (process 4000) 41" in text
    assert ", 1 m ago" in text


def test_memory_names_the_holder_the_growth_and_the_limit():
    memory = snapshot().memory.value._replace(
        growth_bytes_per_min=120 << 20, limit_bytes=4 * GIB, swap_used_bytes=GIB
    )
    steps = runbook(host_alert("memory", metric="memory_percent"), snapshot(memory=reading(memory)))
    assert steps[0].evidence.startswith("memory in use grew by 120 MiB in the last minute; most of it: ")
    assert "the kernel caches 3.00 GiB" in steps[1].evidence
    assert steps[3].evidence == "the cgroup allows 4.00 GiB, 9.00 GiB available; 1.00 GiB of swap in use"


def test_a_disk_is_named_with_its_rates_and_the_size_of_an_operation():
    steps = runbook(host_alert("disk_io", metric="disk_io_mb_per_s"), snapshot())
    assert steps[0].evidence == "vda: 12.1 MB/s read, 2.9 MB/s written, busy 31 %"
    assert "81 % of the traffic is reading" in steps[1].evidence
    assert steps[2].evidence == "210 operations a second, 69.8 KiB each"


def test_a_full_queue_says_who_has_time_and_what_holds_it_up():
    steps = runbook(alert("queue_length"), snapshot())
    assert (
        steps[0].evidence
        == "ARCH (0 wait, workload 0 %), BLUE (0 wait, workload 0 %), CA (1 wait, workload 25 %)"
    )
    assert "1 process" in steps[1].evidence
    assert steps[2].evidence == "14 wait, the oldest for 2d 4h, 44.0 h estimated"
    assert "will not drain" in steps[3].evidence
    assert steps[1].action == "enter"


def test_where_nobody_has_time_nobody_is_named():
    crowded = (
        view("CC", "working", load=100.0, pending=20),
        view("CB", "working", load=95.0),
        view("WA", "retired"),
    )
    assert runbook(alert("queue_length"), snapshot(agents=crowded))[0].evidence == (
        "no other agent has a workload below 30 %"
    )


def test_slow_tasks_are_compared_with_their_estimates():
    steps = runbook(about("efficiency_percent", "CB"), snapshot())
    text = said(steps)
    assert "12.5 h of work for 10.0 h estimated, over 4 tasks" in text
    assert "half of its tasks take 1h 12m, 95 % within 3h 00m (6 tasks, claimed)" in text
    failed = runbook(about("failed_tasks", "CC"), snapshot())
    assert failed[0] == Step("Read the tasks that failed", "enter", "2 failed and 31 completed")


def test_an_agent_that_waits_for_a_person_says_what_for():
    text = said(runbook(alert("queue_length", "CB"), snapshot()))
    assert "CB needs you: asks for help: which schema is right?" in text


def test_an_agent_that_is_gone_has_a_book_too():
    steps = runbook(alert("queue_length", "GONE"), snapshot())
    assert steps[0].evidence == f"GONE has no queue any more; agents that have one: {len(agents())}"
    assert steps[0].action == "open_sources"


def test_an_unknown_metric_gets_the_bottlenecks_and_says_that_the_network_is_unknown():
    slow = host_alert("disk", label="disk I/O", unit="MB/s", value=61.2, threshold=50.0, bottleneck=True)
    steps = runbook(about("gpu_percent"), snapshot(alerts=alerts(slow, about("gpu_percent"))))
    assert steps[0] == Step("Run the bottleneck analysis", "open_alerts", "host disk I/O 61.2 MB/s > 50")
    assert steps[2].evidence == "unknown: latency is not measured, and no network mount tells of it"


def test_a_network_mount_tells_of_the_network():
    mounts = (
        MountSpace("/mnt/nfs", "nfs4", None, None, None, True, None, "no answer for 14 s"),
        MountSpace("/mnt/b", "nfs4", 10 * GIB, GIB, 90.0, True, 12.0, None),
    )
    snap = snapshot(mounts=reading(MountsSample(AT, "prod-01", mounts)))
    assert "/mnt/nfs no answer for 14 s; /mnt/b answered in 12 ms" in said(
        runbook(about("gpu_percent"), snap)
    )
    full = runbook(host_alert("mount", metric="mount_used_percent"), snap)
    assert full[0].evidence == "/mnt/b is 90 % full, 1.00 GiB free; du -xh --max-depth=2 /mnt/b"
    assert full[-1].evidence == "/mnt/nfs: no answer for 14 s"


def test_a_path_in_a_command_cannot_end_it():
    mount = MountSpace("/a; rm -rf ~", "ext4", GIB, 0, 99.0, False, 1.0, None)
    snap = snapshot(mounts=reading(MountsSample(AT, "prod-01", (mount,))))
    assert "du -xh --max-depth=2 '/a; rm -rf ~'" in said(
        runbook(host_alert(metric="mount_used_percent"), snap)
    )


def test_a_fleet_says_where_tasks_wait():
    snap = snapshot(fleet=measured(18, 44, 62))
    text = said(runbook(host_alert("pending", metric="pending_tasks"), snap))
    assert "CC 14, CB 3, CA 1" in text
    assert "2 of 6 agents have nothing to do" in text


def test_a_quiet_agent_is_only_said_to_be_unchanged_if_it_has_something_to_do():
    idle = view("CB")
    text = said(runbook(host_alert("cpu", metric="cpu_percent"), snapshot(agents=(idle,), wall=WALL + 7200)))
    assert "unchanged" not in text
