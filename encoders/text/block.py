"""`TextBlock`: score items by their texts and histories by behaviour, so that new items can be recommended.

Attribute-to-feature mapping (Gantner et al., ICDM 2010) in closed form: behaviour gives every trained item a vector V_i
(a truncated SVD of the history matrix), and kernel ridge regression learns to predict V_i from the item's text. A
history is the sum over the V of its items; a candidate is always the prediction from its text, with or without
interactions.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from encoders.block import BlockState, Catalogue, Family, Input, TrainingData, TrainingSizes, WeighedHistories
from encoders.settings import Settings
from encoders.tensors import (
    StateUnreadable,
    Tensors,
    check_finite,
    check_fitted,
    check_text_dimension,
    check_trained,
    settings_of,
)

BLOCK_ROWS = 4096
"""Items whose kernel rows are computed at once: 64 MB in double precision against 2,048 landmarks."""

_KERNEL_CELLS = BLOCK_ROWS * 4096
"""Size of the part of the kernel that is in memory at once, so with more landmarks fewer items are computed at once."""


class TextBlockSettings(Settings):
    """Settings of `TextBlock`."""

    rank: int = Field(default=64, ge=1, le=4096)
    """Dimensions of the behaviour vectors."""

    shrinkage: float = Field(default=500.0, ge=0)
    """λ of the behaviour side: a singular direction of strength s² counts s²/(s² + λ)."""

    sharpness: float = Field(default=2.0, gt=0)
    """b of the kernel exp(b (cos − 1)) between centred texts; near 0 the regression becomes linear."""

    ridge: float = Field(default=3.0, gt=0)
    """Ridge of the regression from text to behaviour."""

    landmarks: int = Field(default=4096, ge=1)
    """Trained items that texts are compared with; more items are sampled, as the regression costs the cube."""


class TextBlock(WeighedHistories):
    """score(H, i) = ⟨Σ_j w_j z_j, q_i⟩, q_i = V̄ + Σ_l k(text_i, text_l) a_l, z_j = D V_j with D the shrinkage above.

    History items without behaviour have z_j = D q_j. An item without text (a zero vector) has q_i = V̄, the average
    item.
    """

    name: str = "text"
    family: Family = Family.TEXT
    summary: ClassVar[str] = "Items by their texts."
    settings_type = TextBlockSettings
    refits: ClassVar[bool] = True
    serves_new_items: bool = True
    needs: ClassVar[frozenset[Input]] = frozenset({Input.TEXT})

    def __init__(self, learned: dict[str, NDArray], settings: TextBlockSettings, catalogue: Catalogue) -> None:
        """`learned` as in `state`; raises ValueError for a catalogue without text vectors or with others."""
        self.settings = settings
        self._learned = learned
        texts = catalogue.contents.get(Input.TEXT)
        if texts is None:
            raise ValueError("the text block needs a catalogue with text vectors")
        if texts.shape != (catalogue.n_items, len(learned["center"])):
            raise ValueError(
                f"text vectors of shape {texts.shape} do not fit {catalogue.n_items} items and a model of "
                f"{len(learned['center'])} dimensions"
            )
        self._foretold = _foretell(_centred(texts, learned["center"]), learned, settings.sharpness)
        seen = np.flatnonzero(catalogue.trained >= 0)
        self._summed = self._foretold.copy()
        behavior = learned["behavior"][catalogue.trained[seen]]
        has_behavior = behavior.any(axis=1)
        self._summed[seen[has_behavior]] = behavior[has_behavior]
        self._summed *= learned["strength"]

    @classmethod
    def fit(cls, data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0) -> Self:
        """Learn from histories, and the text vectors of the catalogue (zero rows for items without text).

        seed: for the sample of landmarks. Raises ValueError for a catalogue without text vectors.
        """
        settings = TextBlockSettings.model_validate(settings or TextBlockSettings())
        texts = data.catalogue.contents.get(Input.TEXT)
        if texts is None or len(texts) != data.catalogue.n_items:
            raise ValueError(f"the text block needs text vectors of all {data.catalogue.n_items} items")
        seen = data.matrix
        behavior, strengths = _behavior_vectors(seen, settings.rank)
        trained = np.unique(seen.indices)
        trained = trained[texts[trained].any(axis=1)]
        center = texts[trained].mean(axis=0) if len(trained) else np.zeros(texts.shape[1], np.float32)
        mean = behavior[trained].mean(axis=0) if len(trained) else np.zeros(settings.rank)
        chosen = trained
        if len(trained) > settings.landmarks:
            chosen = np.sort(np.random.default_rng(seed).choice(trained, settings.landmarks, replace=False))
        points = _centred(texts, center)
        coefficients = _regress(points[trained], behavior[trained] - mean, points[chosen], settings)
        learned = {
            "behavior": behavior,
            "strength": strengths**2 / np.maximum(strengths**2 + settings.shrinkage, 1e-12),
            "mean": mean,
            "center": center,
            "landmarks": points[chosen],
            "coefficients": coefficients,
        }
        return cls({name: tensor.astype(np.float32) for name, tensor in learned.items()}, settings, data.catalogue)

    def scores_of(self, weighed: sp.csr_array, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        foretold = self._foretold if candidates is None else self._foretold[candidates]
        return self.vectors_of(weighed) @ foretold.T

    def vectors_of(self, weighed: sp.csr_array) -> NDArray[np.float32]:
        """p(H) of each history, float32 [n_users, rank], for its weights."""
        if weighed.shape[1] != len(self._summed):
            raise ValueError(f"histories have {weighed.shape[1]} items, the block is bound to {len(self._summed)}")
        return np.asarray(weighed.astype(np.float32, copy=False) @ self._summed)

    def shares_of(self, items: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        return np.asarray(weights, np.float32) * (self._summed[items] @ self._foretold[item])

    def state(self) -> BlockState:
        """See `Block.state`."""
        return BlockState(self._learned, self.settings.model_dump(mode="json"))

    @classmethod
    def from_state(cls, state: BlockState, catalogue: Catalogue) -> Self:
        """See `Block.from_state`."""
        learned, settings = _restored(state)
        check_trained(catalogue.trained, len(learned["behavior"]))
        texts = catalogue.contents.get(Input.TEXT)
        check_text_dimension(len(learned["center"]), None if texts is None else texts.shape[1])
        block = cls(learned, settings, catalogue)
        check_finite(block._foretold, block._summed)
        return block

    @classmethod
    def check_state(cls, state: BlockState, sizes: TrainingSizes) -> None:
        """See `Block.check_state`."""
        learned, _ = _restored(state)
        check_fitted(len(learned["behavior"]), sizes.n_items)
        if len(learned["landmarks"]) > sizes.n_items:
            raise StateUnreadable("tensor 'landmarks' has more rows than there are items that it is chosen of")
        check_text_dimension(len(learned["center"]), sizes.contents.get(Input.TEXT))


def _restored(state: BlockState) -> tuple[dict[str, NDArray], TextBlockSettings]:
    settings, tensors = settings_of(TextBlockSettings, dict(state.settings)), Tensors(state.tensors)
    rank, length, n_landmarks = settings.rank, tensors.length("center"), tensors.length("landmarks")
    learned = {
        "behavior": tensors.numbers("behavior", (None, rank)),
        "strength": tensors.numbers("strength", (rank,), at_least=0, at_most=1),
        "mean": tensors.numbers("mean", (rank,)),
        "center": tensors.numbers("center", (length,)),
        "landmarks": tensors.numbers("landmarks", (n_landmarks, length)),
        "coefficients": tensors.numbers("coefficients", (n_landmarks, rank)),
    }
    return learned, settings


def _behavior_vectors(matrix: sp.csr_array, rank: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right singular vectors [n_items, rank] and singular values [rank] of the history matrix, zero where missing."""
    vectors = np.zeros((matrix.shape[1], rank))
    values = np.zeros(rank)
    if not matrix.nnz:
        return vectors, values
    within = min(matrix.shape)
    if within <= 2 * rank:
        _, strengths, rows = np.linalg.svd(matrix.toarray().astype(np.float64), full_matrices=False)
    else:
        from scipy.sparse.linalg import svds  # Serving needs none of it.

        # A fixed start and seed make the iteration repeatable; a vector of ones is far from orthogonal to popularity.
        start = np.ones(within)
        _, strengths, rows = svds(matrix.astype(np.float64), k=rank, v0=start, rng=np.random.default_rng(0))
        order = np.argsort(-strengths)
        strengths, rows = strengths[order], rows[order]
    # Directions without strength are arbitrary, and would differ between machines.
    count = min(rank, int((strengths > 1e-9 * strengths.max()).sum()))
    values[:count] = strengths[:count]
    vectors[:, :count] = rows[:count].T
    return vectors, values


