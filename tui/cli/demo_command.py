"""`bluetop demo`: its options. What it does is in `tui.cli.demo`."""

import argparse

from tui.cli.options import Options

EXAMPLES = """\
Six agents take, finish and fail tasks in a temporary folder; it is removed at exit.

examples:
  bluetop demo
  bluetop demo --speed 4               four times as busy
  bluetop demo --headless --dir ./show    only the agents, in a folder to point other commands at
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `demo`."""
    from tui.cli.parser import duration

    parser.epilog = EXAMPLES
    parser.add_argument(
        "--dir", metavar="DIR", help="work in this folder, which stays (default: a temporary one)"
    )
    parser.add_argument("--headless", action="store_true", help="no dashboard: only let the agents work")
    parser.add_argument(
        "--duration", metavar="S", type=duration, default=0.0, help="end by itself after 90s, 15m, ..."
    )
    parser.add_argument(
        "--speed", metavar="N", type=speed, default=1.0, help="how busy the agents are (default 1)"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="the same story each time")


def speed(value: str) -> float:
    """A factor from 0.01 to 1000."""
    try:
        factor = float(value)
    except ValueError:
        factor = 0.0
    if not 0.01 <= factor <= 1000:
        raise argparse.ArgumentTypeError(f"{value} is not a number from 0.01 to 1000")
    return factor


def run(args: argparse.Namespace, options: Options) -> int:
    """Run the demo until it is left."""
    from tui.cli import demo

    return demo.run(
        options,
        dashboard=not args.headless,
        directory=args.dir,
        seed=args.seed,
        speed=args.speed,
        duration_s=args.duration,
    )
