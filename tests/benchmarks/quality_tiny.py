"""A tiny set in the form of the given ones: users like items of their group, and items of a group share an entity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

N_USERS, N_ITEMS, N_GROUPS = 40, 30, 3


def write_tiny(folder: Path, seed: int = 1, with_valid: bool = True) -> Path:
    """Write train, valid, test, triples and folds of cold items; returns the folder."""
    rng = np.random.default_rng(seed)
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "valid": [], "test": []}
    for user in range(N_USERS):
        own = [item for item in range(N_ITEMS) if item % N_GROUPS == user % N_GROUPS]
        other = [item for item in range(N_ITEMS) if item % N_GROUPS != user % N_GROUPS]
        # More than ten each, so that all are newcomers under that protocol.
        liked = [*rng.permutation(own)[:9], *rng.permutation(other)[:4]]
        for place, item in enumerate(rng.permutation(liked)):
            part = "train" if place < 9 or (place < 11 and not with_valid) else "valid" if place < 11 else "test"
            parts[part].append((str(user), str(item)))
    for name, rows in parts.items():
        if rows:
            _write(pd.DataFrame(rows, columns=["user", "item"]), folder / f"{name}.tsv.gz")
    # "31" is no item: it is the entity of the first group; 0 leads to the item 3 too.
    facts = [(str(item), "7", str(31 + item % N_GROUPS)) for item in range(N_ITEMS)] + [("0", "8", "3")]
    _write(pd.DataFrame(facts, columns=["head", "relation", "tail"]), folder / "triples.tsv.gz")
    folds = [(str(item), str(item % 5 + 1)) for item in range(N_ITEMS)]
    _write(pd.DataFrame(folds, columns=["item", "cold_fold"]), folder / "cold_folds.tsv.gz")
    return folder


def _write(rows: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(path, sep="\t", index=False)
