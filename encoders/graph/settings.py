"""Settings of the graph encoders."""

from __future__ import annotations

from pydantic import Field

from encoders.settings import Settings


class GNNSettings(Settings):
    """Settings of the graph neural network."""

    dimensions: int = Field(default=64, ge=4, le=512)
    """Length of all vectors."""

    steps: int = Field(default=200, ge=1)
    """Optimiser steps, each over the whole graph and one batch of users; `passes` may ask for more."""

    passes: int = Field(default=4, ge=1)
    """Least number of passes over all users; raises the steps for data with many batches of users."""

    batch_users: int = Field(default=1024, ge=1)
    """Users in one step."""

    max_candidates: int = Field(default=4096, ge=16)
    """Items that a step ranks: all warm ones if there are fewer, else this many, half of them targets at most."""

    learning_rate: float = Field(default=0.01, gt=0)
    """Learning rate of AdamW; falls linearly to a hundredth."""

    weight_decay: float = Field(default=1e-3, ge=0)
    """Weight decay of AdamW, on vectors and maps (not on the scalars of relations)."""

    held_out: float = Field(default=0.3, gt=0, lt=1)
    """Share of each user's history that is removed as the step's targets."""

    cold_items: float = Field(default=0.15, ge=0, lt=1)
    """Share of items that a step treats as new: no collaborative part, in no history. It makes facts count."""

    cold_weight: float = Field(default=3.0, ge=0)
    """Weight of the loss among the items treated as new, in units of their share."""

    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout on history vectors and on messages."""


class SharedSettings(Settings):
    """Settings of the shared-entity block."""

    exponents: tuple[float, ...] = Field(default=(0.25, 0.75), min_length=1, strict=False)
    """A shared entity counts degree^-x; the weight of every x is learned for every relation."""

    parts: int = Field(default=5, ge=2)
    """Parts of the items, each held out whole once while the weights are learned."""

    max_users: int = Field(default=1000, ge=1)
    """Users drawn to learn the weights from (there are a few dozen weights)."""

    max_items: int = Field(default=2000, ge=2)
    """Items drawn to learn the weights from."""

    steps: int = Field(default=100, ge=1)
    """Steps of Adam."""
