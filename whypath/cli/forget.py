"""Remove a user: node, events and relations from the store, traces from cached snapshots, rows from the files of bad
rows that loads have written, and events that wait on this machine for the store's server. Prints how much of each was
removed, how much was still there afterwards, and which models on this machine were trained with the user: part of the
user's events can be inferred from such a model, so train it again (--retrain).

In an external graph it removes only what WhyPath has written, and reports what remains. The files that a store was
loaded from are not changed: remove the user there, or the next load adds them again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from whypath.cli.arguments import add_json, add_store
from whypath.cli.console import print_json, progress, remark

if TYPE_CHECKING:
    from kg.stores import DeletionReport
    from whypath.models.trained_bundles import TrainedBundle

SUMMARY = "remove a user and all their events"
EXAMPLES = """\
  whypath forget 42 --store store
  whypath forget 42 --store store --retrain
  whypath forget ann@example.org --store shop.yaml --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("user", metavar="USER", help="the user's id")
    add_store(parser)
    parser.add_argument(
        "--retrain", action="store_true", help="train again the models that were trained with the user on this store"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Remove, print the counts; exit with 1 if there is no such user, or if data of them remains that should not."""
    from whypath.engine import Engine
    from whypath.models.retraining import retrain

    with Engine.open(arguments.store) as engine:
        bundles = engine.trained_with(arguments.user)
        report = engine.forget(arguments.user)
        again = [bundle for bundle in bundles if arguments.retrain and not bundle.files]
        with progress(quiet=not again) as tell:
            for bundle in again:
                tell(f"Training {bundle.path} again")
                retrain(engine.store, bundle, tell=tell)
    _tell(report, bundles, again, arguments)
    return 0 if (report.found or again) and not report.remaining else 1


def _tell(
    report: DeletionReport,
    bundles: Sequence[TrainedBundle],
    again: Sequence[TrainedBundle],
    arguments: argparse.Namespace,
) -> None:
    counts = {
        "events": report.events,
        "relations": report.edges,
        "recommendations": report.recommendations,
        "quarantined": report.quarantined,
        "snapshots": report.snapshots,
        "remaining": report.remaining,
    }
    if arguments.json:
        outcome = {"user": report.user, "found": report.found, **counts, "waiting": report.waiting, "left": report.left}
        models = [
            {"bundle": bundle.path, "files": list(bundle.files), "trained_again": bundle in again} for bundle in bundles
        ]
        print_json({**outcome, "unreached": list(report.unreached), "bundles": models})
        return
    if report.found:
        print(f"user {report.user!r}")
        for name, count in counts.items():
            waited = ""
            if name == "events" and report.waiting:
                waited = f"  ({report.waiting:,} of them waited on this machine)"
            words = {
                "quarantined": "rows removed from files of bad rows",
                "snapshots": "cached snapshots written again",
                "remaining": "remaining afterwards",
            }.get(name, f"{name} removed")
            print(f"{count:>9,} {words}{waited}")
        if report.left:
            remark(f"note: {report.left}")
    else:
        remark(str(report))
    for place in report.unreached:
        remark(f"note: rows of the user may be in {place}, which could not be reached; look there yourself")
    for bundle in bundles:
        remark(f"note: {_advice(bundle, is_trained_again=bundle in again, store=arguments.store)}")


def _advice(bundle: TrainedBundle, *, is_trained_again: bool, store: str) -> str:
    import shlex

    if is_trained_again:
        return f"{bundle.path} has been trained again without the user; copies of the former bundle are not known"
    warning = f"{bundle.path} was trained with the user's events, part of which can be inferred from it"
    if bundle.files:
        return f"{warning}; remove the user from {', '.join(bundle.files)}, and train it again"
    places = f"--store {shlex.quote(store)} --bundle {shlex.quote(bundle.path)}"
    return f"{warning}; train it again: whypath train {places} --force, or use --retrain"
