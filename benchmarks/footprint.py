"""What bluetop costs a terminal and a host, measured beside htop, btop and glances in one run.

    python benchmarks/footprint.py [--quick] [--with-processes 400] [--paused] [--rounds 3] [--json FILE]

It needs `ttymeter.py` (named by the folder BLUETOP_INSTRUMENTS) and pyte, and leaves out the monitors
that are not installed. bluetop looks at the demo workspace, whose agents work in processes outside
the measured ones. Ends with status 1 where a limit is missed. Not a test: the figures of a busy
machine differ by a quarter from run to run.
"""

import argparse
import getpass
import importlib.util
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from core.demo import fleet, workspace
from core.demo.rng import Rng

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, ROWS = 120, 40


class Program(NamedTuple):
    """One monitor: how it is run, and the pattern that only a screen with real values shows."""

    name: str
    argv: list[str]
    useful: str
    quit_key: str


class Limit(NamedTuple):
    """One figure: where it is in a result, and what it may be (a number, or a factor of a peer's)."""

    label: str
    unit: str
    path: tuple[str, ...]
    most: float
    of: str = ""


FRAME = Limit("first useful frame", "ms", ("startup", "useful_ms"), 1.0, "htop")
CPU = Limit("CPU, quiet host", "% of a core", ("steady", "cpu_pct_of_core"), 1.0, "btop")
LOADED_CPU = Limit("CPU, more processes", "% of a core", ("steady", "cpu_pct_of_core"), 0.6, "htop")
WIRE = Limit("to the terminal", "bytes/s", ("steady", "bytes_per_s"), 1.0, "htop")
KEY = Limit("key to screen, p95", "ms", ("input", "response", "screen_change_ms", "p95"), 10.0)
QUIT = Limit("quit", "ms", ("exit", "exit_ms"), 50.0)
RSS = Limit("RSS, all processes", "MiB", ("steady", "rss_mib_steady"), 50.0)
PAUSED_CPU = Limit("CPU, paused", "% of a core", ("steady", "cpu_pct_of_core"), 0.1)
PAUSED_WIRE = Limit("to the terminal, paused", "bytes/s", ("steady", "bytes_per_s"), 40.0)


def main() -> int:
    """Measure what was asked for, print the table, and return 1 where a limit is missed."""
    if sys.argv[1:2] == ["--measure"]:
        json.dump(_measure(json.loads(sys.argv[2])), sys.stdout)
        return 0
    options = _options()
    if _meter_path() is None:
        sys.stderr.write("footprint: set BLUETOP_INSTRUMENTS to the folder with ttymeter.py\n")
        return 2
    scenes: dict[str, dict[str, dict[str, Any]]] = {}
    with _demo() as (home, place):
        ours, *peers = _programs(home, place)
        programs = [ours, *(p for p in peers if shutil.which(p.argv[0]))]
        scenes["quiet"] = _scene(programs, options, home)
        if options.with_processes:
            few = [p for p in programs if p.name in ("bluetop", "htop", "btop")]
            with _sleepers(options.with_processes):
                scenes[f"{options.with_processes} more processes"] = _scene(few, options, home, keys=False)
        if options.paused:
            scenes["paused"] = _scene(programs[:1], options, home, keys=False, paused=True)
    if options.json:
        Path(options.json).write_text(json.dumps(scenes, indent=2) + "\n")
    missed = 0
    for name, figures in scenes.items():
        limits: tuple[Limit, ...] = (FRAME, CPU, WIRE, KEY, QUIT, RSS)
        if name == "paused":
            limits = (PAUSED_CPU, PAUSED_WIRE)
        elif name != "quiet":
            limits = (LOADED_CPU, WIRE, RSS)
        missed += _table(name, figures, limits)
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="bluetop beside htop, btop and glances, in one run.")
    parser.add_argument("--quick", action="store_true", help="short windows: a first idea, not a figure")
    parser.add_argument("--with-processes", type=int, default=0, metavar="N", help="also with N sleepers")
    parser.add_argument("--paused", action="store_true", help="also with bluetop paused")
    parser.add_argument("--rounds", type=int, default=1, help="take each figure so often, in turn; medians")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    return parser.parse_args()


def _programs(home: str, place: str) -> list[Program]:
    user = rf"\b{getpass.getuser()}\b"
    installed = Path(sys.executable).with_name("bluetop")
    return [
        Program("bluetop", [str(installed), "--workspace", place], r"(?=[\s\S]*\bCB\b)(?=[\s\S]*\d ?%)", "q"),
        Program("htop", ["htop", "-d", "10"], user, "q"),
        Program("btop", ["btop"], user, "q"),
        Program("glances", ["glances", "-C", f"{home}/glances.conf", "-t", "1"], user, "q"),
    ]


