"""Train the graph neural network: ranking loss over sampled items, with histories and items held out at random.

Each step removes part of every history as targets and treats some items as new, so that the network learns both to
rank warm items and to place items by their facts alone. Items without interactions are never negatives: being cold says
nothing about them. Cost: a step is one pass over the facts (O(facts · d)) and batch users × candidates ·
d; on MovieLens-100k (943 users, 1,682 items, 38,000 facts) a step is an epoch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import svds
from torch import Tensor

from encoders.device import training_device
from encoders.graph.facts import FactGraph
from encoders.graph.gnn import GraphNetwork
from encoders.graph.gnn_learned import Learned, TextMaps
from encoders.graph.settings import GNNSettings

LEAST_SINGULAR = 1e-6
"""Least singular value that initial vectors are taken of, as a share of the largest."""

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""


def train_network(
    facts: FactGraph,
    matrix: sp.csr_array,
    text: NDArray[np.float32] | None,
    settings: GNNSettings,
    *,
    seed: int,
    progress: Progress | None = None,
) -> GraphNetwork:
    """Train on histories `matrix` [n_users, n_items]; returns the network in evaluation mode.

    text: [n_items, d_text], zero rows for items without text. Deterministic for a seed and a thread count
    on a processor.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    warm = np.diff(matrix.tocsc().indptr) > 0
    network = GraphNetwork(
        facts,
        settings.dimensions,
        initial_vectors(matrix, settings.dimensions, seed),
        None if text is None else torch.from_numpy(text),
        seed,
    ).moved_to(training_device())
    scalars = {id(parameter) for parameter in network.scalars}
    vectors = [parameter for parameter in network.parameters() if id(parameter) not in scalars]
    optimizer = torch.optim.AdamW(
        [
            {"params": vectors, "weight_decay": settings.weight_decay},
            {"params": network.scalars, "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
        fused=True,
    )
    users = np.flatnonzero(np.diff(matrix.indptr) > 1)
    if not len(users) or not warm.any():
        return network.eval()
    batches = -(-len(users) // settings.batch_users)
    steps = max(settings.steps, settings.passes * batches)
    network.train()
    order = users
    for step in range(steps):
        if step % batches == 0:
            order = rng.permutation(users)
        place = (step % batches) * settings.batch_users
        batch = matrix[np.sort(order[place : place + settings.batch_users])]
        loss = _step_loss(network, sp.csr_array(batch), warm, settings, rng)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * max(1 - step / steps, 0.01)
        # A step on few events may draw no target at all.
        if loss.requires_grad:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if progress:
            progress(step + 1, steps)
    return network.eval()


def learned_from(
    network: GraphNetwork, facts: FactGraph, warm: NDArray[np.bool_], center: NDArray[np.float32] | None
) -> Learned:
    """Extract parameters and final node vectors of a trained network; the collaborative part of cold items is
    dropped."""
    with torch.no_grad():
        keep = torch.from_numpy(warm.astype(np.float32)).to(network.collaborative.device)
        nodes = network.node_vectors(network.own_parts(keep)[0])
        collaborative = network.collaborative * keep[:, None]
        texts = None
        if center is not None:
            texts = TextMaps(network.text_item.cpu().numpy(), network.text_history.cpu().numpy(), center)
        return Learned(
            collaborative.cpu().numpy(),
            network.collaborative_history.weight.cpu().numpy(),
            nodes.cpu().numpy(),
            facts.keys,
            facts.relation_names,
            network.messages.cpu().numpy(),
            network.item_relations.exp().cpu().numpy(),
            network.history_relations.exp().cpu().numpy(),
            float(network.length_exponent),
            float(network.log_scale.exp()),
            texts,
        )


def initial_vectors(matrix: sp.csr_array, dimensions: int, seed: int) -> Tensor:
    """Compute initial collaborative parts, [n_items, dimensions]: truncated SVD of the degree-normalised histories.

    Starting here instead of at random saves two thirds of the steps; if the rank of the matrix is too small, as where
    users are without events, the rest of the columns is random.
    """
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(matrix.shape[1], dimensions, generator=generator) * 0.01
    rank = min(dimensions, min(matrix.shape) - 1)
    if rank < 1 or not matrix.nnz:
        return start
    rows = np.maximum(np.diff(matrix.indptr), 1).astype(np.float64) ** -0.25
    columns = np.maximum(np.bincount(matrix.indices, minlength=matrix.shape[1]), 1).astype(np.float64) ** -0.25
    normal = sp.diags_array(rows) @ matrix.astype(np.float64) @ sp.diags_array(columns)
    # Seeded, as the search starts again from a random vector where it meets an invariant subspace.
    _, values, right = svds(normal, k=rank, v0=np.ones(min(matrix.shape)), rng=np.random.default_rng(seed))
    # Vectors of singular values that are zero but for rounding are any vectors.
    kept = values > LEAST_SINGULAR * values.max()
    values, right = values[kept], right[kept]
    # The sign of a singular vector is arbitrary: fix it, so that machines agree.
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    vectors = (right * (signs * np.sqrt(values))[:, None]).T
    start[:, : len(right)] = torch.from_numpy(vectors[:, ::-1].astype(np.float32, order="C"))
    return start


def _step_loss(
    network: GraphNetwork, batch: sp.csr_array, warm: NDArray[np.bool_], settings: GNNSettings, rng: np.random.Generator
) -> Tensor:
    """Compute the softmax loss of the held-out items against all candidates, and of the items treated as new among
    themselves."""
    n_users, n_items = batch.shape
    device = network.collaborative.device
    new = (rng.random(n_items) < settings.cold_items) & warm
    users = np.repeat(np.arange(n_users), np.diff(batch.indptr))
    target = (rng.random(batch.nnz) < settings.held_out) | new[batch.indices]
    history = sp.csr_array((batch.data[~target], (users[~target], batch.indices[~target])), shape=batch.shape)
    candidates = candidates_of(np.unique(batch.indices[target]), warm, settings, rng)
    column = np.full(n_items, -1)
    column[candidates] = np.arange(len(candidates))
    target &= column[batch.indices] >= 0

    def on_device(array: NDArray) -> Tensor:
        return torch.from_numpy(array).to(device)

    q, z = network.item_vectors(on_device((warm & ~new).astype(np.float32)), settings.dropout)
    lengths = on_device(np.maximum(np.diff(history.indptr), 1).astype(np.float32))
    p = history_sums(history, z) * lengths[:, None] ** -network.length_exponent
    p = torch.nn.functional.dropout(p, settings.dropout, network.training)
    scores = network.log_scale.exp() * p @ q[on_device(candidates)].T

    seen_users = np.repeat(np.arange(n_users), np.diff(history.indptr))
    competes = column[history.indices] >= 0
    seen = on_device(np.stack([seen_users[competes], column[history.indices[competes]]]))
    # In place: the product's gradient needs no scores.
    scores[seen[0], seen[1]] = float("-inf")
    rows, columns = users[target], column[batch.indices[target]]
    is_new = new[batch.indices[target]]
    loss = torch.zeros((), device=device)
    if (~is_new).any():
        logs = torch.log_softmax(scores, dim=1)
        loss = loss - logs[on_device(rows[~is_new]), on_device(columns[~is_new])].mean()
    among = np.flatnonzero(new[candidates])
    if is_new.any() and len(among) > 1:
        logs = torch.log_softmax(scores[:, on_device(among)], dim=1)
        place = np.full(len(candidates), -1)
        place[among] = np.arange(len(among))
        picked = logs[on_device(rows[is_new]), on_device(place[columns[is_new]])]
        loss = loss - settings.cold_weight * settings.cold_items * picked.mean()
    return loss


def candidates_of(
    targets: NDArray[np.integer], warm: NDArray[np.bool_], settings: GNNSettings, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Items that a step ranks, ascending: targets, at random where they are many, filled up with others at random."""
    pool = np.flatnonzero(warm)
    if len(pool) <= settings.max_candidates:
        return pool
    if len(targets) > settings.max_candidates // 2:
        targets = np.sort(rng.choice(targets, settings.max_candidates // 2, replace=False))
    others = np.setdiff1d(pool, targets)
    drawn = rng.choice(others, settings.max_candidates - len(targets), replace=False)
    return np.union1d(targets, drawn).astype(np.intp)


def history_sums(history: sp.csr_array | sp.csc_array, z: Tensor) -> Tensor:
    """Σ_j w_j z_j of each history [n_users, d], from histories [n_users, n_items]; the gradient is that of z."""
    if z.device.type == "cpu":
        # Histories change every step, and PyTorch would sort each matrix again for its products.
        return _HistorySum.apply(history, z)
    return sparse_tensor(history).to(z.device) @ z


def sparse_tensor(matrix: sp.csr_array | sp.csc_array) -> Tensor:
    """The matrix as a sparse float32 tensor."""
    coo = matrix.tocoo()
    indices = torch.from_numpy(np.stack([coo.row, coo.col]).astype(np.int64))
    return torch.sparse_coo_tensor(indices, torch.from_numpy(coo.data.astype(np.float32)), matrix.shape)


class _HistorySum(torch.autograd.Function):
    """A product with a constant sparse matrix by scipy; its gradient is the product with the transposed matrix."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, history: sp.csr_array | sp.csc_array, z: Tensor) -> Tensor:
        ctx.history = history  # pyright: ignore[reportAttributeAccessIssue]
        return torch.from_numpy(history @ z.detach().numpy())

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> tuple[None, Tensor]:
        history = ctx.history  # pyright: ignore[reportAttributeAccessIssue]
        return None, torch.from_numpy(history.T @ gradients[0].contiguous().numpy())
