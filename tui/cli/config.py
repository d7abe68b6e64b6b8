"""`bluetop config init|show|validate`: write a configuration to start from, show what is in force, check."""

import argparse
import os
from typing import Any

from tui.cli.options import Options

EXAMPLES = """\
examples:
  bluetop config init                  write a commented configuration where bluetop looks for it
  bluetop config show                  every setting in force, and which file it comes from
  bluetop config show poll             one section
  bluetop config validate              check the files in force
  bluetop config validate my.toml      check this file

exit status: 0 good; 2 a configuration that cannot be used
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `config`."""
    parser.epilog = EXAMPLES
    parser.usage = "bluetop config init|show|validate [options] [FILE|SECTION]"
    parser.add_argument("action", choices=("init", "show", "validate"), help="what to do")
    parser.add_argument("what", nargs="*", help="init, validate: files; show: sections")
    parser.add_argument("--force", action="store_true", help="init: replace an existing file")
    parser.add_argument("--json", action="store_true", help="show, validate: one JSON object")


def run(args: argparse.Namespace, options: Options) -> int:
    """Do what `args.action` says."""
    if args.action == "init":
        return _init(args, options)
    if args.action == "show":
        return _show(args, options)
    return _validate(args, options)


def _init(args: argparse.Namespace, options: Options) -> int:
    from core.control import InitConfig, submit
    from core.errors import UsageError
    from tui.cli.output import Output

    if len(args.what) > 1 or (args.what and options.config):
        raise UsageError("bluetop config init: it writes one file; name one, or none for the usual place")
    path = args.what[0] if args.what else options.config
    out = Output(options)
    out.line(submit(InitConfig(path, force=args.force), read_only=options.read_only).text)
    return 0


def _show(args: argparse.Namespace, options: Options) -> int:
    import msgspec

    from core.config import files_in_force, load
    from core.configfile import examine
    from core.errors import UsageError
    from core.text import clean
    from tui.cli.output import Output

    files = files_in_force(options.config, os.environ)
    settings: dict[str, Any] = _without_secrets(msgspec.to_builtins(load(options.config)))
    origin = examine(files).origin
    for section in args.what:
        if section not in settings:
            raise UsageError(
                f"bluetop config show: there is no section {clean(section)}; there are {', '.join(settings)}"
            )
    chosen = {name: value for name, value in settings.items() if not args.what or name in args.what}
    out = Output(options)
    if args.json:
        out.json({"schema": "bluetop.config/1", "files": list(files), "settings": chosen, "origin": origin})
        return 0
    import tomli_w

    out.line(
        "# Defaults" + ("".join(f", then {clean(path)}" for path in files) or "; there is no file of yours")
    )
    for key, path in sorted(origin.items()):
        if not args.what or key.split(".")[0] in args.what:
            out.line(f"# {clean(key)}: from {clean(path)}")
    for line in tomli_w.dumps(_sayable(chosen)).splitlines():
        out.line(clean(line))
    return 0


def _without_secrets(settings: dict[str, Any]) -> dict[str, Any]:
    """What is shown may be passed on: of a webhook only the host is told, and the names of its headers."""
    from urllib.parse import urlsplit

    for hook in settings["webhook"]:
        address = urlsplit(hook["url"])
        hook["url"] = f"{address.scheme}://{address.hostname}/(not shown)"
        hook["headers"] = dict.fromkeys(hook["headers"], "(not shown)")
    return settings


def _sayable(value: Any) -> Any:
    """Without what is None: TOML cannot say it, and a key that is not there says the same."""
    if isinstance(value, dict):
        return {key: _sayable(one) for key, one in value.items() if one is not None}
    return [_sayable(one) for one in value] if isinstance(value, list | tuple) else value


def _validate(args: argparse.Namespace, options: Options) -> int:
    from core.config import files_in_force
    from core.configfile import examine
    from tui.cli.output import Output

    files = tuple(os.path.abspath(path) for path in args.what) or files_in_force(options.config, os.environ)
    loaded = examine(files)
    faults = (*loaded.faults, *loaded.rejected)
    out = Output(options)
    if args.json:
        out.json(
            {
                "schema": "bluetop.config.validate/1",
                "files": list(files),
                "valid": not faults,
                "faults": [
                    {"file": f.file, "line": f.line or None, "key": f.key, "value": f.value,
                     "problem": f.problem, "advice": f.advice}
                    for f in faults
                ],
            }
        )  # fmt: skip
    elif faults:
        for fault in faults:
            out.wrapped(fault.sentence(), indent="")
    else:
        from core.text import clean

        out.line(
            f"good: {', '.join(clean(path) for path in files)}"
            if files
            else "good: there is no file, only defaults"
        )
    return 2 if faults else 0
