"""`FusionModel`: a trained model, independent of any snapshot, store or data set; saved as a folder of plain files.

`bind` applies it to a snapshot. Items are matched by their ids, texts by their content, so items that were added,
removed or changed after training are served from the current facts of the snapshot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.block import Block, BlockState, Catalogue
from encoders.history_weights import HistoryWeights
from encoders.tensors import StateUnreadable
from fusion.gate_inputs import ItemSide
from fusion.gates import Gates
from fusion.protocol import Protocol
from fusion.ranker import ModelUnusable, Ranker
from fusion.registry import ENCODERS
from fusion.settings import FusionSettings
from fusion.variant import Variant
from kg.graph import KnowledgeGraph, item_contents

Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]
"""Vectors float32 [n, d] of contents, by the encoder that the model was trained with; see `ContentEncoder`."""


@dataclass(frozen=True, eq=False)
class TrainedContent:
    """One content of the training items: `digests` [n_items] ("" without), `vectors` float32 [n_items, d]."""

    digests: tuple[str, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrainedItems:
    """The training catalogue: `ids` [n_items], `users` float32 [n_items] (distinct training users of each), and by
    name the contents that were used.
    """

    ids: tuple[str, ...]
    users: NDArray[np.float32]
    contents: Mapping[str, TrainedContent] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Kept:
    """What an update has left as it was trained: `blocks`, fitted on a catalogue of `n_items` items. `places` int32
    [n_items of the model]: the index of each of the model's items there, -1 for one that came later.
    """

    blocks: frozenset[str]
    n_items: int
    places: NDArray[np.int32]

    def places_of(self, trained: NDArray[np.int32]) -> NDArray[np.int32]:
        """The same for items by their index in the model, -1 for one that it does not have."""
        places = np.full(len(trained), -1, dtype=np.int32)
        places[trained >= 0] = self.places[trained[trained >= 0]]
        return places


class FusionModel:
    """Learned blocks and gates; `bind` makes a `Ranker` from them."""

    def __init__(
        self,
        states: Mapping[str, BlockState],
        spreads: Mapping[str, float],
        gates: Gates,
        weights: Mapping[str, HistoryWeights],
        items: TrainedItems,
        relations: tuple[str, ...],
        settings: FusionSettings,
        asked: FusionSettings,
        variant: Variant,
        seed: int,
        kept: Kept | None = None,
    ) -> None:
        """`weights`: of the events of a history, by block, where they do not count the same. `relations`: those whose
        facts the gates' bias counts, in its order. `asked`: the settings that training was given; `settings`: those
        that it chose on held-out events. `kept`: what stays of the training where the model was updated later.
        """
        self.states = dict(states)
        self.spreads = dict(spreads)
        self.gates = gates
        self.weights = dict(weights)
        self.items = items
        self.relations = relations
        self.settings = settings
        self.asked = asked
        self.variant = variant
        self.seed = seed
        self.kept = kept

    @property
    def protocol(self) -> Protocol:
        """What the model predicts."""
        return Protocol(self.settings.protocol)

    def bind(self, graph: KnowledgeGraph, encode: Mapping[str, Encode] = MappingProxyType({})) -> Ranker:
        """Bind the model to a snapshot's items.

        encode: by name of the content, called for contents that training did not see; without it these items count as
        having none. Raises ModelUnusable if the learned parameters do not give finite scores for these items.
        """
        seen = self.variant.graph_of(graph, self.seed)
        catalogue = self.catalogue(seen, encode)
        side = self.item_side(catalogue)
        # Overflow is detected in the results.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return Ranker(self.blocks_over(catalogue), self.spreads, self.gates, side, self.weights)

    def blocks_over(self, catalogue: Catalogue, names: Collection[str] | None = None) -> dict[str, Block]:
        """All or some blocks, bound to a catalogue that `catalogue` made. Raises ModelUnusable."""
        chosen = [name for name in self.states if names is None or name in names]
        if self.kept is None:
            return {name: self._bound(name, catalogue) for name in chosen}
        as_trained = replace(catalogue, trained=self.kept.places_of(catalogue.trained))
        return {name: self._bound(name, as_trained if name in self.kept.blocks else catalogue) for name in chosen}

    def _bound(self, name: str, catalogue: Catalogue) -> Block:
        try:
            return ENCODERS[name].from_state(self.states[name], catalogue)
        except StateUnreadable as error:
            raise ModelUnusable(f"the block {name!r}: {error}; train the model again") from error

    def catalogue(self, graph: KnowledgeGraph, encode: Mapping[str, Encode] = MappingProxyType({})) -> Catalogue:
        """Make the snapshot's items, with their places in training and the vectors of their contents."""
        place = {item: row for row, item in enumerate(self.items.ids)}
        trained = np.array([place.get(item, -1) for item in graph.item_ids], dtype=np.int32)
        contents = {
            name: _vectors(known, name, item_contents(graph, name), encode.get(name))
            for name, known in self.items.contents.items()
        }
        return Catalogue(graph, trained, contents)

    def item_side(self, catalogue: Catalogue) -> ItemSide:
        """Compute the gates' inputs of a bound catalogue."""
        known = catalogue.trained >= 0
        users = np.zeros(catalogue.n_items, dtype=np.float32)
        users[known] = self.items.users[catalogue.trained[known]]
        # An item without users that came after the training is no evidence against itself.
        trained = catalogue.trained if self.kept is None else self.kept.places_of(catalogue.trained)
        return ItemSide.of(catalogue.graph, users, (trained >= 0) & (users == 0), self.relations)


def content_digests(contents: Sequence[str]) -> tuple[str, ...]:
    """Compute a digest of each content, "" for an empty one."""
    return tuple(hashlib.blake2b(c.encode(), digest_size=12).hexdigest() if c.strip() else "" for c in contents)


def _vectors(trained: TrainedContent, name: str, contents: Sequence[str], encode: Encode | None) -> NDArray[np.float32]:
    """Vectors float32 [n_items, d] of a snapshot's items: from training, else by the encoder. Raises ModelUnusable."""
    digests, dimension = content_digests(contents), trained.vectors.shape[1]
    known = {digest: row for row, digest in enumerate(trained.digests) if digest}
    rows = np.array([known.get(digest, -1) for digest in digests], dtype=np.int64)
    vectors = np.zeros((len(contents), dimension), dtype=np.float32)
    vectors[rows >= 0] = trained.vectors[rows[rows >= 0]]
    missing = [item for item, digest in enumerate(digests) if digest and rows[item] < 0]
    if missing and encode is not None:
        encoded = encode([contents[item] for item in missing])
        if encoded.shape[1] != dimension:
            raise ModelUnusable(
                f"the {name} encoder gives vectors of length {encoded.shape[1]}, and the model was trained on vectors"
                f" of length {dimension}: it is another encoder now; train the model again"
            )
        if not np.isfinite(encoded).all():
            raise ModelUnusable(f"the {name} encoder gives numbers that are not finite for new {name}s; train again")
        vectors[missing] = encoded
    return vectors
