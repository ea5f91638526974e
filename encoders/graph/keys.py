"""Convert node keys to arrays and back, so that a safetensors file can name the rows of its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from encoders.tensors import StateUnreadable, Tensors


def keys_to_arrays(keys: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the UTF-8 bytes of all keys, concatenated, and their n + 1 offsets."""
    encoded = [key.encode() for key in keys]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(key) for key in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets


def keys_from_arrays(tensors: Tensors, content: str, offsets: str) -> list[str]:
    """Read the keys that `keys_to_arrays` wrote, from the names of the two arrays. Raises StateUnreadable."""
    encoded = tensors.take(content, np.uint8, (None,)).tobytes()
    bounds = tensors.offsets(offsets, None, len(encoded)).tolist()
    try:
        return [encoded[start:end].decode() for start, end in pairwise(bounds)]
    except UnicodeDecodeError as error:
        raise StateUnreadable(f"tensor {content!r} is not text in UTF-8 ({error.reason})") from error
