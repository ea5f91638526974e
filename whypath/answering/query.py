"""`Query`: one request for a list: for whom, how long, and which items may be listed."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TypeAlias

from kg.errors import WhyPathError
from kg.ids import Id
from whypath.answering.filters import Filters

Context: TypeAlias = Mapping[str, str | int | float | bool]
"""Circumstances of a request, such as a device or a place. The models do not read them; stages may."""


@dataclass(frozen=True)
class Query:
    """The `k` best items for a `user` of the store, or for a `history` of item ids given here.

    `repeats`: also list items that the user has had. `leave_out`: kinds of events whose items are not listed, None for
    those of the description. `now`: the moment of the request, in seconds since the epoch; None for "right after the
    last event". Raises WhyPathError for a `k` below 1, and for values of the wrong type.
    """

    user: str | None = None
    history: Sequence[Id] | None = None
    k: int = 10
    filters: Filters = field(default_factory=Filters)
    repeats: bool = False
    leave_out: Collection[str] | None = None
    context: Context = field(default_factory=dict)
    now: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.k, Integral) or isinstance(self.k, bool):
            raise WhyPathError(f"k must be a whole number, not {self.k!r}")
        if self.k < 1:
            raise WhyPathError(f"k must be at least 1, not {self.k}")
        if self.now is not None and (not isinstance(self.now, Real) or not math.isfinite(self.now)):
            raise WhyPathError(f"now must be a number of seconds since 1970 (UTC), not {self.now!r}")
        if not isinstance(self.context, Mapping):
            raise WhyPathError(f"the context must be a mapping of names to values, not {self.context!r}")
        if self.repeats and self.leave_out:
            raise WhyPathError("give either repeats, which leaves nothing out, or leave_out")
