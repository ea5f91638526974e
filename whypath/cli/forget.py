"""Remove a user: node, events and relations from the store, traces from cached snapshots, and what waits on this
machine for the store's server. Prints how much of each was removed, and how much could still be found afterwards.

In a graph that WhyPath does not own it removes what it has written itself, and says what it left."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from whypath.cli.arguments import add_json, add_store
from whypath.cli.console import print_json, remark

if TYPE_CHECKING:
    from kg.stores import DeletionReport

SUMMARY = "remove a user and all their events"
EXAMPLES = """\
  whypath forget 42 --store store
  whypath forget ann@example.org --store shop.yaml --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("user", metavar="USER", help="the user's id")
    add_store(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Remove, print the counts; 1 if there is no such user, or if something of them is left that should not be."""
    from whypath.engine import Engine

    with Engine.open(arguments.store) as engine:
        report = engine.forget(arguments.user)
    _tell(report, as_json=arguments.json)
    return 0 if report.found and not report.remaining else 1


def _tell(report: DeletionReport, *, as_json: bool) -> None:
    counts = {
        "events": report.events,
        "relations": report.edges,
        "recommendations": report.recommendations,
        "quarantined": report.quarantined,
        "snapshots": report.snapshots,
        "remaining": report.remaining,
    }
    if as_json:
        told = {"user": report.user, "found": report.found, **counts, "waiting": report.waiting, "left": report.left}
        print_json({**told, "unreached": list(report.unreached)})
        return
    if not report.found:
        remark(str(report))
        return
    print(f"user {report.user!r}")
    for name, count in counts.items():
        waited = f"  ({report.waiting:,} of them waited on this machine)" if name == "events" and report.waiting else ""
        words = {
            "quarantined": "rows taken out of files of bad rows",
            "snapshots": "cached snapshots written anew",
            "remaining": "remaining afterwards",
        }.get(name, f"{name} removed")
        print(f"{count:>9,} {words}{waited}")
    if report.left:
        remark(f"note: {report.left}")
    for place in report.unreached:
        remark(f"note: rows of the user may stand in {place}, which could not be reached; look there yourself")
