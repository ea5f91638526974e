"""Arguments that several commands share, so that a name means the same in all of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whypath.answering.filters import FilterOptions


def add_store(parser: argparse.ArgumentParser, *, required: bool = True) -> argparse.Action:
    """`--store`."""
    return parser.add_argument(
        "--store",
        required=required,
        metavar="PATH-or-URL",
        help="the graph store: a folder, a URL such as bolt://host:7687, or a domain.yaml that names a graph",
    )


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """`--bundle` of a trained model, and `--download`."""
    parser.add_argument("--bundle", required=True, metavar="DIR", help="the trained model, as `whypath train` wrote it")
    parser.add_argument(
        "--download",
        action="store_true",
        help="fetch the text model that the bundle names, if new items need it and this machine lacks it",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def add_history(parser: argparse.ArgumentParser) -> None:
    """`--history`."""
    parser.add_argument(
        "--history",
        nargs="+",
        metavar="F",
        help="files with the users' histories (user, item); by default the store's events",
    )


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Filters of the items that may be listed."""
    group = parser.add_argument_group(
        "filters", "applied before the top k, so that k items are listed if that many remain"
    )
    group.add_argument("--candidates", metavar="F", help="list only the items of this file")
    group.add_argument(
        "--exclude",
        nargs="+",
        metavar="F",
        default=[],
        help="files with items that must not be listed: (user, item) rows, or items alone for all users",
    )
    group.add_argument("--include-id", nargs="+", metavar="ID", help="list only these items")
    group.add_argument("--exclude-id", nargs="+", metavar="ID", default=[], help="do not list these items")
    group.add_argument("--kind", nargs="+", metavar="KIND", default=[], help="list only items of these kinds")
    group.add_argument(
        "--where",
        action="append",
        metavar="CONDITION",
        default=[],
        help="a condition on a field or relation, such as 'year >= 1990' or 'genre == Comedy'; all given must hold",
    )
    group.add_argument("--available", action="store_true", help="list only what the domain says is available")


def filters_of(arguments: argparse.Namespace) -> FilterOptions:
    """Filters of a command line except `--exclude`, whose files the command reads; reads `--candidates`."""
    from whypath.io.files import read_candidates

    include = None if arguments.include_id is None else list(arguments.include_id)
    if arguments.candidates is not None:
        wanted = read_candidates(arguments.candidates)
        include = wanted if include is None else [item for item in include if item in set(wanted)]
    return {
        "include": include,
        "exclude": arguments.exclude_id,
        "kinds": arguments.kind,
        "where": arguments.where,
        "available": arguments.available,
    }


def path(text: str) -> str:
    """A path, for argparse; a URL, which may contain a password, is refused and not repeated."""
    if "://" in text:
        raise argparse.ArgumentTypeError("a file is expected here, not a URL")
    return text


MOST = 2**31 - 1
"""Numbers of items, paths and edges beyond this mean "all there are"."""


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse; `MOST` for a larger one."""
    return min(_whole(text, at_least=1), MOST)


def seed(text: str) -> int:
    """A seed of random numbers, 0 to `LARGEST_SEED`, for argparse."""
    from whypath.models.bundle_record import LARGEST_SEED  # which imports numpy, and `--help` does not need it

    try:
        number = _whole(text, at_least=0)
    except argparse.ArgumentTypeError:
        number = -1
    if not 0 <= number <= LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"must be from 0 to {LARGEST_SEED}")
    return number


def _whole(text: str, *, at_least: int) -> int:
    digits = text.strip()
    if digits.isascii() and digits.isdigit() and len(digits) > 30:
        return 10**30  # more digits than Python reads
    try:
        number = int(digits)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number") from None
    if number < at_least:
        raise argparse.ArgumentTypeError(f"must be at least {at_least}, not {text[:40].strip()}")
    return number
