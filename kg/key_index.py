"""`KeyIndex`: the keys that a load has seen with digests of their content, in 25 to 39 bytes per key."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

_FIRST_SLOTS = 1 << 10
_FULLEST = 0.65
"""Share of taken slots at which the table grows: above it, runs of taken slots become long."""
_GROWTH = 1.6
_MOVED_AT_ONCE = 1 << 16


class KeyIndex:
    """A hash table of 64-bit hashes: key -> digest of the content it was first seen with.

    Python's own string hash has a new key in every process and spreads over 64 bits, so that two of a million keys
    collide with a probability of 3e-8 and no file can be crafted to collide. Hashes do not leave the process.
    """

    def __init__(self, content_bits: int = 64) -> None:
        """content_bits: bits kept of a content's hash: 64, 32 (19 to 30 bytes per key) or 0 (13 to 20)."""
        self._bits = content_bits
        self._low = (1 << content_bits) - 1
        self._size = 0
        self._make(_FIRST_SLOTS)

    def _make(self, slots: int) -> None:
        self._slots = slots
        self._keys = array("q", [0]) * slots
        self._contents = array("I" if self._bits == 32 else "Q", [0]) * (slots if self._bits else 0)

    def __len__(self) -> int:
        return self._size

    def __contains__(self, key: Hashable) -> bool:
        return self._keys[self._slot(hash(key) or 1)] != 0

    def add(self, key: Hashable, content: Hashable = None) -> bool | None:
        """Note a key: None if it is new, else whether its first content was the same."""
        key_hash, content_hash = hash(key) or 1, hash(content) & self._low
        slot = self._slot(key_hash)
        if self._keys[slot]:
            return not self._bits or self._contents[slot] == content_hash
        self._keys[slot] = key_hash
        if self._bits:
            self._contents[slot] = content_hash
        self._size += 1
        if self._size > _FULLEST * self._slots:
            self._grow()
        return None

    def has(self, key: Hashable, content: Hashable) -> bool:
        """Whether the key was seen, and first with this content."""
        slot = self._slot(hash(key) or 1)
        return self._keys[slot] != 0 and self._contents[slot] == hash(content) & self._low

    def numbers(self, keys: Iterable[Hashable]) -> NDArray[np.int64]:
        """Contents [n] of keys [n] that were seen with positive integers below 2^`content_bits`, 61 bits at most, which
        are their own hashes; 0 for a key that was not seen."""
        hashes = np.fromiter(map(hash, keys), np.int64)
        hashes[hashes == 0] = 1
        at, left = hashes % self._slots, np.arange(len(hashes))
        seen = np.frombuffer(self._keys, np.int64)
        while left.size:
            stored = seen[at[left]]
            left = left[(stored != 0) & (stored != hashes[left])]
            at[left] = (at[left] + 1) % self._slots
        return np.asarray(self._contents)[at].astype(np.int64)

    def _slot(self, key_hash: int) -> int:
        keys, slots = self._keys, self._slots
        slot = key_hash % slots
        while keys[slot] and keys[slot] != key_hash:
            slot = (slot + 1) % slots
        return slot

    def _grow(self) -> None:
        old_keys, old_contents = np.frombuffer(self._keys, np.int64), np.asarray(self._contents)
        self._make(int(_GROWTH * self._slots))
        keys, contents = np.frombuffer(self._keys, np.int64), np.asarray(self._contents)
        for start in range(0, len(old_keys), _MOVED_AT_ONCE):
            taken = start + np.flatnonzero(old_keys[start : start + _MOVED_AT_ONCE])
            hashes = old_keys[taken]
            at = hashes % self._slots
            left = np.arange(len(hashes))
            while left.size:
                free = left[keys[at[left]] == 0]
                keys[at[free]] = hashes[free]
                # Of several keys in one slot, the last one written gets it; the others try the next slot.
                left = left[keys[at[left]] != hashes[left]]
                at[left] = (at[left] + 1) % self._slots
            if self._bits:
                contents[at] = old_contents[taken]
