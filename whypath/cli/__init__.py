"""The command `whypath`: one module per command, with `SUMMARY`, `EXAMPLES`, `configure(parser)` and `run(arguments)`.

Only argparse is imported before a command runs, so that `--help` answers at once. Results go to stdout, progress and
messages to stderr. A `WhyPathError` is printed without a traceback and exits with 2, like a wrong command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from whypath.cli.ending import (
    DONE,
    ERROR,
    INTERRUPTED,
    Interruptible,
    OutputLost,
    forget_what_is_kept,
    leave,
    say,
)
from whypath.cli.streams import visible_streams

COMMANDS = (
    "demo",
    "init",
    "check",
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
"""Commands in the order of their use; each is a module of this package."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 a check failed, 2 an error reported on stderr, 130 interrupted
    by SIGINT, 143 by SIGTERM.
    """
    with visible_streams(also_behind_errors=True):
        return _run(arguments)


def entry() -> NoReturn:
    """Run the command `whypath` in its own process."""
    leave(main)


def _run(arguments: Sequence[str] | None) -> int:
    with Interruptible() as interrupted:
        try:
            return _ended(arguments)
        except BaseException:
            if not interrupted.status:
                raise
        word = "interrupted" if interrupted.status == INTERRUPTED else "terminated"
        say(f"\nwhypath: {word}; nothing was left half-written")
        return interrupted.status


def _ended(arguments: Sequence[str] | None) -> int:
    try:
        parsed = _parsed(arguments)
        # Only now: this import loads numpy, which `--help` does not need.
        from kg.errors import WhyPathError

        try:
            code = parsed.run(parsed)
        except WhyPathError as error:
            return _failed(str(error))
        if sys.stdout is not None:
            sys.stdout.flush()
        return int(code or DONE)
    except BrokenPipeError:
        # The reader of the output has closed it (`| head`) and needs no more.
        if (number := _number_of(sys.stdout)) is not None:
            forget_what_is_kept(number)
        return DONE
    except OutputLost as error:
        if (number := _number_of(sys.stdout)) is not None:
            forget_what_is_kept(number)
        return _failed(f"standard output cannot be written ({error}); changes that the command made are kept")
    except UnicodeEncodeError as error:
        if not any(0xD800 <= ord(c) <= 0xDFFF for c in error.object[error.start : error.end]):
            raise
        return _failed("an argument has bytes that are not UTF-8; nothing that it names can have that name")
    except MemoryError:
        return _failed("this machine has not enough memory for it")
    except OSError as error:
        # A full disk, a folder without permission: the operating system's message and the file help most.
        where = f"{error.filename}: " if error.filename else ""
        return _failed(f"{where}{error.strerror or error}")


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    try:
        parser = build_parser()
        given = sys.argv[1:] if arguments is None else list(arguments)
        options = given[: given.index("--")] if "--" in given else given
        if empty := next((option for option in options if option.startswith("--") and option.endswith("=--")), None):
            # argparse drops the two dashes and passes an empty list on, as of whatever type the value should be.
            parser.error(f"argument {empty[:-3]}: -- is no value")
        return parser.parse_args(given)
    except SystemExit:
        # Help is a result: failing to write it is reported as for any other.
        if sys.stdout is not None:
            sys.stdout.flush()
        raise


def _number_of(stream: Any) -> int | None:
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="whypath",
        description="Knowledge-graph recommendations that show the graph paths behind them.",
        epilog="`whypath COMMAND --help` explains a command with examples; `whypath demo` runs all steps on real data.",
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
    """`--version`, looked up only when it is given."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from whypath import __version__

        print(f"whypath {__version__}")
        parser.exit()


def _failed(message: str) -> int:
    say(f"whypath: error: {message}")
    return ERROR
