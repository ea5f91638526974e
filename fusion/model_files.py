"""A `FusionModel` as files: model.json, items.parquet, a safetensors file for each block, one for gates and texts."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from encoders.block import BlockState
from fusion.gates import GateForm, Gates
from fusion.model import FusionModel, TrainedItems
from fusion.settings import FusionSettings
from fusion.variant import Variant
from kg.errors import WhyPathError

FORMAT = 1
"""Raised whenever older files can no longer be read."""


class ModelUnreadable(WhyPathError):
    """The folder is no model of this version."""


class _Description(BaseModel):
    """model.json."""

    model_config = ConfigDict(extra="forbid")

    format: int
    seed: int
    variant: Variant
    settings: FusionSettings
    asked: FusionSettings
    relations: tuple[str, ...]
    blocks: dict[str, dict[str, object]]
    spreads: dict[str, float]
    gate_blocks: tuple[str, ...]
    gate_form: GateForm
    length_moments: tuple[float, float]
    length_range: tuple[float, float]
    popularity_moments: tuple[float, float]


def write_model(model: FusionModel, directory: Path) -> None:
    """Write into `directory`; the caller sees to it that a half-written folder is never taken for a whole one."""
    directory.mkdir(parents=True, exist_ok=True)
    gates = model.gates
    description = {
        "format": FORMAT,
        "seed": model.seed,
        "variant": asdict(model.variant),
        "settings": model.settings.model_dump(mode="json"),
        "asked": model.asked.model_dump(mode="json"),
        "relations": list(model.relations),
        "blocks": {name: dict(state.settings) for name, state in model.states.items()},
        "spreads": model.spreads,
        "gate_blocks": list(gates.blocks),
        "gate_form": asdict(gates.form),
        "length_moments": gates.length_moments,
        "length_range": gates.length_range,
        "popularity_moments": gates.popularity_moments,
    }
    for name, state in model.states.items():
        _save({key: np.ascontiguousarray(tensor) for key, tensor in state.tensors.items()}, directory / _block(name))
    arrays: dict[str, NDArray] = {
        "weights": gates.weights,
        "by_length": gates.by_length,
        "by_popularity": gates.by_popularity,
        "bias": gates.bias,
    }
    if model.items.text_vectors is not None:
        arrays["text_vectors"] = model.items.text_vectors
    _save({key: np.ascontiguousarray(array) for key, array in arrays.items()}, directory / "fusion.safetensors")
    table = {
        "item": pa.array(model.items.ids, pa.string()),
        "users": pa.array(model.items.users),
        "text_digest": pa.array(model.items.text_digests, pa.string()),
    }
    pq.write_table(pa.table(table), directory / "items.parquet")
    text = json.dumps(description, indent=1, ensure_ascii=False, sort_keys=True)
    (directory / "model.json").write_text(text + "\n", encoding="utf-8")


def read_model(directory: Path) -> FusionModel:
    """Read what `write_model` wrote. Raises ModelUnreadable."""
    path = directory / "model.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content.get("format") if isinstance(content, dict) else None
        if found != FORMAT:
            raise ModelUnreadable(f"{path} is of format {found}, this version reads {FORMAT}; train again")
        description = _Description.model_validate(content)
        arrays = load_file(directory / "fusion.safetensors")
        states = {
            name: BlockState(load_file(directory / _block(name)), settings)
            for name, settings in description.blocks.items()
        }
        table = pq.read_table(directory / "items.parquet")
        gates = Gates(
            description.gate_blocks,
            arrays["weights"],
            arrays["by_length"],
            arrays["by_popularity"],
            arrays["bias"],
            description.length_moments,
            description.length_range,
            description.popularity_moments,
            description.gate_form,
        )
        items = TrainedItems(
            tuple(table["item"].to_pylist()),
            table["users"].to_numpy().astype(np.float32),
            tuple(table["text_digest"].to_pylist()),
            arrays.get("text_vectors"),
        )
    except (OSError, ValueError, KeyError, ValidationError, SafetensorError, pa.ArrowInvalid) as error:
        raise ModelUnreadable(f"{directory} cannot be read ({error}); train again or copy it again whole") from error
    return FusionModel(
        states,
        description.spreads,
        gates,
        items,
        description.relations,
        description.settings,
        description.asked,
        description.variant,
        description.seed,
    )


def _block(name: str) -> str:
    return f"block-{name}.safetensors"


def _save(tensors: dict[str, NDArray], path: Path) -> None:
    save_file(tensors, path)
