"""Compute vectors of a snapshot's texts by the encoder that a model was trained with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from encoders.text import TextEncoder, TextEncoderSettings, TextModelError
from kg.graph import KnowledgeGraph


def item_text_vectors(
    graph: KnowledgeGraph, encoder: TextEncoder, tell: Callable[[str], None] | None = None
) -> NDArray[np.float32] | None:
    """Compute vectors float32 [n_items, d], zero rows for items without text; None if no item has any.

    Cached by model and text, so a text is encoded once per machine. Raises TextModelError, TextExtraMissing.
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
    """Compute vectors float32 [len(texts), dimension] of texts that training did not see, by a bundle's text model.

    download: whether the bundle's text model may be fetched, see `encoders.text.finding`. Raises TextModelError,
    TextExtraMissing.
    """
    found = TextEncoder(recorded, of_bundle=True, download=download).encode(texts)
    if found.shape[1] != dimension:
        raise TextModelError(
            f"the text model gives vectors of {found.shape[1]} numbers, and those of the training have {dimension}: it"
            " is another model; train again"
        )
    return found
