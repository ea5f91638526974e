"""`Variant`: which part of the data and of the model a training leaves out, for ablations and their twins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from encoders.block import Family
from fusion.registry import ENCODERS
from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph

FACTS_ALONE = frozenset({"shared", "factease"})
"""Blocks that have nothing to say, or nothing that EASE does not say, where there are no facts."""


class UnknownBlock(WhyPathError):
    """No block or family has this name."""


@dataclass(frozen=True)
class Variant:
    """graph: the relations as they are, none at all, or each relation's tails permuted. text: whether texts are read.

    only: a block's or a family's name; the model then consists of these blocks.
    """

    graph: Literal["real", "none", "shuffled"] = "real"
    text: bool = True
    only: str | None = None

    def graph_of(self, graph: KnowledgeGraph, seed: int) -> KnowledgeGraph:
        """The snapshot as this variant sees it, without interactions: they come from elsewhere."""
        if self.graph == "none":
            return graph.without_interactions().without_relations()
        if self.graph == "shuffled":
            return graph.without_interactions().shuffled(seed)
        return graph

    def blocks_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names of the blocks to fit. Raises UnknownBlock."""
        chosen = tuple(names)
        if self.only is not None:
            families = {family.value for family in Family}
            if self.only not in families and self.only not in ENCODERS:
                known = ", ".join([*sorted(families), *ENCODERS])
                raise UnknownBlock(f"there is no block {self.only!r}; name one of {known}")
            if self.only in families:
                chosen = tuple(name for name in names if ENCODERS[name].family == self.only)
            else:
                chosen = (self.only,)
        if self.graph == "none":
            chosen = tuple(name for name in chosen if name not in FACTS_ALONE)
        if not self.text:
            chosen = tuple(name for name in chosen if name != "text")
        if not chosen:
            raise UnknownBlock(f"no block is left with only={self.only!r}, graph={self.graph!r}, text={self.text}")
        return chosen
