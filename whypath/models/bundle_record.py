"""`bundle.json`: the record of a bundle's data, options and versions, and the digests of its other files.

The record names the training files by content, never by path, and holds no time but that of an update, so that a
training on the same data with the same seed, versions and thread count gives the same bytes and the same digest.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from encoders.settings import Settings
from encoders.tensors import settings_of
from encoders.text import TextEncoderSettings
from fusion.model_files import DESCRIPTION, GATES, ITEMS, BlockNotInstalled, ModelUnreadable, block_file, reading
from fusion.ranker import ModelUnusable
from fusion.registry import ENCODERS
from fusion.strict_json import read_json
from fusion.variant import Variant
from kg.durable import recover
from kg.errors import WhyPathError

AGAIN = "train the bundle again or copy it again whole"
"""Advice if a file of a bundle has changed."""

LARGEST_SEED = 2**32 - 1
"""The largest seed that all generators of random numbers accept."""

FORMAT = 2
RECORD = "bundle.json"
MODEL = "model"
POPULARITY = "popularity.parquet"

FIXED_FILES = frozenset({POPULARITY, *(f"{MODEL}/{name}" for name in (DESCRIPTION, ITEMS, GATES))})
"""Files that every bundle has besides its record and its blocks."""

_BLOCK_FILE = re.compile(re.escape(f"{MODEL}/{block_file('NAME')}").replace("NAME", "[A-Za-z0-9_]+"))
_TOKENS = 1_000_000
"""Limit of the length of a text, in tokens."""

_SHA256 = re.compile("[0-9a-f]{64}")
_PACKAGES = ("numpy", "scipy", "torch", "torch-geometric", "transformers", "whypath")


class NotTrained(WhyPathError):
    """There is no model yet."""


class BundleError(WhyPathError):
    """A bundle is absent, damaged, already there, or does not fit; the message says which and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataFile(_Part):
    """A file that a model was trained on: name without folder, SHA-256 of its bytes, rows."""

    name: str
    sha256: str
    rows: int


class TrainedOn(_Part):
    """The sources of behaviour and facts. Without files, the store's events at `generation` and `event_generation`."""

    train: tuple[DataFile, ...] | None = None
    valid: tuple[DataFile, ...] | None = None
    n_users: int
    n_events: int
    generation: int | None = None
    event_generation: int | None = None
    graph_digest: str
    schema_name: str
    schema_digest: str


class Updated(_Part):
    """The last update of a bundle that was updated after its training; `data` of its record is that of the update."""

    of: str = Field(pattern=f"^{_SHA256.pattern}$")
    """Digest of the bundle that was updated."""

    at: AwareDatetime
    """When, UTC."""

    number: int = Field(ge=1)
    """Number of updates since the training."""

    trained: TrainedOn
    """What the whole model was trained on."""

    new_events: int
    """Positive events more than the updated bundle had; below 0 where more have left the store than came."""

    new_items: int = Field(ge=0)
    """Items that the updated bundle did not have."""

    blocks: tuple[str, ...]
    """The parts that were fitted again; the others are as they were trained."""


class TrainingChoices(Settings):
    """The settings of a training besides those of blocks, gates, cross-fitting and text encoder."""

    seed: int = Field(default=1, ge=0, le=LARGEST_SEED)
    """Seed of all random numbers."""

    refit: bool = False
    """Fit again on train and valid together, with the chosen settings."""

    graph: Literal["real", "none", "shuffled"] = "real"
    """The relations as they are, none at all, or each relation's tails permuted."""

    text: bool = True
    """Whether any part of the model reads texts."""

    only: str | None = None
    """One part alone: behavior, graph, text, or an encoder such as ease."""

    @property
    def variant(self) -> Variant:
        """The parts that are left out of the model."""
        return Variant(self.graph, frozenset() if self.text else frozenset({"text"}), self.only)


