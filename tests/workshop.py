"""`Workshop`: where the shared small domain, its split and its bundle lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workshop:
    """A synthetic domain, loaded; its positive events split into files; a bundle trained on `train` and `valid`."""

    folder: Path

    @property
    def domain(self) -> Path:
        return self.folder / "domain" / "domain.yaml"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def train(self) -> Path:
        return self.folder / "train.tsv"

    @property
    def valid(self) -> Path:
        return self.folder / "valid.tsv"

    @property
    def test(self) -> Path:
        return self.folder / "test.tsv"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"
