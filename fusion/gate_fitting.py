"""Fit the gates (`fusion.gates`) with torch.

All parameters are fitted together to rank held-out items high, on scores of blocks that have not seen them
(`fusion.crossfit`), so a block that only memorises its training data gets no weight and is removed. The loss is a
smooth nDCG@10 (Qin, Liu & Li, "A general approximation framework for direct optimization of information retrieval
measures", 2010) with some likelihood, which has a gradient also where ranks are far. A prior pulls the weights of the
other blocks towards one another, because the loss is flat where blocks agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fusion.gate_inputs import Examples
from fusion.gates import GateForm, Gates, bias_features, item_features, user_ends, user_features
from fusion.settings import GateSettings

LEARNING_RATE = 0.05
"""Learning rate of Adam, falling linearly to a twentieth; the gates are a few dozen numbers near one."""

MANY = 1000
"""Number of examples (rows) from which on the penalties, the likelihood and the temperature count as in the
settings."""

MOST_RISE = 4.0
"""The most by which the temperature rises where examples are few; the likelihood and the smoothness rise by as much
again."""

TARGETS = 10
"""Targets of a user that a step ranks: those with the highest scores, as others are far from the list."""

_LISTED, _EDGE = 10.5, 2.0
"""A target counts by about the chance that its rank is among the first ten: a sigmoid of this middle and width."""

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
    further = {"steps": max(1, settings.steps // 2)}

    def fitted(with_settings: GateSettings, start: Gates | None = None) -> Gates:
        chosen = [_only(example, kept) for example in examples]
        return _fit([blocks[b] for b in kept], chosen, with_settings, form, start)

    gates = fitted(unbiased)
    while len(kept) > 1:
        # A block is kept if it counts for popular items, for cold ones, or for users with a first item.
        first = gates.user_factors(np.ones(1, np.float32))[0]
        cold = gates.weights * np.exp(gates.by_popularity[:, -1, 1])
        jobs = np.stack([gates.weights, cold, first], axis=1)
        share = (jobs / np.maximum(jobs.sum(axis=0), 1e-12)).max(axis=1)
        weakest = int(share.argmin())
        if share[weakest] >= settings.least_share:
            break
        del kept[weakest]
        gates = fitted(unbiased.model_copy(update=further), gates.without(weakest))
    return fitted(settings.model_copy(update=further), gates)


def _fit(
    blocks: list[str], examples: list[Examples], settings: GateSettings, form: GateForm, start: Gates | None = None
) -> Gates:
    """Fit the gates of these blocks, from those of `start`."""
    warm = np.concatenate([example.side.users[example.side.users > 0] for example in examples])
    popularity_moments = (float(np.log1p(warm).mean()), float(max(np.log1p(warm).std(), LEAST_SPREAD)))
    batches = [Batch(example, popularity_moments, form) for example in examples]

    n_blocks, n_features = len(blocks), batches[0].bias.shape[-1]
    # The last features of the bias are the facts of cold items.
    n_common = n_features - (examples[0].side.facts.shape[1] if form.fact_bias else 0)
    if start is None:
        start = replace(Gates.even(tuple(blocks), form, 0), weights=np.full(n_blocks, 0.5, np.float32))
        start = replace(start, bias=np.zeros(n_features, np.float32))

    def parameter(values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(values.copy()).requires_grad_()

    weights, by_length, by_popularity = map(parameter, (start.weights, start.by_length, start.by_popularity))
    bias, bias_by_length = parameter(start.bias), parameter(start.bias_by_length)
    parameters = [weights, by_length, by_popularity, bias, bias_by_length]
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE)
    # A penalty is a prior: the fewer examples there are, the more it counts against their mean.
    few = max(1.0, MANY / sum(batch.n_users for batch in batches))
    # With few, the likelihood says more than where some targets rank, and exact ranks and single lengths say less.
    fewer = min(few, MOST_RISE)
    scaled = {"likelihood": few * fewer, "temperature": fewer, "smoothness": fewer}
    settings = settings.model_copy(update={name: getattr(settings, name) * by for name, by in scaled.items()})
    shares = {"events": 1.0, "items": settings.cold_weight, "users": settings.new_user_weight}
    of_kind = {kind: [batch for batch in batches if batch.kind == kind] for kind in shares}
    rng = np.random.default_rng(0)
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - 0.95 * step / settings.steps)
        bent = (by_length, by_popularity.mean(dim=1), bias_by_length, bias[:n_common])
        penalty = settings.shrinkage * torch.stack([part.square().sum() for part in bent]).sum()
        jumps = (torch.cat([by_length, bias_by_length]).diff(dim=1), by_popularity.diff(dim=1))
        penalty = penalty + settings.smoothness * torch.stack([jump.square().sum() for jump in jumps]).sum()
        loss = few * penalty + settings.sparsity * weights.sum()
        loss = loss + settings.evenness * (weights - weights.mean()).square().sum()
        loss = loss + settings.cold_shrinkage * bias[n_common:].square().sum()
        of_users = (by_length * form.user, bias_by_length * form.user)
        for kind, share in shares.items():
            if not of_kind[kind] or not share:
                continue
            batch = of_kind[kind][step % len(of_kind[kind])]
            rows = rng.permutation(batch.n_users)[: settings.batch_users]
            logits = batch.logits(rows, weights, of_users[0], by_popularity * form.item, bias, of_users[1])
            loss = loss + share * batch.loss(rows, logits, settings)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        # Projected, not squashed: the weight of a useless block reaches zero exactly.
        with torch.no_grad():
            weights.clamp_(min=0)
    return Gates(
        tuple(blocks),
        weights.detach().numpy(),
        (form.user * by_length).detach().numpy(),
        (form.item * by_popularity).detach().numpy(),
        bias.detach().numpy(),
        (form.user * bias_by_length).detach().numpy(),
        popularity_moments,
        form,
    )


class Batch:
    """One fold's examples as tensors."""

    def __init__(self, example: Examples, popularity_moments: tuple[float, float], form: GateForm) -> None:
        self.kind = example.kind
        self.scores = torch.from_numpy(example.scores)
        self.x, self.z = (torch.from_numpy(places(example.lengths)) for places in (user_features, user_ends))
        self.items = torch.from_numpy(example.items.astype(np.int64))
        self.y = torch.from_numpy(item_features(example.side, popularity_moments))
        self.bias = torch.from_numpy(bias_features(example.side, popularity_moments, form))
        self.log_weights = torch.from_numpy(example.log_weights)
        self.targets = torch.from_numpy(example.targets)
        self.n_users = len(example.targets)

    def logits(
        self,
        rows: NDArray[np.intp],
        weights: Tensor,
        by_length: Tensor,
        by_popularity: Tensor,
        bias: Tensor,
        bias_by_length: Tensor,
    ) -> Tensor:
        """Scores of the users `rows`, [n_rows, n_candidates]."""
        x, items = self.x[rows], self.items[rows]
        user = weights * torch.exp(x @ by_length.T)
        item = torch.exp(by_popularity @ self.y.T)
        ends = self.z[rows]
        scores = self.scores[rows]
        logits = (self.bias @ bias)[items]
        if len(bias_by_length):
            of_knots = self.bias[:, : len(bias_by_length)] @ bias_by_length
            logits = logits + torch.gather(x @ of_knots.T, 1, items)
        for block in range(scores.shape[2]):
            popular = sum(ends[:, end, None] * of_end[items] for end, of_end in enumerate(item[block]))
            logits = logits + scores[:, :, block] * user[:, block, None] * popular
        return logits

    def loss(self, rows: NDArray[np.intp], logits: Tensor, settings: GateSettings) -> Tensor:
        """Mean over the users `rows` of -ranking · nDCG - likelihood · log-likelihood, so that every user counts
        once.
        """
        targets, log_weights = self.targets[rows], self.log_weights[rows]
        n_targets = targets.sum(dim=1)
        loss = torch.zeros(())
        if settings.likelihood:
            logs = logits - torch.logsumexp(logits + log_weights, dim=1, keepdim=True)
            loss = loss - settings.likelihood * (logs * targets).sum(dim=1).div(n_targets).mean()
        if settings.ranking:
            best = torch.where(targets > 0, logits.detach(), -torch.inf)
            columns = torch.topk(best, min(TARGETS, best.shape[1]), dim=1).indices
            is_target = torch.gather(targets, 1, columns)
            users, places = torch.nonzero(is_target, as_tuple=True)
            margins = logits[users] - logits[users, columns[users, places]][:, None]
            above = torch.sigmoid(margins / settings.temperature) * log_weights[users].exp()
            # A target is above itself by one half.
            ranks = above.sum(dim=1) + 0.5
            gains = torch.sigmoid((_LISTED - ranks) / _EDGE) / torch.log2(1 + ranks)
            sums = torch.zeros(len(targets)).index_add(0, users, gains)
            loss = loss - settings.ranking * (sums / _ideal(n_targets)).mean()
        return loss


def _ideal(n_targets: Tensor) -> Tensor:
    """DCG@10 of lists that begin with all targets."""
    gains = torch.cumsum(1 / torch.log2(torch.arange(2, 12, dtype=torch.float32)), 0)
    return gains[n_targets.clamp(max=10) - 1]


def _only(example: Examples, blocks: list[int]) -> Examples:
    return replace(example, scores=np.ascontiguousarray(example.scores[:, :, blocks]))
