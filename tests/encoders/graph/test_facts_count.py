"""What the graph blocks are for: items that nobody has taken, facts that come and go, scores in cells of facts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoders.block import Block, Catalogue, SplitsByFact, TrainingData
from encoders.graph import GNN, GNNSettings, SharedEntities, SharedSettings
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.rows import EdgeRow, NodeRow
from kg.schema import DomainSchema
from tests.planted import Domain, domain
from whypath.testing.blocks.domain import bound, histories_of

GNN_SETTINGS = GNNSettings(dimensions=16, steps=60)
COLD = tuple(domain().items[::4])
BLOCKS = ["gnn", "shared"]


def fit(name: str, over: Domain, catalogue: Catalogue | None = None, seed: int = 1) -> GNN | SharedEntities:
    catalogue = catalogue or replace(over.catalogue(), contents={})
    data = TrainingData(over.histories, catalogue)
    return GNN.fit(data, GNN_SETTINGS, seed=seed) if name == "gnn" else SharedEntities.fit(data, seed=seed)


@pytest.fixture(scope="module", params=BLOCKS)
def cold_block(request: pytest.FixtureRequest) -> GNN | SharedEntities:
    """Fitted on facts alone, where nobody has taken the items of `COLD`."""
    return fit(request.param, domain().without_events_on(COLD))


def order_of_cold_items(block: Block) -> float:
    """Share of (taken, not taken) pairs of cold items that the block puts in the right order; 0.5 is chance."""
    told, seen = domain(), domain().without_events_on(COLD)
    columns = told.graph.item_indices(COLD).astype(np.intp)
    users = told.interactions.user_ids
    rows = [users.index(user) for user in seen.interactions.user_ids]
    scores = block.scores(seen.histories, columns)
    taken = told.matrix[rows][:, columns].toarray() > 0
    right = []
    for row, liked in zip(scores, taken, strict=True):
        if liked.any() and not liked.all():
            right.append((row[liked][:, None] > row[~liked][None, :]).mean())
    return float(np.mean(right))


def test_items_that_nobody_has_taken_are_ranked_by_their_facts(cold_block: GNN | SharedEntities) -> None:
    assert order_of_cold_items(cold_block) > 0.62
    seen = domain().without_events_on(COLD)
    shuffled = Catalogue(seen.graph.shuffled(5), np.arange(seen.graph.n_items, dtype=np.int32))
    assert order_of_cold_items(fit(cold_block.name, seen, shuffled)) < order_of_cold_items(cold_block) - 0.1


def test_cells_of_facts_add_up_to_the_shares(cold_block: GNN | SharedEntities) -> None:
    assert isinstance(cold_block, SplitsByFact)
    histories = domain().without_events_on(COLD).histories
    for user in range(0, len(histories), 17):
        history = histories.take(slice(user, user + 1))
        for item in range(0, histories.n_items, 7):
            cells = cold_block.fact_shares(history, item)
            assert cells.shares.shape == (history.lengths[0], len(cells.nodes))
            assert len(cells.relations) == len(cells.nodes)
            np.testing.assert_allclose(
                cells.shares.sum(axis=1) + cells.own, cold_block.shares(history, item), atol=1e-5
            )


def test_taking_a_fact_away_takes_its_cells_off_the_score(cold_block: GNN | SharedEntities) -> None:
    seen = domain().without_events_on(COLD)
    item = seen.graph.item_index(COLD[3])
    history = seen.histories.take(slice(0, 1))
    before = cold_block.scores(history)[0]
    cells = cold_block.fact_shares(history, item)
    changed = 0
    for edge in seen.facts_of(COLD[3]):
        node = seen.graph.node_id(seen.schema.relation_kinds[edge.relation].tail, edge.tail)
        column = (cells.nodes == node) & (np.array(cells.relations) == edge.relation)
        rebound = bound(cold_block, seen.without(edge).catalogue(seen))
        after = rebound.scores(history)[0]
        assert before[item] - after[item] == pytest.approx(float(cells.shares[:, column].sum()), abs=1e-5)
        changed += before[item] != after[item]
        others = np.delete(np.arange(len(before)), item)
        np.testing.assert_allclose(after[others], before[others], atol=1e-6)
    assert changed


@pytest.mark.parametrize("name", BLOCKS)
def test_an_entity_that_came_after_training_stands_for_the_items_around_it(name: str) -> None:
    """Two new items hang on a new entity each: one of them of films that the user has, one of others."""
    seen = domain()
    block = fit(name, seen)
    user = int(np.argmax(np.diff(seen.matrix.indptr)))
    scores = block.scores(seen.histories.take(np.array([user])))[0]
    has = seen.matrix[[user]].toarray()[0] > 0
    liked = [seen.items[i] for i in np.flatnonzero(has)]
    by_score = np.argsort(scores)
    disliked = [seen.items[i] for i in by_score if not has[i]][: len(liked)]
    relation = "has_maker"
    edges = [EdgeRow(relation, key, "near") for key in [*liked, "new-near"]]
    edges += [EdgeRow(relation, key, "far") for key in [*disliked, "new-far"]]
    wider = replace(
        seen,
        items=(*seen.items, "new-near", "new-far"),
        texts=(*seen.texts, "", ""),
        entities=(*seen.entities, ("maker", "near"), ("maker", "far")),
        edges=(*seen.edges, *edges),
    )
    rebound = bound(block, replace(wider.catalogue(seen), contents={}))
    found = rebound.scores(Histories.of_items(wider.graph.item_indices(liked), wider.graph.n_items))[0]
    assert found[wider.graph.item_index("new-near")] > found[wider.graph.item_index("new-far")]
    assert found[wider.graph.item_index("new-near")] > 0


@pytest.mark.parametrize("name", BLOCKS)
def test_a_relation_that_came_after_training_says_nothing(name: str) -> None:
    seen = domain()
    block = fit(name, seen)
    description = seen.schema.model_dump(exclude_defaults=True)
    description["relations"]["set_in"] = {"source": "set_in.tsv", "head": "item", "tail": "place"}
    place = next(key for kind, key in seen.entities if kind == "place")
    edges = tuple(EdgeRow("set_in", item, place) for item in seen.items[::2])
    wider = replace(seen, schema=DomainSchema.from_mapping(description), edges=(*seen.edges, *edges))
    rebound = bound(block, replace(wider.catalogue(seen), contents={}))
    np.testing.assert_array_equal(rebound.scores(seen.histories), block.scores(seen.histories))


@pytest.mark.parametrize("name", BLOCKS)
def test_without_any_fact(name: str) -> None:
    seen = domain()
    bare = Catalogue(seen.graph.without_relations(), np.arange(seen.graph.n_items, dtype=np.int32))
    block = fit(name, seen, bare)
    scores = block.scores(seen.histories)
    assert np.isfinite(scores).all()
    # Without facts the network still has its collaborative part; shared entities have nothing to go by.
    assert scores.any() == (name == "gnn")
    cells = block.fact_shares(Histories.of_items([0, 1], seen.graph.n_items), 2)
    assert cells.shares.shape == (2, 0)
    restored = type(block).from_state(block.state(), bare)
    np.testing.assert_array_equal(restored.scores(seen.histories), scores)


def test_a_seed_decides_the_network() -> None:
    seen = domain()
    first, again, other = (fit("gnn", seen, seed=seed).state().tensors for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["collaborative"], other["collaborative"])


def test_items_without_facts_are_told_apart_by_their_texts() -> None:
    """With texts the network ranks cold items even where nothing else is known of them."""
    seen = domain().without_events_on(COLD)
    bare = replace(seen.catalogue(), graph=seen.graph.without_relations())
    assert order_of_cold_items(fit("gnn", seen, bare)) > 0.55
    assert order_of_cold_items(fit("gnn", seen, replace(bare, contents={}))) == pytest.approx(0.0)


FILMS = DomainSchema.from_mapping(
    {
        "nodes": {
            "film": {"role": "item", "source": "films.csv", "key": "id"},
            "person": {"role": "entity", "source": "people.csv", "key": "id"},
            "user": {"role": "user"},
        },
        "relations": {
            "director": {"head": "film", "tail": "person", "source": "directors.csv"},
            "actor": {"head": "film", "tail": "person", "source": "actors.csv"},
            "sequel": {"head": "film", "tail": "film", "source": "sequels.csv"},
        },
        "interactions": {"rated": {"source": "ratings.csv", "columns": {"user": "user", "item": "film"}}},
    }
)


def films(*edges: tuple[str, str, str]) -> Catalogue:
    """Four films and two people with some edges (relation, head, tail)."""
    nodes = [NodeRow("film", key, key) for key in "abcd"] + [NodeRow("person", key, key) for key in "pq"]
    graph = KnowledgeGraph.from_rows(FILMS, nodes, [EdgeRow(*edge) for edge in edges])
    return Catalogue(graph, np.arange(4, dtype=np.int32))


def test_a_person_is_shared_across_relations() -> None:
    """Who directed one film and acted in another is shared by kind, and by kind alone."""
    edges = [("director", "a", "p"), ("actor", "b", "p"), ("director", "c", "q"), ("actor", "c", "p")]
    alone = Histories.single_items(np.arange(4), 4)
    block = SharedEntities.fit(TrainingData(alone, films(*edges)), SharedSettings(exponents=(0.0,)))
    scores = block.scores(alone)
    assert scores[0, 1] > 0
    assert scores[1, 2] == pytest.approx(2 * scores[0, 1])  # as actor, and by kind
    cells = block.fact_shares(Histories.of_items([0], 4), 1)
    assert dict(zip(cells.relations, cells.shares[0].tolist(), strict=True)) == {
        "actor": 0.0,
        "kind:person": pytest.approx(float(scores[0, 1])),
    }
    # The person stays shared by kind as long as one relation leads there.
    without = bound(block, films(*edges[:1], *edges[2:], ("director", "b", "p"))).scores(alone)
    assert without[0, 1] == pytest.approx(2 * scores[0, 1])  # as director, and by kind
    assert bound(block, films(*edges[:1], *edges[2:])).scores(alone)[0, 1] == 0
    # Even where only one relation is left in the whole snapshot.
    narrow = bound(block, films(("director", "a", "p"), ("director", "b", "p"))).scores(alone)
    assert narrow[0, 1] == pytest.approx(2 * scores[0, 1])


@pytest.mark.parametrize("block_type", [GNN, SharedEntities])
def test_relations_between_items_are_facts_of_both(block_type: type[GNN] | type[SharedEntities]) -> None:
    over = films(("sequel", "a", "b"), ("sequel", "c", "b"))
    given = histories_of(np.array([[1, 1, 1, 0], [0, 1, 1, 0], [1, 0, 1, 1]]))
    block = block_type.fit(TrainingData(given, over))
    cells = block.fact_shares(Histories.of_items([0], 4), 1)
    assert {name for name in cells.relations if not name.startswith("kind:")} == {"~sequel"}
    assert set(cells.nodes.tolist()) == {0, 2}
    np.testing.assert_allclose(
        float(cells.shares.sum() + cells.own.sum()),
        block.scores(Histories.single_items(np.arange(4), 4))[0, 1],
        rtol=1e-4,
    )
