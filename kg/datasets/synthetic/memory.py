"""Make a synthetic domain in memory, for tests and small experiments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.datasets.synthetic.generation import EventChunk, FactChunk, Recipe
from kg.datasets.synthetic.keys import ENTITY, ITEM, USER, keys
from kg.datasets.synthetic.settings import SyntheticSettings
from kg.interactions import Interactions


@dataclass(frozen=True)
class SyntheticDomain:
    """A whole domain as arrays; for the parts see `FactChunk`, `EventChunk` and `Preferences`."""

    settings: SyntheticSettings
    facts: tuple[FactChunk, ...]
    """One chunk per relation."""
    preferences: NDArray[np.int32]
    """Entities over all relations that each user prefers, [n_users, likes]."""
    events: EventChunk

    @property
    def item_ids(self) -> list[str]:
        """Keys of the items, equal to those of a written domain."""
        return keys(ITEM, 0, self.settings.items, self.settings.items).to_pylist()

    @property
    def user_ids(self) -> list[str]:
        """Keys of the users, equal to those of a written domain."""
        return keys(USER, 0, self.settings.users, self.settings.users).to_pylist()

    def entity_ids(self, relation: int) -> list[str]:
        """Keys of the entities of a relation, equal to those of a written domain."""
        first, end = self.settings.entity_offsets[relation : relation + 2]
        return keys(ENTITY, 0, end - first, end - first).to_pylist()

    def fact_matrix(self) -> sp.csr_array:
        """Which item has which entity, float32 [n_items, n_entities], entities over all relations."""
        items = np.concatenate([chunk.items for chunk in self.facts])
        offsets = self.settings.entity_offsets
        entities = np.concatenate([chunk.entities + offsets[chunk.relation] for chunk in self.facts])
        ones = np.ones(len(items), dtype=np.float32)
        return sp.csr_array((ones, (items, entities)), shape=(self.settings.items, self.settings.entities))

    def interactions(self, *, min_rating: int = 4) -> Interactions:
        """The events with at least this rating, with weights and times."""
        liked = self.events.ratings >= min_rating
        return Interactions(
            users=self.events.users[liked],
            items=self.events.items[liked],
            user_ids=self.user_ids,
            n_items=self.settings.items,
            weights=self.events.ratings[liked].astype(np.float32),
            times=self.events.times[liked].astype(np.float64),
        )


def generate(settings: SyntheticSettings) -> SyntheticDomain:
    """Draw a whole domain into memory (about 18 bytes per event and 20 per triple)."""
    recipe = Recipe(settings)
    chunks = list(recipe.facts())
    facts = tuple(
        FactChunk(
            relation,
            np.concatenate([chunk.items for chunk in chunks if chunk.relation == relation]),
            np.concatenate([chunk.entities for chunk in chunks if chunk.relation == relation]),
        )
        for relation in range(settings.relations)
    )
    behaviour = list(recipe.behaviour())
    events = [chunk for _, chunk in behaviour]
    return SyntheticDomain(
        settings,
        facts,
        np.concatenate([preferences.entities for preferences, _ in behaviour]),
        EventChunk(
            users=np.concatenate([chunk.users for chunk in events]),
            items=np.concatenate([chunk.items for chunk in events]),
            ratings=np.concatenate([chunk.ratings for chunk in events]),
            times=np.concatenate([chunk.times for chunk in events]),
            planted=np.concatenate([chunk.planted for chunk in events]),
        ),
    )
