"""Run all steps on real data: the ratings of MovieLens joined with Wikidata's film facts.

Fetches and links both sources, loads the graph into a store, and trains twice: to predict any item of a user, and to
predict what comes next. Compares each model with strong baselines on held-out interactions, recommends to a user with
the first one, and explains. Keeps everything in a folder for further commands."""

from __future__ import annotations

import argparse

from whypath.cli.arguments import add_json, seed
from whypath.cli.console import print_json, progress, remark, show

SUMMARY = "run all steps on real data, from an empty folder to explained recommendations"
EXAMPLES = """\
  whypath demo
  whypath demo my-demo --user 7 --seed 2
  whypath demo --prepare domain --wheels wheels
  whypath demo --domain films-1m --prepare films-1m
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "folder",
        nargs="?",
        default="whypath-demo",
        metavar="FOLDER",
        help="folder for all files (default whypath-demo)",
    )
    parser.add_argument(
        "--prepare", metavar="DIR", help="only fetch and link: write domain.yaml and its tables into DIR, and stop"
    )
    parser.add_argument(
        "--domain",
        choices=("films-100k", "films-1m"),
        default="films-100k",
        help="ratings of MovieLens-100k (default), or the million of MovieLens-1M",
    )
    parser.add_argument(
        "--catalogue",
        choices=("movielens", "full"),
        default="movielens",
        help="full: also films that no user has rated",
    )
    parser.add_argument("--wheels", metavar="DIR", help="a folder with the sources' wheels, for use without a network")
    parser.add_argument("--seed", type=seed, default=1, metavar="N", help="seed of split and training (default 1)")
    parser.add_argument("--user", default="42", metavar="ID", help="the user to recommend to (default 42)")
    parser.add_argument("--no-text", action="store_true", help="leave texts out of the model")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prepare only, or run all steps."""
    if arguments.prepare is not None:
        return _prepare(arguments)
    from pathlib import Path

    from encoders.installed import check_training_installed
    from whypath.demo import DemoOptions, run_demo

    check_training_installed()
    import torch

    # In a domain this small, threads wait for each other longer than they work.
    torch.set_num_threads(1)

    options = DemoOptions(
        folder=Path(arguments.folder),
        domain=arguments.domain,
        catalogue=arguments.catalogue,
        wheels=None if arguments.wheels is None else Path(arguments.wheels),
        seed=arguments.seed,
        user=arguments.user,
        text=not arguments.no_text,
    )
    with progress() as tell:
        result = run_demo(options, tell)
    show(result, as_json=arguments.json)
    if not arguments.json:
        model = f"--store {result.folder / 'store'} --bundle {result.folder / 'bundle'}"
        remark(f"\nContinue with, for example:\n  whypath recommend {model} --user 7 -k 5 --where 'year >= 1990'")
    return 0


def _prepare(arguments: argparse.Namespace) -> int:
    from kg.datasets.movielens import prepare

    with progress() as tell:
        report = prepare(
            arguments.prepare,
            domain=arguments.domain,
            catalogue=arguments.catalogue,
            wheels=arguments.wheels,
            progress=tell,
        )
    if arguments.json:
        print_json({"domain": str(report.domain), "linked_share": report.linked_share})
    else:
        print(report)
        remark(f"\nload it with: whypath load {report.domain} --store store")
    return 0
