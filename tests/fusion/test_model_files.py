"""A model's files may come from anybody: each thing that can be wrong with them is said before it is used."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from fusion.model_files import ModelUnreadable, read_model, write_model
from fusion.ranker import ModelUnusable
from fusion.training import Fitting
from kg.histories import Histories
from tests.fusion.small import with_blocks
from tests.planted import DIMENSIONS, domain, vectors

SEEN = domain()
N_ITEMS = SEEN.graph.n_items


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = vectors(SEEN.graph.item_texts.to_list())
    folder = tmp_path_factory.mktemp("saved") / "model"
    asked = with_blocks("ease", "shared", "text")
    model = Fitting(SEEN.graph, SEEN.interactions, asked=asked, seed=1, contents={"text": texts}).model()
    write_model(model, folder)
    return folder


@pytest.fixture
def model(saved: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def refused(model: Path, message: str) -> None:
    with pytest.raises(ModelUnreadable, match=message) as found:
        read_model(model)
    assert found.value.path.parent == model
    assert "train again or copy it again whole" in str(found.value)


Edit = Callable[[dict[str, Any]], object]

DESCRIPTIONS: list[tuple[Edit, str]] = [
    (lambda d: d.pop("seed"), "'seed': Field required"),
    (lambda d: d.update(seed=-1), "'seed'"),
    (lambda d: d.update(extra=1), "'extra'"),
    (lambda d: d.update(format=5), "format 5"),
    (lambda d: d["variant"].update(graph="half"), "variant.graph"),
    (lambda d: d["settings"]["gates"].update(steps="many"), "settings.gates.steps"),
    (lambda d: d["asked"].update(blocks=["ease", "nobody"]), "no block 'nobody'"),
    (lambda d: d["settings"].update(blocks=["../ease"]), "no block '../ease'"),
    (lambda d: d["blocks"].update({"../x": {}}), r"no block '\.\./x'"),
    (lambda d: d["blocks"].update({"/etc/passwd": {}}), "no block '/etc/passwd'"),
    (lambda d: d["blocks"].update(gnn={}), "'gate_blocks' are not the blocks"),
    (lambda d: d["blocks"].pop("ease"), "'gate_blocks' are not the blocks"),
    (lambda d: d.update(gate_blocks=["ease", "ease", "shared"]), "'gate_blocks' are not the blocks"),
    (lambda d: d.update(gate_blocks=[]), "gate_blocks"),
    (lambda d: d["blocks"]["ease"].update(regularization=-1), "regularization"),
    (lambda d: d["blocks"].update(shared={"names": "x", "settings": {}}), "'names' is missing or no list"),
    (lambda d: d["blocks"]["shared"]["names"].append(d["blocks"]["shared"]["names"][0]), "distinct names"),
    (lambda d: d["blocks"]["shared"]["names"].pop(), "of shape"),
    (lambda d: d["blocks"]["shared"]["settings"].update(exponents=[]), "exponents"),
    (lambda d: d["blocks"]["text"].update(rank=3), "of shape"),
    (lambda d: d["spreads"].update(ease=0), "'spreads' are not"),
    (lambda d: d["spreads"].update(ease=-1), "'spreads' are not"),
    (lambda d: d["spreads"].update(ease=1e-300), "'spreads' are not"),
    (lambda d: d["spreads"].update(ease=1e300), "'spreads' are not"),
    (lambda d: d["spreads"].update(gnn=1), "'spreads' are not"),
    (lambda d: d["spreads"].pop("ease"), "'spreads' are not"),
    (lambda d: d["relations"].append(d["relations"][0]), "'relations' has a name twice"),
    (lambda d: d["relations"].append("more"), "'bias' is of shape"),
    (lambda d: d.update(relations=[str(number) for number in range(100_000)]), "relations"),
    (lambda d: d["gate_form"].update(fact_bias=False), "'bias' is of shape"),
    (lambda d: d.update(popularity_moments=[1e300, 1]), "'popularity_moments'"),
    (lambda d: d.update(popularity_moments=[10**30, -1]), "'popularity_moments'"),
    (lambda d: d.update(popularity_moments=[0, 0]), "'popularity_moments'"),
    (lambda d: d.update(weights={"gnn": {"floor": 0.5, "places": 3}}), "'weights' are of blocks"),
    (lambda d: d.update(weights={"ease": {"floor": 2, "places": 3}}), "floor"),
    (lambda d: d.update(weights={"ease": {"floor": 0.5, "places": 0}}), "places"),
]


@pytest.mark.parametrize(("edit", "message"), DESCRIPTIONS, ids=[message for _, message in DESCRIPTIONS])
def test_what_the_description_says_is_checked(model: Path, edit: Edit, message: str) -> None:
    description = json.loads((model / "model.json").read_text())
    edit(description)
    (model / "model.json").write_text(json.dumps(description))
    refused(model, message)


@pytest.mark.parametrize("text", ['{"format": 1, "format": 1}', '{"format": NaN}', "[" * 100_000])
def test_a_description_is_strict_json(model: Path, text: str) -> None:
    (model / "model.json").write_text(text)
    refused(model, "twice|NaN|nested")


GATES: list[tuple[str, NDArray | None, str]] = [
    ("weights", None, "'weights' is missing"),
    ("weights", np.full(3, -1, np.float32), "not between 0"),
    ("weights", np.ones(3), "float64"),
    ("by_length", np.full((3, 9), np.nan, np.float32), "not between"),
    ("by_length", np.zeros(3, np.float32), "of shape"),
    ("bias_by_length", np.zeros((3, 9), np.float32), "of shape"),
    ("by_popularity", np.zeros(6, np.float32), "of shape"),
    ("bias", np.zeros(0, np.float32), "of shape"),
    ("text_vectors", None, "tensor 'text_vectors' is missing"),
    ("text_vectors", np.zeros((N_ITEMS - 1, DIMENSIONS), np.float32), "of shape"),
    ("text_vectors", np.zeros((N_ITEMS, DIMENSIONS - 1), np.float32), "have 9"),
    ("text_vectors", np.zeros((N_ITEMS, 0), np.float32), "cannot be of length 0"),
    ("text_vectors", np.zeros((N_ITEMS, 20_000), np.float32), "cannot be of length 20,000"),
    ("text_vectors", np.full((N_ITEMS, DIMENSIONS), np.inf, np.float32), "not between"),
]


@pytest.mark.parametrize(("name", "tensor", "message"), GATES)
def test_gates_and_text_vectors_are_checked(model: Path, name: str, tensor: NDArray | None, message: str) -> None:
    tensors = load_file(model / "fusion.safetensors")
    del tensors[name]
    (model / "fusion.safetensors").unlink()
    save_file(tensors if tensor is None else {**tensors, name: tensor}, model / "fusion.safetensors")
    refused(model, message)


def column(name: str, values: Any) -> Callable[[pa.Table], pa.Table]:
    def changed(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(name)
        return table.set_column(place, name, pa.array(values(table[name].to_pylist()), table.schema.field(name).type))

    return changed


ITEMS: list[tuple[Callable[[pa.Table], pa.Table], str]] = [
    (lambda table: table.slice(1), "items"),
    (lambda table: table.slice(0, 0), "items"),
    (column("item", lambda ids: [ids[0], *ids[:-1]]), "an item twice"),
    (column("item", lambda ids: [None, *ids[1:]]), "empty cells"),
    (column("users", lambda users: [-1.0, *users[1:]]), "not between 0"),
    (column("users", lambda users: [float("nan"), *users[1:]]), "not between 0"),
    (column("users", lambda users: [float("inf"), *users[1:]]), "not between 0"),
    (column("text_digest", lambda digests: ["x", *digests[1:]]), "no digest"),
    (lambda table: table.drop_columns(["users"]), "columns are not"),
]


@pytest.mark.parametrize(("change", "message"), ITEMS, ids=[message for _, message in ITEMS])
def test_items_are_checked(model: Path, change: Callable[[pa.Table], pa.Table], message: str) -> None:
    pq.write_table(change(pq.read_table(model / "items.parquet")), model / "items.parquet")
    refused(model, message)


def tensors_file(header: object, data: bytes = b"") -> bytes:
    content = json.dumps(header).encode()
    return struct.pack("<Q", len(content)) + content + data


def entry(dtype: str, shape: list[int], *offsets: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0",
        struct.pack("<Q", 1 << 60) + b"{}",
        tensors_file([]),
        tensors_file({"weights": {"dtype": "F32"}}),
        tensors_file({"weights": entry("BF16", [1, 1], 0, 2)}, b"ab"),
        tensors_file({"weights": entry("F8_E4M3", [1, 1], 0, 1)}, b"a"),
        tensors_file({"weights": entry("F4", [2, 1], 0, 1)}, b"a"),
        tensors_file({"weights": entry("F32", [1, 1], 0, 4)}),
        tensors_file({"weights": entry("F32", [1, 1], 0, 4), "more": entry("F32", [1], 0, 4)}, b"abcd"),
        tensors_file({"weights": entry("F32", [1 << 62, 0], 0, 0)}),
        tensors_file({"weights": entry("F32", [1] * 100, 0, 4)}, b"abcd"),
        tensors_file({"weights": entry("F32", [1 << 63, 8], 0, 4)}, b"abcd"),
    ],
    ids=lambda content: content[8:70].decode(errors="replace"),
)
def test_headers_that_lie_are_refused(model: Path, content: bytes) -> None:
    (model / "block-ease.safetensors").write_bytes(content)
    refused(model, "block-ease.safetensors cannot be read")


def test_names_in_a_file_are_not_shown_as_they_stand_there(model: Path) -> None:
    """They may be escape sequences."""
    header = {"\x1b[2J": entry("F32", [1], 0, 3)}
    (model / "block-ease.safetensors").write_bytes(tensors_file(header, b"abc"))
    with pytest.raises(ModelUnreadable) as found:
        read_model(model)
    assert str(found.value).isprintable()


def test_more_landmarks_than_items_are_refused(model: Path) -> None:
    path = model / "block-text.safetensors"
    tensors = load_file(path)
    path.unlink()
    longer = {name: np.repeat(tensors[name], 9, axis=0) for name in ("landmarks", "coefficients")}
    save_file({**tensors, **longer}, path)
    refused(model, "'landmarks' has more rows than there are items")


@pytest.mark.parametrize("name", ["model.json", "fusion.safetensors", "items.parquet", "block-ease.safetensors"])
def test_only_regular_files_are_opened(model: Path, name: str) -> None:
    (model / name).rename(model / "elsewhere")
    (model / name).symlink_to("elsewhere")
    refused(model, f"{name} cannot be read .it is no regular file")
    (model / name).unlink()
    os.mkfifo(model / name)  # opening it would wait for somebody who writes
    refused(model, f"{name} cannot be read .it is no regular file")
    (model / name).unlink()
    refused(model, f"{name} cannot be read .No such file")


def test_what_is_finite_alone_and_not_together_is_found_when_it_is_bound_or_used(model: Path) -> None:
    """Each of these numbers is within range."""
    path = model / "block-text.safetensors"
    tensors = load_file(path)
    path.unlink()
    save_file({**tensors, "coefficients": np.full_like(tensors["coefficients"], 9e14)}, path)
    loaded = read_model(model)
    with pytest.raises(ModelUnusable, match="scores are no finite numbers"):
        loaded.bind(SEEN.graph).scores(SEEN.histories)
    with pytest.raises(ModelUnusable, match="scores are no finite numbers"):
        loaded.bind(SEEN.graph).split(Histories.of_items(range(5), SEEN.graph.n_items), 7)
    gates = load_file(model / "fusion.safetensors")
    (model / "fusion.safetensors").unlink()
    save_file({**gates, "by_popularity": np.full_like(gates["by_popularity"], 1e9)}, model / "fusion.safetensors")
    with pytest.raises(ModelUnusable, match="gates are no finite numbers"):
        read_model(model).bind(SEEN.graph)


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (np.zeros((1, DIMENSIONS + 1), np.float32), "vectors of length 11, and the model was trained on .* length 10"),
        (np.full((1, DIMENSIONS), np.nan, np.float32), "not finite for new texts"),
    ],
)
def test_another_text_encoder_is_found(saved: Path, encoded: NDArray[np.float32], message: str) -> None:
    changed = replace(SEEN, texts=("unheard of", *SEEN.texts[1:]))
    with pytest.raises(ModelUnusable, match=message):
        read_model(saved).bind(changed.graph, {"text": lambda _: encoded})
