"""The protocols of `benchmarks.quality`: what models are fitted on, and the tasks that they are tested on.

  given      the set's own split
  random     per user at random, 80/10/10; the seed of the run is that of the split
  last-out   each user's last event is test, the one before it valid; users with at least five events, equal times in a
             random order
  time       two times for all users, 80/10/10; test users without a history are left out
  cold       five folds of items without events in training; candidates are the fold's items
  newcomers  five folds of users who are not trained on; of those with more than ten items the first 1, 2, 5 or 10 (in
             time, or in a random order where there are no times) are the history, and the items after the tenth the
             test, whatever the history

Histories at test are train without valid; items of train and valid are not listed, of newcomers the first ten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.protocols import with_history
from benchmarks.quality_data import DataSet, Loaded
from fusion.evaluation import RankingTask
from fusion.ranking import tie_break_keys
from fusion.splits import Split, joined, split_by_time, split_cold_items, split_last_out, split_random, with_events
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions

PROTOCOLS = ("given", "random", "last-out", "time", "cold", "newcomers")
FOLDS = 5
SPLIT_SEED = 2026
"""Of everything that a protocol draws at random, except the split of `random`; the same for all models and seeds."""
LEAST_EVENTS = 5
"""Events of a user under `last-out`."""
FIRST = (1, 2, 5, 10)
"""Lengths of newcomers' histories."""
ONLY = ""
"""Name of the task where a protocol has one."""


@dataclass(frozen=True)
class Choice:
    """What settings are chosen on: histories to fit on, and tasks whose mean is to be high."""

    train: Interactions
    tasks: Mapping[str, RankingTask]


@dataclass(frozen=True)
class Part:
    """One training and its tests.

    train: what is fitted on. learn, valid: the parts of `train` that settings are chosen on and by, for models that
    choose for themselves; None where the protocol has no valid part. choice: the same for the peers; None where there
    is nothing to choose. is_next: whether what is tested comes after the history in time.
    """

    train: Interactions
    learn: Interactions
    valid: Interactions | None
    tasks: Mapping[str, RankingTask]
    choice: Choice | None
    is_next: bool
    users_without_history: int = 0

    @property
    def refit(self) -> bool:
        """Whether the final model is fitted on valid as well."""
        return self.learn is not self.train


def protocols_of(data: DataSet) -> tuple[str, ...]:
    """The protocols that a set can be measured under."""
    possible = {
        "given": data.given is not None,
        "last-out": data.has_times,
        "time": data.has_times,
        "cold": data.has_graph,
    }
    return tuple(name for name in PROTOCOLS if possible.get(name, True))


def folds_of(protocol: str) -> tuple[int, ...]:
    """The numbers of a protocol's folds: 1 to 5, or 0 where there is one part."""
    return tuple(range(1, FOLDS + 1)) if protocol in ("cold", "newcomers") else (0,)


def part_of(loaded: Loaded, protocol: str, fold: int, seed: int) -> Part:
    """Make a protocol's part; `seed` is that of the split under `random`, and has no effect on others."""
    graph, events = loaded.graph, loaded.events
    if protocol == "given":
        assert loaded.given is not None
        given = loaded.given
        split = Split("given", given.train, given.valid, given.test, given.train.take(np.zeros(0, np.intp)))
        return _of_split(split, graph, refit=given.refit)
    if protocol == "random":
        return _of_split(split_random(_untimed(events), seed=seed), graph)
    if protocol == "last-out":
        return _of_split(split_last_out(with_events(events, LEAST_EVENTS), seed=SPLIT_SEED), graph, is_next=True)
    if protocol == "time":
        return _of_split(split_by_time(events), graph, is_next=True)
    return cold_part(loaded, fold) if protocol == "cold" else newcomers_part(loaded, fold)


def cold_part(loaded: Loaded, fold: int) -> Part:
    """All events on the fold's items are test. Folds are the given ones, with the given events, where there are any."""
    given = loaded.given
    if given is not None and given.fold_of is not None:
        events = joined(joined(given.train, given.valid), given.test)
        fold_of = given.fold_of
    else:
        events = loaded.events
        items = np.unique(events.items)
        fold_of = np.full(events.n_items, -1, dtype=np.int64)
        fold_of[items] = np.random.default_rng(SPLIT_SEED).permutation(np.arange(len(items)) % FOLDS) + 1
    events = _untimed(events)
    # One fold at a time: the splits come in the order of their numbers.
    (split,) = split_cold_items(events, folds=np.where(fold_of == fold, fold, -1))
    candidates = np.flatnonzero(fold_of == fold).astype(np.intp)
    return _of_split(split, loaded.graph, candidates=candidates)


