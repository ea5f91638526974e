"""Make keys and labels of synthetic nodes, one chunk at a time.

Keys are padded with zeros, so that their order as text is the order of the indices: a graph's dense index of an item is
the generator's index.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

USER, ITEM, ENTITY = "u", "i", "e"
"""First letters of the keys."""

_ADJECTIVES = (
    "Amber",
    "Brave",
    "Calm",
    "Distant",
    "Early",
    "Faded",
    "Gentle",
    "Hollow",
    "Iron",
    "Late",
    "Open",
    "Quiet",
)
_NOUNS = ("Anchor", "Bridge", "Canyon", "Door", "Engine", "Forest", "Garden", "Harbour", "Island", "Lantern", "River")


def keys(letter: str, first: int, end: int, total: int) -> pa.StringArray:
    """Keys of the nodes `first` to `end` - 1 of a kind with `total` nodes."""
    return keys_of(letter, np.arange(first, end), total)


def keys_of(letter: str, indices: NDArray[np.integer], total: int) -> pa.StringArray:
    """Keys of the nodes with the given indices [n] of a kind with `total` nodes."""
    # By name, as pyarrow makes these functions at run time and type checkers cannot see them.
    padding = pc.PadOptions(width=len(str(total - 1)), padding="0")
    digits = pc.call_function("utf8_lpad", [pa.array(indices).cast(pa.string())], padding)
    return _joined(pa.scalar(letter), digits, pa.scalar(""))


def labels(first: int, end: int) -> pa.StringArray:
    """Readable names such as "Quiet Harbour 42"; they do not reveal popularity or preference."""
    indices = np.arange(first, end)
    adjectives = pa.array(_ADJECTIVES).take(pa.array(indices % len(_ADJECTIVES)))
    nouns = pa.array(_NOUNS).take(pa.array(indices // len(_ADJECTIVES) % len(_NOUNS)))
    return _joined(adjectives, nouns, pa.array(indices).cast(pa.string()), pa.scalar(" "))


def _joined(*parts: pa.Array | pa.Scalar) -> pa.StringArray:
    """Join the parts element by element; the last one is the separator."""
    return pc.call_function("binary_join_element_wise", list(parts))
