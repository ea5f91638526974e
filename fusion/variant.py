"""`Variant`: the parts of the data and of the model that a training leaves out, for ablations and their twins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from encoders.block import Family, Input
from fusion.registry import ENCODERS, UnknownBlock
from kg.graph import KnowledgeGraph

Content: TypeAlias = Literal["text", "image"]
"""Names of the contents that items have."""


@dataclass(frozen=True)
class Variant:
    """graph: the relations as they are, none at all, or each relation's tails permuted. without: contents that are not
    read, such as "text".

    only: a block's or a family's name; the model then consists of these blocks.
    """

    graph: Literal["real", "none", "shuffled"] = "real"
    without: frozenset[Content] = frozenset()
    only: str | None = None

    def graph_of(self, graph: KnowledgeGraph, seed: int) -> KnowledgeGraph:
        """The snapshot of this variant, without interactions, which training gets separately."""
        if self.graph == "none":
            return graph.without_interactions().without_relations()
        if self.graph == "shuffled":
            return graph.without_interactions().shuffled(seed)
        return graph

    def blocks_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names of the blocks to fit. Raises UnknownBlock."""
        chosen = {name: ENCODERS.find(name) for name in names}
        if self.only is not None:
            families = {family.value for family in Family}
            if self.only not in families and self.only not in ENCODERS:
                known = ", ".join(dict.fromkeys([*sorted(families), *ENCODERS]))
                raise UnknownBlock(f"there is no block {self.only!r}; name one of {known}")
            if self.only in families:
                chosen = {name: block for name, block in chosen.items() if block.family == self.only}
            else:
                chosen = {self.only: ENCODERS[self.only]}
        left_out = {*self.without, *([Input.GRAPH] if self.graph == "none" else [])}
        chosen = tuple(name for name, block in chosen.items() if not block.needs & left_out)
        if not chosen:
            without = ", ".join(sorted(self.without)) or "nothing"
            raise UnknownBlock(f"no block is left with only={self.only!r}, graph={self.graph!r}, without {without}")
        return chosen
