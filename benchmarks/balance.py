"""How good plans are beside what a solver proves possible, and what they cost: the tables of section 8 of rebalancing.

    python benchmarks/balance.py [--quick] [--family mixed] [--size 10x100] [--seeds 10] [--json FILE]

Each plan is made by a process of its own from files on disk; its time is that of the whole process, its memory the
most that it ever had. The reference values come from HiGHS: by integers for small workspaces, within limits of time
that only make them lower, and by the linear relaxation for large ones. Ends with status 1 where a goal is
missed. Not a test: it is timed, and takes an hour in full (--quick: a few minutes).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

sys.path.insert(
    0, str(Path(__file__).resolve().parent.parent)
)  # the families and the judge are with the tests

from tests.balance.judge import families
from tests.balance.judge.families import NOW, Instance
from tests.balance.judge.quality import INTEGERS, MOVES, PEAK, RELAXED, Quality, limits_missed, quality

CHILD = """
import json, sys, time
from core.balance.options import options_of
from core.balance.planner import plan
from core.balance.world import read_world
from core.queues.times import parse
found = plan(read_world(sys.argv[1]), options_of(json.loads(sys.argv[2])), parse(sys.argv[3]).at)
with open("/proc/self/status") as status:
    most = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
json.dump({"plan": found.data(), "most_kib": most, "cpu_s": time.process_time()}, sys.stdout, ensure_ascii=False)
"""
MIB = 1024.0
LEVEL = "level, all"  # the goal of the mean is that of all kinds together, at each size
# Goals of section 8: (agents, tasks) → seconds, MiB.
COSTS = {(10, 100): (1.0, 0.0), (100, 2_000): (5.0, 0.0), (1_000, 100_000): (60.0, 1536.0)}


class Case(NamedTuple):
    """One row of a table: its instances, how they are solved, and how many seeds there are by default."""

    family: str
    size: str
    make: Callable[[int], Instance]
    seeds: int
    quick_seeds: int
    how: str


class Cost(NamedTuple):
    """What one plan took: time by the clock, and of the processor."""

    took_s: float
    cpu_s: float
    most_mib: float


class Figure(NamedTuple):
    """One row as it came out; `missed` names the goals that were not reached."""

    family: str
    size: str
    instances: int
    peak_gap_mean: float
    peak_gap_max: float
    excess_gap_mean: float
    excess_gap_max: float
    overflow_gap_max: int
    moves_mean: float
    move_ratio_mean: float
    move_ratio_max: float
    took_s_max: float
    cpu_s_max: float
    most_mib: float
    missed: tuple[str, ...]


def cases() -> Iterator[Case]:
    """Every row."""
    yield Case("tiny", "5x15", families.tiny, 100, 10, INTEGERS)
    yield Case("tiny level", "5x15", families.tiny_level, 100, 10, INTEGERS)
    seeds = {3: (40, 5), 5: (40, 5), 10: (30, 3), 20: (12, 2), 100: (5, 1), 1_000: (2, 0)}
    for agents, tasks in families.MIXED_SIZES:
        many, few = seeds[agents]
        how = INTEGERS if agents <= 5 else MOVES if agents <= 20 else RELAXED

        def mixed(seed: int, agents: int = agents, tasks: int = tasks) -> Instance:
            return families.mixed(agents, tasks, seed)

        yield Case("mixed", f"{agents}x{tasks}", mixed, many, few, how)
    for kind in families.LEVEL_KINDS:
        for agents, tasks in families.LEVEL_SIZES:

            def level(seed: int, agents: int = agents, tasks: int = tasks, kind: str = kind) -> Instance:
                return families.level(agents, tasks, seed, kind)

            yield Case(f"level {kind}", f"{agents}x{tasks}", level, 5, 1, PEAK if agents < 50 else RELAXED)


def planned(instance: Instance, workspace: str) -> tuple[dict[str, Any], Cost]:
    """The plan of a workspace on disk, and what it cost."""
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, workspace, json.dumps(instance.config), NOW],
        capture_output=True, text=True, check=False, timeout=900,
        cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    took = time.perf_counter() - began
    if ran.returncode:
        raise SystemExit(f"{instance.name}: the planner failed\n{ran.stderr[-2000:]}")
    found = json.loads(ran.stdout)
    return found["plan"], Cost(took, found["cpu_s"], found["most_kib"] / MIB)


def measured(case: Case, seeds: int) -> tuple[list[Quality], list[Cost]]:
    """Quality and cost of each instance."""
    qualities, costs = [], []
    for seed in range(seeds):
        instance = case.make(seed)
        with tempfile.TemporaryDirectory(prefix="bluetop-balance-") as workspace:
            families.write(instance, workspace)
            plan, cost = planned(instance, workspace)
        costs.append(cost)
        qualities.append(quality(instance, plan, NOW, case.how))
    return qualities, costs


def figure(case: Case, qualities: list[Quality], costs: list[Cost]) -> Figure:
    """One row of them, held against the goals."""
    gaps = [found.peak_gap for found in qualities]
    excesses = [found.excess_gap for found in qualities]
    ratios = [found.move_ratio for found in qualities]
    return Figure(
        case.family, case.size, len(qualities), fmean(gaps), max(gaps), fmean(excesses), max(excesses),
        max(found.overflow_gap for found in qualities), fmean(found.moves for found in qualities),
        fmean(ratios), max(ratios), max(cost.took_s for cost in costs), max(cost.cpu_s for cost in costs),
        max(cost.most_mib for cost in costs), tuple(missed_goals(case, qualities, costs)),
    )  # fmt: skip


def missed_goals(case: Case, qualities: list[Quality], costs: list[Cost]) -> Iterator[str]:
    """What of section 8 these miss."""
    gaps = [found.peak_gap for found in qualities]
    size = tuple(int(part) for part in case.size.split("x"))
    if case.family.startswith("tiny"):
        yield from (missed for found in qualities for missed in limits_missed(found))
    elif case.family.startswith("level"):
        if case.family == LEVEL and fmean(gaps) > 0.03:
            yield f"mean peak gap {fmean(gaps):.1%} > 3 %"
        yield from (f"{q.name}: peak gap {q.peak_gap:.1%} > 6 %" for q in qualities if q.peak_gap > 0.06)
    else:
        if fmean(gaps) > 0.015:
            yield f"mean peak gap {fmean(gaps):.1%} > 1.5 %"
        most = 1.25 if size[0] * size[1] <= 1_000 else 1.35
        for found in qualities:
            yield from (missed for missed in limits_missed(found) if " moves, " not in missed)
            if found.move_ratio > most + 1e-9:
                yield f"{found.name}: {found.moves} moves, {found.fewest_moves} do: {found.move_ratio:.2f} > {most}"
    if (limits := COSTS.get((size[0], size[1]))) and case.family == "mixed":
        if (took := max(cost.took_s for cost in costs)) > limits[0]:
            yield f"{took:.1f} s > {limits[0]:g} s"
        if limits[1] and (most_mib := max(cost.most_mib for cost in costs)) > limits[1]:
            yield f"{most_mib:.0f} MiB > {limits[1]:g} MiB"


HEAD = (
    f"{'family':<14}{'size':<12}{'n':>4}{'peak gap':>9}{'max':>7}{'exc. gap':>9}{'max':>8}{'over':>5}{'moves':>8}"
    f"{'ratio':>7}{'max':>6}{'s':>7}{'cpu s':>7}{'MiB':>6}  goal\n"
)


def line(row: Figure) -> str:
    """A row as text."""
    return (
        f"{row.family:<14}{row.size:<12}{row.instances:>4}{row.peak_gap_mean:>9.2%}{row.peak_gap_max:>7.2%}"
        f"{row.excess_gap_mean:>9.1%}{row.excess_gap_max:>8.1%}{row.overflow_gap_max:>5}{row.moves_mean:>8.1f}"
        f"{row.move_ratio_mean:>7.2f}{row.move_ratio_max:>6.2f}{row.took_s_max:>7.2f}{row.cpu_s_max:>7.2f}"
        f"{row.most_mib:>6.0f}  {'missed' if row.missed else 'PASS'}\n"
    )


def main() -> int:
    """Print the table; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few seeds, nothing very large")
    parser.add_argument("--family", default="", help="only families whose name begins like this")
    parser.add_argument("--size", default="", help="only this size, as 10x100")
    parser.add_argument("--seeds", type=int, default=0, help="so many instances a row")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    args = parser.parse_args()
    out = sys.stdout.write
    out(HEAD)
    rows: list[Figure] = []
    leveled: dict[str, tuple[list[Quality], list[Cost]]] = {}

    def tell(case: Case, qualities: list[Quality], costs: list[Cost]) -> None:
        rows.append(figure(case, qualities, costs))
        out(line(rows[-1]))
        for missed in rows[-1].missed:
            out(f"    {missed}\n")
        sys.stdout.flush()

    for case in cases():
        seeds = args.seeds or (case.quick_seeds if args.quick else case.seeds)
        if not seeds or not case.family.startswith(args.family) or args.size not in ("", case.size):
            continue
        qualities, costs = measured(case, seeds)
        tell(case, qualities, costs)
        if case.family.startswith("level"):
            all_qualities, all_costs = leveled.setdefault(case.size, ([], []))
            all_qualities += qualities
            all_costs += costs
    for size, (qualities, costs) in leveled.items():
        tell(Case(LEVEL, size, families.tiny_level, 0, 0, RELAXED), qualities, costs)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump([row._asdict() for row in rows], file, indent=2)
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
