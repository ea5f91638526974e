"""Make the ranking task of a model's evaluation from given files, by the one rule of `fusion.evaluation`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from fusion.evaluation import RankingTask, measured
from fusion.ranking import tie_break_keys
from fusion.results import EvaluationResult
from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from whypath.answering.behaviour import Behaviour, behaviour_of_files, behaviour_of_store, histories_of, rows_of
from whypath.answering.filters import Filters
from whypath.answering.histories import to_interactions
from whypath.answering.query import Query
from whypath.answering.request_path import RequestPath
from whypath.io.files import read_candidates, read_exclusions, read_interactions

KS = (10, 20)
"""List lengths that are reported."""

MANY_HAD = 0.1
"""Share of the test that the histories have already, from which on an evaluation says so."""


class NothingToEvaluate(WhyPathError):
    """No row of the test file is left to evaluate on."""


@dataclass(frozen=True)
class EvaluationFiles:
    """The files that a model is evaluated on. Without `history`, the users' histories are the store's events."""

    test: Path
    history: tuple[Path, ...] = ()
    exclude: tuple[Path, ...] = ()
    candidates: Path | None = None


def evaluate_files(path: RequestPath, files: EvaluationFiles, tell: Callable[[str], None]) -> EvaluationResult:
    """Rank for the users of the test file as requests are answered, and measure the lists; see `task_of`."""
    return evaluate_task(path, *task_of(files, path.scorer.graph, tell), name="bundle")


def evaluate_task(path: RequestPath, task: RankingTask, filters: Filters, *, name: str) -> EvaluationResult:
    """The same for a task, whose candidates are the items that the filters allow."""
    users = task.test_users
    behaviour = Behaviour(
        [task.user_ids[int(user)] for user in users],
        task.history.take(users),
        sp.csr_array(task.never_listed[users]),
    )
    return measured(lambda k: path.lists(Query(k=k, filters=filters), behaviour), task, name=name, ks=KS)


def task_of(files: EvaluationFiles, graph: KnowledgeGraph, tell: Callable[[str], None]) -> tuple[RankingTask, Filters]:
    """Make the task of ranking for the users of the test file, and its filters; rows left out are reported.

    A test row on an item that is not a candidate, or is excluded, still counts as relevant. A row on an item
    that the store does not know cannot be ranked for and is left out. Raises FileProblem and NothingToEvaluate.
    """
    test, reading = to_interactions(read_interactions([files.test]), graph)
    if reading.unknown_rows or reading.not_positive:
        tell(f"test: {reading}")
    if not len(test):
        raise NothingToEvaluate(f"{files.test}: no row is left to evaluate on ({reading})")
    users = test.user_ids
    known = behaviour_of_files(graph, files.history, None, tell) if files.history else behaviour_of_store(graph, None)
    exclusions = read_exclusions(files.exclude)
    pairs, _ = to_interactions(exclusions.pairs, graph, users=users, positive_only=False)
    include = None if files.candidates is None else read_candidates(files.candidates)
    filters = Filters(include=include, exclude=exclusions.items)
    candidates = filters.apply(graph).items()
    if candidates is not None and not len(candidates):
        raise NothingToEvaluate(f"{files.candidates}: none of its {len(include or ()):,} items is in the store")
    relevant = test.matrix()
    seen = rows_of(known.seen, known.users, users)
    had = relevant.multiply(seen > 0).nnz
    if had >= MANY_HAD * relevant.nnz:
        tell(
            f"test: {had:,} of {relevant.nnz:,} items are in the histories already, so that they are not listed; give"
            " the events before the test with --history"
        )
    task = RankingTask(
        history=histories_of(known.liked, known.users, users),
        test=relevant,
        tie_break=tie_break_keys(graph.item_ids),
        user_ids=users,
        exclude=sp.csr_array(seen + pairs.matrix()),
        candidates=candidates,
        item_users=known.liked.item_users(),
        n_training_users=int(np.count_nonzero(~known.liked.is_empty)),
        features=graph.item_facts().matrix(graph.n_nodes),
    )
    return task, filters
