"""The learned parameters of the graph network as arrays, and as the state of its block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.block import BlockState
from encoders.graph.keys import keys_from_arrays, keys_to_arrays
from encoders.graph.settings import GNNSettings
from encoders.tensors import Tensors, names_of, settings_of


@dataclass(frozen=True, eq=False)
class TextMaps:
    """Parameters that turn texts into item vectors: maps [d_text, dimensions] and the texts' center [d_text]."""

    item: NDArray[np.float32]
    history: NDArray[np.float32]
    center: NDArray[np.float32]

    @property
    def dimension(self) -> int:
        return len(self.center)


@dataclass(frozen=True, eq=False)
class Learned:
    """The network's parameters as arrays; shapes as in `GraphNetwork`."""

    collaborative: NDArray[np.float32]
    collaborative_history: NDArray[np.float32]
    node_vectors: NDArray[np.float32]
    node_keys: tuple[str, ...]
    relations: tuple[str, ...]
    messages: NDArray[np.float32]
    item_weights: NDArray[np.float32]
    history_weights: NDArray[np.float32]
    length_exponent: float
    scale: float
    texts: TextMaps | None


def state_of(learned: Learned, settings: GNNSettings) -> BlockState:
    """See `Block.state`."""
    content, offsets = keys_to_arrays(learned.node_keys)
    tensors: dict[str, NDArray] = {
        "collaborative": learned.collaborative,
        "collaborative_history": learned.collaborative_history,
        "node_vectors": learned.node_vectors,
        "node_keys": content,
        "node_key_offsets": offsets,
        "messages": learned.messages,
        "item_weights": learned.item_weights,
        "history_weights": learned.history_weights,
        "scalars": np.array([learned.length_exponent, learned.scale], dtype=np.float64),
    }
    if learned.texts is not None:
        tensors["text_item"] = learned.texts.item
        tensors["text_history"] = learned.texts.history
        tensors["text_center"] = learned.texts.center
    return BlockState(tensors, {"settings": settings.model_dump(), "relations": list(learned.relations)})


def restored(state: BlockState) -> tuple[Learned, GNNSettings]:
    """Read and check the parameters that `state_of` wrote. Raises StateUnreadable."""
    settings = settings_of(GNNSettings, state.settings.get("settings"))
    relations, tensors = names_of(state.settings, "relations"), Tensors(state.tensors)
    keys = tuple(keys_from_arrays(tensors, "node_keys", "node_key_offsets"))
    n_relations, dimensions = len(relations), settings.dimensions
    exponent, scale = tensors.numbers("scalars", (2,), dtype=np.float64).tolist()
    texts = None
    if any(name in tensors for name in ("text_item", "text_history", "text_center")):
        length = tensors.length("text_center")
        texts = TextMaps(
            tensors.numbers("text_item", (length, dimensions)),
            tensors.numbers("text_history", (length, dimensions)),
            tensors.numbers("text_center", (length,)),
        )
    learned = Learned(
        tensors.numbers("collaborative", (None, dimensions)),
        tensors.numbers("collaborative_history", (dimensions, dimensions)),
        tensors.numbers("node_vectors", (len(keys), dimensions)),
        keys,
        relations,
        tensors.numbers("messages", (n_relations, dimensions)),
        tensors.numbers("item_weights", (n_relations,), at_least=0),
        tensors.numbers("history_weights", (n_relations,), at_least=0),
        exponent,
        scale,
        texts,
    )
    return learned, settings
