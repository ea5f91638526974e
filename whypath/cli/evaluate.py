"""Rank all candidates for every user of a test file and measure the lists.

Users' histories come from --history, or from the store's events. --ablate adds the model without each block, gates
fitted again, and its twins, trained from scratch with the same seed: without the graph, with a shuffled graph, without
text. It needs the files that the bundle was trained on."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from whypath.cli.arguments import add_bundle, add_history, add_json, add_store
from whypath.cli.console import print_json, progress, remark

if TYPE_CHECKING:
    from fusion.results import EvaluationResult

SUMMARY = "measure a bundle on held-out interactions"
EXAMPLES = """\
  whypath evaluate --store store --bundle bundle --history train.tsv --exclude valid.tsv --test test.tsv
  whypath evaluate --store store --bundle bundle --history train.tsv --exclude valid.tsv --test test.tsv \\
      --ablate --train train.tsv --valid valid.tsv
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_store(parser)
    add_bundle(parser)
    add_history(parser)
    parser.add_argument("--test", required=True, metavar="F", help="held-out interactions (user, item)")
    parser.add_argument("--candidates", metavar="F", help="rank only the items of this file")
    parser.add_argument(
        "--exclude", nargs="+", default=[], metavar="F", help="files with items that are not to be ranked"
    )
    parser.add_argument("--ablate", action="store_true", help="also leave out each block, and train the twins")
    parser.add_argument("--train", metavar="F", help="for --ablate: the file that the bundle was trained on")
    parser.add_argument("--valid", metavar="F", help="for --ablate: the validation file, if there was one")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the metrics."""
    from dataclasses import asdict
    from pathlib import Path

    from kg.errors import WhyPathError
    from whypath.engine import Engine
    from whypath.models.evaluating import EvaluationFiles

    if arguments.ablate and not arguments.train:
        raise WhyPathError("--ablate trains again: give the file that the bundle was trained on with --train")
    if not arguments.ablate and (arguments.train or arguments.valid):
        raise WhyPathError("--train and --valid are for --ablate; the users' histories are --history")
    files = EvaluationFiles(
        test=Path(arguments.test),
        history=tuple(Path(path) for path in arguments.history or ()),
        exclude=tuple(Path(path) for path in arguments.exclude),
        candidates=None if arguments.candidates is None else Path(arguments.candidates),
    )
    with (
        Engine.open(arguments.store, arguments.bundle, download=arguments.download, wait_for_texts=True) as engine,
        progress() as tell,
    ):
        record = engine.bundle.record
        if record.updated is not None:
            remark(
                f"note: the bundle was updated on {record.updated.at:%Y-%m-%d} with the {record.data.n_events:,}"
                " positive events of the store then; test events among them are not held out"
            )
        if not arguments.ablate:
            found = engine.evaluate(files, progress=tell)
            if arguments.json:
                print_json(result_data(found))
            else:
                print(found)
            return 0
        ablation = engine.ablate(files, arguments.train, arguments.valid, progress=tell)
    if arguments.json:
        rows = [
            {**result_data(row.result), "blocks": row.blocks, "against_bundle": asdict(row.difference)}
            for row in ablation.rows
        ]
        print_json([{**result_data(ablation.full), "blocks": ablation.blocks, "against_bundle": None}, *rows])
    else:
        print(ablation)
    return 0


def result_data(result: EvaluationResult) -> dict[str, object]:
    """A result as plain data: means, and 95 % bootstrap intervals of means over users."""
    intervals = {name: result.interval(name) for name in result.per_user}
    return {
        "name": result.name,
        "users": len(result.users),
        "metrics": {name: result.mean(name) for name in result.metrics},
        "intervals": {name: [interval.low, interval.high] for name, interval in intervals.items()},
        "seconds": result.seconds,
    }
