"""A small bundle with every block, ways to damage it, and what may come of that.

As a program, `python -m tests.whypath.damaged_bundles BUNDLE`, it does all such damage, with the digests made right
again, in a process of its own, so that a crash is a failure and not the end of all tests.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import encoders.behavior.item_item as item_item
from encoders.block import BlockState
from encoders.tensors import LARGEST
from encoders.text import TextEncoderSettings
from fusion.registry import ENCODERS
from fusion.training import Fitting
from tests.fusion.small import with_blocks
from tests.planted import domain, vectors
from whypath.answering.popularity import popularity_blend
from whypath.models.bundle import Bundle, BundleError, BundleRecord, TrainedOn, TrainingChoices
from whypath.testing.blocks.contract import damaged_tensors

SEEN = domain()
TIMED = replace(SEEN.interactions, times=np.arange(len(SEEN.interactions), dtype=np.float64))
LIMIT = 10
"""Length of the lists that are compared."""

Lists: TypeAlias = tuple[NDArray[np.int32], NDArray[np.float32]]


def make_bundle(folder: Path) -> None:
    """Train and save a bundle with all encoders, sparse weights among their arrays, over the domain `SEEN`."""
    contents = {"text": vectors(SEEN.graph.item_texts.to_list())}
    dense, item_item.DENSE_ITEMS = item_item.DENSE_ITEMS, 0
    try:
        model = Fitting(SEEN.graph, TIMED, asked=with_blocks(*ENCODERS), seed=1, contents=contents).model()
    finally:
        item_item.DENSE_ITEMS = dense
    assert set(model.states) == set(ENCODERS)
    schema = SEEN.graph.schema
    data = TrainedOn(
        n_users=SEEN.matrix.shape[0],
        n_events=SEEN.matrix.nnz,
        graph_digest=SEEN.graph.digest,
        schema_name=schema.name,
        schema_digest=schema.digest,
    )
    record = BundleRecord(
        choices=TrainingChoices(),
        protocol=model.protocol.value,
        data=data,
        text=TextEncoderSettings(),
        threads=1,
        versions={},
    )
    Bundle(model, record, SEEN.graph.item_ids, popularity_blend(SEEN.interactions, model.protocol)).save(folder)


def outcome(folder: Path) -> Lists | None:
    """Everybody's lists by a bundle, None where it is refused; whatever else comes of it is an error."""
    try:
        bundle = Bundle.load(folder)
        bundle.check_fits(SEEN.graph)
        scorer = bundle.scorer(SEEN.graph, bundle.popularity_over)
        histories = SEEN.histories
        (lists,) = scorer.lists(histories, LIMIT)
        assert np.isfinite(scorer.scores(histories)).all()
        assert np.isfinite(scorer.popularity).all()
        split = scorer.split(histories.take(slice(0, 1)), 3)
        assert np.isfinite([split.score, *(block.share for block in split.blocks)]).all()
        assert np.isfinite(scorer.vectors(8, lambda _: None).results).all()
    except BundleError:
        return None
    listed = lists.items >= 0
    assert (lists.items < SEEN.graph.n_items).all()
    assert np.isfinite(lists.scores[listed]).all()
    assert all(len(set(row[row >= 0].tolist())) == (row >= 0).sum() for row in lists.items)
    return lists.items, lists.scores


def same(left: Lists, right: Lists) -> bool:
    """Whether two outcomes are the same lists."""
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(left, right, strict=True))


def files_of(bundle: Path) -> list[Path]:
    """All files of a bundle."""
    return sorted(path for path in bundle.rglob("*") if path.is_file())


