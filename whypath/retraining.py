"""Training a bundle again as it was trained, on a store's events as they are now: without a user who was forgotten."""

from __future__ import annotations

from collections.abc import Callable

from kg.errors import WhyPathError
from whypath.bundle import Bundle, BundleRecord
from whypath.engine import Engine
from whypath.trained_bundles import TrainedBundle


def retrain(engine: Engine, bundle: TrainedBundle, *, tell: Callable[[str], None] | None = None) -> BundleRecord:
    """Train a bundle of the engine's store again, and put it in its place; the engine uses it from now on.

    Raises WhyPathError for one that was trained on files, which are not this program's to change, and as
    `Engine.train` does.
    """
    if bundle.files:
        raise WhyPathError(
            f"{bundle.path} was trained on {', '.join(bundle.files)}; remove from there what must be forgotten, and"
            " train it again"
        )
    old = Bundle.load(bundle.path)
    choices = old.record.choices
    engine.train(
        seed=choices.seed,
        graph=choices.graph,
        text=choices.text,
        only=choices.only,
        settings=old.model.asked,
        text_encoder=old.record.text,
        progress=tell,
    )
    return engine.save(bundle.path, force=True)
