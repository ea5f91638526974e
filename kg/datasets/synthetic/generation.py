"""Draw a synthetic domain, chunk by chunk.

Facts come first: every item gets entities of every relation, popular entities more often. Then every user prefers a few
entities, and draws most items from those entities' items and the rest by popularity. So only the graph reveals a user's
taste, and the true preferences are known: `Preferences`.

Memory holds the facts (about 20 bytes each) and one chunk, never all events. Every chunk has its own random stream,
keyed by seed and position, so chunks can be drawn in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kg.datasets.synthetic.settings import SyntheticSettings

CHUNK_ITEMS = 200_000
"""Number of items whose facts are drawn at once. Chunk sizes are part of a domain's identity."""
CHUNK_EVENTS = 1_000_000
"""Approximate number of events that are drawn at once."""
FIRST_TIME, LAST_TIME = 1_577_836_800, 1_735_689_600
"""Times are between 2020-01-01 and 2025-01-01, in seconds since the epoch."""
# A user's events on an entity with fewer items hardly reveal it, so no user prefers such an entity.
_FEWEST_ITEMS_OF_A_LIKED_ENTITY = 3
# Rounds of drawing per user; the last ones make up for repeated items. More rounds would only exhaust small entities.
_ROUNDS = 4
# Random streams of the parts of the domain; the values are part of a domain's identity.
_POPULARITY, _ENTITY_ORDER, _FACTS, _USERS = range(4)