def _centred(texts: NDArray[np.float32], center: NDArray[np.float32]) -> NDArray[np.float32]:
    """Texts less the average text, scaled to length 1; zero rows (no text) stay zero."""
    points = np.where(np.any(texts, axis=1)[:, None], texts - center, np.float32(0))
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return (points / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _kernel(left: NDArray[np.float32], right: NDArray[np.float32], sharpness: float) -> NDArray[np.float64]:
    """exp(b (cos − 1)) between rows."""
    return np.exp(sharpness * (left.astype(np.float64) @ right.astype(np.float64).T - 1))


def _regress(
    points: NDArray[np.float32],
    targets: NDArray[np.float64],
    landmarks: NDArray[np.float32],
    settings: TextBlockSettings,
) -> NDArray[np.float64]:
    """Coefficients [n_landmarks, rank] of kernel ridge regression from `points` [n, d] to `targets` [n, rank].

    With fewer landmarks than points: the subset of regressors (Smola & Bartlett, NIPS 2000), which is the same problem
    with the solution restricted to the span of the landmarks.
    """
    if not len(points):
        return np.zeros((0, targets.shape[1]))
    among = _kernel(landmarks, landmarks, settings.sharpness)
    if len(landmarks) == len(points):
        among[np.diag_indices(len(among))] += settings.ridge
        return np.asarray(scipy.linalg.solve(among, targets, assume_a="pos", overwrite_a=True))
    normal = settings.ridge * among
    right = np.zeros((len(landmarks), targets.shape[1]))
    for start in range(0, len(points), BLOCK_ROWS):
        rows = _kernel(points[start : start + BLOCK_ROWS], landmarks, settings.sharpness)
        normal += rows.T @ rows
        right += rows.T @ targets[start : start + BLOCK_ROWS]
    # Equal texts make the normal matrix singular; adding a billionth of its size makes the factorisation possible.
    normal[np.diag_indices(len(normal))] += 1e-9 * np.trace(normal) / len(normal)
    return np.asarray(scipy.linalg.solve(normal, right, assume_a="pos", overwrite_a=True))


def _foretell(points: NDArray[np.float32], learned: dict[str, NDArray], sharpness: float) -> NDArray[np.float32]:
    """q_i of every item, float32 [n_items, rank]; `points` are centred texts."""
    predicted = np.tile(learned["mean"], (len(points), 1)).astype(np.float32)
    step = max(1, min(BLOCK_ROWS, _KERNEL_CELLS // max(1, len(learned["landmarks"]))))
    for start in range(0, len(points), step):
        batch = points[start : start + step]
        with_text = batch.any(axis=1)
        kernel = _kernel(batch[with_text], learned["landmarks"], sharpness)
        predicted[start : start + step][with_text] += (kernel @ learned["coefficients"]).astype(np.float32)
    return predicted
