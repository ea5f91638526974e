"""List the items most similar to an item: those that the model scores best for a history of that item alone."""

from __future__ import annotations

import argparse

from whypath.cli.arguments import add_bundle, add_filters, add_json, add_store, filters_of, positive
from whypath.cli.console import show

SUMMARY = "list items similar to an item"
EXAMPLES = """\
  whypath similar --store store --bundle bundle --item 50
  whypath similar --store store --bundle bundle --item 50 -k 5 --where 'year < 1980'
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_store(parser)
    add_bundle(parser)
    parser.add_argument("--item", required=True, metavar="ID", help="the item")
    parser.add_argument("-k", type=positive, default=10, metavar="N", help="length of the list (default 10)")
    add_filters(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    from whypath.engine import Engine
    from whypath.io.files import read_exclusions

    exclusions = read_exclusions(arguments.exclude)
    filters = filters_of(arguments)
    # There is no user to match (user, item) rows with, so all their items are left out.
    filters["exclude"] = [*arguments.exclude_id, *exclusions.items, *exclusions.pairs.items]
    with Engine.open(arguments.store, arguments.bundle, download=arguments.download, wait_for_texts=True) as engine:
        found = engine.similar(arguments.item, arguments.k, **filters)
    show(found, as_json=arguments.json)
    return 0
