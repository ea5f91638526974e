"""Save and open a trained model as a folder: the model's files, the popularity of its items, the record.

Everything is JSON, safetensors or Parquet. A bundle may come from an attacker, so everything read is checked before it
is used, even if its digests are right. The record is in `bundle_record`.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from encoders.block import Input
from encoders.tensors import Tensors
from fusion.model import FusionModel
from fusion.model_files import block_file, read_model, reading, write_model
from fusion.regular_files import check_regular
from fusion.strict_parquet import read_parquet
from kg.arrow_arrays import numbers_of
from kg.durable import directory_written_whole
from kg.graph import KnowledgeGraph
from whypath.answering.popularity import popularity_blend
from whypath.answering.scoring import Scorer
from whypath.models.bundle_folder import check_free, folder_of
from whypath.models.bundle_record import (
    AGAIN,
    FIXED_FILES,
    MODEL,
    POPULARITY,
    RECORD,
    BundleError,
    BundleRecord,
    DataFile,
    NotTrained,
    TrainedOn,
    TrainingChoices,
    read_record,
    reading_bundle,
    using_bundle,
    versions,
)
from whypath.models.new_texts import NewTexts

__all__ = [
    "Bundle",
    "BundleError",
    "BundleRecord",
    "DataFile",
    "NotTrained",
    "TrainedOn",
    "TrainingChoices",
    "check_free",
    "read_record",
    "versions",
]

_READINGS = 5
"""Number of attempts to read a bundle that is replaced meanwhile."""

_POPULARITY_SCHEMA = pa.schema([("item", pa.string()), ("popularity", pa.float32())])


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
        users_of: str | None = None,
        files: Sequence[Path] = (),
    ):
        """`users` and `files`: those of the training, if this process trained it; never written into the folder.
        `users_of`: the digest of a bundle whose training had further users, for one that was updated.
        """
        self.users = users
        self.users_of = users_of
        self.files = tuple(files)
        self.model = model
        self.record = record
        self._item_ids = item_ids
        self._popularity = popularity

    def with_model(self, model: FusionModel) -> Bundle:
        """A bundle with another model of the same events, as in an ablation; for scoring, not for saving."""
        return Bundle(model, self.record, self._item_ids, self._popularity)

    def popularity_over(self, graph: KnowledgeGraph) -> NDArray[np.float32]:
        """Compute the popularity blend of the training events over another snapshot's items, float32 [n_items]."""
        found = np.zeros(graph.n_items, dtype=np.float32)
        indices = graph.item_indices(self._item_ids)
        found[indices[indices >= 0]] = self._popularity[indices >= 0]
        return found

    def popularity_in_store(self, graph: KnowledgeGraph) -> NDArray[np.float32]:
        """Compute the popularity blend of a snapshot's events, or of the training events if it has none."""
        events = graph.interactions()
        return popularity_blend(events, self.model.protocol) if len(events) else self.popularity_over(graph)

    def scorer(
        self,
        graph: KnowledgeGraph,
        popularity_of: Callable[[KnowledgeGraph], NDArray[np.float32]],
        encode: Callable[[Sequence[str]], NDArray[np.float32]] | None = None,
    ) -> Scorer:
        """The model over a snapshot, new items included.

        encode: gives the vectors [n, d] of texts that training did not see; without it these items count as having no
        text. Raises BundleError where what was learned does not come to scores over this snapshot, and what `encode`
        raises.
        """
        with using_bundle():
            ranker = self.model.bind(graph, {} if encode is None else {Input.TEXT: encode})
        return Scorer.over(graph, ranker, popularity_of)

    def new_texts(self, *, download: bool, wait: bool) -> NewTexts:
        """The vectors of texts that training did not see; see `NewTexts`."""
        known = self.model.items.contents.get(Input.TEXT)
        dimension = 0 if known is None else known.vectors.shape[1]
        return NewTexts(self.record.text, dimension, download=download, wait=wait)

    def check_fits(self, graph: KnowledgeGraph) -> None:
        """Raise BundleError if the store's domain is not that of the model."""
        data = self.record.data
        if data.schema_digest != graph.schema.digest:
            raise BundleError(
                f"the bundle was trained for the domain {data.schema_name!r}, and the store's domain "
                f"{graph.schema.name!r} is described otherwise by now: it has other node kinds, fields, relations, "
                "interactions, or rules of what is positive or negative; train a bundle on this store"
            )

    def save(self, directory: str | Path, *, force: bool = False) -> BundleRecord:
        """Write the folder, whole or not at all; returns the record with the files' digests.

        `force` replaces a bundle, and nothing but a bundle. Raises BundleError, OSError.
        """
        directory = folder_of(directory)
        check_free(directory, force=force)
        with directory_written_whole(directory) as partial:
            write_model(self.model, partial / MODEL)
            _write_popularity(partial / POPULARITY, self._item_ids, self._popularity)
            files = {str(path.relative_to(partial).as_posix()): path for path in partial.rglob("*") if path.is_file()}
            record = self.record.model_copy(update={"files": {name: _sha256(files[name]) for name in sorted(files)}})
            (partial / RECORD).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
            # Files that were put there meanwhile would be lost.
            check_free(directory, force=force)
        self.record = record
        return record

    @classmethod
    def load(cls, directory: str | Path) -> Bundle:
        """Read a folder that `save` wrote, checking every file's digest and content. Raises BundleError."""
        directory = folder_of(directory)
        for attempt in range(_READINGS):
            before = _identity(directory)
            try:
                bundle = cls._load(directory)
            except BundleError:
                if before == _identity(directory) or attempt == _READINGS - 1:
                    raise
            else:
                # A bundle that is replaced meanwhile may be read half old and half new.
                if before == _identity(directory):
                    return bundle
        raise BundleError(f"{directory} is being replaced again and again; try again later")

    @classmethod
    def _load(cls, directory: Path) -> Bundle:
        record = read_record(directory)
        with reading_bundle():
            _check_digests(directory, record.files)
            model = read_model(directory / MODEL)
            _check_named(directory, record.files, model)
            with reading(directory / POPULARITY):
                popularity = _read_popularity(directory / POPULARITY, model.items.ids)
        return cls(model, record, model.items.ids, popularity)


