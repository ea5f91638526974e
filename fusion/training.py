"""Training a `FusionModel`: blocks on train, gates on out-of-sample scores of train, settings chosen on valid."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.block import Block, Catalogue, Family
from fusion.crossfit import cross_fit, spread
from fusion.encoders import ENCODERS, Encoder
from fusion.gates import GateForm, Gates, fit_gates
from fusion.model import FusionModel, TrainedItems, text_digests
from fusion.settings import FusionSettings
from fusion.variant import UnknownBlock, Variant
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions

Tell = Callable[[str], None]
"""Called with a line about what happens now."""

__all__ = ["Variant", "fit"]


def fit(
    graph: KnowledgeGraph,
    train: Interactions,
    valid: Interactions | None = None,
    *,
    settings: FusionSettings | None = None,
    seed: int = 0,
    variant: Variant | None = None,
    refit: bool = False,
    text_vectors: NDArray[np.float32] | None = None,
    progress: Tell | None = None,
    encoders: Mapping[str, Encoder] = ENCODERS,
) -> FusionModel:
    """Train on positive interactions over the snapshot's items; none of the snapshot's own interactions is read.

    valid: held-out interactions of the same users (rows of both tables agree), on which settings are chosen. refit: fit
    the blocks again on train and valid together once settings and gates stand. text_vectors: float32 [n_items, d].
    Deterministic for a seed, versions and a thread count. Raises UnknownBlock.
    """
    settings, variant = settings or FusionSettings(), variant or Variant()
    tell = progress or (lambda _: None)
    seen = variant.graph_of(graph.without_interactions(), seed)
    vectors = text_vectors if variant.text else None
    catalogue = Catalogue(seen, np.arange(seen.n_items, dtype=np.int32), vectors)
    names = variant.blocks_of(settings.blocks)
    if vectors is None:
        names = tuple(name for name in names if encoders[name].family != Family.TEXT)
    if not names:
        raise UnknownBlock("no block is left: the items have no text that the text block could read")
    matrix = train.matrix()
    trainer = _Trainer(catalogue, settings, encoders, seed, tell)
    names = trainer.possible(names, matrix)
    relations = _relations(seen)
    if len(names) > 1:
        blocks, examples = cross_fit(
            matrix,
            catalogue,
            relations,
            lambda part, fold: trainer.fit_all(names, part, fold),
            settings.crossfit,
            seed=seed,
        )
        tell("Fitting the gates")
        gates = fit_gates(blocks, examples, settings.gates, _form(names, variant, encoders))
    else:
        gates = Gates.single(names[0])
    if refit and valid is not None:
        matrix = _union(matrix, valid.matrix())
    final = trainer.fit_all(gates.blocks, matrix, None)
    users = np.bincount(matrix.indices, minlength=seen.n_items).astype(np.float32)
    single = len(names) == 1
    spreads = {name: 1.0 if single else spread(block, matrix, users) for name, block in final.items()}
    digests = text_digests(graph.item_texts.to_list()) if vectors is not None else ("",) * graph.n_items
    items = TrainedItems(tuple(graph.item_ids), users, digests, vectors)
    states = {name: block.state() for name, block in final.items()}
    return FusionModel(states, spreads, gates, items, relations, settings, variant, seed, encoders)


class _Trainer:
    """Fits blocks by name with their settings."""

    def __init__(
        self, catalogue: Catalogue, settings: FusionSettings, encoders: Mapping[str, Encoder], seed: int, tell: Tell
    ) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._encoders = encoders
        self._seed = seed
        self._tell = tell

    def possible(self, names: tuple[str, ...], matrix: sp.csr_array) -> tuple[str, ...]:
        """Those blocks that can hold a catalogue of this size; the others are named and left out."""
        if len(names) == 1:
            return names
        kept = []
        for name in names:
            limit = getattr(self._encoders[name], "max_items", None)
            if limit is not None and len(np.unique(matrix.indices)) > limit:
                self._tell(f"{name} is left out: the catalogue has more than {limit:,} items with interactions")
                continue
            kept.append(name)
        return tuple(kept)

    def fit_all(self, names: tuple[str, ...], matrix: sp.csr_array, fold: int | None) -> dict[str, Block]:
        """Fit the blocks on histories; `fold` is None for the final fit."""
        where = "all of train" if fold is None else f"fold {fold + 1} of {self._settings.crossfit.folds}"
        blocks: dict[str, Block] = {}
        for name in names:
            self._tell(f"Fitting {name} on {where}")
            own = getattr(self._settings.block, name, None)
            # Every fit gets a seed of its own, the final one the seed that was asked for.
            seed = self._seed if fold is None else self._seed * 1000 + fold + 1
            blocks[name] = self._encoders[name].fit(matrix, self._catalogue, own, seed=seed)
        return blocks


def _relations(graph: KnowledgeGraph) -> tuple[str, ...]:
    """The relations that items have facts of."""
    facts = graph.item_facts()
    used = np.unique(facts.relations)
    return tuple(facts.relation_names[code] for code in used)


def _form(names: tuple[str, ...], variant: Variant, encoders: Mapping[str, Encoder]) -> GateForm:
    """What the gates may look at: popularity is behaviour, facts are graph."""
    families = {encoders[name].family for name in names}
    popularity = Family.BEHAVIOR in families
    facts = Family.GRAPH in families and variant.graph != "none"
    return GateForm(user=True, item=popularity, popularity_bias=popularity, fact_bias=facts)


def _union(train: sp.csr_array, valid: sp.csr_array) -> sp.csr_array:
    both = sp.csr_array(train + valid)
    both.data[:] = 1.0
    return both