@dataclass(frozen=True, slots=True)
class FactChunk:
    """Triples of one relation: `items` int32 and `entities` int32, counted within the relation, both [n_triples]."""

    relation: int
    items: NDArray[np.int32]
    entities: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Preferences:
    """Preferences of users `first_user`, `first_user` + 1, …: `entities` int32 [n_users, likes], over all relations.

    An entity that is twice in a row is preferred twice as much.
    """

    first_user: int
    entities: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class EventChunk:
    """Events sorted by user and item, no pair twice; all arrays are [n_events].

    `users` int32, `items` int32, `ratings` int8 (1 to 5; an event drawn through a preference gets 4 or 5), `times`
    int64 in seconds since the epoch, `planted` bool: drawn through a preference.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    ratings: NDArray[np.int8]
    times: NDArray[np.int64]
    planted: NDArray[np.bool_]


class Recipe:
    """Draws the parts of one domain."""

    def __init__(self, settings: SyntheticSettings) -> None:
        self.settings = settings

    def facts(self) -> Iterator[FactChunk]:
        """All triples, relation by relation, sorted by item."""
        for relation in range(self.settings.relations):
            yield from self.facts_of(relation)

    def facts_of(self, relation: int) -> Iterator[FactChunk]:
        """The triples of one relation, sorted by item."""
        settings = self.settings
        n_entities = settings.entity_offsets[relation + 1] - settings.entity_offsets[relation]
        reach = _cumulative(self._rng(_ENTITY_ORDER, relation), n_entities, settings.entity_exponent)
        # One fact always, plus a random number with the mean that the settings ask for.
        more = settings.facts_per_item / settings.relations - 1
        for first in range(0, settings.items, CHUNK_ITEMS):
            n_items = min(CHUNK_ITEMS, settings.items - first)
            rng = self._rng(_FACTS, relation, first)
            items = np.repeat(np.arange(first, first + n_items, dtype=np.int64), 1 + rng.poisson(more, n_items))
            pairs = np.unique(items * n_entities + _drawn(reach, rng.random(len(items))))
            yield FactChunk(relation, (pairs // n_entities).astype(np.int32), (pairs % n_entities).astype(np.int32))

    def behaviour(self) -> Iterator[tuple[Preferences, EventChunk]]:
        """All users' preferences and events, in chunks of consecutive users."""
        users = max(1, int(CHUNK_EVENTS / self.settings.events_per_user))
        for first in range(0, self.settings.users, users):
            yield self._users(first, min(users, self.settings.users - first))

    def _users(self, first: int, n_users: int) -> tuple[Preferences, EventChunk]:
        settings, catalogue = self.settings, self._catalogue
        rng = self._rng(_USERS, first)
        liked = _drawn(catalogue.liking, rng.random(n_users * settings.likes)).reshape(n_users, settings.likes)
        users, items, planted = self._taken(rng, liked, self._activity(rng, n_users))
        # A user likes an item drawn through an entity; ratings of other items are random.
        ratings = np.where(
            planted,
            rng.integers(4, 6, size=len(users)),
            rng.choice(np.arange(1, 6), size=len(users), p=(0.1, 0.2, 0.4, 0.2, 0.1)),
        )
        events = EventChunk(
            users=(users + first).astype(np.int32),
            items=items.astype(np.int32),
            ratings=ratings.astype(np.int8),
            times=rng.integers(FIRST_TIME, LAST_TIME, size=len(users)),
            planted=planted,
        )
        return Preferences(first, liked.astype(np.int32)), events

    def _taken(
        self, rng: np.random.Generator, liked: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """(users, items, planted), sorted, no pair twice, for `counts` [n_users] events per user."""
        n_items, likes = self.settings.items, self.settings.likes
        pairs, planted = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
        for _ in range(_ROUNDS):
            missing = counts - np.bincount(pairs // n_items, minlength=len(counts))
            users = np.repeat(np.arange(len(counts), dtype=np.int64), missing)
            through_liked = rng.random(len(users)) < self.settings.strength
            items = np.empty(len(users), dtype=np.int64)
            entities = liked[users[through_liked], rng.integers(likes, size=int(through_liked.sum()))]
            items[through_liked] = self._catalogue.items_of(entities, rng.random(len(entities)))
            items[~through_liked] = _drawn(self._catalogue.popularity, rng.random(len(users) - len(entities)))
            pairs, first = np.unique(np.concatenate((pairs, users * n_items + items)), return_index=True)
            planted = np.concatenate((planted, through_liked))[first]
        return pairs // n_items, pairs % n_items, planted

    def _activity(self, rng: np.random.Generator, n_users: int) -> NDArray[np.int64]:
        """Events per user [n_users]: a Pareto law with the mean of the settings, cut where a user would take half of
        the items."""
        exponent = self.settings.activity_exponent
        least = self.settings.events_per_user * (exponent - 2) / (exponent - 1)
        drawn = least * (1 - rng.random(n_users)) ** (-1 / (exponent - 1))
        # Rounded up or down at random, so that the mean is kept.
        whole = np.floor(drawn + rng.random(n_users)).astype(np.int64)
        return np.clip(whole, 1, max(1, self.settings.items // 2))

    @cached_property
    def _catalogue(self) -> _Catalogue:
        """The items by entity, for drawing; computed from the facts at first use."""
        settings = self.settings
        cumulative = _cumulative(self._rng(_POPULARITY), settings.items, settings.popularity_exponent)
        weights = np.diff(cumulative, prepend=0.0)
        offsets = np.asarray(settings.entity_offsets[:-1], dtype=np.int32)
        chunks = list(self.facts())
        items = np.concatenate([chunk.items for chunk in chunks])
        entities = np.concatenate([chunk.entities + offsets[chunk.relation] for chunk in chunks])
        del chunks
        order = np.argsort(entities, kind="stable")
        degrees = np.bincount(entities, minlength=settings.entities)
        indptr = np.concatenate(([0], np.cumsum(degrees)))
        items = items[order]
        # With the square root large entities are preferred more often, but users do not all prefer the same few.
        liking = np.where(degrees >= min(_FEWEST_ITEMS_OF_A_LIKED_ENTITY, degrees.max()), np.sqrt(degrees), 0.0)
        return _Catalogue(cumulative, np.cumsum(liking), indptr, items, np.cumsum(weights[items]))

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng((self.settings.seed, *key))


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """Cumulative weights to draw from.

    `popularity` float64 [n_items], `liking` float64 [n_entities], `indptr` int64 [n_entities + 1] into `items` int32
    and `reach` float64, both [n_triples] by entity: `reach` accumulates the weights of all entities' items.
    """

    popularity: NDArray[np.float64]
    liking: NDArray[np.float64]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    reach: NDArray[np.float64]

    def items_of(self, entities: NDArray[np.int64], uniform: NDArray[np.float64]) -> NDArray[np.int32]:
        """Draw an item of each of the entities [n], by popularity."""
        first, last = self.indptr[entities], self.indptr[entities + 1] - 1
        low = np.where(first > 0, self.reach[first - 1], 0.0)
        at = np.searchsorted(self.reach, low + uniform * (self.reach[last] - low), side="right")
        # Rounding may give an index just outside the entity's range.
        return self.items[np.clip(at, first, last)]


def _cumulative(rng: np.random.Generator, n: int, exponent: float) -> NDArray[np.float64]:
    """Cumulative Zipf weights [n] in random order, so that an index does not reveal popularity."""
    return np.cumsum(np.arange(1, n + 1, dtype=np.float64)[rng.permutation(n)] ** -exponent)


def _drawn(cumulative: NDArray[np.float64], uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draw indices in proportion to the steps of `cumulative`, for uniform numbers in [0, 1)."""
    at = np.searchsorted(cumulative, uniform * cumulative[-1], side="right")
    return np.minimum(at, len(cumulative) - 1)
