"""Train a model and write it as a bundle.

With --train, the store supplies graph, items and texts, and its events are not read. Without --train, the model is
trained on the store's positive events. Settings are chosen on --valid, or on the last events of users where the model
predicts what comes next; otherwise the default settings are used. --tune searches them instead.

With --update, the bundle of an earlier training on the store takes in the events and items that came since, and loses
those that have left, without a training: what is cheap to fit is fitted again, the rest stays as it was trained."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from whypath.cli.arguments import add_json, add_store, positive, seed
from whypath.cli.console import print_json, progress, remark

if TYPE_CHECKING:
    from whypath.models.train_settings import TrainSettings

SUMMARY = "train a model on files or on the store's events"
REVEALS = "a model's files can reveal items of single users, even where only few users have them in common"
EXAMPLES = """\
  whypath train --store store --bundle bundle
  whypath train --store store --train train.tsv --valid valid.tsv --seed 1 --bundle bundle
  whypath train --store store --train train.tsv --no-text --only graph --bundle graph-alone
  whypath train --store store --protocol random --bundle whatever-the-time
  whypath train --store store --train train.tsv --valid valid.tsv --tune 20 --bundle tuned
  whypath train --store store --text-model intfloat/multilingual-e5-small --bundle bundle
  whypath train --store store --update --bundle bundle
  whypath train --print-settings > settings.toml
  whypath train --store store --settings settings.toml --bundle bundle
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    store = add_store(parser)
    bundle = parser.add_argument("--bundle", required=True, metavar="DIR", help="folder to write; must not exist")
    parser.add_argument(
        "--update",
        action="store_true",
        help="bring the bundle in DIR up to date with the store, without a training, and replace it",
    )
    parser.add_argument(
        "--train", metavar="F", help="positive interactions (user, item); the store's events are not read"
    )
    parser.add_argument("--valid", metavar="F", help="held-out interactions on which settings are chosen")
    parser.add_argument(
        "--protocol",
        choices=("auto", "random", "next"),
        help="what is predicted: any item of a user, or what comes next (default: the times of the events decide)",
    )
    parser.add_argument(
        "--tune",
        type=positive,
        metavar="N",
        help="search the settings of each block by N trials; DIR.trials.json keeps them (needs the extra tune)",
    )
    parser.add_argument("--seed", type=seed, metavar="N", help="seed of all random numbers (default 1)")
    parser.add_argument(
        "--settings", metavar="FILE.toml", help="settings of all parts; flags of the command override the file"
    )
    parser.add_argument(
        "--print-settings",
        action=_PrintSettings,
        needless=[store, bundle],
        help="print all settings with their meaning, as --settings and the flags have them, and exit",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace an existing bundle; refused if the folder holds anything else"
    )
    parser.add_argument(
        "--refit", action="store_true", help="fit again on train and valid together, with the chosen settings"
    )
    facts = parser.add_mutually_exclusive_group()
    facts.add_argument(
        "--no-graph", action="store_true", help="train every part of the model without relations and degrees"
    )
    facts.add_argument("--shuffle-graph", action="store_true", help="train on the graph with its relations shuffled")
    texts = parser.add_mutually_exclusive_group()
    texts.add_argument("--no-text", action="store_true", help="train every part of the model without texts")
    texts.add_argument(
        "--text-model",
        metavar="NAME-or-DIR",
        help="the text model: an encoder of the Hugging Face hub, or a folder (default: all-MiniLM-L6-v2, English)",
    )
    parser.add_argument(
        "--only", metavar="BLOCK", help="one part alone: behavior, graph, text, or an encoder such as ease"
    )
    parser.add_argument(
        "--min-users",
        type=positive,
        default=None,
        metavar="N",
        help="learn nothing about items, and pairs of items, of fewer users (default 2; 1: learn everything)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, write the bundle, print the size of its data."""
    from kg.errors import WhyPathError
    from whypath.engine import Engine
    from whypath.models.bundle import check_free

    if arguments.update:
        return _update(arguments)
    settings = _settings(arguments)
    if arguments.print_settings:
        print(settings.to_toml(), end="")
        return 0
    for flag, is_given in (("valid", arguments.valid), ("refit", settings.refit)):
        if is_given and not arguments.train:
            raise WhyPathError(f"--{flag} needs --train: the store's events are not split")
    if settings.refit and not arguments.valid:
        raise WhyPathError("--refit fits on train and valid together; give --valid")
    directory = Path(arguments.bundle)
    check_free(directory, force=arguments.force)
    with Engine.open(arguments.store) as engine, progress() as tell:
        trials = f"{os.path.realpath(directory)}.trials.json" if settings.tune else None
        engine.train(arguments.train, arguments.valid, settings=settings, progress=tell, trials=trials)
        record = engine.save(directory, force=arguments.force)
    if arguments.json:
        print_json({"bundle": str(directory), "digest": record.digest, **record.model_dump(mode="json")})
    else:
        data = record.data
        print(f"{directory}: trained on {data.n_events:,} interactions of {data.n_users:,} users")
        predicts = "what comes next" if record.protocol == "next" else "any item of a user, whatever its time"
        print(f"protocol {record.protocol}: it predicts {predicts}")
        print(f"digest {record.digest}")
    remark(f"note: {REVEALS}; keep {directory} as you keep the events themselves")
    return 0


_OF_BUNDLE = (
    *("train", "valid", "protocol", "seed", "settings", "print_settings", "force", "refit", "tune"),
    *("no_graph", "shuffle_graph", "no_text", "text_model", "only", "min_users"),
)
"""Arguments that an update takes from the bundle."""


def _update(arguments: argparse.Namespace) -> int:
    """Update the bundle, print what came in."""
    from dataclasses import asdict

    from kg.errors import WhyPathError
    from whypath.engine import Engine
    from whypath.models.updating import update_folder

    if given := [name for name in _OF_BUNDLE if getattr(arguments, name) not in (None, False)]:
        raise WhyPathError(
            f"--update keeps all settings of the bundle, and --{given[0].replace('_', '-')} is for a training; leave it"
            " out, or train again without --update"
        )
    directory = Path(arguments.bundle)
    with Engine.open(arguments.store) as engine, progress() as tell:
        report = update_folder(engine.store, directory, tell=tell)
    if arguments.json:
        found = asdict(report)
        del found["path"]
        print_json({"bundle": str(directory), **found})
    else:
        print(f"{directory}: {report}")
        print(f"digest {report.digest}")
    if report.updated:
        remark(f"note: {REVEALS}; keep {directory} as you keep the events themselves")
    return 0


def _settings(arguments: argparse.Namespace) -> TrainSettings:
    """The settings of the file, overridden by the flags."""
    from whypath.models.train_settings import TrainSettings

    settings = TrainSettings() if arguments.settings is None else TrainSettings.read(arguments.settings)
    model = arguments.text_model
    return TrainSettings.of(
        settings,
        seed=arguments.seed,
        protocol=arguments.protocol,
        tune=arguments.tune,
        refit=arguments.refit or None,
        graph="none" if arguments.no_graph else "shuffled" if arguments.shuffle_graph else None,
        text=False if arguments.no_text else None,
        only=arguments.only,
        min_users=arguments.min_users,
        # Another model has another revision and digest, and its own prefix.
        text_encoder=None if model is None else type(settings.text_encoder)(model=model),
    )


class _PrintSettings(argparse.Action):
    """`--print-settings`: a flag with which the required arguments of a training may be missing."""

    def __init__(self, option_strings: list[str], dest: str, needless: list[argparse.Action], help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=False, help=help)
        self._needless = needless

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> None:
        namespace.print_settings = True
        for action in self._needless:
            action.required = False
