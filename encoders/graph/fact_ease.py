"""`FactEASE`: EASE that also reconstructs the facts, so that items that share rare facts support one another.

The facts enter as further rows of the history matrix, as if every fact node were a user who likes its items: with F
the item-fact incidence, scaled by degree^-¼, and P = (XᵀX + μ F Fᵀ + λI)⁻¹, W[j, i] = −P[j, i] / P[i, i]. This is
collective EASE (Jeunen, Van Balen & Goethals, "Closed-form models for collaborative filtering with side-information",
RecSys 2020).
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from encoders.behavior import EASESettings
from encoders.behavior.ease import MAX_ITEMS, ease_weights, spread_over, user_gram
from encoders.behavior.item_item import ItemItemBlock, compact
from encoders.behavior.local_ease import local_weights
from encoders.block import Family, Input, TrainingData
from encoders.graph.facts import FactGraph
from encoders.search_space import Between, SearchSpace

DEGREE_EXPONENT = 0.25
"""A fact on a node of d items counts d^-¼ on each side: rare facts more, common facts still something."""


class FactEASESettings(EASESettings):
    """Settings of `FactEASE`."""

    facts: float = Field(default=5.0, ge=0)
    """μ: weight of the facts against a user's likes; 0 is EASE."""


class FactEASE(ItemItemBlock):
    """The block; it needs interactions of an item, so new items score zero."""

    name: str = "factease"
    family: Family = Family.GRAPH
    summary: ClassVar[str] = "Closed-form item-item model over behaviour and facts."
    settings_type = FactEASESettings
    search_space: ClassVar[SearchSpace] = {
        "facts": Between(0.01, 1_000.0, step=2.5),
        "regularization": Between(1.0, 100_000.0, step=2.0),
    }
    refits: ClassVar[bool] = True
    needs: ClassVar[frozenset[Input]] = frozenset({Input.GRAPH})

    @classmethod
    def fit(cls, data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0) -> Self:
        """Fit on histories and the facts of the catalogue's snapshot; beyond `MAX_ITEMS` items as EASE does."""
        settings = FactEASESettings.model_validate(settings or FactEASESettings())
        seen = data.matrix
        active = np.unique(seen.indices)
        columns = sp.csr_array(seen[:, active])
        facts = _scaled_facts(FactGraph.of(data.catalogue.graph), active)
        if len(active) > MAX_ITEMS:
            scaled = facts * np.float32(settings.facts**0.5)
            local = local_weights(columns, settings.regularization, settings.neighbours, settings.min_users, scaled)
            return cls(compact(spread_over(local, active, seen.shape[1])), settings, data.catalogue.trained)
        weights = np.zeros((seen.shape[1], seen.shape[1]), dtype=np.float32)
        if len(active):

            def gram() -> NDArray[np.float32]:
                products = user_gram(columns, settings.min_users)
                products += np.float32(settings.facts) * sp.csr_array(facts @ facts.T).toarray()
                return products

            weights[np.ix_(active, active)] = ease_weights(gram, settings.regularization, cls.name)
        return cls(weights, settings, data.catalogue.trained)


def _scaled_facts(facts: FactGraph, items: NDArray[np.int32]) -> sp.csr_array:
    """F of these items over the nodes of all relations side by side, csr float32 [n_items, n_relations · n_nodes]."""
    parts = [sp.csr_array((len(items), 0), dtype=np.float32)]
    parts += [incidence[items] @ _scales(incidence) for incidence in facts.incidence]
    return sp.csr_array(sp.hstack(parts))


def _scales(incidence: sp.csr_array) -> sp.csr_array:
    """The diagonal of degree^-¼ of one relation's nodes, csr float32 [n_nodes, n_nodes]."""
    degrees = np.maximum(np.bincount(incidence.indices, minlength=incidence.shape[1]), 1.0)
    return sp.diags_array((degrees**-DEGREE_EXPONENT).astype(np.float32)).tocsr()
