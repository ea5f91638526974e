"""`KeyIndex`: which keys a load has seen and with what content, in 33 to 66 bytes a key whatever the rows hold."""

from __future__ import annotations

from array import array
from collections.abc import Hashable

_FIRST_SLOTS = 1 << 10


class KeyIndex:
    """A hash table of 64-bit hashes: key -> digest of the content it was first seen with.

    Python's own string hash is keyed afresh in every process and spreads over 64 bits, so that two of a million keys
    collide with a probability of 3e-8 and no file can be made to collide on purpose. Hashes do not leave the process.
    """

    def __init__(self) -> None:
        self._keys = array("q", bytes(8 * _FIRST_SLOTS))
        self._contents = array("q", bytes(8 * _FIRST_SLOTS))
        self._mask = _FIRST_SLOTS - 1
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __contains__(self, key: str) -> bool:
        return self._keys[self._slot(hash(key) or 1)] != 0

    def add(self, key: str, content: Hashable = None) -> bool | None:
        """Note a key: None if it is new, else whether it came with the same content before."""
        key_hash, content_hash = hash(key) or 1, hash(content)
        slot = self._slot(key_hash)
        if self._keys[slot]:
            return self._contents[slot] == content_hash
        self._keys[slot] = key_hash
        self._contents[slot] = content_hash
        self._size += 1
        if 2 * self._size > self._mask:
            self._grow()
        return None

    def has(self, key: str, content: Hashable) -> bool:
        """Whether the key was seen, first with this content."""
        slot = self._slot(hash(key) or 1)
        return self._keys[slot] != 0 and self._contents[slot] == hash(content)

    def _slot(self, key_hash: int) -> int:
        keys, mask = self._keys, self._mask
        slot = key_hash & mask
        while keys[slot] and keys[slot] != key_hash:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        old_keys, old_contents = self._keys, self._contents
        slots = 2 * (self._mask + 1)
        self._mask = slots - 1
        self._keys = array("q", bytes(8 * slots))
        self._contents = array("q", bytes(8 * slots))
        for key_hash, content_hash in zip(old_keys, old_contents, strict=True):
            if key_hash:
                slot = self._slot(key_hash)
                self._keys[slot] = key_hash
                self._contents[slot] = content_hash
