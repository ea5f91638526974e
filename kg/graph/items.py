"""`ItemIndex`: map outside item ids to dense item indices and back."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from kg.arrow_arrays import flags_of, numbers_of, numbers_to_arrow
from kg.errors import WhyPathError
from kg.graph.strings import Strings
from kg.graph.tables import NodeTable
from kg.visible import without_halves

_FUZZY_LIMIT = 20_000
"""Maximum number of ids to compare a misspelt one with: difflib takes about 10 µs for each, and an error may take a
fifth of a second.
"""

_BISECT_SHARE = 50
"""Below one id per this many items, bisecting each (some 20 µs) is cheaper than hashing the whole column."""


class UnknownItem(WhyPathError):
    """An item id that the graph does not have."""


class ItemIndex:
    """Items of all item kinds, in the order of the node space.

    An item's outside id is its key. Where several item kinds exist, a key that more than one of them has, or that
    reads like an id with a kind in front, is given as "kind:key".
    """

    def __init__(self, tables: Sequence[NodeTable]) -> None:
        self._tables = tables
        self._starts = np.concatenate([[0], np.cumsum([len(table) for table in tables])]).astype(np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    @cached_property
    def ids(self) -> Strings:
        """Outside ids [n_items]."""
        keys = Strings.concatenated([table.keys for table in self._tables])
        if len(self._tables) < 2:
            return keys
        counts = pc.call_function("value_counts", [keys.array])
        twice = counts.field("values").take(numbers_to_arrow(np.flatnonzero(numbers_of(counts.field("counts")) > 1)))
        explicit = flags_of(pc.call_function("is_in", [keys.array], pc.SetLookupOptions(value_set=twice)))
        for table in self._tables:
            explicit |= flags_of(
                pc.call_function("starts_with", [keys.array], pc.MatchSubstringOptions(f"{table.kind}:"))
            )
        if not explicit.any():
            return keys
        ids = keys.to_list()
        for position in np.flatnonzero(explicit).tolist():
            table = self._tables[int(np.searchsorted(self._starts, position, side="right")) - 1]
            ids[position] = f"{table.kind}:{ids[position]}"
        return Strings.of(ids)

    def index(self, item_id: str) -> int:
        """Dense index of an outside id, also of "kind:key" where the kind would not be needed; raises UnknownItem."""
        positions = self._resolve(item_id)
        if len(positions) == 1:
            return positions[0]
        if positions:
            forms = ", ".join(repr(self.ids[position]) for position in positions)
            raise UnknownItem(f"item {item_id!r} exists in several kinds; write one of {forms}")
        close = self._close_to(item_id)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise UnknownItem(f"there is no item {item_id!r} among the graph's {len(self):,} items.{hint}")

    def indices(self, item_ids: Iterable[str]) -> NDArray[np.int32]:
        """Dense indices [k] of outside ids, -1 where unknown or ambiguous."""
        wanted = item_ids if isinstance(item_ids, Strings | list) else list(item_ids)
        if len(wanted) * _BISECT_SHARE < len(self):
            return np.array([self._only(item_id) for item_id in wanted], dtype=np.int32)
        positions = self.ids.positions(wanted)
        if len(self._tables) > 1:
            for position in np.flatnonzero(positions < 0).tolist():
                positions[position] = self._only(wanted[position])
        return positions

    def _only(self, item_id: str) -> int:
        positions = self._resolve(item_id)
        return positions[0] if len(positions) == 1 else -1

    def _resolve(self, item_id: str) -> list[int]:
        kind, colon, key = item_id.partition(":")
        if colon and len(self._tables) > 1:
            for table, start in zip(self._tables, self._starts, strict=False):
                if table.kind == kind and (row := table.keys.find(key)) >= 0:
                    return [int(start) + row]
        rows = [
            (int(start), table.keys.find(item_id)) for table, start in zip(self._tables, self._starts, strict=False)
        ]
        return [start + row for start, row in rows if row >= 0]

    def _close_to(self, item_id: str) -> list[str]:
        """Up to three items whose label contains the text or whose id resembles it."""
        close: list[str] = []
        options = pc.MatchSubstringOptions(without_halves(item_id), ignore_case=True)
        for table, start in zip(self._tables, self._starts, strict=False):
            hits = np.flatnonzero(flags_of(pc.call_function("match_substring", [table.labels.array], options)))
            close += [f"{self.ids[int(start) + row]!r} ({table.labels[row]})" for row in hits[:3].tolist()]
        if not close:
            close = [repr(near) for near in difflib.get_close_matches(item_id, self.ids[:_FUZZY_LIMIT].to_list(), 3)]
        return close[:3]