class BundleRecord(_Part):
    """`bundle.json`."""

    format: int = FORMAT
    choices: TrainingChoices
    protocol: Literal["random", "next"]
    """What the model predicts: any item of a user, or what comes next."""
    data: TrainedOn
    text: TextEncoderSettings
    """The text encoder, for the items of later snapshots; of no effect where the model uses no text."""
    updated: Updated | None = None
    """The last update since the training, if there was any."""
    threads: int
    versions: dict[str, str]
    files: dict[str, str] = Field(default={})
    """SHA-256 of every other file of the bundle."""

    @property
    def digest(self) -> str:
        """Digest of the whole bundle: of this record, which holds the digests of all other files; 64 hex digits."""
        # What a record lacks is not in it, so that records of versions without these fields keep their digests.
        absent: dict[str, Any] = {"updated": True} if self.updated is None else {}
        if self.data.generation is None:
            absent["data"] = {"generation"}
        return hashlib.sha256(self.model_dump_json(exclude=absent).encode()).hexdigest()


def versions(blocks: Iterable[str] = ()) -> dict[str, str]:
    """Versions of packages that determine a model's numbers, as far as installed; `blocks` are those of the model."""
    found = {"python": platform.python_version()}
    brought = sorted({package for name in blocks if (package := ENCODERS.package_of(name)) is not None})
    for package in (*_PACKAGES, *brought):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def read_record(directory: Path) -> BundleRecord:
    """Read the record of a bundle, without loading its model. Raises BundleError.

    A bundle that a killed process had moved aside to replace it is first put back.
    """
    path = directory / RECORD
    with reading_bundle(), reading(path):
        put_back(directory)
        if not os.path.lexists(path):
            raise BundleError(
                f"{directory} is not a bundle (it has no {RECORD}); `whypath train --bundle {directory}` makes one"
            )
        data = read_json(path)
        found = data.get("format") if isinstance(data, dict) else None
        if found != FORMAT:
            raise BundleError(f"{path} is of format {found!r}, this version reads {FORMAT}; run `whypath train` again")
        record = settings_of(BundleRecord, data)
        _check_files(record.files)
        _check_text(record.text)
        return record


def put_back(directory: Path) -> None:
    """Undo an unfinished replacement of a bundle by a killed process, on disks that cannot replace it in one step."""
    # It fails without permission to write, and for the second of two processes.
    with suppress(OSError):
        recover(Path(os.path.realpath(directory)))


def may_be_of_bundle(name: str) -> bool:
    """Whether a file's name, relative to a bundle, is one that bundles have, including the record."""
    return name == RECORD or name in FIXED_FILES or _BLOCK_FILE.fullmatch(name) is not None


@contextmanager
def using_bundle() -> Iterator[None]:
    """Turn errors of a model that gives no scores into BundleError."""
    try:
        yield
    except ModelUnusable as error:
        raise BundleError(f"the bundle cannot be used: {error}") from error
    except MemoryError as error:
        raise BundleError(
            "the bundle cannot be used: with this store it needs more memory than is available"
        ) from error


@contextmanager
def reading_bundle() -> Iterator[None]:
    """Turn errors of a file that cannot be read into BundleError."""
    try:
        yield
    except ModelUnreadable as error:
        raise BundleError(f"{error.path} cannot be read ({error.reason}); {AGAIN}") from error
    except BlockNotInstalled as error:
        raise BundleError(f"the bundle cannot be loaded: {error}") from error


def _check_files(files: dict[str, str]) -> None:
    for name, digest in files.items():
        # No other name is joined to a folder: not `../x`, not an absolute one.
        if not may_be_of_bundle(name) or name == RECORD:
            raise ValueError(f"it names the file {name!r}, which is not one of a bundle's")
        if not _SHA256.fullmatch(digest):
            raise ValueError(f"it has no SHA-256 for the file {name!r}")
    if missing := sorted(FIXED_FILES - files.keys()):
        raise ValueError(f"it does not name the file {missing[0]!r}")


def _check_text(text: TextEncoderSettings) -> None:
    for name in (text.model, text.revision):
        if name is not None and any(ord(character) < 32 or ord(character) == 127 for character in name):
            raise ValueError(f"it names the text model {name!r}")
    if text.max_length is not None and text.max_length > _TOKENS:
        raise ValueError(f"it has texts of {text.max_length:,} tokens")
