"""A trained model as a folder: the model's own files, what it was trained on, and a digest over all of it.

The record names the training files by content, never by place, and holds no time of day, so that the same data, seed,
versions and thread count give the same bytes and the same digest. Everything is JSON, safetensors or Parquet.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from encoders.text import TextEncoderSettings
from fusion.model import FusionModel
from kg.durable import directory_written_whole, flush
from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from whypath.scoring import Scorer
from whypath.texts import new_text_vectors

FORMAT = 1
_RECORD = "bundle.json"
_MODEL = "model"
_POPULARITY = "popularity.parquet"
_PACKAGES = ("numpy", "scipy", "torch", "torch-geometric", "transformers", "whypath")


class BundleError(WhyPathError):
    """A bundle is absent, damaged, in the way, or does not fit; the message says which and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataFile(_Part):
    """A file that a model was trained on: name without folder, SHA-256 of its bytes, rows."""

    name: str
    sha256: str
    rows: int


class TrainedOn(_Part):
    """Where behaviour and facts came from. Without files, the store's own events at `event_generation`."""

    train: tuple[DataFile, ...] | None = None
    valid: tuple[DataFile, ...] | None = None
    n_users: int
    n_events: int
    event_generation: int | None = None
    graph_digest: str
    schema_name: str
    schema_digest: str


class TrainingChoices(_Part):
    """What `train` was told, as far as it changes the model."""

    seed: int = 1
    refit: bool = False
    graph: Literal["real", "none", "shuffled"] = "real"
    text: bool = True
    only: str | None = None


class BundleRecord(_Part):
    """`bundle.json`."""

    format: int = FORMAT
    choices: TrainingChoices
    data: TrainedOn
    text: TextEncoderSettings
    """The text encoder, for the items of later snapshots; of no effect where the model uses no text."""
    threads: int
    versions: dict[str, str]
    files: dict[str, str] = {}
    """SHA-256 of every other file of the bundle."""

    @property
    def digest(self) -> str:
        """Digest of the whole bundle: of this record, which holds the digests of all other files; 64 hex digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of what decides a model's numbers, as far as installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


class Bundle:
    """A model with its record and the popularity of its training items."""

    def __init__(
        self,
        model: FusionModel,
        record: BundleRecord,
        item_ids: Sequence[str],
        popularity: NDArray[np.float32],
        *,
        users: Sequence[str] | None = None,
        files: Sequence[Path] = (),
    ):
        """`users`: whom it was trained with, and `files` on what, where it was trained by this process; neither is ever
        written into the folder.
        """
        self.users = users
        self.files = tuple(files)
        self.model = model
        self.record = record
        self._item_ids = item_ids
        self._popularity = popularity

    def with_model(self, model: FusionModel) -> Bundle:
        """Another model trained on the same events, as an ablation makes them; for scoring, not for saving."""
        return Bundle(model, self.record, self._item_ids, self._popularity)

    def popularity_over(self, graph: KnowledgeGraph) -> NDArray[np.float32]:
        """The popularity blend of the training events over another snapshot's items, float32 [n_items]."""
        found = np.zeros(graph.n_items, dtype=np.float32)
        indices = graph.item_indices(self._item_ids)
        found[indices[indices >= 0]] = self._popularity[indices >= 0]
        return found

    def scorer(
        self,
        graph: KnowledgeGraph,
        popularity_of: Callable[[KnowledgeGraph], NDArray[np.float32]],
        *,
        download: bool = False,
    ) -> Scorer:
        """The model over a snapshot, new items included; texts that training did not see are encoded.

        download: whether their model may be fetched where it is not on this machine. Raises TextModelError,
        TextExtraMissing.
        """
        known = self.model.items.text_vectors
        dimension = 0 if known is None else known.shape[1]
        encode = partial(new_text_vectors, recorded=self.record.text, dimension=dimension, download=download)
        ranker = self.model.bind(graph, encode)
        return Scorer.over(graph, ranker, popularity_of)

    def check_fits(self, graph: KnowledgeGraph) -> None:
        """Raise BundleError if the store's domain is not the one that the model was trained for."""
        data = self.record.data
        if data.schema_digest != graph.schema.digest:
            raise BundleError(
                f"the bundle was trained for the domain {data.schema_name!r} as it was described then, and the store's "
                f"domain {graph.schema.name!r} has other node kinds, fields, relations or interactions; train a bundle "
                "on this store"
            )

    def save(self, directory: str | Path, *, force: bool = False) -> BundleRecord:
        """Write the folder, whole or not at all; returns the record with the files' digests. Raises BundleError."""
        directory = Path(directory)
        check_free(directory, force=force)
        with directory_written_whole(directory) as partial:
            self.model.save(partial / _MODEL)
            _write_popularity(partial / _POPULARITY, self._item_ids, self._popularity)
            files = {str(path.relative_to(partial).as_posix()): path for path in partial.rglob("*") if path.is_file()}
            record = self.record.model_copy(update={"files": {name: _sha256(files[name]) for name in sorted(files)}})
            for path in files.values():
                flush(path)
            (partial / _RECORD).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        self.record = record
        return record

    @classmethod
    def load(cls, directory: str | Path) -> Bundle:
        """Read a folder that `save` wrote, checking every file's digest. Raises BundleError."""
        directory = Path(directory)
        record = read_record(directory)
        for name, digest in record.files.items():
            path = directory / name
            if not path.is_file() or _sha256(path) != digest:
                raise BundleError(f"{path} is missing or damaged; train the bundle again or copy it again whole")
        item_ids, popularity = _read_popularity(directory / _POPULARITY)
        return cls(FusionModel.load(directory / _MODEL), record, item_ids, popularity)


def read_record(directory: Path) -> BundleRecord:
    """The record of a bundle, without loading its model. Raises BundleError."""
    path = directory / _RECORD
    if not path.is_file():
        raise BundleError(
            f"{directory} is no bundle (it has no {_RECORD}); `whypath train --bundle {directory}` makes one"
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = data.get("format") if isinstance(data, dict) else None
        if found != FORMAT:
            raise BundleError(
                f"{path} is of format {found}, this version reads format {FORMAT}; train the bundle again"
            )
        return BundleRecord.model_validate(data)
    except (ValueError, ValidationError) as error:
        raise BundleError(f"{path} cannot be read ({str(error).splitlines()[0]}); train the bundle again") from error


def check_free(directory: Path, *, force: bool) -> None:
    """Raise BundleError where a bundle, or anything else, stands in the way; only a bundle can be forced."""
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    if not (directory / _RECORD).is_file():
        raise BundleError(f"{directory} is there and is no bundle; name a folder that does not exist")
    if not force:
        raise BundleError(f"{directory} holds a bundle already; give --force to overwrite it, or name another folder")


def _write_popularity(path: Path, item_ids: Sequence[str], popularity: NDArray[np.float32]) -> None:
    pq.write_table(pa.table({"item": pa.array(list(item_ids), pa.string()), "popularity": pa.array(popularity)}), path)


def _read_popularity(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    table = pq.read_table(path)
    return table["item"].to_pylist(), table["popularity"].to_numpy().astype(np.float32)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
