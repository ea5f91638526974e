"""Results of the engine: frozen, typed, printable as a table, and convertible to JSON-ready data or pandas.

This module computes nothing: `whypath.engine` and `whypath.answering.explaining` make the results. A score orders the
items of one list and cannot be compared across users or models. `stale_since` (ISO 8601, UTC) is None unless the store
did not answer: then the answer comes from the last snapshot, of that time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Both are imported only where they are used, as each takes time that starting to serve has not got.
    import pandas as pd
    from rich.console import RenderableType


class Basis(StrEnum):
    """What a list is based on."""

    HISTORY = "history"
    """The user's own history."""
    POPULARITY = "popularity"
    """A popularity blend, the same for every user without a like, less what a user's dislikes count against items."""


@dataclass(frozen=True)
class _Answer:
    """An answer as data and as text."""

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for `json.dumps`."""
        return asdict(self)

    def __str__(self) -> str:
        from whypath.answering.drawing import plain_text

        return plain_text(self)


@dataclass(frozen=True, slots=True)
class RankedItem:
    """One line of a list: `item` is the caller's id, `rank` starts at 1."""

    rank: int
    item: str
    label: str
    kind: str
    score: float


class _List(_Answer):
    """An answer whose lines are `items`."""

    items: tuple[RankedItem, ...]

    def __iter__(self) -> Iterator[RankedItem]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, position: int) -> RankedItem:
        return self.items[position]


@dataclass(frozen=True)
class Recommendations(_List):
    """A user's list, best first. `user` is None for a history given without one.

    `history` counts the items that the list is based on; `note` says why a list is empty or short, or is popularity.
    """

    user: str | None
    basis: Basis
    history: int
    items: tuple[RankedItem, ...]
    note: str = ""
    stale_since: str | None = None

    def to_pandas(self) -> pd.DataFrame:
        """Columns user, rank, item, label, kind, score."""
        frame = _frame(self.items)
        frame.insert(0, "user", self.user)
        return frame

    def __rich__(self) -> RenderableType:
        whom = f"user {self.user}" if self.user is not None else "the given history"
        history = f"from {self.history} item{'s' if self.history != 1 else ''}"
        rests = history if self.basis is Basis.HISTORY else "popularity, no history"
        from whypath.answering.drawing import listing

        return listing(f"Recommendations for {whom} ({rests})", self.items, self.note, self.stale_since)


@dataclass(frozen=True)
class SimilarItems(_List):
    """Items similar to one item, most similar first, by the model's score for a history of that item alone."""

    item: str
    label: str
    items: tuple[RankedItem, ...]
    note: str = ""
    stale_since: str | None = None

    def to_pandas(self) -> pd.DataFrame:
        """Columns rank, item, label, kind, score."""
        return _frame(self.items)

    def __rich__(self) -> RenderableType:
        from whypath.answering.drawing import listing

        return listing(f"Similar to {self.label} ({self.item})", self.items, self.note, self.stale_since)


@dataclass(frozen=True)
class BlockShare:
    """The share of one block of the model in a score; "bias" is the item's part for all users with as many items."""

    block: str
    share: float


@dataclass(frozen=True)
class HistoryShare:
    """The share of one item of the history in a score, over all blocks. `disliked`: it counts against items like it."""

    item: str
    label: str
    share: float
    disliked: bool = False


@dataclass(frozen=True)
class EntityShare:
    """The share of one entity of the item in a score, through the graph block."""

    kind: str
    key: str
    label: str
    share: float


@dataclass(frozen=True)
class StageShare:
    """The share of a stage after the model (a re-ranker, rules) in a score."""

    stage: str
    share: float


@dataclass(frozen=True)
class ShownPath:
    """A labelled path from an item of the history to the explained item.

    `text` reads `you liked Pulp Fiction ─directed by→ Quentin Tarantino ←directed by─ Reservoir Dogs`. `nodes` are
    (kind, key, label), `relations` the relations' names between them, "~name" where the path goes against one.
    """

    text: str
    nodes: tuple[tuple[str, str, str], ...]
    relations: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Explanation(_Answer):
    """The explanation of an item's score for a user: the score's exact split, and paths in the graph behind it.

    `blocks` and `stages` add up to `score`; `history` adds up to the blocks without the bias; `entities` splits the
    graph block's part over the item's facts. Shares are in descending order (by absolute value), stages in their order.
    """

    user: str | None
    item: str
    label: str
    score: float
    basis: Basis
    blocks: tuple[BlockShare, ...]
    history: tuple[HistoryShare, ...]
    entities: tuple[EntityShare, ...]
    paths: tuple[ShownPath, ...]
    note: str = ""
    stale_since: str | None = None
    stages: tuple[StageShare, ...] = ()

    def to_pandas(self) -> pd.DataFrame:
        """The split in long form: columns part ("block", "stage", "history", "entity"), id, label, share."""
        import pandas as pd

        rows = [("block", share.block, share.block, share.share) for share in self.blocks]
        rows += [("stage", share.stage, share.stage, share.share) for share in self.stages]
        rows += [("history", share.item, share.label, share.share) for share in self.history]
        rows += [("entity", f"{share.kind}:{share.key}", share.label, share.share) for share in self.entities]
        return pd.DataFrame(rows, columns=["part", "id", "label", "share"])

    def __rich__(self) -> RenderableType:
        from whypath.answering.drawing import explained

        return explained(self)


def _frame(items: tuple[RankedItem, ...]) -> pd.DataFrame:
    import pandas as pd

    names = ["rank", "item", "label", "kind", "score"]
    return pd.DataFrame([[getattr(item, name) for name in names] for item in items], columns=names)
