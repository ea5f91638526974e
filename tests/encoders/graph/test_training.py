from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

from encoders.block import TrainingData
from encoders.graph import GNN, SharedEntities, SharedSettings
from encoders.graph.facts import FactGraph
from encoders.graph.gnn import GraphNetwork, edge_index
from encoders.graph.kernels import kernels_of
from encoders.graph.keys import keys_from_arrays, keys_to_arrays
from encoders.graph.settings import GNNSettings
from encoders.graph.shared_training import part_scores
from encoders.graph.training import candidates_of, history_sums, initial_vectors, sparse_tensor, train_network
from encoders.tensors import Tensors
from tests.planted import domain


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_keys_round_trip(keys: list[str]) -> None:
    content, offsets = keys_to_arrays(keys)
    tensors = Tensors({"keys": content, "offsets": offsets})
    assert keys_from_arrays(tensors, "keys", "offsets") == keys


def random_matrix(rows: int, columns: int, seed: int = 0) -> sp.csr_array:
    drawn = np.random.default_rng(seed).random((rows, columns))
    return sp.csr_array(np.where(drawn < 0.3, drawn, 0).astype(np.float32))


def test_history_sums_on_any_device_are_the_product_and_its_gradient() -> None:
    histories = random_matrix(7, 11)
    start = np.random.default_rng(1).normal(size=(11, 3)).astype(np.float32)
    gradients = []
    for product in (history_sums, lambda histories, z: sparse_tensor(histories) @ z):
        z = torch.from_numpy(start.copy()).requires_grad_()
        found = product(histories, z)
        np.testing.assert_allclose(found.detach().numpy(), histories @ start, rtol=1e-5)
        found.square().sum().backward()
        assert z.grad is not None
        gradients.append(z.grad.numpy())
    np.testing.assert_allclose(gradients[0], 2 * histories.T @ (histories @ start), rtol=1e-4)
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-4)


def test_messages_are_products_with_the_incidence() -> None:
    matrix = random_matrix(6, 9)
    matrix.data[:] = 1
    x = np.random.default_rng(2).normal(size=(9, 4)).astype(np.float32)
    values = torch.from_numpy(x).requires_grad_()
    found = edge_index(matrix).matmul(values)
    assert isinstance(found, torch.Tensor)
    np.testing.assert_allclose(found.detach().numpy(), matrix @ x, rtol=1e-5)
    found.sum().backward()
    assert values.grad is not None
    np.testing.assert_allclose(values.grad.numpy(), matrix.T @ np.ones((6, 4)), rtol=1e-5)


def test_a_network_is_served_as_it_is_trained() -> None:
    """Scores of the trained network with torch are those of the block without: relations, cold items, texts."""
    seen = domain().without_events_on(domain().items[::4])
    catalogue, settings = seen.catalogue(), GNNSettings(dimensions=16, steps=20)
    block = GNN.fit(TrainingData(seen.histories, catalogue), settings, seed=1)

    texts = catalogue.contents["text"]
    warm = np.bincount(seen.matrix.indices, minlength=len(texts)) > 0
    center = texts[warm].mean(axis=0)
    centred = np.where(texts.any(axis=1, keepdims=True), texts - center, 0).astype(np.float32)
    network = train_network(FactGraph.of(seen.graph), seen.matrix, centred, settings, seed=1)
    with torch.no_grad():
        q, z = network.item_vectors(torch.from_numpy(warm.astype(np.float32)))
        lengths = torch.from_numpy(np.diff(seen.matrix.indptr).clip(1).astype(np.float32))
        p = history_sums(seen.matrix, z) * lengths[:, None] ** -network.length_exponent
        scores = (network.log_scale.exp() * p @ q.T).numpy()
    served = block.scores(seen.histories)
    np.testing.assert_allclose(served, scores, rtol=1e-4, atol=1e-5 * np.abs(scores).max())
    assert served[:, ~warm].std() > 0


def test_shared_entities_are_served_as_they_are_trained() -> None:
    """What is fitted are weights of the terms that scores are the weighted sums of, for items that are held out."""
    seen = domain()
    data = TrainingData(seen.histories, seen.catalogue())
    block = SharedEntities.fit(data, seed=1)
    part = np.arange(0, seen.graph.n_items, 5)
    hidden = seen.matrix.copy()
    hidden.data[np.isin(hidden.indices, part)] = 0
    hidden.eliminate_zeros()
    scores = part_scores(kernels_of(FactGraph.of(seen.graph)), seen.matrix, part, SharedSettings())
    theta = block.state().tensors["weights"].ravel()
    assert (theta > 0).any()
    expected = scores.weighted(torch.from_numpy(theta)).reshape(-1, len(part)).numpy()
    np.testing.assert_allclose(block.scores_of(hidden, part), expected, rtol=1e-4)


