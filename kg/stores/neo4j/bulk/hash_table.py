"""`HashTable`: 64-bit keys with columns of values, looked up and added a batch at a time, in some 12 to 45 bytes a key.

A dict of as many strings would take ten times the memory. Keys are hashes (Python's own of a string is keyed afresh in
every process and spreads over 64 bits, see `kg.ingest.key_index`) or numbers that are hashes already in effect.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import DTypeLike, NDArray

_FIRST_SLOTS = 1 << 12
_FULLEST = 0.65
"""Share of slots taken at which the table grows: with more, runs of taken slots become long."""
_GROWTH = 1.6
_MOVED_AT_ONCE = 1 << 20


class HashTable:
    """Open addressing over numpy columns. A key's first slot grows with the key, so that a sorted batch walks through
    the memory in one direction.
    """

    def __init__(self, **columns: DTypeLike) -> None:
        """`columns` are the values of each key by name."""
        self._keys = np.zeros(_FIRST_SLOTS, dtype=np.uint64)
        self._columns = {name: np.zeros(_FIRST_SLOTS, dtype=dtype) for name, dtype in columns.items()}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, column: str) -> NDArray:
        """Values by slot; a reference to it is good until the next `add`."""
        return self._columns[column]

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Slots [n] of keys [n], -1 where a key is not there."""
        distinct, inverse = np.unique(keys, return_inverse=True)
        return self._probe(distinct)[0][inverse]

    def add(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Slots [n] of keys [n], added where they are not there; and which rows are the first ones of new keys."""
        distinct, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        if self._size + len(distinct) > _FULLEST * len(self._keys):
            self._grow(self._size + len(distinct))
        slots, ends = self._probe(distinct)
        absent = slots < 0
        slots[absent] = self._put(distinct[absent], ends[absent])
        self._size += int(absent.sum())
        new = np.zeros(len(keys), dtype=np.bool_)
        new[first[absent]] = True
        return slots[inverse], new

    def _first_slots(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (((keys >> np.uint64(32)) * np.uint64(len(self._keys))) >> np.uint64(32)).astype(np.int64)

    def _probe(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Slots of distinct keys, -1 where one is not there; and for those the free slot where the search ended."""
        at = self._first_slots(keys)
        slots = np.full(len(keys), -1, dtype=np.int64)
        left = np.arange(len(keys))
        while left.size:
            here = at[left]
            there = self._keys[here]
            hit = there == keys[left]
            slots[left[hit]] = here[hit]
            left = left[~hit & (there != 0)]
            at[left] = (at[left] + 1) % len(self._keys)
        return slots, at

    def _put(self, keys: NDArray[np.uint64], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put distinct new keys in, from free slots on; their slots."""
        left = np.arange(len(keys))
        while left.size:
            here = at[left]
            free = self._keys[here] == 0
            self._keys[here[free]] = keys[left[free]]
            # Of several keys in one slot the last one written has it; the others go on.
            left = left[self._keys[here] != keys[left]]
            at[left] = (at[left] + 1) % len(self._keys)
        return at

    def _grow(self, wanted: int) -> None:
        old_keys, old_columns = self._keys, self._columns
        slots = int(max(_GROWTH * len(old_keys), _GROWTH * wanted / _FULLEST))
        self._keys = np.zeros(slots, dtype=np.uint64)
        self._columns = {name: np.zeros(slots, dtype=column.dtype) for name, column in old_columns.items()}
        for start in range(0, len(old_keys), _MOVED_AT_ONCE):
            moved = slice(start, start + _MOVED_AT_ONCE)
            taken = old_keys[moved] != 0
            keys = old_keys[moved][taken]
            at = self._put(keys, self._first_slots(keys))
            for name, column in old_columns.items():
                self._columns[name][at] = column[moved][taken]


def hashes(values: Iterable[object]) -> NDArray[np.uint64]:
    """Python's hashes of values [n] as keys; 0, which marks a free slot, becomes 1."""
    found = np.fromiter(map(hash, values), dtype=np.int64).view(np.uint64)
    return np.maximum(found, np.uint64(1))


def pairs(heads: NDArray[np.int64], tails: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Keys [n] of pairs of numbers under 2^32, a different one for each pair: the finaliser of splitmix64, which is a
    bijection (Steele, Lea, Flood 2014). No pair may be (0, 0).
    """
    mixed = (heads.astype(np.uint64) << np.uint64(32)) | tails.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
