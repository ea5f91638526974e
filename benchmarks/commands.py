"""Run commands of `whypath` in one working folder: prepare the demo domain, load it, train, recommend."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.running import Measured, Tell, run

WHYPATH = (sys.executable, "-m", "whypath")


@dataclass(frozen=True)
class Model:
    """What to train: flags of `whypath train`; or, by `without`, the full model less a block, with gates refitted."""

    flags: tuple[str, ...] = ()
    without: str | None = None


@dataclass(frozen=True)
class Trained:
    """A bundle, the cost of training it, and its digest, which is equal for equal bundles."""

    bundle: Path
    digest: str
    took: Measured


@dataclass(frozen=True)
class Workspace:
    """A folder with the demo domain, a store, and a folder per measurement."""

    folder: Path
    tell: Tell

    @property
    def domain(self) -> Path:
        return self.folder / "domain" / "domain.yaml"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def prepare(self, wheels: Path | None = None, domain: str | None = None) -> dict[str, Measured]:
        """Prepare and load the demo domain by `whypath demo --prepare` and `whypath load`; the cost of each step.

        domain: another one of `whypath demo`.
        Both run every time: prepared files are written again, and loading the same rows again changes nothing.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        more = [] if wheels is None else ["--wheels", str(wheels)]
        more += [] if domain is None else ["--domain", domain]
        return {
            "prepare": self._run("demo", "--prepare", str(self.domain.parent), *more),
            "load": self._run("load", str(self.domain), "--store", str(self.store), "--replace"),
        }

    def train(self, name: str, model: Model, train: Path, valid: Path | None, seed: int) -> Trained:
        """Train into the bundle `name`, which is overwritten."""
        bundle = self.folder / "bundles" / name
        bundle.parent.mkdir(parents=True, exist_ok=True)
        given = ["--store", str(self.store), "--train", str(train), "--seed", str(seed), "--bundle", str(bundle)]
        if valid is not None:
            given += ["--valid", str(valid)]
        if model.without is None:
            took = self._run("train", *given, "--force", "--json", *model.flags)
        else:
            script = (sys.executable, "-m", "benchmarks.train_without", model.without)
            took = run([*script, *given], tell=self.tell)
        return Trained(bundle, str(json.loads(took.output)["digest"]), took)

    def recommend(
        self,
        bundle: Path,
        out: Path,
        *,
        history: Path,
        users: Path,
        candidates: Path,
        exclude: Sequence[Path] = (),
        k: int = 20,
    ) -> Measured:
        """Write ranked lists by `whypath recommend`."""
        out.parent.mkdir(parents=True, exist_ok=True)
        given = ["--store", str(self.store), "--bundle", str(bundle), "--history", str(history)]
        given += ["--users", str(users), "--candidates", str(candidates), "-k", str(k), "--out", str(out)]
        if exclude:
            given += ["--exclude", *map(str, exclude)]
        return self._run("recommend", *given)

    def _run(self, *arguments: str) -> Measured:
        return run([*WHYPATH, *arguments], tell=self.tell)
