"""A bundle may come from anybody, with right digests: it is refused with a BundleError, or it gives sound lists."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from kg.histories import Histories
from tests.whypath.damaged_bundles import (
    SEEN,
    copied,
    damage_bytes,
    damage_files,
    damage_json,
    files_of,
    make_bundle,
    outcome,
    same,
    with_right_digests,
    write_tensors,
)
from tests.workshop import Workshop
from whypath.engine import Engine
from whypath.models.bundle import Bundle, BundleError


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "bundle"
    make_bundle(folder)
    return folder


@pytest.fixture
def bundle(sound: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(sound, tmp_path / "bundle"))


def refused(bundle: Path, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        Bundle.load(bundle)


def test_all_damage_with_right_digests_is_refused_or_gives_sound_lists(sound: Path) -> None:
    """In a process of its own, so that a segmentation fault fails this test instead of ending all."""
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.whypath.damaged_bundles", str(sound)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "RuntimeWarning" not in done.stderr


@given(data=st.data())
@settings(max_examples=100)
def test_any_damage_is_found_by_the_digests(sound: Path, data: st.DataObject) -> None:
    with copied(sound) as copy:
        whole = {path: path.read_bytes() for path in files_of(copy) if path.name != "bundle.json"}
        if data.draw(st.booleans()):
            damage_bytes(data.draw, data.draw(st.sampled_from(sorted(whole))))
        else:
            damage_files(data.draw, copy)
        changed = any(not path.exists() or path.read_bytes() != content for path, content in whole.items())
        found = outcome(copy)
        if changed:
            assert found is None
        elif found is not None:
            expected = outcome(sound)
            assert expected is not None
            assert same(found, expected)


@given(data=st.data())
@settings(max_examples=60)
def test_a_damaged_record_is_refused_or_changes_no_list(sound: Path, data: st.DataObject) -> None:
    with copied(sound) as copy:
        damage = data.draw(st.sampled_from([damage_json, damage_bytes]))
        damage(data.draw, copy / "bundle.json")
        found, expected = outcome(copy), outcome(sound)
        assert expected is not None
        assert found is None or same(found, expected)


def test_the_engine_refuses_indices_out_of_range_instead_of_writing_there(workshop: Workshop, tmp_path: Path) -> None:
    for value in (np.iinfo(np.int32).max, 1 << 20, 10_000, -1):
        bundle = Path(shutil.copytree(workshop.bundle, tmp_path / str(value)))
        path = bundle / "model" / "block-shared.safetensors"
        tensors = load_file(path)
        write_tensors({**tensors, "degree_nodes": np.full_like(tensors["degree_nodes"], value)}, path)
        with_right_digests(bundle)
        with pytest.raises(BundleError, match=r"block-shared.* 'degree_nodes' .*; train the bundle again or copy it"):
            Engine.open(workshop.store, bundle)


Edit = Callable[[dict[str, Any]], object]

RECORDS: list[tuple[Edit, str]] = [
    (lambda r: r["files"].update({"../x": "0" * 64}), r"the file '\.\./x', which is not one of a bundle's"),
    (lambda r: r["files"].update({"/etc/passwd": "0" * 64}), "the file '/etc/passwd'"),
    (lambda r: r["files"].update({"model/../model/model.json": "0" * 64}), "not one of a bundle's"),
    (lambda r: r["files"].update({"store/store.sqlite": "0" * 64}), "not one of a bundle's"),
    (lambda r: r["files"].update({"model/block-../../x.safetensors": "0" * 64}), "not one of a bundle's"),
    (lambda r: r["files"].update({"bundle.json": "0" * 64}), "not one of a bundle's"),
    (lambda r: r["files"].update({"popularity.parquet": "short"}), "no SHA-256 for the file 'popularity.parquet'"),
    (lambda r: r["files"].pop("model/items.parquet"), "does not name the file 'model/items.parquet'"),
    (lambda r: r["files"].pop("model/block-ease.safetensors"), "do not agree on the file 'model/block-ease"),
    (lambda r: r["files"].update({"model/block-x.safetensors": "0" * 64}), "block-x.safetensors cannot be read"),
    (lambda r: r.update(files=[]), "'files'"),
    (lambda r: r.pop("data"), "'data': Field required"),
    (lambda r: r.update(format=3), "of format 3"),
    (lambda r: r["choices"].update(graph="half"), "choices.graph"),
    (lambda r: r["data"].update(n_users="many"), "data.n_users"),
    (lambda r: r["text"].update(model="a\0b"), "the text model 'a.x00b'"),
    (lambda r: r["text"].update(model="\x1b[2J"), "the text model"),
    (lambda r: r["text"].update(max_length=10**9), "1,000,000,000 tokens"),
]


@pytest.mark.parametrize(("edit", "message"), RECORDS, ids=[message for _, message in RECORDS])
def test_what_the_record_says_is_checked(bundle: Path, edit: Edit, message: str) -> None:
    record = json.loads((bundle / "bundle.json").read_text())
    edit(record)
    (bundle / "bundle.json").write_text(json.dumps(record))
    refused(bundle, message)


def test_links_and_pipes_in_a_bundle_are_refused(bundle: Path, tmp_path: Path) -> None:
    for name in ("bundle.json", "popularity.parquet", "model/items.parquet"):
        shutil.move(bundle / name, tmp_path / "elsewhere")
        (bundle / name).symlink_to(tmp_path / "elsewhere")
        refused(bundle, f"{name} cannot be read .it is no regular file")
        (bundle / name).unlink()
        os.mkfifo(bundle / name)
        refused(bundle, f"{name} cannot be read .it is no regular file")
        (bundle / name).unlink()
        shutil.move(tmp_path / "elsewhere", bundle / name)
    shutil.move(bundle / "model", tmp_path / "model")
    (bundle / "model").symlink_to(tmp_path / "model")
    refused(bundle, "model cannot be read .it is no folder")
    (bundle / "model").unlink()
    refused(bundle, "model cannot be read .No such file")


def test_a_bundle_may_be_a_link_to_a_folder(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(sound)
    assert Bundle.load(tmp_path / "current").record == Bundle.load(sound).record


POPULARITY: list[tuple[Callable[[list[str], list[float]], dict[str, pa.Array]], str]] = [
    (lambda ids, blend: {"item": pa.array(ids), "popularity": pa.array(blend)}, "columns are not"),
    (lambda ids, blend: {"item": pa.array(ids), "popularity": f32([-1, *blend[1:]])}, "not between 0"),
    (lambda ids, blend: {"item": pa.array(ids), "popularity": f32([np.nan, *blend[1:]])}, "not between 0"),
    (lambda ids, blend: {"item": pa.array(ids), "popularity": f32([np.inf, *blend[1:]])}, "not between 0"),
    (lambda ids, blend: {"item": pa.array(ids), "popularity": f32([None, *blend[1:]])}, "empty cells"),
    (lambda ids, blend: {"item": pa.array(ids[1:]), "popularity": f32(blend[1:])}, "items are not those"),
    (lambda ids, blend: {"item": pa.array([*ids[1:], ids[0]]), "popularity": f32(blend)}, "items are not those"),
    (lambda ids, blend: {"item": pa.array([*ids, ids[0]]), "popularity": f32([*blend, 1])}, "items are not those"),
]


def f32(values: list[Any]) -> pa.Array:
    return pa.array(values, pa.float32())


@pytest.mark.parametrize(("make", "message"), POPULARITY)
def test_popularity_is_checked(
    bundle: Path, make: Callable[[list[str], list[float]], dict[str, pa.Array]], message: str
) -> None:
    table = pq.read_table(bundle / "popularity.parquet")
    columns = make(table["item"].to_pylist(), table["popularity"].to_pylist())
    pq.write_table(pa.table(columns), bundle / "popularity.parquet")
    with_right_digests(bundle)
    refused(bundle, f"popularity.parquet cannot be read .*{message}")


def test_what_is_found_only_over_a_snapshot_is_a_bundle_error_too(bundle: Path) -> None:
    path = bundle / "model" / "block-text.safetensors"
    tensors = load_file(path)
    write_tensors({**tensors, "coefficients": np.full_like(tensors["coefficients"], 9e14)}, path)
    with_right_digests(bundle)
    loaded = Bundle.load(bundle)
    scorer = loaded.scorer(SEEN.graph, loaded.popularity_over)
    for answer in (
        lambda: scorer.scores(SEEN.histories),
        lambda: list(scorer.lists(SEEN.histories, 3)),
        lambda: scorer.split(Histories.of_items(range(4), SEEN.graph.n_items), 7),
        lambda: scorer.vectors(8, lambda _: None),
    ):
        with pytest.raises(BundleError, match=r"cannot be used: the model's scores .* train it again"):
            answer()
    path = bundle / "model" / "fusion.safetensors"
    gates = load_file(path)
    write_tensors({**gates, "by_popularity": np.full_like(gates["by_popularity"], 1e9)}, path)
    with_right_digests(bundle)
    loaded = Bundle.load(bundle)
    with pytest.raises(BundleError, match="cannot be used: the model's gates"):
        loaded.scorer(SEEN.graph, loaded.popularity_over)


def test_where_there_is_no_bundle_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "absent", tmp_path / "file", tmp_path / "empty", Path("nul\0byte")):
        refused(place, "is not a bundle|cannot be read")
