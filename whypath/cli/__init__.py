"""The command `whypath`: one module a command, with `SUMMARY`, `EXAMPLES`, `configure(parser)` and `run(arguments)`.

Only argparse is imported before a command runs, so that `--help` answers at once. Results go to stdout, progress and
messages to stderr. A `WhyPathError` is printed without a traceback and exits with 2, like a wrong command line.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from whypath.cli.streams import visible_streams

COMMANDS = (
    "demo",
    "init",
    "load",
    "train",
    "evaluate",
    "recommend",
    "similar",
    "explain",
    "record",
    "forget",
    "export",
    "graph",
    "doctor",
)
"""In the order in which they are used; each is a module of this package."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it (128 + SIGINT)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 a check failed, 2 an error said on stderr, 130 interrupted."""
    with visible_streams(also_behind_errors=True):
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    parsed = build_parser().parse_args(arguments)
    # Only now: this alone brings numpy in, and `--help` has answered before.
    from kg.errors import WhyPathError

    try:
        code = parsed.run(parsed)
        sys.stdout.flush()
        return int(code or 0)
    except WhyPathError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        print("\nwhypath: interrupted; nothing was left half-written", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left (`| head`). Point stdout elsewhere, or Python complains while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # A full disk, a folder without permission: the operating system's own words and the file are what helps.
        where = f"{error.filename}: " if error.filename else ""
        return _failed(f"{where}{error.strerror or error}")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="whypath",
        description="Knowledge-graph recommendations that show the graph paths behind them.",
        epilog="`whypath COMMAND --help` explains a command with examples; `whypath demo` shows it all on real data.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"whypath.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=(module.__doc__ or module.SUMMARY).strip(),
            epilog=f"examples:\n{module.EXAMPLES.rstrip()}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(command)
        command.set_defaults(run=module.run)
    return parser


class _Version(argparse.Action):
    """`--version`, looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from whypath import __version__

        print(f"whypath {__version__}")
        parser.exit()


def _failed(message: str) -> int:
    print(f"whypath: error: {message}", file=sys.stderr)
    return 2
