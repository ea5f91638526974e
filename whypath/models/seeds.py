"""Check seeds, the same on the command line and in Python."""

from __future__ import annotations

from kg.errors import WhyPathError

LARGEST_SEED = 2**32 - 1
"""The largest seed that all generators of random numbers accept."""


class BadSeed(WhyPathError):
    """A seed that not all generators of random numbers accept."""


def checked_seed(seed: int) -> int:
    """Return the seed; raises `BadSeed`."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise BadSeed(f"a seed is a whole number from 0 to {LARGEST_SEED}, not {str(seed)[:40]}")
    return seed
