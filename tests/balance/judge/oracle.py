"""What a solver says is possible, with what a plan reached: the reference values of section 8.

`lower_bound` is the linear-programming bound of the peak, tasks split as one likes. `Exact` is the whole problem in
integers: small instances are solved to the end, of larger ones the solver's own bound counts, which is proven
too. HiGHS with one thread and limits; where a limit stops it, the answer is still a bound, only a weaker one.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import highspy
import numpy as np

from tests.balance.judge.naive import Goals, Task, Workspace, agent_hours_of, id_of, status_of

INFINITY = highspy.kHighsInf
SLACK = 1e-7


class Answer(NamedTuple):
    """What the solver found: the best value, what no solution betters, and the columns. `value` may be inf."""

    value: float
    bound: float
    columns: Sequence[float]


class Model:
    """A linear program that grows by columns and rows; to be minimised."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.whole: list[bool] = []
        self.rows: list[tuple[float, float, dict[int, float]]] = []

    def column(
        self, cost: float = 0.0, lower: float = 0.0, upper: float = INFINITY, whole: bool = False
    ) -> int:
        """A new column; its number."""
        self.cost.append(cost)
        self.lower.append(lower)
        self.upper.append(upper)
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(self, parts: Mapping[int, float], lower: float = -INFINITY, upper: float = INFINITY) -> int:
        """A new row: `lower` ≤ Σ ≤ `upper`; its number."""
        self.rows.append((lower, upper, dict(parts)))
        return len(self.rows) - 1

    def minimum(self, limit_s: float = 20.0, start: Sequence[float] | None = None) -> Answer:
        """Solve it. A start, where there is one, is a solution that is known."""
        solver = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy does not say
        for option, value in (
            ("output_flag", False), ("threads", 1), ("random_seed", 1), ("time_limit", limit_s),
            ("mip_rel_gap", 0.0), ("mip_abs_gap", 1e-9), ("mip_feasibility_tolerance", 1e-9),
            ("primal_feasibility_tolerance", 1e-9),
        ):  # fmt: skip
            solver.setOptionValue(option, value)
        if len(self.cost) > 20_000 and not any(self.whole):
            solver.setOptionValue("solver", "ipm")  # then it is ten times as quick as the simplex method
        problem = highspy.HighsLp()
        problem.num_col_, problem.num_row_ = len(self.cost), len(self.rows)
        problem.col_cost_, problem.col_lower_, problem.col_upper_ = (
            np.array(part, dtype=float) for part in (self.cost, self.lower, self.upper)
        )
        problem.row_lower_ = np.array([row[0] for row in self.rows], dtype=float)
        problem.row_upper_ = np.array([row[1] for row in self.rows], dtype=float)
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        if any(self.whole):
            problem.integrality_ = [kinds[whole] for whole in self.whole]
        matrix = problem.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kRowwise
        matrix.num_col_, matrix.num_row_ = problem.num_col_, problem.num_row_
        matrix.start_ = np.cumsum([0] + [len(row[2]) for row in self.rows]).astype(np.int32)
        matrix.index_ = np.array([at for row in self.rows for at in row[2]], dtype=np.int32)
        matrix.value_ = np.array([value for row in self.rows for value in row[2].values()], dtype=float)
        solver.passModel(problem)
        if start is not None:
            known = highspy.HighsSolution()
            known.col_value = list(start)
            solver.setSolution(known)
        solver.run()
        info, status = solver.getInfo(), solver.getModelStatus()
        columns = list(solver.getSolution().col_value)
        if status == highspy.HighsModelStatus.kInfeasible:
            return Answer(math.inf, math.inf, ())
        if any(self.whole):
            found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
            value = info.objective_function_value if found else math.inf
            return Answer(value, info.mip_dual_bound, columns if found else ())
        if status != highspy.HighsModelStatus.kOptimal:
            return Answer(math.inf, -math.inf, ())
        return Answer(info.objective_function_value, info.objective_function_value, columns)


class Group(NamedTuple):
    """Tasks that may go to the same agents at the same pace: their hours at each, and how many they are."""

    tasks: tuple[Task, ...]
    hours: Mapping[str, float]


class Freedom(NamedTuple):
    """What is fixed where, and what may go where. Misplaced tasks must leave, unless they `may_stay`."""

    workspace: Workspace
    fixed_hours: Mapping[str, float]
    fixed_pending: Mapping[str, int]
    homes: Mapping[int, tuple[str, ...]]
    free: tuple[Task, ...]


