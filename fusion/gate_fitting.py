"""Fit the gates (`fusion.gates`) with torch.

All parameters are fitted together to the softmax likelihood of held-out items, on scores of blocks that have not seen
them (`fusion.crossfit`), so a block that only memorises its training data gets no weight and is removed. A prior pulls
the weights of the other blocks towards one another, because the likelihood is flat where blocks agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from fusion.gate_inputs import Examples
from fusion.gates import GateForm, Gates, bias_features, item_features, standardised
from fusion.settings import GateSettings

LEARNING_RATE = 0.05
"""Learning rate of Adam, falling linearly to a twentieth; the gates are a few dozen numbers near one."""

LEAST_SPREAD = 0.1
"""Lower bound of the standard deviation of the items' log popularity. If popularity hardly varies, an item of another
popularity would be hundreds of standard deviations away, and a gate is an exponential of that. (Lengths are
clipped.)"""


def fit_gates(blocks: Sequence[str], examples: Sequence[Examples], settings: GateSettings, form: GateForm) -> Gates:
    """Fit on out-of-sample scores: first without a prior on the weights, removing the weakest block and fitting again
    while one contributes nothing; then the remaining blocks, with the prior that pulls weights towards one another.
    """
    kept = list(range(len(blocks)))
    unbiased = settings.model_copy(update={"evenness": 0.0})

    def fitted(with_settings: GateSettings) -> Gates:
        chosen = [_only(example, kept) for example in examples]
        return _fit([blocks[b] for b in kept], chosen, with_settings, form)

    while len(kept) > 1:
        gates = fitted(unbiased)
        # A block is kept if it counts for popular or for cold items.
        jobs = np.stack([gates.weights, gates.weights * np.exp(gates.by_popularity[:, 1])], axis=1)
        share = (jobs / np.maximum(jobs.sum(axis=0), 1e-12)).max(axis=1)
        weakest = int(share.argmin())
        if share[weakest] >= settings.least_share:
            break
        del kept[weakest]
    return fitted(settings)


def _fit(blocks: list[str], examples: list[Examples], settings: GateSettings, form: GateForm) -> Gates:
    lengths = np.concatenate([example.lengths for example in examples])
    logs = np.log1p(lengths)
    length_moments = (float(logs.mean()), float(max(logs.std(), 1e-3)))
    warm = np.concatenate([example.side.users[example.side.users > 0] for example in examples])
    popularity_moments = (float(np.log1p(warm).mean()), float(max(np.log1p(warm).std(), LEAST_SPREAD)))
    length_range = (float(logs.min()), float(logs.max()))
    batches = [Batch(example, length_moments, length_range, popularity_moments, form) for example in examples]

    n_blocks, n_features = len(blocks), batches[0].bias.shape[-1]
    # The last features of the bias are the facts of cold items.
    n_common = n_features - (examples[0].side.facts.shape[1] if form.fact_bias else 0)
    weights = torch.full((n_blocks,), 0.5, requires_grad=True)
    by_length = torch.zeros(n_blocks, requires_grad=True)
    by_popularity = torch.zeros(n_blocks, 2, requires_grad=True)
    bias = torch.zeros(n_features, requires_grad=True)
    optimizer = torch.optim.Adam([weights, by_length, by_popularity, bias], lr=LEARNING_RATE)
    warm_batches = [batch for batch in batches if not batch.cold]
    cold_batches = [batch for batch in batches if batch.cold]
    order = np.random.default_rng(0)
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - 0.95 * step / settings.steps)
        held_back = by_length.square().sum() + by_popularity.square().sum() + bias[:n_common].square().sum()
        loss = settings.shrinkage * held_back + settings.sparsity * weights.sum()
        loss = loss + settings.evenness * (weights - weights.mean()).square().sum()
        loss = loss + settings.cold_shrinkage * bias[n_common:].square().sum()
        for kind in (warm_batches, cold_batches):
            if kind:
                batch = kind[step % len(kind)]
                rows = order.permutation(batch.n_users)[: settings.batch_users]
                user, item = (by_length * form.user, by_popularity * form.item)
                batch_loss = batch.loss(torch.from_numpy(rows), weights, user, item, bias)
                loss = loss + (settings.cold_weight if batch.cold else 1.0) * batch_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        # Projected, not squashed: the weight of a useless block reaches zero exactly.
        with torch.no_grad():
            weights.clamp_(min=0)
    used = [form.user * by_length, form.item * by_popularity]
    return Gates(
        tuple(blocks),
        weights.detach().numpy(),
        used[0].detach().numpy(),
        used[1].detach().numpy(),
        bias.detach().numpy(),
        length_moments,
        length_range,
        popularity_moments,
        form,
    )


class Batch:
    """One fold's examples as tensors."""

    def __init__(
        self,
        example: Examples,
        length_moments: tuple[float, float],
        length_range: tuple[float, float],
        popularity_moments: tuple[float, float],
        form: GateForm,
    ) -> None:
        self.cold = example.cold
        self.scores = torch.from_numpy(example.scores)
        self.x = torch.from_numpy(standardised(example.lengths, length_moments, length_range))
        self.items = torch.from_numpy(example.items.astype(np.int64))
        self.y = torch.from_numpy(item_features(example.side, popularity_moments))
        self.bias = torch.from_numpy(bias_features(example.side, popularity_moments, form))
        self.log_weights = torch.from_numpy(example.log_weights)
        self.targets = torch.from_numpy(example.targets)
        self.n_users = len(example.targets)

    def loss(self, rows: Tensor, weights: Tensor, by_length: Tensor, by_popularity: Tensor, bias: Tensor) -> Tensor:
        """Mean over the users `rows` of the mean −log softmax of their targets, so that every user counts once."""
        user = weights * torch.exp(self.x[rows, None] * by_length)
        items = self.items[rows]
        item = torch.exp(self.y @ by_popularity.T)
        scores = self.scores[rows]
        logits = (self.bias @ bias)[items]
        for block in range(scores.shape[2]):
            logits = logits + scores[:, :, block] * user[:, block, None] * item[:, block][items]
        logs = logits - torch.logsumexp(logits + self.log_weights[rows], dim=1, keepdim=True)
        targets = self.targets[rows]
        return -(logs * targets).sum(dim=1).div(targets.sum(dim=1)).mean()


def _only(example: Examples, blocks: list[int]) -> Examples:
    return replace(example, scores=np.ascontiguousarray(example.scores[:, :, blocks]))
