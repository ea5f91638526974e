"""Node keys as arrays, so that a table of learned vectors can name its rows in a safetensors file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def keys_to_arrays(keys: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """UTF-8 bytes of all keys, one after the other, and the n + 1 offsets between them."""
    encoded = [key.encode() for key in keys]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(key) for key in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets


def keys_from_arrays(content: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[str]:
    """What `keys_to_arrays` took apart."""
    whole = content.tobytes()
    return [whole[start:end].decode() for start, end in pairwise(offsets)]