def freedom_of(workspace: Workspace, may_stay: bool = False) -> Freedom:
    """Where each task could be; agents that are not judged are no one's home but their own tasks'."""
    hours, pending = dict.fromkeys(workspace.agents, 0.0), dict.fromkeys(workspace.agents, 0)
    homes: dict[int, tuple[str, ...]] = {}
    free = []
    receivers: dict[object, list[str]] = {}
    finished = set().union(*workspace.finished.values()) if workspace.agents else set()
    for task in workspace.tasks:
        weight = workspace.weight(task)
        if not weight:
            continue
        owner = task.owner
        others: list[str] = []
        if workspace.is_movable(task):
            skills = task.skills
            key = (skills, None if skills else workspace.expected(task))
            if agent_hours_of(task.row) or id_of(task.row) in finished:
                others = workspace.receivers(task)
            else:
                if key not in receivers:
                    receivers[key] = [
                        agent for agent in workspace.agents if workspace.is_eligible(agent, task)
                    ]
                others = [agent for agent in receivers[key] if agent != owner]
        if not others:
            hours[owner] += workspace.p(owner, task) * weight
            pending[owner] += status_of(task.row) == "pending"
            continue
        must_leave = workspace.is_ill_placed(task) and not may_stay
        homes[task.key] = tuple(others if must_leave else sorted([owner, *others]))
        free.append(task)
    return Freedom(workspace, hours, pending, homes, tuple(free))


def groups_of(found: Freedom) -> list[Group]:
    """Free tasks that are alike, together: a split plan need not tell them apart."""
    workspace = found.workspace
    alike: dict[object, list[Task]] = {}
    for task in found.free:
        single = bool(agent_hours_of(task.row))
        key: object = task.key if single else (task.skills, found.homes[task.key])
        alike.setdefault(key, []).append(task)
    made = []
    for tasks in alike.values():
        total = math.fsum(workspace.hours(task) for task in tasks)
        first = tasks[0]
        scale = total / workspace.hours(first) if len(tasks) > 1 else 1.0
        made.append(Group(
            tuple(tasks), {agent: workspace.p(agent, first) * scale for agent in found.homes[first.key]}
        ))  # fmt: skip
    return made


def _split(
    found: Freedom, groups: Iterable[Group], model: Model, longest: float
) -> dict[str, dict[int, float]]:
    """Columns for the part of each group at each agent; the hours of each agent by column."""
    workspace = found.workspace
    parts: dict[str, dict[int, float]] = {agent: {} for agent in workspace.agents}
    for group in groups:
        whole = {}
        for agent, hours in group.hours.items():
            if len(group.tasks) == 1 and 100 * hours / workspace.capacity[agent] > longest:
                continue
            column = model.column()
            whole[column] = 1.0
            parts[agent][column] = hours
        model.row(whole, 1.0, 1.0)
    return parts


def split_peak(found: Freedom, groups: Sequence[Group], longest: float = math.inf) -> float:
    """The least max u_a [%] if tasks may be split, none going where it alone takes more than `longest` per cent.

    Infinite where some task then can go nowhere.
    """
    workspace = found.workspace
    model = Model()
    peak = model.column(1.0)
    parts = _split(found, groups, model, longest)
    for agent in workspace.judged:
        percent = 100 / workspace.capacity[agent]
        row = {column: hours * percent for column, hours in parts[agent].items()}
        model.row({**row, peak: -1.0}, upper=-found.fixed_hours[agent] * percent)
    return model.minimum().value


def lower_bound(workspace: Workspace, best: bool = False) -> float:
    """LB of section 8 [%]: no plan that leaves nothing misplaced has a lower max u_a.

    `best`: also that no task may go where it alone takes more than the bound (Lenstra, Shmoys and Tardos).
    """
    found = freedom_of(workspace)
    if not workspace.judged:
        return 0.0
    groups = groups_of(found)
    fixed = max(100 * found.fixed_hours[agent] / workspace.capacity[agent] for agent in workspace.judged)
    least_of = []
    for group in groups:
        largest = max(group.tasks, key=workspace.hours)
        least_of.append(
            min(100 * workspace.p(agent, largest) / workspace.capacity[agent] for agent in group.hours)
        )
    bound = max(fixed, split_peak(found, groups), max(least_of, default=0.0))
    if best:
        bound = _pruned(found, groups, bound)
    return rounded(workspace, found, bound)


