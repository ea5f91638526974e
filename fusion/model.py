"""`FusionModel`: what training leaves, independent of any snapshot, store or data set; a folder of plain files.

`bind` puts it over a snapshot. Items are found again by their ids, texts by their content, so items that came, went or
changed after training are served from what the snapshot says about them now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.block import Block, BlockState, Catalogue
from encoders.tensors import StateUnreadable
from fusion.gate_inputs import ItemSide
from fusion.gates import Gates
from fusion.ranker import ModelUnusable, Ranker
from fusion.registry import ENCODERS
from fusion.settings import FusionSettings
from fusion.variant import Variant
from kg.graph import KnowledgeGraph

EncodeTexts: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]
"""Text vectors float32 [n, d] of texts, by the encoder that the model was trained with."""


@dataclass(frozen=True, eq=False)
class TrainedItems:
    """The training catalogue: `ids` [n_items], `users` float32 [n_items] (distinct training users of each), and of the
    texts `digests` [n_items] ("" without text) and `vectors` float32 [n_items, d] (None where no text was used).
    """

    ids: tuple[str, ...]
    users: NDArray[np.float32]
    text_digests: tuple[str, ...]
    text_vectors: NDArray[np.float32] | None


class FusionModel:
    """Learned blocks and gates; `bind` makes a `Ranker` of them."""

    def __init__(
        self,
        states: Mapping[str, BlockState],
        spreads: Mapping[str, float],
        gates: Gates,
        items: TrainedItems,
        relations: tuple[str, ...],
        settings: FusionSettings,
        asked: FusionSettings,
        variant: Variant,
        seed: int,
    ) -> None:
        """`relations`: those that the gates' bias counts facts of, in its order. `asked`: the settings that training
        was given; `settings`: what it made of them on valid.
        """
        self.states = dict(states)
        self.spreads = dict(spreads)
        self.gates = gates
        self.items = items
        self.relations = relations
        self.settings = settings
        self.asked = asked
        self.variant = variant
        self.seed = seed

    def bind(self, graph: KnowledgeGraph, encode: EncodeTexts | None = None) -> Ranker:
        """The model over a snapshot's items.

        encode: asked for texts that training did not see, if any; without it their items count as having none.
        Raises ModelUnusable where what was learned does not come to finite scores over these items.
        """
        seen = self.variant.graph_of(graph, self.seed)
        catalogue = self.catalogue(seen, encode)
        side = self.item_side(catalogue)
        # What overflows is found by looking at the results.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            blocks = {name: self._bound(name, catalogue) for name in self.states}
            return Ranker(blocks, self.spreads, self.gates, side)

    def _bound(self, name: str, catalogue: Catalogue) -> Block:
        try:
            return ENCODERS[name].from_state(self.states[name], catalogue)
        except StateUnreadable as error:
            raise ModelUnusable(f"the block {name!r}: {error}; train the model again") from error

    def catalogue(self, graph: KnowledgeGraph, encode: EncodeTexts | None = None) -> Catalogue:
        """The snapshot's items with their place in training and their text vectors."""
        place = {item: row for row, item in enumerate(self.items.ids)}
        trained = np.array([place.get(item, -1) for item in graph.item_ids], dtype=np.int32)
        vectors = self.items.text_vectors
        if vectors is None:
            return Catalogue(graph, trained)
        texts = graph.item_texts.to_list()
        digests = text_digests(texts)
        known = {digest: row for row, digest in enumerate(self.items.text_digests) if digest}
        rows = np.array([known.get(digest, -1) for digest in digests], dtype=np.int64)
        found = np.zeros((graph.n_items, vectors.shape[1]), dtype=np.float32)
        found[rows >= 0] = vectors[rows[rows >= 0]]
        missing = [item for item, digest in enumerate(digests) if digest and rows[item] < 0]
        if missing and encode is not None:
            encoded = encode([texts[item] for item in missing])
            if encoded.shape[1] != vectors.shape[1]:
                raise ModelUnusable(
                    f"the text encoder gives vectors of length {encoded.shape[1]}, and the model was trained on vectors"
                    f" of length {vectors.shape[1]}: it is another encoder now; train the model again"
                )
            if not np.isfinite(encoded).all():
                raise ModelUnusable("the text encoder gives numbers that are not finite for new texts; train again")
            found[missing] = encoded
        return Catalogue(graph, trained, found)

    def item_side(self, catalogue: Catalogue) -> ItemSide:
        """What the gates look at, for a bound catalogue."""
        known = catalogue.trained >= 0
        users = np.zeros(catalogue.n_items, dtype=np.float32)
        users[known] = self.items.users[catalogue.trained[known]]
        return ItemSide.of(catalogue.graph, users, known & (users == 0), self.relations)


def text_digests(texts: Sequence[str]) -> tuple[str, ...]:
    """A digest of each text, "" for an empty one."""
    return tuple(hashlib.blake2b(t.encode(), digest_size=12).hexdigest() if t.strip() else "" for t in texts)
