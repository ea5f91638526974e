"""What changes at the number of items beyond which EASE and EASE with facts are computed from neighbours.

Of a prepared set of `benchmarks.quality` some items are drawn, just fewer and just more than the limit; the smaller
catalogue is part of the larger. Every model is fitted on train and ranks valid; test is not read.

  ease, factease          as the inverse gives them, at both sizes
  ease, factease, local   from each item's nearest items, at both sizes
  rp3beta, ials           beside them

Differences are from the inverse of the same size, paired over users."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.quality_data import SETS, SHARED, Loaded, load, prepare
from benchmarks.records import Record, difference_cell, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC
from encoders.behavior import EASE, IALS, EASESettings, IALSSettings, RP3Beta, RP3BetaSettings, ease
from encoders.behavior.rare import without_rare_items
from encoders.block import Block, Catalogue, TrainingData
from encoders.graph import FactEASE, FactEASESettings, fact_ease
from fusion.evaluation import RankingTask, evaluate
from fusion.ranking import tie_break_keys
from kg.histories import Histories
from whypath.cli.console import remark

MIN_USERS = 2


@contextmanager
def limit(items: int) -> Iterator[None]:
    """Compute the inverse up to so many items."""
    before = ease.MAX_ITEMS
    ease.MAX_ITEMS = fact_ease.MAX_ITEMS = items
    try:
        yield
    finally:
        ease.MAX_ITEMS = fact_ease.MAX_ITEMS = before


class Drawn:
    """Some of the items of a set: histories of train on them, and valid as a task for some users."""

    def __init__(self, loaded: Loaded, items: NDArray[np.intp], most_users: int) -> None:
        assert loaded.given is not None
        train, valid = loaded.given.train, loaded.given.valid
        catalogue = Catalogue(loaded.graph, np.arange(loaded.graph.n_items, dtype=np.int32))
        is_drawn = np.zeros(train.n_items, dtype=bool)
        is_drawn[items] = True
        histories = train.histories()
        histories = histories.keep(is_drawn[histories.items])
        self.data = TrainingData(without_rare_items(histories, MIN_USERS), catalogue)
        targets = valid.take(is_drawn[valid.items]).matrix()
        users = np.flatnonzero((histories.lengths > 0) & (np.diff(targets.indptr) > 0))
        if len(users) > most_users:
            users = np.sort(np.random.default_rng(1).choice(users, most_users, replace=False))
        self.task = RankingTask(
            history=histories.take(users),
            test=sp.csr_array(targets[users]),
            tie_break=tie_break_keys(loaded.graph.item_ids),
            user_ids=[train.user_ids[user] for user in users.tolist()],
            candidates=np.sort(items),
        )


def models(data: TrainingData, regularization: float, *, has_graph: bool) -> Iterator[tuple[str, Block, float]]:
    """Names, fitted blocks and processor seconds; the inverse first."""
    plain = EASESettings(regularization=regularization, min_users=MIN_USERS)
    facts = FactEASESettings(regularization=regularization, min_users=MIN_USERS)
    for name, items in (("", 10**9), (", local", 0)):
        with limit(items):
            started = time.process_time()
            yield f"ease{name}", EASE.fit(data, plain), time.process_time() - started
            if has_graph:
                started = time.process_time()
                yield f"factease{name}", FactEASE.fit(data, facts), time.process_time() - started
    started = time.process_time()
    yield "rp3beta", RP3Beta.fit(data, RP3BetaSettings(min_users=MIN_USERS)), time.process_time() - started
    started = time.process_time()
    yield "ials", IALS.fit(data, IALSSettings(min_users=MIN_USERS), seed=1), time.process_time() - started


def warm_items(histories: Histories, seed: int) -> NDArray[np.intp]:
    """Items with enough users, shuffled."""
    return np.random.default_rng(seed).permutation(np.flatnonzero(histories.item_users() >= MIN_USERS))


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--set", choices=SETS, default="amazon-book", metavar="SET", help="default amazon-book")
    parser.add_argument("--sizes", type=int, nargs="+", default=[11_900, 12_100], metavar="N", help="numbers of items")
    parser.add_argument("--users", type=int, default=8_000, metavar="N", help="users that are ranked for, at most")
    parser.add_argument("--regularization", type=float, default=250.0, metavar="L", help="default 250")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the items drawn (default 1)")
    parser.add_argument("--shared", type=Path, default=SHARED, metavar="DIR", help="given sets (default ../shared)")
    arguments = parser.parse_args()
    chosen, work = SETS[arguments.set], arguments.work / "quality"
    prepare(chosen, work, arguments.shared, remark, arguments.wheels)
    loaded = load(chosen, work, arguments.shared)
    assert loaded.given is not None
    items = warm_items(loaded.given.train.histories(), arguments.seed)
    record = Record.begun("dense_limit", options_of(arguments), arguments.json)
    table: list[list[str]] = []
    for size in arguments.sizes:
        drawn = Drawn(loaded, items[:size], arguments.users)
        exact = {}
        fits = models(drawn.data, arguments.regularization, has_graph=chosen.has_graph)
        for name, block, seconds in fits:
            result = evaluate(block, drawn.task, name=name, ks=(10,))
            base = exact.setdefault("factease" if name.startswith("factease") else "ease", result)
            difference = result.against(base, METRIC)
            row = {"items": size, "model": name, METRIC: result.mean(METRIC), "cpu_seconds": seconds}
            record.add({**row, "less_inverse": difference.mean, "p": difference.p_value})
            against = "" if result is base else difference_cell(difference.mean, difference.p_value)
            table.append([f"{size:,}", name, f"{result.mean(METRIC):.4f}", against, f"{seconds:.1f}"])
            remark("  ".join(table[-1]))
    columns = ("items", "model", METRIC, "less the inverse", "CPU s")
    record.show(f"{arguments.set}: valid, some items drawn", columns, table)
    return 0


if __name__ == "__main__":
    run_script(main)