def _pruned(found: Freedom, groups: Sequence[Group], bound: float) -> float:
    """The least T such that the tasks fit below T, split, without any that alone is longer than T."""
    low, high = bound, bound * 2
    for _ in range(30):
        if split_peak(found, groups, high) <= high:
            break
        low, high = high, high * 2
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        if split_peak(found, groups, middle) <= middle + SLACK:
            high = middle
        else:
            low = middle
    return low


def rounded(workspace: Workspace, found: Freedom, bound: float) -> float:
    """`bound`, up to the next value that a peak can have, where all hours are whole."""
    if not all(
        float(workspace.p(agent, task)).is_integer() for task in found.free for agent in found.homes[task.key]
    ) or not all(float(hours).is_integer() for hours in found.fixed_hours.values()):
        return bound
    return min(
        100 * math.ceil(bound * workspace.capacity[agent] / 100 - 1e-6) / workspace.capacity[agent]
        for agent in workspace.judged
    )


class Exact:
    """The problem in integers, under limits on X, P, E, O and M; each goal may be what is minimised.

    Not `whole`: tasks may be split, which is quick and a bound.
    """

    def __init__(self, workspace: Workspace, limit_s: float = 20.0, whole: bool = True) -> None:
        self.workspace, self.limit_s, self.whole = workspace, limit_s, whole
        self.found = freedom_of(workspace, may_stay=True)
        self.budget = int(workspace.config["max_moves"]) or len(self.found.free)

    def least(
        self, goal: str, misplaced: float = math.inf, peak: float = math.inf, excess_hours: float = math.inf,
        overflow: float = math.inf,
    ) -> Answer:  # fmt: skip
        """The least of `goal`: misplaced, peak, excess_hours, overflow or moves; within these limits."""
        workspace, found = self.workspace, self.found
        target, limit = workspace.config["target"], workspace.config["queue_limit"]
        model = Model()
        moves: dict[int, float] = {}
        left: dict[int, float] = {}
        hours: dict[str, dict[int, float]] = {agent: {} for agent in workspace.agents}
        for task in found.free:
            places = {}
            for agent in found.homes[task.key]:
                column = model.column(0.0, 0.0, 1.0, whole=self.whole)
                places[column] = 1.0
                hours[agent][column] = workspace.p(agent, task)
                if agent != task.owner:
                    moves[column] = 1.0
                elif task.key in workspace.misplaced:
                    left[column] = 1.0
            model.row(places, 1.0, 1.0)
        top = model.column(0.0, target, INFINITY)
        excess: dict[int, float] = {}
        over: dict[int, float] = {}
        for agent in workspace.judged:
            capacity, fixed = workspace.capacity[agent], found.fixed_hours[agent]
            row = hours[agent]
            highest = min(peak, 1e7)
            model.row(
                {**{c: h * 100 / capacity for c, h in row.items()}, top: -1.0}, upper=-fixed * 100 / capacity
            )
            if highest < 1e7:
                model.row(row, upper=highest * capacity / 100 - fixed + SLACK)
            if target > 0:
                beyond = model.column()
                excess[beyond] = 1.0
                model.row({**row, beyond: -1.0}, upper=target / 100 * capacity - fixed)
            if limit:
                too_many = model.column()
                over[too_many] = 1.0
                counted = {**dict.fromkeys(row, 1.0), too_many: -1.0}
                model.row(counted, upper=limit - found.fixed_pending[agent])
        model.row(moves, upper=self.budget)
        for parts, most in ((left, misplaced), (excess, excess_hours + SLACK), (over, overflow + SLACK)):
            if parts and most < math.inf:
                model.row(parts, upper=most)
        parts = {
            "misplaced": left,
            "peak": {top: 1.0},
            "excess_hours": excess,
            "overflow": over,
            "moves": moves,
        }[goal]
        for column in parts:
            model.cost[column] = 1.0
        return model.minimum(self.limit_s)

    def best(self) -> tuple[float, float]:
        """The least X, and with it the least P [%]; of P what is proven."""
        misplaced = round(self.least("misplaced").bound)
        return misplaced, self.least("peak", misplaced).bound

    def peak_bound(self) -> float:
        """What is proven of the least P [%], with nothing left misplaced; up to the grid where hours are whole."""
        bound = self.least("peak", misplaced=0).bound
        return rounded(self.workspace, freedom_of(self.workspace), bound) if math.isfinite(bound) else 0.0

    def reference(self, goals: Goals) -> "Reference":
        """The reference values for a plan that reached `goals`."""
        misplaced, peak = self.best()
        within = max(goals.peak, peak) + SLACK
        excess = self.least("excess_hours", misplaced, within).bound
        # A plan that has more than that loses by E already; O is asked for at what it has.
        overflow = math.ceil(
            self.least("overflow", misplaced, within, max(goals.excess_hours, excess)).bound - 1e-4
        )
        moves = self.least("moves", goals.misplaced, within, goals.excess_hours, goals.overflow)
        return Reference(
            misplaced, peak, max(0.0, excess), max(0, overflow), max(0, math.ceil(moves.bound - 1e-4))
        )


