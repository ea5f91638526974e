"""The models of `benchmarks.quality`: WhyPath with its defaults and its retrained twins, and the peers by name.

A model is a function from a part of the data, settings and a seed to something that can be evaluated on a task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import quality_peers as peers
from benchmarks.quality_data import DataSet
from benchmarks.quality_protocols import Part
from benchmarks.shared_sum import SharedSum
from encoders.search_space import Between, OneOf, SearchSpace
from fusion.evaluation import RankingTask, evaluate
from fusion.lists import Scorer
from fusion.results import EvaluationResult
from fusion.settings import FusionSettings
from fusion.training import Fitting
from fusion.variant import Variant
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions
from whypath.cli.console import remark


@dataclass(frozen=True)
class Given:
    """What a model is fitted on: events, and what else there is. part: None where settings are tried for a choice.

    texts: vectors of the items' texts, float32 [n_items, d], None where there are none or the model reads none.
    """

    train: Interactions
    graph: KnowledgeGraph
    part: Part | None = None
    texts: NDArray[np.float32] | None = None


Evaluate = Callable[[RankingTask, str], EvaluationResult]
"""Ranks and measures a task; called with the model's name too."""


@dataclass(frozen=True)
class Fitted:
    """A fitted model, and what is recorded of it beside its figures."""

    evaluate: Evaluate
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """fit: called with the data, settings and a seed. ranges: of the settings that are tuned; defaults: their values
    where nothing was tuned. package: needed beside WhyPath. The flags say where the model can be measured.
    """

    fit: Callable[[Given, Mapping[str, Any], int], Fitted]
    ranges: SearchSpace = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    package: str | None = None
    is_peer: bool = True
    draws: bool = False
    """Whether the result depends on the seed."""
    reads_texts: bool = False
    only_next: bool = False
    only_cold: bool = False
    needs_graph: bool = False
    needs_texts: bool = False
    serves_new_users: bool = True
    serves_new_items: bool = False

    @property
    def is_installed(self) -> bool:
        return self.package is None or find_spec(self.package) is not None

    def fits(self, data: DataSet, protocol: str) -> bool:
        """Whether the model says anything of its own under a protocol of a set."""
        is_next = protocol in ("last-out", "time") or (protocol == "newcomers" and data.has_times)
        return (
            (is_next or not self.only_next)
            and (protocol == "cold" or not self.only_cold)
            and (data.has_graph or not self.needs_graph)
            and (data.has_texts or not self.needs_texts)
            and (protocol != "newcomers" or self.serves_new_users)
            and (protocol != "cold" or self.serves_new_items)
        )


def scored(scorer: Scorer, record: Mapping[str, Any] | None = None) -> Fitted:
    """A model that scores histories."""
    return Fitted(lambda task, name: evaluate(scorer, task, name=name), record or {})


def _whypath(variant: Variant, **changed: Any) -> Callable[[Given, Mapping[str, Any], int], Fitted]:
    def fit(given: Given, settings: Mapping[str, Any], seed: int) -> Fitted:
        part = given.part
        assert part is not None
        fitting = Fitting(
            given.graph,
            part.learn,
            part.valid,
            asked=FusionSettings.model_validate({**changed, **settings}),
            seed=seed,
            variant=variant,
            refit=part.refit,
            contents={} if given.texts is None else {"text": given.texts},
            progress=remark,
        )
        model = fitting.model()
        record = {
            "predicts": fitting.protocol.value,
            "blocks": list(fitting.blocks),
            "kept": list(model.gates.blocks),
            "chosen": {name: model.settings.block.of(name).model_dump(mode="json") for name in model.gates.blocks},
        }
        return scored(model.bind(given.graph), record)

    return fit


def _block(learn: Callable[[Interactions, Mapping[str, Any], int], Scorer]) -> Callable[..., Fitted]:
    return lambda given, settings, seed: scored(learn(given.train, settings, seed))


def _shared(given: Given, settings: Mapping[str, Any], seed: int) -> Fitted:
    return scored(SharedSum(given.graph))


def _lightfm(given: Given, settings: Mapping[str, Any], seed: int) -> Fitted:
    return Fitted(peers.lightfm(given.train, given.graph, settings, seed).evaluate)


def _listed(fit: Callable[[Interactions, Mapping[str, Any], int], peers.Listed]) -> Callable[..., Fitted]:
    def fitted(given: Given, settings: Mapping[str, Any], seed: int) -> Fitted:
        return Fitted(fit(given.train, settings, seed).evaluate)

    return fitted


