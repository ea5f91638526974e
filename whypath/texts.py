"""Vectors of the items' texts for a snapshot, by the encoder that a model was trained with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from encoders.text import TextEncoder, TextEncoderSettings
from kg.graph import KnowledgeGraph


def item_text_vectors(
    graph: KnowledgeGraph, settings: TextEncoderSettings, tell: Callable[[str], None] | None = None
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

    return TextEncoder(settings, progress=tell).encode(texts, progress=progress)
