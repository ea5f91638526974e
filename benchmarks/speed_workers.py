"""Workers that `benchmarks.speed` runs as separate processes and measures; each prints a JSON object.

train      the training of `whypath train`, every stage announced: `stage: NAME` on stderr
recommend  lists of all users and of single users from a bundle
ials       a peer: the library implicit's ALS, fitted and asked for all users
ease       a peer: closed-form EASE in plain numpy, fitted and asked for all users
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from pydantic import BaseModel

from benchmarks.running import STAGE
from benchmarks.yardsticks import read_rows

K = 20
SINGLE_USERS = 200
"""Users whose lists are made one by one."""


def stage(name: str) -> None:
    """Announce a stage."""
    print(f"{STAGE}{name}", file=sys.stderr, flush=True)


@contextmanager
def timed(times: dict[str, float], name: str) -> Iterator[None]:
    """Record the wall time of a block of code."""
    started = time.perf_counter()
    yield
    times[name] = time.perf_counter() - started


def train(arguments: argparse.Namespace) -> dict[str, object]:
    """Do the work of `whypath train`, except that no bundle is written."""
    stage("imports")
    from encoders.block import Block, FittedBlock, TrainingData
    from encoders.text import TextEncoder, TextEncoderSettings
    from fusion.registry import ENCODERS
    from fusion.training import Fitting
    from kg.opening import open_store
    from whypath.answering.histories import to_interactions
    from whypath.io.files import read_interactions

    def announce(kind: type[FittedBlock]) -> None:
        fit = kind.fit

        def fit_block(data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0) -> Block:
            stage(kind.name)
            block = fit(data, settings, seed=seed)
            stage("cross-fitted scores, gates")
            return block

        kind.fit = fit_block  # pyright: ignore[reportAttributeAccessIssue]

    stage("snapshot and files")
    graph = open_store(arguments.store).snapshot().without_interactions()
    events, _ = to_interactions(read_interactions([arguments.train]), graph)
    texts = graph.item_texts
    vectors = None
    if any(text.strip() for text in texts):
        stage("text vectors, nothing cached")
        vectors = TextEncoder(TextEncoderSettings(), cache=Path(arguments.text_cache)).encode(texts)
    stage("cross-fitted scores, gates")
    for kind in ENCODERS.values():
        announce(kind)
    model = Fitting(graph, events, seed=arguments.seed, contents={} if vectors is None else {"text": vectors}).model()
    return {"events": len(events), "items": graph.n_items, "blocks": list(model.gates.blocks)}


def recommend(arguments: argparse.Namespace) -> dict[str, object]:
    """Open, bind, rank for all users at once, then for some users one by one."""
    times: dict[str, float] = {}
    with timed(times, "imports"):
        from whypath.answering.behaviour import behaviour_of_files
        from whypath.answering.query import Query
        from whypath.engine import Engine

    with timed(times, "open"), Engine.open(arguments.store, arguments.bundle) as engine:
        path, query = engine.requests(offline=True), Query(k=K)
    behaviour = behaviour_of_files(path.scorer.graph, [arguments.train], None, lambda _: None)
    with timed(times, "all_users"):
        lists = list(path.answers(query, behaviour))
    single = []
    for row in range(min(SINGLE_USERS, len(behaviour.users))):
        started = time.perf_counter()
        liked = behaviour.liked.take(slice(row, row + 1))
        alone = replace(behaviour, users=[behaviour.users[row]], liked=liked, seen=behaviour.seen[[row]])
        list(path.answers(query, alone))
        single.append(time.perf_counter() - started)
    latency = {"single_p50": float(np.quantile(single, 0.5)), "single_p99": float(np.quantile(single, 0.99))}
    return {"users": len(lists), **times, **latency}


def ials(arguments: argparse.Namespace) -> dict[str, object]:
    """implicit's ALS with the settings that were best on MovieLens-100k's valid part."""
    times: dict[str, float] = {}
    with timed(times, "imports"):
        from implicit.als import AlternatingLeastSquares
    matrix = read_matrix(arguments.train)
    model = AlternatingLeastSquares(
        factors=64, regularization=20, alpha=2, iterations=16, random_state=arguments.seed, use_gpu=False
    )
    with timed(times, "fit"):
        model.fit(matrix, show_progress=False)
    with timed(times, "all_users"):
        items, _ = model.recommend(np.arange(matrix.shape[0]), matrix, N=K, filter_already_liked_items=True)
    return {"users": len(items), **times}


def ease(arguments: argparse.Namespace) -> dict[str, object]:
    """EASE (Steck, WWW 2019): one inverse of the items' Gram matrix."""
    times: dict[str, float] = {}
    matrix = read_matrix(arguments.train)
    with timed(times, "fit"):
        gram = (matrix.T @ matrix).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += 250.0
        inverse = np.linalg.inv(gram)
        weights = (inverse / -np.diag(inverse)).astype(np.float32)
        np.fill_diagonal(weights, 0.0)
    with timed(times, "all_users"):
        lists = []
        for first in range(0, matrix.shape[0], 1000):
            part = sp.csr_matrix(matrix[first : first + 1000])
            scores = np.asarray(part @ weights)
            scores[part.nonzero()] = -np.inf
            best = np.argpartition(-scores, K, axis=1)[:, :K]
            order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
            lists.append(np.take_along_axis(best, order, axis=1))
    return {"users": sum(map(len, lists)), **times}


def read_matrix(path: str) -> sp.csr_matrix:
    """Histories float32 [users, items] of a file of (user, item) rows, each pair once."""
    rows = read_rows(Path(path)).rename(columns={"user_id": "user", "item_id": "item"})
    users, _ = pd.factorize(rows.user)
    items, _ = pd.factorize(rows.item)
    matrix = sp.csr_matrix((np.ones(len(rows), np.float32), (users, items)))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


WORKERS = {"train": train, "recommend": recommend, "ials": ials, "ease": ease}


def main() -> int:
    """Run one worker, print its measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=WORKERS)
    parser.add_argument("--train", required=True, metavar="F", help="interactions (user, item), .tsv or .tsv.gz")
    parser.add_argument("--store", help="for train and recommend")
    parser.add_argument("--bundle", help="for recommend")
    parser.add_argument("--text-cache", metavar="DIR", help="for train: an empty folder")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(json.dumps(WORKERS[arguments.work](arguments)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