@contextmanager
def copied(bundle: Path) -> Iterator[Path]:
    """A copy to damage."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(bundle, Path(folder) / "bundle"))


def with_right_digests(bundle: Path) -> None:
    """Make the record say what its files are now, as whoever forges a bundle would."""
    path = bundle / "bundle.json"
    record = json.loads(path.read_bytes())
    record["files"] = {
        name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() if (bundle / name).is_file() else digest
        for name, digest in record["files"].items()
    }
    path.write_text(json.dumps(record))


# Damage: functions that change files of a folder; `draw` is hypothesis's.

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]


def damage_bytes(draw: Draw, path: Path) -> None:
    """Truncate, flip, zero, exchange, repeat or append bytes of one file, or remove it."""
    content = bytearray(path.read_bytes())
    places = st.integers(0, max(0, len(content) - 1))
    match draw(st.sampled_from(["truncate", "flip", "zero", "exchange", "append", "empty", "remove"])):
        case "truncate":
            del content[draw(places) :]
        case "flip" if content:
            for place in draw(st.lists(places, min_size=1, max_size=4)):
                content[place] ^= draw(st.integers(1, 255))
        case "zero" if content:
            start = draw(places)
            content[start : start + 64] = bytes(len(content[start : start + 64]))
        case "exchange" if len(content) > 40:
            first, second = (draw(st.integers(0, len(content) - 16)) for _ in range(2))
            content[first : first + 16], content[second : second + 16] = (
                content[second : second + 16],
                content[first : first + 16],
            )
        case "append":
            content += draw(st.binary(min_size=1, max_size=8))
        case "empty":
            content.clear()
        case "remove":
            path.unlink()
            return
    path.write_bytes(content)


def damage_tensor(draw: Draw, path: Path) -> None:
    """Fill an array, or some of its numbers, with what is in range but extreme; mix its rows; exchange two arrays."""
    tensors = {name: tensor.copy() for name, tensor in load_file(path).items()}
    name = draw(st.sampled_from(sorted(tensors)))
    tensor = tensors[name]
    if tensor.dtype.kind == "f":
        values = st.sampled_from([0.0, -0.0, 1e-40, -1.0, 1.0, 1e6, LARGEST / 2, -LARGEST / 2, 1e30, np.nan])
    else:
        values = st.integers(-2, 70) if tensor.dtype.kind == "i" else st.integers(0, 255)
    match draw(st.sampled_from(["fill", "some", "mix", "exchange"])):
        case "fill":
            tensor[...] = draw(values)
        case "some" if tensor.size:
            for place in draw(st.lists(st.integers(0, tensor.size - 1), min_size=1, max_size=4)):
                tensor.ravel()[place] = draw(values)
        case "mix":
            np.random.default_rng(draw(st.integers(0, 9))).shuffle(tensor)
        case "exchange":
            other = draw(st.sampled_from(sorted(tensors)))
            tensors[name], tensors[other] = tensors[other], tensors[name]
    write_tensors(tensors, path)


def write_tensors(tensors: dict[str, NDArray], path: Path) -> None:
    """Write arrays to a file that may be mapped into memory now."""
    path.unlink()
    save_file(tensors, path)


STRANGE = st.sampled_from(
    [None, True, -1, 0, 1, 7, 10**30, 1e308, -1e308, 5e-324, "", "x", "../x", "/etc/passwd", "a\x00b", [], {}, [[[]]]]
)


def damage_json(draw: Draw, path: Path) -> None:
    """Replace, remove or repeat one value of a document, however deep it is."""
    document = json.loads(path.read_bytes())
    inside: Any = document
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = draw(st.sampled_from(keys))
        if not (isinstance(inside[key], dict | list) and inside[key] and draw(st.booleans())):
            break
        inside = inside[key]
    match draw(st.sampled_from(["replace", "remove", "repeat", "rename"])):
        case "replace":
            inside[key] = draw(STRANGE)
        case "remove":
            del inside[key]
        case "repeat" if isinstance(inside, list):
            inside.append(inside[key])
        case "rename" if isinstance(inside, dict):
            inside[draw(st.sampled_from(["x", "../x", "gnn", ""]))] = inside.pop(key)
    path.write_text(json.dumps(document))


def damage_files(draw: Draw, bundle: Path) -> None:
    """Let two files exchange their contents."""
    one, other = (draw(st.sampled_from(files_of(bundle))) for _ in range(2))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def damage(draw: Draw, bundle: Path) -> None:
    """Any of these."""
    match draw(st.sampled_from(["bytes", "tensor", "json", "files"])):
        case "bytes":
            damage_bytes(draw, draw(st.sampled_from(files_of(bundle))))
        case "tensor":
            damage_tensor(draw, draw(st.sampled_from(sorted(bundle.rglob("*.safetensors")))))
        case "json":
            damage_json(draw, bundle / draw(st.sampled_from(["bundle.json", "model/model.json"])))
        case "files":
            damage_files(draw, bundle)


def every_tensor(bundle: Path) -> int:
    """Damage every array of every file in all the ways of the contract of blocks: all are refused. How many."""
    count = 0
    for path in sorted(bundle.rglob("*.safetensors")):
        whole = path.read_bytes()
        for what, bad in damaged_tensors(BlockState(load_file(path), {})):
            write_tensors(dict(bad.tensors), path)
            with_right_digests(bundle)
            assert outcome(bundle) is None, f"{path.name}: {what}"
            count += 1
        path.write_bytes(whole)
    with_right_digests(bundle)
    return count


def main(bundle: Path) -> None:
    """Everything with right digests; prints how many damages were tried, refused ones among them."""
    tried = {"refused": 0, "answered": 0}

    @settings(max_examples=300, deadline=None, database=None)
    @given(st.data())
    def anything(data: st.DataObject) -> None:
        with copied(bundle) as copy:
            damage(data.draw, copy)
            # Else there is no record left to make right.
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                with_right_digests(copy)
            found = outcome(copy)
            tried["refused" if found is None else "answered"] += 1

    assert outcome(bundle) is not None
    with copied(bundle) as copy:
        print("tensors", every_tensor(copy), flush=True)
    anything()
    print(tried, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
