"""Compare settings of the gates, each fitted on the same out-of-sample scores of the same blocks.

A set with times is measured on its development parts (`benchmarks.development`, a fifth of the users held out whole):
next events, and beginnings of new users of 1, 2, 5 and 10 items, beside popularity and item-kNN. A set with a given
split is measured on the valid part of it, for what is not in time. Test parts are not read. Blocks are those that take
seconds, without the network and texts. All values are nDCG@10; differences are from the first line, paired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from benchmarks.development import Development
from benchmarks.quality_data import SETS, SHARED, load, prepare
from benchmarks.quality_protocols import ONLY, part_of
from benchmarks.records import Record, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC
from encoders.behavior import ItemKNN, ItemKNNSettings, Popularity
from fusion.evaluation import RankingTask, evaluate
from fusion.lists import Scorer
from fusion.protocol import Protocol
from fusion.results import EvaluationResult
from fusion.settings import FusionSettings, GateSettings
from fusion.training import Fitting
from kg.opening import open_store
from whypath.cli.console import remark

BLOCKS = ("ease", "ials", "transitions", "rp3beta", "factease", "shared")
NEW_USERS = 0.2

FORMER = {"temperature": 0.5, "shrinkage": 1e-3, "smoothness": 3e-3, "likelihood": 0.1}
"""The defaults before this comparison."""
SHARP = FORMER | {"temperature": 0.12, "likelihood": 0.03}
VARIANTS: Mapping[str, Mapping[str, float]] = {
    "former": FORMER,
    "temperature .12": FORMER | {"temperature": 0.12},
    "and likelihood .03": SHARP,
    "and smoothness .001 (default)": {},
    "and shrinkage .0003": SHARP | {"shrinkage": 3e-4, "smoothness": 1e-3},
    "a tenth of both penalties": SHARP | {"shrinkage": 1e-4, "smoothness": 3e-4},
    "default, temperature .2": {"temperature": 0.2},
}


def fittings(name: str, work: Path, shared: Path, seed: int) -> Iterator[tuple[str, Fitting, dict[str, RankingTask]]]:
    """The measurements of a set: a name, what is fitted, and the tasks."""
    data = SETS[name]
    fitting = partial(Fitting, seed=seed, progress=remark)
    if data.has_times:
        graph = open_store(str(work / name / "store")).snapshot()
        parts = Development(graph, seed, new_users=NEW_USERS)
        tasks = {"next": parts.next, **{f"first {n}": task for n, task in parts.beginnings.items() if n}}
        yield f"{name}, next", fitting(graph, parts.fit, dislikes=parts.dislikes, asked=_asked("next")), tasks
    if data.given is not None:
        loaded = load(data, work, shared)
        choice = part_of(loaded, "given", 0, seed).choice
        assert choice is not None
        tasks = {"valid": choice.tasks[ONLY]}
        yield f"{name}, given", fitting(loaded.graph, choice.train, asked=_asked("random")), tasks


def _asked(protocol: str) -> FusionSettings:
    return FusionSettings.model_validate({"blocks": BLOCKS, "protocol": protocol})


def models_of(fitting: Fitting) -> Iterator[tuple[str, Scorer]]:
    """A model for every variant, of the same blocks; peers for new users last."""
    for name, settings in VARIANTS.items():
        gates = GateSettings.model_validate(dict(settings))
        yield name, fitting.model(gates=gates).bind(fitting.graph)
    if fitting.protocol is Protocol.NEXT:
        histories = fitting.train.histories()
        yield "popularity", Popularity.learn(histories)
        yield "item-kNN", ItemKNN.learn(histories, ItemKNNSettings(neighbours=fitting.train.n_items))


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["ml100k", "films-1m", "music"], metavar="SET")
    parser.add_argument("--shared", type=Path, default=SHARED, metavar="DIR", help="given sets (default ../shared)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of parts and training (default 1)")
    arguments = parser.parse_args()
    record = Record.begun("gates", options_of(arguments), arguments.json)
    for name in arguments.sets:
        work = arguments.work / "quality"
        prepare(SETS[name], work, arguments.shared, remark, arguments.wheels)
        for title, fitting, tasks in fittings(name, work, arguments.shared, arguments.seed):
            base: dict[str, EvaluationResult] = {}
            table: list[list[str]] = []
            for variant, scorer in models_of(fitting):
                cells = []
                for part, task in tasks.items():
                    result = evaluate(scorer, task, name=variant, ks=(10,))
                    less = result.against(base.setdefault(part, result), METRIC)
                    row = {"data": title, "variant": variant, "part": part, METRIC: result.mean(METRIC)}
                    record.add(row | {"less_former": less.mean, "standard_error": less.standard_error})
                    cells.append(f"{result.mean(METRIC):.4f} ({less.mean:+.4f} ± {less.standard_error:.4f})")
                table.append([variant, *cells])
            record.show(f"{title}: {METRIC}", ("gates", *tasks), table)
    return 0


if __name__ == "__main__":
    run_script(main)
