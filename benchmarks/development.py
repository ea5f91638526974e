"""Data for choices in development: next events of known users and beginnings of new ones, without any test event.

Of a MovieLens domain's positive events (users with at least five) each user's last one is dropped, as leave-last-out
would test it. A tenth of the users are held out whole. Of the others, up to three last events are held out, and each is
predicted from the events before it. The users held out whole begin with their first 0, 1, 2, 5 and 10 items; what comes
after the first ten is ranked."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from benchmarks.commands import Workspace
from benchmarks.quality_protocols import LEAST_EVENTS
from fusion.evaluation import RankingTask
from fusion.folds import BEGINNINGS
from fusion.ranking import tie_break_keys
from fusion.splits import joined, split_last_out, with_events
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.interactions import Interactions
from kg.opening import open_store
from whypath.cli.console import remark

LAST_EVENTS = 3
NEW_USERS = 0.1

MOST_NEXT = 5_000
"""Next events that are ranked, at most, drawn."""


class Development:
    """The parts of the data: `fit` to train on, `next` events to rank, and `beginnings` of new users by length."""

    def __init__(
        self, graph: KnowledgeGraph, seed: int, users: int | None = None, new_users: float = NEW_USERS
    ) -> None:
        """users: number of users to draw, None for all. new_users: share of them that is held out whole."""
        events = with_events(graph.interactions(), LEAST_EVENTS)
        rng = np.random.default_rng(seed)
        is_new = rng.random(events.n_users) < new_users
        if users is not None:
            active = np.unique(events.users)
            drawn = rng.choice(active, min(users, len(active)), replace=False)
            events = events.take(np.isin(events.users, drawn))
        split = split_last_out(events, seed=seed)
        known = joined(split.train, split.valid)
        self._tie_break = tie_break_keys(graph.item_ids)
        self.dislikes = graph.dislikes()
        histories = known.histories()
        if self.dislikes is not None:
            histories = replace(histories, dislikes=self.dislikes.of_users(events.user_ids).histories())
        last = (histories.places < LAST_EVENTS) & ~is_new[histories.users] & histories.is_first
        chosen = np.flatnonzero(last & (np.arange(histories.n_events) > histories.offsets[:-1][histories.users]))
        if len(chosen) > MOST_NEXT:
            chosen = np.sort(rng.choice(chosen, MOST_NEXT, replace=False))
        kept = histories.keep(~is_new[histories.users] & (histories.places >= LAST_EVENTS))
        assert kept.times is not None
        self.fit = Interactions(
            kept.users.astype(np.int32), kept.items, known.user_ids, known.n_items, None, kept.times
        )
        ones, places = np.ones(len(chosen), dtype=np.float32), np.arange(len(chosen) + 1)
        test = sp.csr_array((ones, histories.items[chosen], places), shape=(len(chosen), known.n_items))
        self.next = self._task(histories.before(chosen), test, None)
        long = histories.take(np.flatnonzero(is_new & (histories.lengths > max(BEGINNINGS))))
        place = np.arange(long.n_events) - long.offsets[:-1][long.users]
        begun = long.keep(place < max(BEGINNINGS)).matrix()
        rest = sp.csr_array(long.matrix() - begun)
        rest.eliminate_zeros()
        self.beginnings = {n: self._task(long.keep(place < n).begun(), rest, begun) for n in BEGINNINGS}

    def _task(self, histories: Histories, test: sp.csr_array, exclude: sp.csr_array | None) -> RankingTask:
        ids = [str(row) for row in range(len(histories))]
        return RankingTask(histories, test, self._tie_break, ids, exclude=exclude)


def add_development(parser: argparse.ArgumentParser) -> None:
    """`--domain`, `--users` and `--seed`."""
    parser.add_argument("--domain", metavar="D", help="a domain of `whypath demo`, in a folder of its own below --work")
    parser.add_argument("--users", type=int, metavar="N", help="users that are drawn (default all)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of parts and training (default 1)")


def prepared(arguments: argparse.Namespace) -> tuple[KnowledgeGraph, Development]:
    """Prepare and load the domain, and make the parts."""
    work = arguments.work if arguments.domain is None else arguments.work / arguments.domain
    space = Workspace(work, remark)
    space.prepare(arguments.wheels, arguments.domain)
    graph = open_store(str(space.store)).snapshot()
    return graph, Development(graph, arguments.seed, arguments.users)
