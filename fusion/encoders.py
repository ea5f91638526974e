"""The encoders that the fusion can draw on, by name, behind one way to fit them.

To add an encoder: a block class in `encoders`, its settings as a field of `fusion.settings.BlockSettings`, and a line
in `ENCODERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import scipy.sparse as sp
from pydantic import BaseModel

from encoders.behavior import BEHAVIOR, BehaviorBlock, BehaviorSettings
from encoders.block import Block, BlockState, Catalogue, Family, TrainingSizes
from encoders.graph import GNN, FactEASE, FactEASESettings, GNNSettings, SharedEntities, SharedSettings
from encoders.text import TextBlock, TextBlockSettings


class FitBlock(Protocol):
    """Fits a block on histories [n_users, n_items] over a catalogue; raises WhyPathError where it cannot."""

    def __call__(self, matrix: sp.csr_array, catalogue: Catalogue, settings: BaseModel | None, *, seed: int) -> Block:
        """The fitted block, bound to `catalogue`. settings: of the encoder's own class, None for its defaults."""
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


def _behavior(kind: type[BehaviorBlock]) -> Encoder:
    def fit(matrix: sp.csr_array, catalogue: Catalogue, settings: BaseModel | None, *, seed: int) -> Block:
        assert settings is None or isinstance(settings, BehaviorSettings)
        return kind.fit(matrix, settings, seed=seed)

    return Encoder(kind.name, Family.BEHAVIOR, fit, kind.from_state, kind.check_state, kind.max_items)


def _fit_gnn(matrix: sp.csr_array, catalogue: Catalogue, settings: BaseModel | None, *, seed: int) -> Block:
    assert settings is None or isinstance(settings, GNNSettings)
    return GNN.fit(matrix, catalogue, settings, seed=seed)


def _fit_shared(matrix: sp.csr_array, catalogue: Catalogue, settings: BaseModel | None, *, seed: int) -> Block:
    assert settings is None or isinstance(settings, SharedSettings)
    return SharedEntities.fit(matrix, catalogue, settings, seed=seed)


def _fit_fact_ease(matrix: sp.csr_array, catalogue: Catalogue, settings: BaseModel | None, *, seed: int) -> Block:
    assert settings is None or isinstance(settings, FactEASESettings)
    return FactEASE.fit_over(matrix, catalogue.graph, settings)


def _fit_text(matrix: sp.csr_array, catalogue: Catalogue, settings: BaseModel | None, *, seed: int) -> Block:
    assert settings is None or isinstance(settings, TextBlockSettings)
    return TextBlock.fit(matrix, catalogue, settings, seed=seed)


ENCODERS: Mapping[str, Encoder] = MappingProxyType(
    {
        **{name: _behavior(kind) for name, kind in BEHAVIOR.items()},
        "factease": Encoder(
            "factease", Family.GRAPH, _fit_fact_ease, FactEASE.from_state, FactEASE.check_state, FactEASE.max_items
        ),
        "gnn": Encoder("gnn", Family.GRAPH, _fit_gnn, GNN.from_state, GNN.check_state, reads_texts=True),
        "shared": Encoder("shared", Family.GRAPH, _fit_shared, SharedEntities.from_state, SharedEntities.check_state),
        "text": Encoder("text", Family.TEXT, _fit_text, TextBlock.from_state, TextBlock.check_state, reads_texts=True),
    }
)
"""Name to encoder."""
