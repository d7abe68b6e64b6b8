"""A workspace with kept alerts: real files, made by a bluetop on a scripted clock that ended a moment ago."""

import time
from pathlib import Path

from core.clock import SYSTEM_CLOCK
from core.config import Rule
from tests.alerts.living import Living
from tests.measured import cpu, memory, queue

QUEUE = Rule("queue_length", "queue_length", 15, "agent", clear=12)
CPU = Rule("cpu_critical", "cpu_percent", 90, "host", clear=85, for_s=3, severity="critical")
MEMORY = Rule("memory_high", "memory_percent", 85, "host", clear=80, for_s=15, severity="high")
ALL = (CPU, MEMORY, QUEUE)


def lived(root: Path, ago_s: float = 60.0, *, end: bool = True) -> Living:
    """The queues of CA and CB fire, the processor has been too busy, memory is pending; it ended `ago_s` ago."""
    now, wall = SYSTEM_CLOCK.now(), time.time()
    here = Living(*ALL, root=root, at=now - ago_s - 12, wall=wall - ago_s - 12, boot=SYSTEM_CLOCK.boot())
    here.calm(queue("CA", pending=20), queue("CB", pending=17), queue("CC", pending=1))
    for _ in range(6):
        here.tick(cpu(here.at + 1, 97))
    here.run(2)
    here.tick(memory(here.at + 1, 91))
    here.tick(memory(here.at + 1, 91))
    if end:
        here.end()
    return here
