"""The encoders that the fusion can draw on, by name, behind one way to fit them.

To add an encoder: a block class in `encoders`, its settings as a field of `fusion.settings.BlockSettings`, and a line
in `ENCODERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from pydantic import BaseModel

from encoders.behavior import BEHAVIOR
from encoders.block import Block, BlockState, Catalogue, Family, FittedBlock, TrainingData, TrainingSizes
from encoders.graph import GNN, FactEASE, SharedEntities
from encoders.text import TextBlock


class FitBlock(Protocol):
    """Fits a block; raises WhyPathError where it cannot."""

    def __call__(self, data: TrainingData, settings: BaseModel | None = None, *, seed: int) -> Block:
        """The fitted block, bound to the catalogue. settings: of the encoder's own class, None for its defaults."""
        ...


class RestoreBlock(Protocol):
    """Makes a block from its saved state, bound to a catalogue; raises StateUnreadable."""

    def __call__(self, state: BlockState, catalogue: Catalogue) -> Block:
        """The block."""
        ...


class CheckState(Protocol):
    """Raises StateUnreadable for what cannot be a state of the encoder, where training had these sizes."""

    def __call__(self, state: BlockState, sizes: TrainingSizes) -> None:
        """See `Block.check_state`."""
        ...


@dataclass(frozen=True)
class Encoder:
    """One way to make a block; for no more than `max_items` items with interactions (None: for any number).

    `reads_texts`: whether it makes use of a catalogue's text vectors.
    """

    name: str
    family: Family
    fit: FitBlock
    restore: RestoreBlock
    check: CheckState
    max_items: int | None = None
    reads_texts: bool = False

    @classmethod
    def of(cls, kind: type[FittedBlock]) -> Encoder:
        """The encoder that a block class is: everything about it stands on the class."""
        return cls(
            kind.name, kind.family, kind.fit, kind.from_state, kind.check_state, kind.max_items, kind.reads_texts
        )


ENCODERS: Mapping[str, Encoder] = MappingProxyType(
    {kind.name: Encoder.of(kind) for kind in (*BEHAVIOR.values(), FactEASE, GNN, SharedEntities, TextBlock)}
)
"""Name to encoder."""
