"""Check that the packages for training are installed: an installation that only serves has no torch."""

from __future__ import annotations

from importlib.util import find_spec

from kg.errors import WhyPathError

TRAINING = ("torch", "torch-geometric")
"""Distributions that training needs and serving does not."""


class TrainingNotInstalled(WhyPathError):
    """Training needs packages that are not installed."""


def check_training_installed() -> None:
    """Raise TrainingNotInstalled where torch or torch-geometric is missing."""
    missing = [name for name in TRAINING if find_spec(name.replace("-", "_")) is None]
    if missing:
        raise TrainingNotInstalled(
            f"training needs {' and '.join(missing)}, which this installation leaves out: it serves bundles only. "
            f"Install what is missing with: pip install {' '.join(missing)}"
        )
