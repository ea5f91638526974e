"""`Fold`: the histories that blocks are fitted on, and what is held out of them for the gates.

Every fold holds out events of known users, some whole items, and some whole users. Under the protocol `random` the
events are drawn at random; under `next` they are each user's last ones, and each is predicted from the events before
it. Users held out whole begin with 0, 1, 2, 5 and 10 of their events (the first ones under `next`), and the rest is
held out: so the gates learn what a beginning is like. Items held out whole compete among themselves, because how often
an item stays cold in a split says nothing about new items.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fusion.gate_inputs import HeldOutKind
from fusion.protocol import Protocol
from fusion.settings import CrossFitSettings
from kg.histories import Histories

BEGINNINGS = (0, 1, 2, 5, 10)
"""Numbers of events that users held out whole begin with."""

_NEXT_FOLDS = 2
"""Number of folds under `next`: all hold out the same events, and differ in items and users."""

_LAST_SHARE = 0.2
"""Largest share of a user's events that `next` holds out, if they are more than one."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows of histories with what is held out for them.

    excluded, targets: csr [n_rows, n_items]; what is excluded does not compete. candidates [n_candidates]: items that
    compete.
    """

    kind: HeldOutKind
    histories: Histories
    excluded: sp.csr_array
    targets: sp.csr_array
    candidates: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Fold:
    """`seen`: the histories that blocks are fitted on; `items` bool [n_items]: held out whole."""

    seen: Histories
    items: NDArray[np.bool_]
    held_out: tuple[HeldOut, ...]

    def of(self, kind: HeldOutKind) -> HeldOut | None:
        """What is held out of a kind, None if nothing is."""
        return next((part for part in self.held_out if part.kind == kind), None)


def folds_of(
    histories: Histories, protocol: Protocol, settings: CrossFitSettings, rng: np.random.Generator
) -> Iterator[Fold]:
    """Yield folds over disjoint items and users, and under `random` disjoint events."""
    n_folds = settings.folds if protocol is Protocol.RANDOM else min(settings.folds, _NEXT_FOLDS)
    entries = histories.matrix()
    warm = np.flatnonzero(np.bincount(entries.indices, minlength=histories.n_items))
    items_of = _groups(warm, histories.n_items, settings.held_out_items, n_folds, rng)
    active = np.flatnonzero(histories.lengths > 1)
    users_of = _groups(active, len(histories), settings.held_out_users, n_folds, rng)
    draw = rng.random(entries.nnz)
    step = min(settings.held_out_events, 1 / settings.folds)
    for number in range(n_folds):
        new_items, new_users = items_of == number, users_of == number
        kept = ~new_items[histories.items] & ~new_users[histories.users]
        competing = np.flatnonzero(~new_items)
        if protocol is Protocol.RANDOM:
            held = ((draw >= number * step) & (draw < (number + 1) * step))[histories.entries]
            seen = histories.keep(kept & ~held)
            events = _random_events(seen, histories.keep(kept & held), competing, settings, rng)
        else:
            known = histories.keep(kept)
            last = _is_last(known, settings.last_events)
            seen = known.keep(~last)
            events = _next_events(known, last, competing, settings, rng)
        cold = histories.keep(new_items[histories.items] & ~new_users[histories.users]).matrix()
        beginnings = histories.take(new_users)
        beginnings = beginnings.keep(~new_items[beginnings.items])
        parts = (
            events,
            _of_items(seen, cold, np.flatnonzero(new_items), settings, rng),
            _of_users(beginnings, protocol, competing, settings, rng),
        )
        yield Fold(seen, new_items, tuple(part for part in parts if part is not None))


def _groups(
    members: NDArray[np.intp], n: int, share: float, n_folds: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The fold that each of n is held out in, -1 for none; each fold gets a share of the members, at random."""
    fold = np.full(n, -1, dtype=np.int64)
    take = int(len(members) * min(share, 1 / n_folds))
    shuffled = rng.permutation(members)
    for number in range(n_folds):
        fold[shuffled[number * take : (number + 1) * take]] = number
    return fold


