"""What alerts cost: a million samples replayed through 20 rules, and a live tick of 1,000 agents with 20 rules.

Each figure stands beside a baseline of the same run: for the replay, reading the same lines as JSON and doing
nothing with them; for the tick, the evaluation of the same batch without alerts. Memory is what the replay
adds, measured at a tenth and at the whole: where it is constant, both are alike.
"""

import argparse
import gc
import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.alerts.instances import Step
from core.alerts.live import LiveAlerts
from core.alerts.replay import Replay
from core.clock import SYSTEM_CLOCK
from core.config import Aggregate, Rule, Settings
from core.evaluator import begin, evaluate
from core.policy import policy_of
from core.queues.model import EMPTY_QUEUE, QueuesSample
from core.sources import Answer

HOWS: tuple[Aggregate, ...] = ("last", "avg", "max", "min")


def rules_on(metrics: int) -> list[Rule]:
    """20 rules, spread over so many metrics, with hold times, hysteresis and windows of one minute."""
    return [
        Rule(f"r{n}", f"m{n % metrics}", 70.0 + n, aggregate=HOWS[n // metrics % 4] if metrics < 20 else HOWS[n % 4],
             clear=65.0 + n, for_s=15, keep_s=30)
        for n in range(20)
    ]  # fmt: skip


def walk(count: int, metrics: int, subjects: int) -> Iterator[bytes]:
    """Samples every five seconds of so many metrics of so many agents, each a random walk from 0 to 100."""
    rng = random.Random(1)
    values = {(m, s): 50.0 for s in range(subjects) for m in range(metrics)}
    step = 0
    while count > 0:
        for (m, s), value in values.items():
            value = min(100.0, max(0.0, value + rng.uniform(-5.0, 5.0)))
            values[m, s] = value
            yield b'{"t":%d,"metric":"m%d","scope":"agent","subject":"A%d","value":%.2f}\n' % (
                step * 5,
                m,
                s,
                value,
            )
        count -= len(values)
        step += 1


def rss_mib() -> float:
    """Resident memory of this process, in MiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def replayed(title: str, count: int, metrics: int, subjects: int) -> None:
    """One row: seconds, beside the reading alone, and what memory grew by at a tenth and at the end."""
    began = time.process_time()
    for line in walk(count, metrics, subjects):
        json.loads(line)
    reading = time.process_time() - began
    began = time.process_time()
    for _ in walk(count, metrics, subjects):
        pass
    making = time.process_time() - began
    happened = [0, 0]

    def told(step: Step) -> None:
        happened[0] += len(step.transitions)
        happened[1] += len(step.notifications)

    replay = Replay(rules_on(metrics), (), told)
    gc.collect()
    before, tenth = rss_mib(), 0.0
    began = time.process_time()
    lines = walk(count, metrics, subjects)
    for number in range(10):
        replay.feed(line for _, line in zip(range(count // 10), lines, strict=False))
        if number == 0:
            tenth = rss_mib() - before
    replay.end()
    took = time.process_time() - began - making
    sys.stdout.write(
        f"{title:<42}{took:8.2f} s{took / max(0.01, reading - making):9.1f} x{tenth:9.1f}{rss_mib() - before:9.1f} MiB"
        f"{happened[0]:10,}{happened[1]:10,}\n"
    )


def ticks(agents: int, changed: int, title: str) -> None:
    """One row: milliseconds of a tick in which so many agents changed, with 20 rules, and of its evaluation alone."""
    metrics = ("queue_length", "workload_percent", "failed_tasks", "success_percent")
    rules = tuple(
        Rule(f"r{n}", metrics[n % 4], 5.0 + n, "agent", aggregate=HOWS[n // 4 % 4], for_s=15 if n % 2 else 0)
        for n in range(20)
    )
    settings = Settings(rule=rules)
    intervals = {"queues": 1.0, "cpu": 1.0}
    policy = policy_of(settings, host="box", workspace="/w", read_only=True, intervals=intervals)
    rng = random.Random(2)
    names = [f"A{n:05d}" for n in range(agents)]
    queues = {name: EMPTY_QUEUE._replace(agent=name, path=f"/w/{name}", form="standard") for name in names}
    state = begin(policy, 0.0, 1.78e9)
    live = LiveAlerts(rules, policy, SYSTEM_CLOCK)
    alone: list[float] = []
    alerts: list[float] = []
    for step in range(90):
        some = names if step == 0 else rng.sample(names, changed)
        for name in some:
            queues[name] = queues[name]._replace(
                pending=rng.randrange(30), pending_hours=4.0, completed=9, failed=1
            )
        sample = QueuesSample(float(step), "box", queues, frozenset(some), frozenset(), 0, 0, True, ())
        batch = [Answer("queues", float(step), sample)]
        began = time.perf_counter()
        state, snapshot = evaluate(state, batch, float(step), 1.78e9 + step)
        middle = time.perf_counter()
        live.take(batch, snapshot, float(step), 1.78e9 + step)
        if step >= 20:  # everything that was there at the start has fired
            alone.append(1000 * (middle - began))
            alerts.append(1000 * (time.perf_counter() - middle))
    sys.stdout.write(
        f"{title:<42}{statistics.median(alerts):8.2f} ms{max(alerts):9.2f} ms{statistics.median(alone):10.2f} ms"
        f"{len(live.view.active):10,}\n"
    )


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000_000, help="samples of each replay")
    args = parser.parse_args()
    count = args.samples
    sys.stdout.write(
        f"{'REPLAY, ' + format(count, ',') + ' samples, 20 rules':<42}{'CPU':>10}{'of json':>11}"
        f"{'at 1/10':>9}{'at end':>13}{'changes':>10}{'told':>10}\n"
    )
    replayed("20 metrics of one subject", count, 20, 1)
    replayed("1 metric, all 20 rules on it", count, 1, 1)
    replayed("4 metrics of 1,000 agents", count, 4, 1000)
    sys.stdout.write(
        f"\n{'LIVE TICK, 20 rules on every agent':<42}{'median':>11}{'worst':>12}{'evaluation':>13}{'active':>10}\n"
    )
    ticks(1000, 1, "1,000 agents, 1 changed")
    ticks(1000, 50, "1,000 agents, 50 changed")
    ticks(1000, 1000, "1,000 agents, all changed")
    ticks(10_000, 10, "10,000 agents, 10 changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
