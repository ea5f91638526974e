"""The data sets of `benchmarks.quality`: prepare each once as a domain in an embedded store, and read its parts.

The MovieLens sets are prepared by `whypath demo --prepare`. For the others a `domain.yaml` is written over their files:
items are what users interacted with, a head or tail of a triple that equals an item's id is that item, every other one
is an entity. All are loaded by `whypath load`.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from benchmarks.commands import WHYPATH
from benchmarks.running import Tell, run
from benchmarks.yardsticks import BESIDE
from kg.durable import file_written_whole
from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions
from kg.opening import open_store

SHARED = BESIDE.parent
"""Folder of the given sets on a machine that has them: `bench` and `data` beside the checkout."""

VALID_SHARE = 0.1
VALID_SEED = 2026
"""A given split without a valid part gets one from train: a tenth of each user's train events, for choosing only."""


class DataMissing(WhyPathError):
    """Files of a data set do not exist or do not fit its domain."""


@dataclass(frozen=True)
class DataSet:
    """A data set: which inputs it has, and where its parts are.

    seconds: that training with the defaults may take on two cores; assumed until one was measured. demo: the domain of
    `whypath demo`, if it is one. given: folder of the given split below `SHARED`, if there is one.
    """

    name: str
    seconds: int
    demo: str | None = None
    given: str | None = None
    has_graph: bool = True
    has_times: bool = False
    has_texts: bool = False


SETS = {
    found.name: found
    for found in (
        DataSet("ml100k", 60, demo="films-100k", given="bench/ml100k", has_times=True, has_texts=True),
        DataSet("films-1m", 900, demo="films-1m", has_times=True, has_texts=True),
        DataSet("lastfm-dbpedia", 360, given="data/lastfm-dbpedia", has_texts=True),
        DataSet("music", 60, given="data/music"),
        DataSet("fashion", 600, given="data/fashion"),
        DataSet("amazon-book", 480, given="data/amazon-book", has_graph=False),
    )
}


@dataclass(frozen=True)
class Given:
    """The given split of a set, over the items of its graph; the three parts have the same users.

    refit: whether models are fitted on train and valid together after their settings are chosen. fold_of: int [n_items]
    the fold in which each item is cold, -1 for items in none; None where the set has no folds.
    """

    train: Interactions
    valid: Interactions
    test: Interactions
    refit: bool
    fold_of: NDArray[np.int64] | None


@dataclass(frozen=True)
class Loaded:
    """A prepared set: its graph without events, all positive events of its store, its given split, and a digest of all
    that figures depend on.
    """

    data: DataSet
    graph: KnowledgeGraph
    events: Interactions
    given: Given | None
    digest: str


def prepare(data: DataSet, work: Path, shared: Path, tell: Tell, wheels: Path | None = None) -> None:
    """Write the domain of a set and load it into a store below `work`, unless that was done. Raises DataMissing."""
    place = work / data.name
    ready = place / "ready"
    source = None if data.given is None else _folder(data, shared)
    if ready.exists():
        return
    domain = place / "domain"
    domain.mkdir(parents=True, exist_ok=True)
    if data.demo is not None:
        more = [] if wheels is None else ["--wheels", str(wheels)]
        run([*WHYPATH, "demo", "--domain", data.demo, "--prepare", str(domain), *more], tell=tell)
    else:
        assert source is not None
        write_domain(data, source, domain)
    loaded = run(
        [*WHYPATH, "load", str(domain / "domain.yaml"), "--store", str(place / "store"), "--replace"], tell=tell
    )
    with file_written_whole(ready) as file:
        file.write(loaded.output.encode())


def write_domain(data: DataSet, source: Path, folder: Path) -> Path:
    """Write a `domain.yaml` for a folder of given files, and the files that it reads; returns its path."""
    parts = [name for name in ("train", "valid", "test") if (source / f"{name}.tsv.gz").is_file()]
    for name in parts:
        _copy(source / f"{name}.tsv.gz", folder / f"{name}.tsv.gz")
    # With a source of their own, items are these and no other ids of triples.
    if data.has_texts:
        items = _table(source / "items.tsv.gz")
    else:
        items = pd.concat([_table(source / f"{name}.tsv.gz")[["item"]] for name in parts]).drop_duplicates()
    items.to_csv(folder / "items.tsv", sep="\t", index=False, quoting=csv.QUOTE_NONE)
    item = {"role": "item", "source": "items.tsv", "key": "item", **({"label": "name"} if data.has_texts else {})}
    nodes: dict[str, object] = {"item": item, "user": {"role": "user"}}
    event = {"source": [f"{name}.tsv.gz" for name in parts], "columns": {"user": "user", "item": "item"}}
    event |= {"user": "user", "items": "item"}
    description: dict[str, object] = {"name": data.name, "nodes": nodes}
    if data.has_graph:
        _copy(source / "triples.tsv.gz", folder / "triples.tsv.gz")
        nodes["entity"] = {}
        names = sorted(set(_table(source / "triples.tsv.gz")["relation"]))
        description["relations"] = {
            f"relation_{name}" if name.isdecimal() else name: {
                "source": {"file": "triples.tsv.gz", "format": "triples"},
                "head": ["item", "entity"],
                "tail": ["item", "entity"],
                "where": {"relation": name},
            }
            for name in names
        }
    description["interactions"] = {"event": event}
    out = folder / "domain.yaml"
    with file_written_whole(out) as file:
        file.write(yaml.safe_dump(description, sort_keys=False, allow_unicode=True).encode())
    return out


