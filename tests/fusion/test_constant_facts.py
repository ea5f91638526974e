"""Facts and texts that all items have, or all but a few: they say nothing of taste, and must not decide lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from encoders.behavior import Popularity
from encoders.block import Catalogue, TrainingData
from encoders.graph import SharedEntities
from encoders.history_weights import HistoryWeights
from fusion.crossfit import spread
from fusion.gate_fitting import fit_gates
from fusion.model import FusionModel
from fusion.settings import FusionSettings, GateSettings
from fusion.training import Fitting
from fusion.user_weights import Weighed
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions
from kg.rows import EdgeRow, NodeRow
from kg.schema import DomainSchema
from tests.fusion.small import with_blocks
from tests.fusion.test_gates import DEFAULTS, FORM, N_USERS, made_examples, side
from tests.planted import vectors

ITEMS, USERS, LIKED = 30, 40, 8
SANE = 100.0
"""Scores are sums of a few blocks in units of their spread; none of these comes near."""

SHOP = DomainSchema.from_mapping(
    {
        "name": "shop",
        "nodes": {
            "thing": {"role": "item", "source": "things.csv", "key": "id"},
            "country": {"source": "countries.csv", "key": "id"},
            "user": {"role": "user"},
        },
        "relations": {"made_in": {"head": "thing", "tail": "country", "source": "made.csv"}},
        "interactions": {"bought": {"source": "bought.csv", "columns": {"user": "user", "item": "thing"}}},
    }
)
SETTINGS = with_blocks("ials", "factease", "gnn", "shared", "text").model_copy(update={"gates": GateSettings()})


def shop(countries: list[str], text: str) -> KnowledgeGraph:
    """A thing for each country, all of the same text."""
    keys = [f"{number:02}" for number in range(len(countries))]
    nodes = [NodeRow("thing", key, key, text) for key in keys]
    nodes += [NodeRow("country", key, key) for key in sorted({country for country in countries if country})]
    edges = [EdgeRow("made_in", key, country) for key, country in zip(keys, countries, strict=True) if country]
    return KnowledgeGraph.from_rows(SHOP, nodes, edges)


def likes(graph: KnowledgeGraph) -> Interactions:
    """Every user likes the same number of the first things, even users even ones and odd users odd ones."""
    rng = np.random.default_rng(5)
    chosen = [2 * np.sort(rng.choice(ITEMS // 2, LIKED, replace=False)) + user % 2 for user in range(USERS)]
    users = np.repeat(np.arange(USERS, dtype=np.int32), LIKED)
    names = [f"u{user:02}" for user in range(USERS)]
    return Interactions(users, np.concatenate(chosen).astype(np.int32), names, graph.n_items)


def trained(countries: list[str], text: str = "", asked: FusionSettings = SETTINGS) -> FusionModel:
    graph = shop(countries, text)
    texts = vectors(graph.item_texts.to_list())
    return Fitting(graph, likes(graph), asked=asked, seed=1, contents={"text": texts}).model()


def scores_of(model: FusionModel, countries: list[str], text: str) -> NDArray[np.float32]:
    """Of all users and things, over a snapshot that may have more things than training had."""
    graph = shop(countries, text)
    return model.bind(graph, encode={"text": vectors}).scores(likes(graph).histories())


def own_of_the_first_five(scores: NDArray[np.float32]) -> float:
    """Share of the five best things that a user has not bought that are of the user's own half."""
    has = likes(shop(["UK"] * scores.shape[1], "")).matrix().toarray() > 0
    best = np.argsort(-np.where(has, -np.inf, scores), axis=1)[:, :5]
    return float((best % 2 == np.arange(USERS)[:, None] % 2).mean())


@settings(max_examples=8, deadline=None)
@given(
    others=st.integers(0, 2),
    without_events=st.integers(0, 3),
    later=st.lists(st.sampled_from(["UK", "FR", "NZ", ""]), max_size=3),
    elsewhere=st.sampled_from(["FR", ""]),
    text=st.sampled_from(["", "x", "x y z"]),
)
def test_a_fact_of_nearly_all_items_leaves_the_planted_lists(
    others: int, without_events: int, later: list[str], elsewhere: str, text: str
) -> None:
    """`others` of the things that have events are from elsewhere, as are some that have none; more come later."""
    countries = [elsewhere] * others + ["UK"] * (ITEMS - others) + [elsewhere] * without_events
    model = trained(countries, text)
    scores = scores_of(model, countries + later, text)
    assert np.abs(scores).max() < SANE
    assert own_of_the_first_five(scores[:, :ITEMS]) > 0.95
    assert own_of_the_first_five(scores[:, : ITEMS + without_events]) > 0.9


def test_a_fact_of_all_items_has_no_weight_and_one_that_tells_them_apart_has() -> None:
    def weights(countries: list[str]) -> NDArray[np.float32]:
        graph = shop(countries, "")
        catalogue = Catalogue(graph, np.arange(graph.n_items, dtype=np.int32))
        data = TrainingData(likes(graph).histories(), catalogue)
        return SharedEntities.fit(data, seed=1).state().tensors["weights"]

    size = ITEMS**-0.25 * LIKED**0.5
    assert weights(["UK"] * ITEMS).max() * size < 1e-3
    assert weights(["UK"] * ITEMS + ["FR", "FR"]).max() * size < 1e-3
    assert 0 < weights(["UK"] * (ITEMS - 1) + ["FR"]).max() * size < SANE
    assert weights(["UK", "FR"] * (ITEMS // 2)).max() * size > 0.1


class Level(Popularity):
    """The same score for all that has been bought, up to rounding, and nothing for the rest."""

    def scores(self, histories: object, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        found = np.full((USERS, ITEMS), 5.0, dtype=np.float32)
        found[:, ::2] += 1e-6
        return found if candidates is None else found[:, candidates]


def test_a_block_is_not_measured_by_the_rounding_of_its_scores() -> None:
    histories = likes(shop(["UK"] * ITEMS, "")).histories()
    users = histories.item_users().astype(np.float32)
    assert spread(Weighed(Level.learn(histories), HistoryWeights()), histories, users) == pytest.approx(0.5, rel=1e-3)


def test_gates_stay_within_bounds_where_items_are_alike_in_popularity() -> None:
    """Hardly any item of training differs from the others; one that is bound later does."""
    counts = np.full(ITEMS, 20.0)
    counts[3] = 20.05
    signal = np.tile(np.array([2.0, 2.0]), (N_USERS, 1))
    gates = fit_gates(["one", "other"], [made_examples(signal, side(counts))], DEFAULTS, FORM)
    found = gates.item_factors(side(np.geomspace(1, 400, ITEMS)))
    assert 0.1 < found.min() <= found.max() < 10