def _check_digests(directory: Path, files: Mapping[str, str]) -> None:
    """Raises BundleError, ModelUnreadable."""
    with reading(directory / MODEL):
        # A link would lead out of the folder.
        if not stat.S_ISDIR((directory / MODEL).lstat().st_mode):
            raise ValueError("it is no folder")
    for name, digest in files.items():
        with reading(directory / name):
            check_regular(directory / name)
            if _sha256(directory / name) != digest:
                raise BundleError(f"{directory / name} is missing or damaged; {AGAIN}")


def _check_named(directory: Path, files: Mapping[str, str], model: FusionModel) -> None:
    """Raise BundleError unless the record names all files that were read, so that their digests were checked."""
    read = {*FIXED_FILES, *(f"{MODEL}/{block_file(name)}" for name in model.states)}
    if odd := sorted(files.keys() ^ read):
        raise BundleError(f"{directory / RECORD} and the model do not agree on the file {odd[0]!r}; {AGAIN}")


def _identity(directory: Path) -> tuple[int, int, int] | None:
    """Identify a folder, to detect its replacement."""
    try:
        found = directory.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _write_popularity(path: Path, item_ids: Sequence[str], popularity: NDArray[np.float32]) -> None:
    pq.write_table(pa.table({"item": pa.array(list(item_ids), pa.string()), "popularity": pa.array(popularity)}), path)


def _read_popularity(path: Path, items: Sequence[str]) -> NDArray[np.float32]:
    """Raises OSError, ValueError, StateUnreadable."""
    table = read_parquet(path, _POPULARITY_SCHEMA)
    if table["item"].to_pylist() != list(items):
        raise ValueError("its items are not those of the model")
    found = Tensors({"popularity": numbers_of(table["popularity"].combine_chunks())})
    return found.numbers("popularity", (None,), at_least=0)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