def newcomers_part(loaded: Loaded, fold: int) -> Part:
    """The users of the fold are not trained on; settings are chosen on a fifth of the others, held out likewise."""
    events = loaded.events
    rng = np.random.default_rng(SPLIT_SEED)
    fold_of = rng.permutation(np.arange(events.n_users) % FOLDS) + 1
    places = places_of(events, rng)
    candidates = np.unique(events.items).astype(np.intp)
    out = fold_of == fold
    # The users of the next fold are the newcomers of the choice.
    next_out = fold_of == fold % FOLDS + 1
    train = events.take(~out[events.users])
    is_next = events.times is not None
    choice = Choice(
        events.take(~(out | next_out)[events.users]),
        newcomer_tasks(events, places, next_out, loaded.graph, candidates),
    )
    tasks = newcomer_tasks(events, places, out, loaded.graph, candidates)
    return Part(train, train, None, tasks, choice, is_next)


def newcomer_tasks(
    events: Interactions,
    places: NDArray[np.int64],
    out: NDArray[np.bool_],
    graph: KnowledgeGraph,
    candidates: NDArray[np.intp],
) -> dict[str, RankingTask]:
    """The tasks of the users `out` [n_users], by the length of the history. places: of each event, see `places_of`."""
    most = max(FIRST)
    lengths = np.zeros(events.n_users, dtype=np.int64)
    np.maximum.at(lengths, events.users, places + 1)
    tested = (out & (lengths > most))[events.users]
    test = events.take(tested & (places >= most)).matrix()
    exclude = events.take(tested & (places >= 0) & (places < most)).matrix()
    keys = tie_break_keys(graph.item_ids)
    return {
        str(n): RankingTask(
            history=events.take(tested & (places >= 0) & (places < n)).histories(),
            test=test,
            tie_break=keys,
            user_ids=events.user_ids,
            exclude=exclude,
            candidates=candidates,
        )
        for n in FIRST
    }


def places_of(events: Interactions, rng: np.random.Generator) -> NDArray[np.int64]:
    """The place of each event's item in its user's order, from 0; -1 for repeated events. Ties and untimed events are
    in a random order.
    """
    times = np.zeros(len(events)) if events.times is None else events.times
    order = np.lexsort((rng.random(len(events)), times, events.users))
    pairs = events.users[order].astype(np.int64) * events.n_items + events.items[order]
    first = np.zeros(len(events), dtype=bool)
    first[np.unique(pairs, return_index=True)[1]] = True
    counted = np.cumsum(first)
    starts = np.searchsorted(events.users[order], np.arange(events.n_users))
    before = np.concatenate([[0], counted])[starts]
    places = np.empty(len(events), dtype=np.int64)
    places[order] = np.where(first, counted - 1 - before[events.users[order]], -1)
    return places


def _of_split(
    split: Split,
    graph: KnowledgeGraph,
    *,
    candidates: NDArray[np.intp] | None = None,
    refit: bool = False,
    is_next: bool = False,
) -> Part:
    """A part with one task. Without `candidates` every item with an event competes."""
    parts = (split.train, split.valid, split.test)
    if candidates is None:
        candidates = np.unique(np.concatenate([part.items for part in parts])).astype(np.intp)
    train = joined(split.train, split.valid) if refit else split.train
    valid = split.valid if len(split.valid) else None
    choice = None
    if valid is not None:
        chosen_on = RankingTask.of_split(split, graph.item_ids, part="valid", candidates=candidates)
        choice = Choice(split.train, {ONLY: with_history(chosen_on)[0] if is_next else chosen_on})
    final = replace(split, train=train, valid=split.valid.take(np.zeros(0, np.intp))) if refit else split
    task, skipped = RankingTask.of_split(final, graph.item_ids, candidates=candidates), 0
    if is_next:
        task, skipped = with_history(task)
    return Part(train, split.train if refit else train, valid, {ONLY: task}, choice, is_next, skipped)


def _untimed(events: Interactions) -> Interactions:
    """Where test does not come after train, times must not be read."""
    return replace(events, times=None)
