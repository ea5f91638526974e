"""Write and read a `FusionModel` as files: model.json, items.parquet, safetensors for each block, for gates and texts.

The files may come from an attacker: presence, type, shape, finiteness and range of everything read are checked before
use; checks of blocks that need no catalogue are made here (`Block.check_state`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from encoders.block import BlockState, TrainingSizes
from encoders.history_weights import HistoryWeights
from encoders.tensors import LARGEST, StateUnreadable, Tensors, settings_of
from fusion.gates import ENDS, KNOTS, N_POPULARITY, GateForm, Gates
from fusion.model import FusionModel, Kept, TrainedContent, TrainedItems
from fusion.registry import BLOCK_NAME, ENCODERS, GROUP
from fusion.settings import FusionSettings
from fusion.strict_json import read_json
from fusion.strict_parquet import read_parquet
from fusion.tensor_files import read_tensors, write_tensors
from fusion.variant import Content, Variant
from kg.arrow_arrays import numbers_of
from kg.errors import WhyPathError

FORMAT = 4
"""Raised whenever a version cannot read the files of another."""

DESCRIPTION, ITEMS, GATES = "model.json", "items.parquet", "fusion.safetensors"
"""Names of the files that every model has."""

_RELATIONS = 1_000
"""Limit of the relations whose facts a model counts: each costs a column over all items, and domains have dozens."""

_REASON = 300
"""Longest reason of a ModelUnreadable, in characters."""

_DIMENSION = 16_384
"""Limit of the length of a content's vectors, beyond any encoder's: every item of a snapshot gets one."""

_PACKAGE = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGEST = re.compile("(?:[0-9a-f]{24})?")


class ModelUnreadable(WhyPathError):
    """The folder is not a model of this version: `path` is the faulty file, `reason` states what is wrong with it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be read ({reason}); train again or copy it again whole")
        self.path = path
        self.reason = reason


class BlockNotInstalled(WhyPathError):
    """A model has a block that neither WhyPath nor an installed package has."""


class _Kept(BaseModel):
    """See `fusion.model.Kept`; its places are a column of the items."""

    model_config = ConfigDict(extra="forbid")

    blocks: tuple[str, ...]
    items: int = Field(ge=0, le=np.iinfo(np.int32).max)


class _Description(BaseModel):
    """model.json."""

    model_config = ConfigDict(extra="forbid")

    format: int
    seed: int = Field(ge=0)
    variant: Variant
    settings: FusionSettings
    asked: FusionSettings
    relations: tuple[str, ...] = Field(max_length=_RELATIONS)
    blocks: dict[str, dict[str, object]]
    contents: tuple[Content, ...] = ()
    packages: dict[str, str] = Field(default={})
    """The package of each block that is not built in."""
    spreads: dict[str, float]
    gate_blocks: tuple[str, ...] = Field(min_length=1)
    gate_form: GateForm
    weights: dict[str, HistoryWeights]
    """Of the events of a history, by block."""
    popularity_moments: tuple[float, float]
    kept: _Kept | None = None
    """What an update has left as it was trained."""


def block_file(name: str) -> str:
    """The name of a block's file."""
    return f"block-{name}.safetensors"