def test_moving_a_network_keeps_its_vectors() -> None:
    seen = domain()
    facts = FactGraph.of(seen.graph)
    network = GraphNetwork(facts, 8, initial_vectors(seen.matrix, 8, 1), None, 1).eval()
    keep = torch.ones(facts.n_items)
    q, z = network.item_vectors(keep)
    moved = network.moved_to(torch.device("cpu"))
    assert all(torch.equal(*pair) for pair in zip(moved.item_vectors(keep), (q, z), strict=True))


def test_facts_count_every_item_once() -> None:
    seen = domain()
    facts = FactGraph.of(seen.graph)
    assert facts.counts().sum() == len(seen.edges)
    together = sum(facts.incidence[1:], start=facts.incidence[0])
    np.testing.assert_array_equal(facts.degrees, (together.toarray() > 0).sum(axis=0))
    assert all(kind in {"maker", "topic", "place"} for kind, _ in (key.split("\t") for key in facts.keys))


def test_the_start_is_the_truncated_decomposition() -> None:
    matrix = random_matrix(30, 12, seed=4)
    matrix.data[:] = 1
    found = initial_vectors(matrix, 20, seed=1).numpy()
    assert found.shape == (12, 20)
    users, items = (np.maximum(matrix.sum(axis=axis), 1) ** -0.25 for axis in (1, 0))
    normal = users[:, None] * matrix.toarray() * items[None, :]
    _, strengths, right = np.linalg.svd(normal)
    best = (right[:11].T * strengths[:11]) @ right[:11]
    np.testing.assert_allclose(found[:, :11] @ found[:, :11].T, best, atol=1e-4)
    np.testing.assert_array_equal(found, initial_vectors(matrix, 20, seed=1).numpy())
    two = initial_vectors(sp.csr_array(np.array([[1.0, 1.0], [0.0, 1.0]], dtype=np.float32)), 4, seed=1)
    assert two.shape == (2, 4)


def test_the_start_is_the_same_where_few_users_have_events() -> None:
    matrix = random_matrix(60, 80, seed=4)
    lines = np.ones(60)
    lines[::4] = 0.0
    seen = sp.csr_array(sp.diags_array(lines) @ matrix)
    seen.eliminate_zeros()
    starts = {initial_vectors(seen, 64, seed=1).numpy().tobytes() for _ in range(4)}
    assert len(starts) == 1


@pytest.mark.parametrize("matrix", [np.zeros((3, 60)), np.eye(3, 60)], ids=["no events", "one event each"])
def test_without_anything_to_learn_from_the_network_stays_as_it_starts(matrix: np.ndarray) -> None:
    facts = FactGraph.of(domain().graph)
    network = train_network(facts, sp.csr_array(matrix.astype(np.float32)), None, GNNSettings(dimensions=4), seed=1)
    q, _ = network.item_vectors(torch.ones(facts.n_items))
    assert torch.isfinite(q).all()


def test_large_catalogues_are_ranked_in_samples() -> None:
    """With fewer candidates than items the loss still ends up ranking taken items above others."""
    seen = domain()
    settings = GNNSettings(dimensions=16, steps=60, max_candidates=16, batch_users=32)
    told: list[tuple[int, int]] = []
    network = train_network(
        FactGraph.of(seen.graph), seen.matrix, None, settings, seed=1, progress=lambda *step: told.append(step)
    )
    assert told[-1] == (60, 60)
    with torch.no_grad():
        q, z = network.item_vectors(torch.ones(seen.graph.n_items))
    scores = (seen.matrix @ z.numpy()) @ q.numpy().T
    taken = seen.matrix.toarray() > 0
    assert scores[taken].mean() > scores[~taken].mean() + scores.std() / 2


@pytest.mark.parametrize("n_targets", [3, 40])
def test_a_step_ranks_no_more_items_than_set(n_targets: int) -> None:
    warm = np.arange(100) % 2 == 0
    targets = np.flatnonzero(warm)[:n_targets]
    found = candidates_of(targets, warm, GNNSettings(max_candidates=20), np.random.default_rng(0))
    assert len(found) == 20
    assert warm[found].all()
    assert (np.diff(found) > 0).all()
    assert np.isin(found, targets).sum() >= min(n_targets, 10)
