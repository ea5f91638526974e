"""`Histories`: a batch of users' likes in order, with time, weight and kind, their dislikes, and the time of the query.

Data, blocks, ranker, evaluation and engine exchange it. A closed form that needs a sparse matrix calls `matrix`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Histories:
    """Positive events of n_users users on a catalogue of n_items; the columns have the length n_events.

    `offsets` int64 [n_users + 1]: the events of user u are `offsets[u]` to `offsets[u + 1]`, from the first to the
    last. `items` int32: dense item indices; an item may come several times. `times` float64: seconds since the epoch,
    NaN where unknown. `weights` float32: what the source gave (stars, a quantity), NaN where it gave none. `kinds`
    int16: indices into `kind_names`, -1 where unknown. `now` float64 [n_users]: the time of the query, NaN for "right
    after the last event". A column that is None is unknown everywhere. `values` float32: how much each event counts in
    `weighed_matrix`, below 0 where it counts against its item; None for 1 each. `is_ordered`: whether the order of
    events is known; else places mean nothing. `dislikes`: the negative events of the same users, whose `values` say
    how much each counts against its item, None for not at all; None where nothing is known of any.

    Blocks are fitted on the positive events, and lengths are of them; dislikes count in `weighed_matrix` alone.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    n_items: int
    times: NDArray[np.float64] | None = None
    weights: NDArray[np.float32] | None = None
    kinds: NDArray[np.int16] | None = None
    kind_names: tuple[str, ...] = ()
    now: NDArray[np.float64] | None = None
    values: NDArray[np.float32] | None = None
    is_ordered: bool = True
    dislikes: Histories | None = None

    def __post_init__(self) -> None:
        if not len(self.offsets) or self.offsets[0] != 0 or self.offsets[-1] != len(self.items):
            raise ValueError(f"offsets must run from 0 to the {len(self.items)} events")
        if np.any(self.offsets[1:] < self.offsets[:-1]):
            raise ValueError("offsets must not fall")
        for name in ("times", "weights", "kinds", "values"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.items):
                raise ValueError(f"{name} has {len(column)} entries for {len(self.items)} events")
        if self.now is not None and len(self.now) != len(self):
            raise ValueError(f"now has {len(self.now)} entries for {len(self)} users")
        if self.dislikes is not None and self.dislikes.shape != self.shape:
            raise ValueError(f"dislikes are of shape {self.dislikes.shape}, likes of {self.shape}")

    @classmethod
    def of_matrix(cls, matrix: sp.csr_array) -> Histories:
        """Make an event of each entry of a matrix [n_users, n_items], row by row; the values are dropped."""
        offsets, items = np.asarray(matrix.indptr, dtype=np.int64), np.asarray(matrix.indices, dtype=np.int32)
        return cls(offsets, items, matrix.shape[1], is_ordered=False)

    @classmethod
    def of_items(cls, items: Sequence[int] | NDArray[np.integer], n_items: int) -> Histories:
        """Make one user with events on these items, in this order."""
        column = np.asarray(items, dtype=np.int32)
        return cls(np.array([0, len(column)], dtype=np.int64), column, n_items)

    @classmethod
    def single_items(cls, items: NDArray[np.integer], n_items: int) -> Histories:
        """Make one user per item, whose only event is on that item."""
        return cls(np.arange(len(items) + 1, dtype=np.int64), np.asarray(items, dtype=np.int32), n_items)

    def __len__(self) -> int:
        """Number of users."""
        return len(self.offsets) - 1

    @property
    def n_events(self) -> int:
        return len(self.items)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return len(self), self.n_items

    @cached_property
    def users(self) -> NDArray[np.intp]:
        """The user of each event, [n_events]."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Number of distinct items of each user, [n_users]."""
        return np.diff(self._ones.indptr).astype(np.int64)

    def item_users(self) -> NDArray[np.int64]:
        """Number of users of each item, [n_items]."""
        return np.bincount(self._ones.indices, minlength=self.n_items).astype(np.int64)

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        """Users without a positive event, [n_users]."""
        return self.offsets[1:] == self.offsets[:-1]

    @property
    def has_dislikes(self) -> NDArray[np.bool_]:
        """Users with a dislike, [n_users]."""
        return np.zeros(len(self), dtype=bool) if self.dislikes is None else ~self.dislikes.is_empty

    @property
    def places(self) -> NDArray[np.int64]:
        """The place of each event from the end of its history, 0 for the last, [n_events]."""
        return self.offsets[1:][self.users] - 1 - np.arange(self.n_events)

    def matrix(self) -> sp.csr_array:
        """Binary csr float32 [n_users, n_items] of likes, items ascending in each row; not to be changed in place."""
        return self._ones

    def known(self) -> sp.csr_array:
        """The same of the items with any event, liked or disliked."""
        return self._ones if self._mixed is None else self._mixed[0]._ones

    def weighed_matrix(self) -> sp.csr_array:
        """csr float32 [n_users, n_items] with the entries of `known`, each with the value of its events.

        The last event on an item decides for or against it, of one time or without an order a dislike; the largest
        value on that side counts, so that a repeated event counts once. Not to be changed in place.
        """
        return self._weighed

    @cached_property
    def _weighed(self) -> sp.csr_array:
        if self._mixed is not None:
            both, order = self._mixed
            likes = np.ones(self.n_events, dtype=np.float32) if self.values is None else self.values
            against = None if self.dislikes is None else self.dislikes.values
            against = np.zeros(len(order) - self.n_events, dtype=np.float32) if against is None else -against
            return both.weighed(np.concatenate([likes, against])[order]).weighed_matrix()
        if self.values is None:
            return self._ones
        values = self.values
        if not self._ascends:
            sides = np.zeros(self._ones.nnz, dtype=np.int8)
            # Events are in order, and of several assignments to one place the last holds.
            sides[self.entries] = np.where(values < 0, -1, 1)
            sizes = np.zeros(self._ones.nnz, dtype=np.float32)
            np.maximum.at(sizes, self.entries, np.maximum(values * sides[self.entries], 0.0))
            values = sizes * sides
        return sp.csr_array((values, self._ones.indices, self._ones.indptr), shape=self.shape)

    def is_disliked(self) -> NDArray[np.bool_]:
        """For each entry of `known`, whether a dislike decides, see `weighed_matrix`."""
        against = 0 if self.dislikes is None else self.dislikes.n_events
        return self.weighed(None, np.ones(against, dtype=np.float32)).weighed_matrix().data < 0

    def decided(self) -> Histories:
        """The same without the likes and dislikes on an item for which a later one decides, see `weighed_matrix`."""
        if self._mixed is None or self.dislikes is None:
            return self
        both, order = self._mixed
        against = order >= self.n_events
        decides = np.zeros(both._ones.nnz, dtype=bool)
        # Events are in order, and of several assignments to one place the last holds.
        decides[both.entries] = against
        stays = np.empty(len(order), dtype=bool)
        stays[order] = decides[both.entries] == against
        return replace(self.keep(stays[: self.n_events]), dislikes=self.dislikes.keep(stays[self.n_events :]))

    def weighed(self, values: NDArray[np.float32] | None, against: NDArray[np.float32] | None = None) -> Histories:
        """The same events with other `values`, and with the values `against` of the dislikes."""
        dislikes = self.dislikes if self.dislikes is None else replace(self.dislikes, values=against)
        weighed = replace(self, values=values, dislikes=dislikes)
        # A request weighs one history in several ways; what does not depend on the values is computed once.
        cached = {"_ones": self._ones, "entries": self.entries, "_ascends": self._ascends, "users": self.users}
        vars(weighed).update(cached, _mixed=self._mixed)
        return weighed

    @cached_property
    def _mixed(self) -> tuple[Histories, NDArray[np.intp]] | None:
        """Likes and dislikes as one list of events, and each one's place among the likes followed by the dislikes; None
        where there is no dislike.
        """
        against = self.dislikes
        if against is None or not against.n_events:
            return None
        users = np.concatenate([self.users, against.users])
        if self.is_ordered and self.times is not None and against.times is not None:
            # The sort is stable, so that likes of one time keep their order.
            order = np.lexsort((np.concatenate([self.times, against.times]), users))
        else:
            order = np.argsort(users, kind="stable")
        items = np.concatenate([self.items, against.items])[order]
        return Histories(self.offsets + against.offsets, items, self.n_items), order

    @cached_property
    def _ones(self) -> sp.csr_array:
        if self._ascends:
            parts = (np.ones(self.n_events, dtype=np.float32), self.items, self.offsets.astype(np.int32))
            return sp.csr_array(parts, shape=self.shape)
        matrix = sp.csr_array((np.ones(self.n_events, dtype=np.float32), (self.users, self.items)), shape=self.shape)
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    @cached_property
    def _ascends(self) -> bool:
        """Whether each user's events are in the order of their items, no item twice."""
        rising = np.diff(self.items) > 0
        inner = self.offsets[1:-1]
        inner = inner[(inner > 0) & (inner < self.n_events)]
        rising[inner - 1] = True
        return bool(rising.all())

    @cached_property
    def entries(self) -> NDArray[np.int64]:
        """For each event the place of its (user, item) among the entries of `matrix`, [n_events]."""
        if self._ascends:
            return np.arange(self.n_events, dtype=np.int64)
        keys = self.users * np.int64(self.n_items) + self.items
        return np.unique(keys, return_inverse=True)[1].astype(np.int64)

    def take(self, users: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Histories:
        """The histories of some users, in this order."""
        if isinstance(users, slice) and users.step in (None, 1):
            first, last, _ = users.indices(len(self))
            last = max(last, first)
            events: slice | NDArray[np.intp] = slice(int(self.offsets[first]), int(self.offsets[last]))
            return self._with(self.offsets[first : last + 1] - self.offsets[first], events, users)
        chosen = np.arange(len(self))[users]
        starts, counts = self.offsets[chosen], self.offsets[chosen + 1] - self.offsets[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        events = np.repeat(starts - offsets[:-1], counts) + np.arange(offsets[-1])
        return self._with(offsets, events, chosen)

    def keep(self, events: NDArray[np.bool_]) -> Histories:
        """The same users with only the events of a mask [n_events]."""
        before = np.concatenate([[0], np.cumsum(events)]).astype(np.int64)
        return self._with(before[self.offsets], np.flatnonzero(events), slice(None))

    @property
    def is_first(self) -> NDArray[np.bool_]:
        """Whether an event is its user's first on its item, [n_events]."""
        first = np.zeros(self._ones.nnz, dtype=np.int64)
        # Of several assignments to one place the last holds.
        first[self.entries[::-1]] = np.arange(self.n_events)[::-1]
        return first[self.entries] == np.arange(self.n_events)

    def keep_entries(self, entries: NDArray[np.bool_]) -> Histories:
        """The same users with only the events on some (user, item) pairs: a mask over the entries of `matrix`."""
        return self.keep(np.asarray(entries)[self.entries])

    def last(self, n: int) -> Histories:
        """The last n events of each user."""
        place = np.arange(self.n_events)
        return self.keep(place >= self.offsets[1:][self.users] - n)

    def before(self, events: NDArray[np.integer]) -> Histories:
        """For each of these events, the history of its user before it, with the event's time as `now`."""
        starts = self.offsets[:-1][self.users[events]]
        counts = np.asarray(events) - starts
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.repeat(starts - offsets[:-1], counts) + np.arange(offsets[-1])
        found = self._with(offsets, rows, self.users[events])
        return found if self.times is None else found.at(self.times[events])._without_later_dislikes()

    def begun(self) -> Histories:
        """The same likes, with only the dislikes up to the last of them; without times with none."""
        if self.dislikes is None or self.times is None:
            return replace(self, dislikes=None)
        latest = np.full(len(self), -np.inf)
        np.fmax.at(latest, self.users, self.times)
        return self.at(np.nextafter(latest, np.inf))._without_later_dislikes().at(self.now)

    def _without_later_dislikes(self) -> Histories:
        """Only the dislikes whose time is known and before `now`."""
        against = self.dislikes
        if against is None or self.now is None:
            return self
        known = None if against.times is None else against.keep(against.times < self.now[against.users])
        return replace(self, dislikes=known)

    def shuffled(self, rng: np.random.Generator) -> Histories:
        """The same events, each user's in a random order."""
        return self._with(self.offsets, np.lexsort((rng.random(self.n_events), self.users)), slice(None))

    def at(self, now: NDArray[np.float64] | float | None) -> Histories:
        """The same histories with another `now` (seconds since the epoch), one for all users or one per user."""
        return replace(self, now=None if now is None else np.broadcast_to(np.float64(now), len(self)).copy())

    def _with(
        self,
        offsets: NDArray[np.int64],
        events: slice | NDArray[np.intp],
        users: slice | NDArray[np.integer],
    ) -> Histories:
        return Histories(
            offsets,
            self.items[events],
            self.n_items,
            None if self.times is None else self.times[events],
            None if self.weights is None else self.weights[events],
            None if self.kinds is None else self.kinds[events],
            self.kind_names,
            None if self.now is None else self.now[users],
            None if self.values is None else self.values[events],
            self.is_ordered,
            # A slice of all users is what `keep` passes.
            self.dislikes if self.dislikes is None or _is_all(users) else self.dislikes.take(users),
        )


def _is_all(users: slice | NDArray[np.integer]) -> bool:
    return isinstance(users, slice) and users == slice(None)