def _own(
    variant: Variant, *, only_next: bool = False, graph: bool = False, text: bool = False, **changed: Any
) -> Model:
    return Model(
        _whypath(variant, **changed),
        is_peer=False,
        draws=True,
        reads_texts="text" not in variant.without,
        only_next=only_next,
        needs_graph=graph,
        needs_texts=text,
        serves_new_items=True,
    )


WHYPATH = "whypath"
_EASE: SearchSpace = {"regularization": Between(1.0, 1_000_000.0)}

MODELS: Mapping[str, Model] = {
    WHYPATH: _own(Variant()),
    "whypath-no-graph": _own(Variant(graph="none"), graph=True),
    "whypath-shuffled": _own(Variant(graph="shuffled"), graph=True),
    "whypath-no-text": _own(Variant(without=frozenset({"text"})), text=True),
    "whypath-no-time": _own(Variant(), only_next=True, protocol="random"),
    # On cold items popularity is an arbitrary order, the same for all users.
    "popularity": Model(_block(peers.popularity), serves_new_items=True),
    "itemknn": Model(
        _block(peers.itemknn),
        {"neighbours": Between(3, 10_000), "shrink": Between(0.01, 10_000.0)},
        {"neighbours": 200, "shrink": 1.0},
    ),
    "itemknn-all": Model(_block(peers.itemknn_all)),
    "ease": Model(_block(peers.ease), _EASE, {"regularization": 250.0}),
    "recency-ease": Model(
        _block(peers.recency_ease),
        {**_EASE, "floor": Between(0.001, 1.0), "places": Between(0.3, 300.0)},
        {"regularization": 250.0, "floor": 0.05, "places": 3.0},
        only_next=True,
    ),
    "rp3beta": Model(
        _block(peers.rp3beta),
        {
            "alpha": Between(0.0, 2.5, log=False),
            "beta": Between(0.0, 1.2, log=False),
            "neighbours": Between(1, 10_000),
        },
        {"alpha": 0.5, "beta": 0.6, "neighbours": 1_000},
    ),
    "implicit-als": Model(
        _block(peers.implicit_als),
        {
            "factors": Between(4, 300),
            "regularization": Between(0.001, 1_000.0),
            "alpha": Between(0.1, 300.0),
            "iterations": Between(3, 50),
        },
        {"factors": 64, "regularization": 20.0, "alpha": 2.0, "iterations": 15},
        package="implicit",
        draws=True,
    ),
    "implicit-bpr": Model(
        _listed(peers.implicit_bpr),
        {
            "factors": Between(4, 300),
            "learning_rate": Between(0.001, 0.3),
            "regularization": Between(0.0001, 0.3),
            "iterations": Between(20, 1_000),
        },
        {"factors": 100, "learning_rate": 0.01, "regularization": 0.01, "iterations": 100},
        package="implicit",
        draws=True,
        serves_new_users=False,
    ),
    "lightfm": Model(
        _lightfm,
        {
            "no_components": Between(8, 256),
            "learning_rate": Between(0.003, 0.3),
            "item_alpha": Between(1e-7, 1e-3),
            "epochs": Between(5, 100),
        },
        {"no_components": 64, "learning_rate": 0.03, "item_alpha": 1e-5, "epochs": 30},
        package="lightfm",
        draws=True,
        serves_new_users=False,
        serves_new_items=True,
    ),
    "sasrec": Model(
        _listed(peers.sasrec),
        {
            "n_factors": OneOf((32, 64, 128, 256)),
            "n_blocks": OneOf((1, 2, 3)),
            "session_max_len": OneOf((20, 50, 100, 200)),
            "batch_size": OneOf((32, 64, 128)),
            "dropout_rate": Between(0.05, 0.6, log=False),
            "lr": Between(0.0001, 0.01),
            "steps": Between(200, 3_000),
        },
        # RecTools' defaults, but of less width and longer training, which its own three epochs are for large sets.
        {
            "n_factors": 64,
            "n_blocks": 2,
            "session_max_len": 50,
            "batch_size": 64,
            "dropout_rate": 0.2,
            "lr": 0.001,
            "steps": 1_500,
        },
        package="rectools",
        draws=True,
        only_next=True,
        serves_new_users=False,
    ),
    "shared-entities": Model(_shared, needs_graph=True, serves_new_items=True, only_cold=True),
}