def write_model(model: FusionModel, directory: Path) -> None:
    """Write into `directory`; the caller makes sure that a half-written folder is never taken for a whole one."""
    directory.mkdir(parents=True, exist_ok=True)
    gates = model.gates
    description = {
        "format": FORMAT,
        "seed": model.seed,
        "variant": {**asdict(model.variant), "without": sorted(model.variant.without)},
        "contents": sorted(model.items.contents),
        "settings": model.settings.model_dump(mode="json"),
        "asked": model.asked.model_dump(mode="json"),
        "relations": list(model.relations),
        "blocks": {name: dict(state.settings) for name, state in model.states.items()},
        "packages": {name: package for name in model.states if (package := ENCODERS.package_of(name)) is not None},
        "spreads": model.spreads,
        "gate_blocks": list(gates.blocks),
        "gate_form": asdict(gates.form),
        "weights": {name: weights.model_dump() for name, weights in model.weights.items()},
        "popularity_moments": gates.popularity_moments,
    }
    kept = model.kept
    if kept is not None:
        description["kept"] = {"blocks": sorted(kept.blocks), "items": kept.n_items}
    for name, state in model.states.items():
        write_tensors(state.tensors, directory / block_file(name))
    arrays: dict[str, NDArray] = {
        "weights": gates.weights,
        "by_length": gates.by_length,
        "by_popularity": gates.by_popularity,
        "bias": gates.bias,
        "bias_by_length": gates.bias_by_length,
    }
    contents = dict(sorted(model.items.contents.items()))
    arrays |= {f"{name}_vectors": content.vectors for name, content in contents.items()}
    write_tensors(arrays, directory / GATES)
    columns = [pa.array(model.items.ids, pa.string()), pa.array(model.items.users)]
    columns += [pa.array(content.digests, pa.string()) for content in contents.values()]
    if kept is not None:
        columns.append(pa.array(kept.places))
    pq.write_table(pa.table(columns, schema=_item_schema(contents, has_places=kept is not None)), directory / ITEMS)
    text = json.dumps(description, indent=1, ensure_ascii=False, sort_keys=True)
    (directory / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def read_model(directory: Path) -> FusionModel:
    """Read a model that `write_model` wrote. Raises ModelUnreadable, BlockNotInstalled."""
    with reading(directory / DESCRIPTION):
        description = _description(read_json(directory / DESCRIPTION))
    with reading(directory / GATES):
        arrays = Tensors(read_tensors(directory / GATES))
        gates = _gates(description, arrays)
    with reading(directory / ITEMS):
        ids, users, digests, kept = _items(directory / ITEMS, description)
    with reading(directory / GATES):
        contents = {
            str(name): TrainedContent(digests[name], _vectors(arrays, name, len(ids))) for name in description.contents
        }
    dimensions = {name: content.vectors.shape[1] for name, content in contents.items()}
    states = {}
    for name, settings in description.blocks.items():
        with reading(directory / block_file(name)):
            states[name] = BlockState(read_tensors(directory / block_file(name)), settings)
            n_items = kept.n_items if kept is not None and name in kept.blocks else len(ids)
            ENCODERS[name].check_state(states[name], TrainingSizes(n_items, dimensions))
    return FusionModel(
        states,
        description.spreads,
        gates,
        description.weights,
        TrainedItems(ids, users, contents),
        description.relations,
        description.settings,
        description.asked,
        description.variant,
        description.seed,
        kept,
    )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of reading a file and checking its content into ModelUnreadable, with the file's name."""
    try:
        yield
    except (StateUnreadable, OSError, ValueError, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        # Some reasons repeat names from the file unchanged.
        shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in reason[:_REASON])
        raise ModelUnreadable(path, shown or type(error).__name__) from error


def _description(content: object) -> _Description:
    format_number = content.get("format") if isinstance(content, dict) else None
    if not isinstance(content, dict) or format_number != FORMAT:
        raise ValueError(f"it is of format {format_number!r}, this version reads {FORMAT}; run `whypath train` again")
    _check_installed(content)
    description = settings_of(_Description, content)
    _check(description)
    return description


def _check(description: _Description) -> None:
    """Raise ValueError if parts of a description contradict one another, or numbers are out of range."""
    blocks = set(description.gate_blocks)
    # A name is part of a file's name, so only known names may pass.
    if unknown := [name for name in description.blocks if name not in ENCODERS]:
        raise ValueError(f"there is no block {unknown[0]!r} in this version")
    if len(blocks) < len(description.gate_blocks) or blocks != set(description.blocks):
        raise ValueError("'gate_blocks' are not the blocks")
    if blocks != set(description.spreads) or not all(_is_unit(spread) for spread in description.spreads.values()):
        raise ValueError("'spreads' are not numbers above zero, one for every block")
    if len(set(description.contents)) < len(description.contents):
        raise ValueError("'contents' has a name twice")
    if len(set(description.relations)) < len(description.relations):
        raise ValueError("'relations' has a name twice")
    if description.settings.protocol == "auto":
        raise ValueError("'settings' do not state the protocol of the model")
    if not set(description.weights) <= blocks:
        raise ValueError("'weights' are of blocks that the model does not have")
    if description.kept is not None and not set(description.kept.blocks) <= blocks:
        raise ValueError("'kept' names a block that the model does not have")
    mean, deviation = description.popularity_moments
    if not (abs(mean) <= LARGEST and _is_unit(deviation)):
        raise ValueError("'popularity_moments' are no mean and deviation above zero")


def _check_installed(content: Mapping[str, object]) -> None:
    """Raise BlockNotInstalled if a block of a package is not installed."""
    packages = content.get("packages")
    for name, package in packages.items() if isinstance(packages, dict) else ():
        if not (BLOCK_NAME.fullmatch(name) and isinstance(package, str) and _PACKAGE.fullmatch(package)):
            raise ValueError("'packages' is no list of blocks and their packages")
        if name not in ENCODERS:
            raise BlockNotInstalled(
                f"the model has the block {name!r} of the package {package} (its entry point {name!r} of {GROUP}), "
                "which is not installed here or cannot be used; install that package if you trust it, or train again "
                "without the block"
            )


def _is_unit(number: float) -> bool:
    """Whether a float32 can be divided by it."""
    return float(np.finfo(np.float32).tiny) <= number <= LARGEST


def _gates(description: _Description, arrays: Tensors) -> Gates:
    form, n_blocks = description.gate_form, len(description.gate_blocks)
    return Gates(
        description.gate_blocks,
        arrays.numbers("weights", (n_blocks,), at_least=0),
        arrays.numbers("by_length", (n_blocks, len(KNOTS))),
        arrays.numbers("by_popularity", (n_blocks, len(ENDS), 2)),
        arrays.numbers("bias", (form.n_features(len(description.relations)),)),
        arrays.numbers("bias_by_length", (N_POPULARITY * form.popularity_bias, len(KNOTS))),
        description.popularity_moments,
        form,
    )


def _vectors(arrays: Tensors, name: str, n_items: int) -> NDArray[np.float32]:
    vectors = arrays.numbers(f"{name}_vectors", (n_items, None))
    if not 1 <= vectors.shape[1] <= _DIMENSION:
        raise ValueError(f"{name} vectors cannot be of length {vectors.shape[1]:,}")
    return vectors


def _item_schema(contents: Iterable[str], *, has_places: bool) -> pa.Schema:
    digests = [(f"{name}_digest", pa.string()) for name in contents]
    places = [("trained", pa.int32())] if has_places else []
    return pa.schema([("item", pa.string()), ("users", pa.float32()), *digests, *places])


def _items(
    path: Path, description: _Description
) -> tuple[tuple[str, ...], NDArray[np.float32], dict[str, tuple[str, ...]], Kept | None]:
    """Ids, users and digests of the contents of the training items, and what an update has kept."""
    contents, kept = description.contents, description.kept
    table = read_parquet(path, _item_schema(contents, has_places=kept is not None))
    ids = tuple(table["item"].to_pylist())
    digests = {name: tuple(table[f"{name}_digest"].to_pylist()) for name in contents}
    if len(set(ids)) < len(ids):
        raise ValueError("column 'item' has an item twice")
    users = Tensors({"users": numbers_of(table["users"].combine_chunks())}).numbers("users", (None,), at_least=0)
    for name, column in digests.items():
        if not all(_DIGEST.fullmatch(digest) for digest in column):
            raise ValueError(f"column '{name}_digest' has something that is no digest")
    if kept is None:
        return ids, users, digests, None
    places = numbers_of(table["trained"].combine_chunks())
    known = places[places >= 0]
    if (places < -1).any() or (known >= kept.items).any() or len(np.unique(known)) < len(known):
        raise ValueError("column 'trained' does not give each item its place in the training")
    return ids, users, digests, Kept(frozenset(kept.blocks), kept.items, places)
