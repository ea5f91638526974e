"""Train a bundle again as it was trained, on the store's current events: without a forgotten user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kg.errors import WhyPathError
from kg.stores import GraphStore
from whypath.models.bundle import Bundle, BundleRecord
from whypath.models.trained_bundles import TrainedBundle, save_and_note
from whypath.models.training import TrainingOptions, train_on_store


def retrain(store: GraphStore, bundle: TrainedBundle, *, tell: Callable[[str], None] | None = None) -> BundleRecord:
    """Train a bundle of the store again and replace it. Its text model is only looked for on this machine.

    Raises WhyPathError for a bundle that was trained on files, which only the user may change, BundleError, and what
    `train_on_store` raises.
    """
    if bundle.files:
        raise WhyPathError(
            f"{bundle.path} was trained on {', '.join(bundle.files)}; remove from them what must be forgotten, and"
            " train it again"
        )
    old = Bundle.load(bundle.path)
    options = TrainingOptions(old.record.choices, old.model.asked, old.record.text, text_of_bundle=True)
    return save_and_note(train_on_store(store, options, tell), Path(bundle.path), store.url, force=True)
