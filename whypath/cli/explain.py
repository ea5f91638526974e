"""Explain an item's score for a user: the score's exact split, and labelled paths in the graph.

The split shows the share of each part of the model and of each item of the history; the paths lead from items of the
history to the item, over edges that are all in the store."""

from __future__ import annotations

import argparse

from whypath.cli.arguments import add_bundle, add_history, add_json, add_store, positive
from whypath.cli.console import remark, show

SUMMARY = "explain why an item is recommended to a user"
EXAMPLES = """\
  whypath explain --store store --bundle bundle --user 42 --item 50
  whypath explain --store store --bundle bundle --history train.tsv --user 42 --item 50 --paths 3 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_store(parser)
    add_bundle(parser)
    parser.add_argument("--user", required=True, metavar="ID", help="the user")
    parser.add_argument("--item", required=True, metavar="ID", help="the item")
    add_history(parser)
    parser.add_argument(
        "--paths", type=positive, default=5, metavar="N", help="largest number of paths shown (default 5)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation."""
    from whypath.engine import Engine

    with Engine.open(arguments.store, arguments.bundle, download=arguments.download, wait_for_texts=True) as engine:
        found = engine.explain(
            arguments.user, arguments.item, paths=arguments.paths, history=arguments.history, progress=remark
        )
    show(found, as_json=arguments.json)
    return 0
