"""Bring a `FusionModel` up to date with the events of now, without a training.

Blocks whose fit is cheap (`encoders.block.refits`) are fitted again, as in a training with the same settings. Settings,
gates and weights of histories stay as they were trained, and so do the other blocks, for which later items are new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from encoders.behavior.rare import coarse_counts
from encoders.block import Block, Catalogue, TrainingData, refits
from encoders.history_weights import HistoryWeights
from fusion.crossfit import spread
from fusion.model import Encode, FusionModel, Kept, TrainedContent, TrainedItems, content_digests
from fusion.protocol import Protocol, histories_of
from fusion.registry import ENCODERS
from fusion.training import Tell, check_times, with_floor
from fusion.user_weights import Weighed
from kg.graph import KnowledgeGraph, item_contents
from kg.histories import Histories
from kg.interactions import Interactions


@dataclass(frozen=True, eq=False)
class UpdatedModel:
    """A model that was brought up to date; `blocks` are the names of those that were fitted again, and `new_items` the
    number of items that the former model did not have.
    """

    model: FusionModel
    blocks: tuple[str, ...]
    new_items: int


def updated_model(
    model: FusionModel,
    graph: KnowledgeGraph,
    events: Interactions,
    *,
    dislikes: Interactions | None = None,
    encode: Mapping[str, Encode] = MappingProxyType({}),
    progress: Tell | None = None,
) -> UpdatedModel:
    """Update a model with all positive events of now over the items of `graph`.

    dislikes: the negative events of now. encode: as for `FusionModel.bind`; contents that it does not give are left to
    later bindings. Raises NoTimes where the model predicts what comes next and an event has no time, CatalogueTooLarge,
    and ModelUnusable.
    """
    if model.protocol is Protocol.NEXT:
        check_times(events)
    histories = histories_of(events, model.protocol, model.asked.min_users, dislikes)
    seen = model.variant.graph_of(graph.without_interactions(), model.seed)
    former = model.catalogue(seen, encode)
    catalogue = replace(former, trained=np.arange(former.n_items, dtype=np.int32))
    data = TrainingData(histories, catalogue)
    fitted: dict[str, Block] = {}
    for name in model.states:
        if refits(ENCODERS[name]):
            if progress is not None:
                progress(f"Fitting {name} on all events")
            chosen = with_floor(model.settings.block.of(name), model.asked.min_users)
            fitted[name] = ENCODERS[name].fit(data, chosen, seed=model.seed)
    blocks = fitted | model.blocks_over(former, model.states.keys() - fitted.keys())
    users = coarse_counts(histories.item_users(), model.settings.min_users)
    items = TrainedItems(tuple(graph.item_ids), users, _contents(model, graph, former))
    kept = Kept(
        frozenset(blocks.keys() - fitted.keys()),
        len(model.items.ids) if model.kept is None else model.kept.n_items,
        former.trained if model.kept is None else model.kept.places_of(former.trained),
    )
    made = FusionModel(
        {name: fitted[name].state() if name in fitted else state for name, state in model.states.items()},
        _spreads(model, blocks, histories, users),
        model.gates,
        model.weights,
        items,
        model.relations,
        model.settings,
        model.asked,
        model.variant,
        model.seed,
        kept,
    )
    return UpdatedModel(made, tuple(fitted), int(np.count_nonzero(former.trained < 0)))


def _spreads(
    model: FusionModel, blocks: Mapping[str, Block], histories: Histories, users: np.ndarray
) -> dict[str, float]:
    """Units of the blocks' scores, measured as in training."""
    if len(blocks) == 1:
        return model.spreads
    weights = {name: model.weights.get(name, HistoryWeights()) for name in blocks}
    return {name: spread(Weighed(block, weights[name]), histories, users) for name, block in blocks.items()}


def _contents(model: FusionModel, graph: KnowledgeGraph, catalogue: Catalogue) -> dict[str, TrainedContent]:
    contents: dict[str, TrainedContent] = {}
    for name in model.items.contents:
        vectors = catalogue.contents[name]
        digests = content_digests(item_contents(graph, name))
        # A content without a vector is not known, so that the next binding asks for it.
        kept = tuple(digest if vector.any() else "" for digest, vector in zip(digests, vectors, strict=True))
        contents[name] = TrainedContent(kept, vectors)
    return contents
