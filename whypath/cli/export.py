"""Write a model's results into the graph or to a file: item vectors, or the recommendations of all users.

In Neo4j they are written as properties with a native vector index, and as relationships RECOMMENDED from users to
items; in an external graph they have separate names (WHYPATH_RECOMMENDED, whypath_vector) and are written only if its
description says `write: true`. An interrupted export can be run again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from whypath.cli.arguments import add_bundle, add_json, add_store, positive
from whypath.cli.console import print_json, progress, remark

if TYPE_CHECKING:
    from whypath.io.result_export import ResultsExported

SUMMARY = "write item vectors or recommendations into the graph or a file"
EXAMPLES = """\
  whypath export --store bolt://localhost:7687 --bundle bundle --vectors --to-store
  whypath export --store bolt://localhost:7687 --bundle bundle --recommendations 20 --to-store
  whypath export --store store --bundle bundle --vectors --out vectors.parquet
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_store(parser)
    add_bundle(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--vectors", action="store_true", help="the items' vectors, for an index of nearest neighbours")
    what.add_argument("--recommendations", type=positive, metavar="K", help="the K best items of every user")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--to-store", action="store_true", help="write into the store's graph (Neo4j)")
    where.add_argument(
        "--out", metavar="FILE", help="write .parquet or .tsv (recommendations also .csv, and either with .gz)"
    )
    parser.add_argument("--users", metavar="F", help="recommendations only for the users of this file")
    parser.add_argument(
        "--dimensions", type=_dimensions, metavar="N", help="length of the vectors (default 256, at most 4096)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write them."""
    from pathlib import Path

    from fusion.item_vectors import DIMENSIONS
    from kg.errors import WhyPathError
    from kg.opening import open_store
    from whypath.answering.recs import check_name
    from whypath.engine import Engine
    from whypath.io.files import read_users
    from whypath.io.result_export import (
        check_vector_file,
        recommendations_to_file,
        recommendations_to_store,
        taking,
        vectors_to_file,
        vectors_to_store,
    )

    if arguments.vectors and arguments.users is not None:
        raise WhyPathError("--users is for --recommendations; vectors are of all items")
    if not arguments.vectors and arguments.dimensions is not None:
        raise WhyPathError("--dimensions is for --vectors")
    out = None if arguments.out is None else Path(arguments.out)
    if out is not None:
        check_vector_file(out) if arguments.vectors else check_name(out)
    users = None if arguments.users is None else read_users(arguments.users)
    store = open_store(arguments.store)
    try:
        if out is None:
            taking(store)
        engine = Engine.open(store, arguments.bundle, download=arguments.download, wait_for_texts=True)
        with progress() as tell:
            if arguments.vectors:
                dimensions = arguments.dimensions or DIMENSIONS
                if out is None:
                    found = vectors_to_store(engine, dimensions=dimensions, tell=tell)
                else:
                    found = vectors_to_file(engine, out, dimensions=dimensions, tell=tell)
            elif out is None:
                found = recommendations_to_store(engine, arguments.recommendations, users=users, tell=tell)
            else:
                found = recommendations_to_file(engine, out, arguments.recommendations, users=users)
    finally:
        store.close()
    _report(found, arguments)
    return 0


def _report(found: ResultsExported, arguments: argparse.Namespace) -> None:
    place = arguments.out or arguments.store
    if arguments.json:
        nodes = {"items" if arguments.vectors else "users": found.nodes}
        rows = {} if arguments.vectors else {"rows": found.rows}
        print_json({"written_to": place, **nodes, **rows, "missing": found.missing})
        return
    if arguments.vectors:
        remark(f"{place}: vectors of {found.nodes:,} items")
    else:
        remark(f"{place}: {found.rows:,} recommendations for {found.nodes:,} users")
    if found.missing:
        what = "items" if arguments.vectors else "users"
        remark(f"{found.missing:,} {what} are not in the store (any more), or are several nodes, and were skipped")


def _dimensions(text: str) -> int:
    number = positive(text)
    if not 2 <= number <= 4096:
        raise argparse.ArgumentTypeError(f"must be from 2 to 4096, not {number}")
    return number