def _random_events(
    seen: Histories, held: Histories, candidates: NDArray[np.intp], settings: CrossFitSettings, rng: np.random.Generator
) -> HeldOut | None:
    rows = _drawn(np.flatnonzero((seen.lengths > 0) & (held.lengths > 0)), settings.max_users, rng)
    histories = seen.take(rows)
    return _held_out("events", histories, sp.csr_array(held.matrix()[rows]), candidates)


def _is_last(histories: Histories, most: int) -> NDArray[np.bool_]:
    """The last events of each user, a share of them and `most` at most, [n_events]; none of users with one event."""
    counts = np.diff(histories.offsets)
    take = np.where(counts > 1, np.clip((counts * _LAST_SHARE).astype(np.int64), 1, most), 0)
    return histories.places < take[histories.users]


def _next_events(
    histories: Histories,
    last: NDArray[np.bool_],
    candidates: NDArray[np.intp],
    settings: CrossFitSettings,
    rng: np.random.Generator,
) -> HeldOut | None:
    """Every held-out event as the target of the events before it; repeated items are no targets."""
    chosen = _drawn(np.flatnonzero(last & histories.is_first), settings.max_users, rng)
    before = histories.before(chosen)
    ones = np.ones(len(chosen), dtype=np.float32)
    shape = (len(chosen), histories.n_items)
    targets = sp.csr_array((ones, histories.items[chosen], np.arange(len(chosen) + 1)), shape=shape)
    return _held_out("events", before, targets, candidates)


def _of_items(
    seen: Histories, cold: sp.csr_array, items: NDArray[np.intp], settings: CrossFitSettings, rng: np.random.Generator
) -> HeldOut | None:
    rows = _drawn(np.flatnonzero((seen.lengths > 0) & (np.diff(cold.indptr) > 0)), settings.max_users, rng)
    return _held_out("items", seen.take(rows), sp.csr_array(cold[rows]), items)


def _of_users(
    histories: Histories,
    protocol: Protocol,
    candidates: NDArray[np.intp],
    settings: CrossFitSettings,
    rng: np.random.Generator,
) -> HeldOut | None:
    """Beginnings of users held out whole, each user's with the same rest: what comes after the longest of them."""
    if protocol is Protocol.RANDOM:
        histories = histories.shuffled(rng)
    most = max(1, settings.max_users // len(BEGINNINGS))
    histories = histories.take(_drawn(np.flatnonzero(histories.lengths > 1), most, rng))
    counts = np.diff(histories.offsets)
    longest = np.array([max(n for n in BEGINNINGS if n < count) for count in counts.tolist()], dtype=np.int64)
    rows = [(user, n) for n in BEGINNINGS for user in np.flatnonzero(longest >= n).tolist()]
    users = np.array([user for user, _ in rows], dtype=np.intp)
    starts = np.array([n for _, n in rows], dtype=np.int64)
    whole = histories.take(users)
    places = np.arange(whole.n_events) - whole.offsets[:-1][whole.users]
    begun = whole.keep(places < starts[whole.users])
    excluded = whole.keep(places < longest[users][whole.users]).matrix()
    rest = sp.csr_array(whole.matrix() - excluded)
    rest.eliminate_zeros()
    return _held_out("users", begun, rest, candidates, excluded)


def _held_out(
    kind: HeldOutKind,
    histories: Histories,
    targets: sp.csr_array,
    candidates: NDArray[np.intp],
    excluded: sp.csr_array | None = None,
) -> HeldOut | None:
    """None if no row has a target, or nothing competes with the targets. excluded: by default the histories."""
    rows = np.flatnonzero(np.diff(targets.indptr) > 0)
    if not len(rows) or len(candidates) < 2:
        return None
    excluded = histories.matrix() if excluded is None else excluded
    return HeldOut(kind, histories.take(rows), sp.csr_array(excluded[rows]), sp.csr_array(targets[rows]), candidates)


def _drawn(rows: NDArray[np.intp], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))