def _scene(
    programs: list[Program],
    options: argparse.Namespace,
    home: str,
    *,
    keys: bool = True,
    paused: bool = False,
) -> dict[str, dict[str, Any]]:
    """Every program's result, the median of the rounds; the programs take turns."""
    results: dict[str, list[dict[str, Any]]] = {program.name: [] for program in programs}
    for _ in range(options.rounds):
        for program in programs:
            asked = {
                "argv": program.argv,
                "useful": program.useful,
                "quit_keys": [program.quit_key],
                "keys": ["down", "up"] if keys else [],
                "key_count": 10 if options.quick else 25,
                "warmup": 2.0 if options.quick else 5.0,
                "window": 6.0 if options.quick else 20.0,
                "env": {"HOME": home, "XDG_CONFIG_HOME": f"{home}/.config"},
                "paused": paused,
            }
            sys.stderr.write(f"measuring {program.name} ...\n")
            # In a process of its own, since the meter counts all of its descendants as the program's.
            done = subprocess.run(
                [sys.executable, __file__, "--measure", json.dumps(asked)], capture_output=True, text=True
            )
            if done.returncode:
                sys.stderr.write(done.stderr)
                raise SystemExit(2)
            results[program.name].append(json.loads(done.stdout))
    return {name: _median(runs) for name, runs in results.items()}


def _measure(asked: dict[str, Any]) -> dict[str, Any]:
    """One run of one program, by the meter."""
    meter = _meter()
    paused = asked.pop("paused")
    options = meter.Options(cols=COLUMNS, rows=ROWS, **asked)
    if not paused:
        result: dict[str, Any] = meter.measure(options)
        return result
    session = meter.Session(options)
    result = {"startup": session.startup()}
    session.pump(time.monotonic() + options.warmup)
    session._write(b"p")
    result["steady"] = session.steady()
    result["exit"] = session.finish()
    return result


def _median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The runs' figures by label, medians of what was there."""
    figures = (FRAME, CPU, WIRE, KEY, QUIT, RSS)
    middle: dict[str, Any] = {"runs": runs}
    for figure in figures:
        values = [value for run in runs if (value := _figure(run, figure.path)) is not None]
        middle["/".join(figure.path)] = statistics.median(values) if values else None
    return middle


def _figure(result: Any, path: tuple[str, ...]) -> float | None:
    for key in path:
        result = result.get(key) if isinstance(result, dict) else None
    return result if isinstance(result, int | float) else None


def _table(scene: str, figures: dict[str, dict[str, Any]], limits: tuple[Limit, ...]) -> int:
    """Print one scene; return how many limits bluetop misses."""
    lines = [f"\n{scene} ({COLUMNS}x{ROWS}, 1 s refresh)"]
    lines.append(f"{'':40}" + "".join(f"{name:>11}" for name in figures) + "   limit for bluetop")
    missed = 0
    for limit in limits:
        key = "/".join(limit.path)
        values = {name: result[key] for name, result in figures.items()}
        row = f"{limit.label + ', ' + limit.unit:40}" + "".join(_cell(v) for v in values.values())
        reference = values.get(limit.of) if limit.of else 1.0
        ours = values["bluetop"]
        if reference is None:
            row += f"   {limit.most:g} x {limit.of}, which is not here"
        elif ours is None:
            row, missed = row + "   not measured", missed + 1
        else:
            most = limit.most * reference
            missed += ours > most
            of = f" = {limit.most:g} x {limit.of}" if limit.of else ""
            row += f"   {_cell(most).strip()}{of}: {'ok' if ours <= most else 'MISSED'} ({ours / most:.2f} of it)"
        lines.append(row)
    noise = [_figure(run, ("steady", "noise_other_cpu_pct")) for r in figures.values() for run in r["runs"]]
    lines.append(f"others used {min(n or 0 for n in noise):.0f}-{max(n or 0 for n in noise):.0f} % meanwhile")
    sys.stdout.write("\n".join(lines) + "\n")
    return missed


def _cell(value: float | None) -> str:
    if value is None:
        return f"{'-':>11}"
    return f"{value:>11.3f}" if abs(value) < 1 else f"{value:>11,.1f}"


def _meter_path() -> Path | None:
    path = Path(os.environ.get("BLUETOP_INSTRUMENTS", "-"), "ttymeter.py")
    return path if path.is_file() else None


def _meter() -> Any:
    path = _meter_path()
    assert path is not None, "the parent has looked"
    spec = importlib.util.spec_from_file_location("ttymeter", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ttymeter"] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def _demo() -> Iterator[tuple[str, str]]:
    """A home with the peers' settings, and a demo workspace with a fleet at work in it."""
    place = workspace.temporary()
    words = fleet.command(place, fleet.GUARDED, fleet.REMOVING, seed=1)
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        workspace.create(place, Rng(1), time.time())
        process.stdin.write(b"!")
        process.stdin.flush()
        home = Path(place, ".home")
        (home / ".config/btop").mkdir(parents=True)
        (home / ".config/btop/btop.conf").write_text("update_ms = 1000\n")
        (home / "glances.conf").write_text("[global]\ncheck_update=false\n")
        try:
            yield str(home), place
        finally:
            process.stdin.close()


@contextmanager
def _sleepers(count: int) -> Iterator[None]:
    """So many processes that do nothing."""
    pids = [os.posix_spawn("/bin/sleep", ["sleep", "3600"], {}) for _ in range(count)]
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main())
