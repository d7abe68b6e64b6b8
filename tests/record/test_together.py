"""Two instances on one workspace, killed and rested at any time: one record, in which nothing is invented."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.record.keeper import RETRY_S
from tests.fakes import FakeClock
from tests.record.instance import Instance, lines, put
from tests.record.scenes import chains, no_beat
from tests.record.test_model import workspace

TASKS = st.dictionaries(
    st.sampled_from(["T-1", "T-2"]), st.sampled_from(["pending", "in_progress", "blocked", "completed"])
)
WHO = st.integers(0, 1)
OPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(["CA", "CB"]), TASKS),
    st.tuples(st.just("write"), st.sampled_from(["CA", "CB"]), st.just(b"\x01")),
    st.tuples(st.just("scan"), WHO),
    st.tuples(st.just("scan"), WHO),
    st.tuples(st.just("tell"), WHO),
    st.tuples(st.just("tell"), WHO),
    st.tuples(st.just("look"), WHO),
    st.tuples(st.just("rest"), WHO),
    st.tuples(st.just("kill"), WHO),
    st.tuples(st.just("wait")),
)  # fmt: skip


def live(root: Path, ops: list[Any]) -> None:
    clock = FakeClock()
    instances = [Instance(root, clock), Instance(root, clock)]
    scanned = [False, False]
    stories: dict[tuple[str, str], list[str | None]] = {}
    now: dict[str, dict[str, str]] = {}

    def scan(who: int) -> None:
        for part in instances[who].backend.scan(no_beat):
            instances[who].ledger.take(part)
        scanned[who] = True

    def tell(who: int) -> None:
        if scanned[who]:
            instances[who].ledger.tell(no_beat)
            scanned[who] = False

    def write(agent: str, content: Any) -> None:
        put(root, clock, agent, content)
        if not isinstance(content, bytes):
            for task in {*content, *now.get(agent, ()), *(t for a, t in stories if a == agent)}:
                stories.setdefault((agent, task), [None]).append(content.get(task))
            now[agent] = content

    for op in ops:
        clock.advance(0.2)
        match op:
            case ("write", agent, content):
                write(agent, content)
            case ("scan", who):
                scan(who)
            case ("tell", who):
                tell(who)
            case ("look", who):
                scan(who)
                clock.advance(0.1)
                tell(who)
            case ("rest", who):
                instances[who].ledger.rest(no_beat)
            case ("kill", who):
                instances[who].kill()
                instances[who], scanned[who] = Instance(root, clock), False
            case _:
                clock.advance(RETRY_S)
    for agent in tuple(now):
        write(agent, dict(now[agent]))
    for _ in range(3):
        for who in (0, 1):
            clock.advance(RETRY_S)
            scan(who)
            tell(who)
    for instance in instances:
        instance.kill()
    for (agent, task), chain in chains(lines(root / ".bluetop")).items():
        left = iter(stories[agent, task])
        assert all(any(state == other for other in left) for state in chain), (task, chain, stories)
        assert chain[-1] == now[agent].get(task), (task, chain, stories)


@settings(max_examples=150, deadline=None)
@given(st.lists(OPS, max_size=30))
def test_two_instances_write_one_record(ops: list[Any]) -> None:
    with workspace() as root:
        live(root, ops)