def load(data: DataSet, work: Path, shared: Path) -> Loaded:
    """Read a prepared set. Raises DataMissing where it was not prepared or its given files do not fit its store."""
    place = work / data.name
    if not (place / "ready").exists():
        raise DataMissing(f"{data.name} was not prepared in {work}")
    snapshot = open_store(str(place / "store")).snapshot()
    events = snapshot.interactions()
    if not data.has_times:
        # The order of the rows says nothing there.
        events = Interactions(events.users, events.items, events.user_ids, events.n_items)
    graph = snapshot.without_interactions()
    given = None if data.given is None else read_given(_folder(data, shared), graph)
    return Loaded(data, graph, events, given, _digest(graph, events, given))


def read_given(folder: Path, graph: KnowledgeGraph) -> Given:
    """Read a given split; one without a valid part gets it from train, see `VALID_SHARE`. Raises DataMissing."""
    tables = {}
    for name in ("train", "valid", "test"):
        path = folder / f"{name}.tsv.gz"
        if path.is_file():
            tables[name] = _table(path).rename(columns={"user_id": "user", "item_id": "item"})
        elif name != "valid":
            raise DataMissing(f"{folder} has no {name}.tsv.gz")
    users = sorted({user for table in tables.values() for user in table["user"]})
    parts = {name: _interactions(table, users, graph, folder / name) for name, table in tables.items()}
    refit = "valid" not in parts
    if refit:
        parts["train"], parts["valid"] = take_valid(parts["train"])
    return Given(parts["train"], parts["valid"], parts["test"], refit, _folds(folder, graph))


def take_valid(train: Interactions) -> tuple[Interactions, Interactions]:
    """Split `VALID_SHARE` of each user's events off, rounded, at random; users of few events keep theirs in train."""
    rng = np.random.default_rng(VALID_SEED)
    order = np.lexsort((rng.random(len(train)), train.users))
    counts = np.bincount(train.users, minlength=train.n_users)
    starts = np.concatenate([[0], np.cumsum(counts)])
    users = train.users[order]
    held = np.zeros(len(train), dtype=bool)
    held[order] = np.arange(len(train)) - starts[users] < np.round(counts * VALID_SHARE)[users]
    return train.take(~held), train.take(held)


def _folds(folder: Path, graph: KnowledgeGraph) -> NDArray[np.int64] | None:
    path = next((folder / name for name in ("cold_folds.tsv.gz", "items.tsv.gz") if (folder / name).is_file()), None)
    table = None if path is None else _table(path)
    if path is None or table is None or "cold_fold" not in table:
        return None
    fold_of = np.full(graph.n_items, -1, dtype=np.int64)
    fold_of[_items(table["item"].tolist(), graph, path)] = table["cold_fold"].astype(int).to_numpy()
    return fold_of


def _interactions(table: pd.DataFrame, users: Sequence[str], graph: KnowledgeGraph, path: Path) -> Interactions:
    rows = pd.Index(users).get_indexer(pd.Index(table["user"])).astype(np.int32)
    times = table["timestamp"].to_numpy(np.float64) if "timestamp" in table else None
    return Interactions(rows, _items(table["item"].tolist(), graph, path), users, graph.n_items, None, times)


def _items(ids: Sequence[str], graph: KnowledgeGraph, path: Path) -> NDArray[np.int32]:
    found = graph.item_indices(ids)
    if (found < 0).any():
        raise DataMissing(f"{path}: {int((found < 0).sum())} rows have items that the store does not have")
    return found


def _folder(data: DataSet, shared: Path) -> Path:
    folder = shared / str(data.given)
    if not (folder / "train.tsv.gz").is_file():
        raise DataMissing(
            f"{folder} has no train.tsv.gz; {data.name} needs the given files: name their folder by --shared"
        )
    return folder


def _table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, quoting=csv.QUOTE_NONE, keep_default_na=False)


def _copy(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


def _digest(graph: KnowledgeGraph, events: Interactions, given: Given | None) -> str:
    digest = hashlib.blake2b(graph.digest.encode(), digest_size=16)
    parts: Mapping[str, Interactions] = {"events": events}
    if given is not None:
        parts = {**parts, "train": given.train, "valid": given.valid, "test": given.test}
        digest.update(b"" if given.fold_of is None else given.fold_of.tobytes())
    for name, part in parts.items():
        digest.update(name.encode())
        digest.update("\n".join(part.user_ids).encode())
        for column in (part.users, part.items, part.times):
            digest.update(b"" if column is None else np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