class Reference(NamedTuple):
    """The best X, P [%], E [h], O; and the fewest moves of any plan that is as good as the one that was judged."""

    misplaced: float
    peak: float
    excess_hours: float
    overflow: int
    moves: int


def relaxed_reference(workspace: Workspace, goals: Goals) -> Reference:
    """The same by bounds that large instances allow: split tasks, and removals only."""
    found = freedom_of(workspace)
    groups = groups_of(found)
    peak = max(lower_bound(workspace), workspace.config["target"])
    return Reference(
        0, peak, _least_excess(found, groups, max(goals.peak, peak)), _least_overflow(found, groups),
        fewest_removals(workspace, goals),
    )  # fmt: skip


def _least_excess(found: Freedom, groups: Sequence[Group], peak: float) -> float:
    """The least E [h] of split plans with at most this peak."""
    workspace = found.workspace
    target = workspace.config["target"]
    if not target:
        return 0.0
    model = Model()
    parts = _split(found, groups, model, math.inf)
    for agent in workspace.judged:
        capacity, fixed = workspace.capacity[agent], found.fixed_hours[agent]
        most = max(0.0, (peak - target) / 100 * capacity) + SLACK
        beyond = model.column(1.0, 0.0, most)
        model.row({**parts[agent], beyond: -1.0}, upper=target / 100 * capacity - fixed)
    value = model.minimum().value
    return max(0.0, value) if value < math.inf else 0.0


def _least_overflow(found: Freedom, groups: Sequence[Group]) -> int:
    """The least O of split plans, whatever their hours."""
    workspace = found.workspace
    limit = workspace.config["queue_limit"]
    if not limit:
        return 0
    model = Model()
    parts = _split(
        found, [Group(g.tasks, dict.fromkeys(g.hours, float(len(g.tasks)))) for g in groups], model, math.inf
    )
    for agent in workspace.judged:
        over = model.column(1.0)
        model.row({**parts[agent], over: -1.0}, upper=limit - found.fixed_pending[agent])
    return math.ceil(model.minimum().value - 1e-4)


def fewest_removals(workspace: Workspace, goals: Goals) -> int:
    """The fewest tasks that must leave their owners for at most this X, P, E and O, wherever they go.

    A relaxation twice: nobody receives anything, and a task may leave in part. So it is proven, and on the low side.
    """
    found = freedom_of(workspace, may_stay=True)
    target, limit = workspace.config["target"], workspace.config["queue_limit"]
    model = Model()
    leaves: dict[str, dict[int, float]] = {agent: {} for agent in workspace.agents}
    ill: dict[int, float] = {}
    # Tasks of one owner that are as long are one column.
    alike = Counter(
        (task.owner, workspace.p(task.owner, task), task.key in workspace.misplaced) for task in found.free
    )
    for (owner, hours, misplaced), count in alike.items():
        column = model.column(1.0, 0.0, float(count))
        leaves[owner][column] = hours
        if misplaced:
            ill[column] = 1.0
    loads, pending = workspace.loads({}), workspace.pending({})
    excess, over = {}, {}
    for agent in workspace.judged:
        capacity, gone = workspace.capacity[agent], leaves[agent]
        model.row(gone, lower=loads[agent] - goals.peak * capacity / 100 - SLACK)
        if target > 0:
            beyond = model.column()
            excess[beyond] = 1.0
            model.row({**gone, beyond: 1.0}, lower=loads[agent] - target / 100 * capacity)
        if limit:
            too_many = model.column()
            over[too_many] = 1.0
            model.row({**dict.fromkeys(gone, 1.0), too_many: 1.0}, lower=pending[agent] - limit)
    model.row(ill, lower=len(workspace.misplaced) - goals.misplaced)
    for parts, most in ((excess, goals.excess_hours), (over, goals.overflow)):
        if parts:
            model.row(parts, upper=most + SLACK)
    value = model.minimum().value
    return max(0, math.ceil(value - 1e-4)) if value < math.inf else 0
