"""Vectors of the items' texts for a snapshot, by the encoder that a model was trained with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from encoders.text import TextEncoder, TextEncoderSettings, TextModelError
from kg.graph import KnowledgeGraph


def item_text_vectors(
    graph: KnowledgeGraph, encoder: TextEncoder, tell: Callable[[str], None] | None = None
) -> NDArray[np.float32] | None:
    """Vectors float32 [n_items, d], zero rows for items without text; None where no item has any.

    Cached by model and text, so a text is computed once on a machine. Raises TextModelError, TextExtraMissing.
    """
    texts = graph.item_texts
    if not any(text.strip() for text in texts):
        return None

    def progress(done: int, wanted: int) -> None:
        if tell is not None:
            tell(f"Encoding texts: {done:,} of {wanted:,}")

    return encoder.encode(texts, progress=progress)


def new_text_vectors(
    texts: Sequence[str], recorded: TextEncoderSettings, dimension: int, *, download: bool
) -> NDArray[np.float32]:
    """Vectors float32 [len(texts), dimension] of texts that training did not see, by the model that a bundle recorded.

    download: whether a bundle may have its model fetched, see `encoders.text.finding`. Raises TextModelError,
    TextExtraMissing.
    """
    found = TextEncoder(recorded, of_bundle=True, download=download).encode(texts)
    if found.shape[1] != dimension:
        raise TextModelError(
            f"the text model gives vectors of {found.shape[1]} numbers, and those of the training have {dimension}: it"
            " is another one; train again"
        )
    return found
