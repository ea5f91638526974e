"""Write a synthetic domain as tables with a `domain.yaml`, in memory bounded by the facts and one chunk."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow as pa
from pyarrow import csv, parquet

from kg.datasets.fetch import Progress
from kg.datasets.synthetic.generation import CHUNK_ITEMS, Recipe
from kg.datasets.synthetic.keys import ENTITY, ITEM, USER, keys, keys_of, labels
from kg.datasets.synthetic.settings import SyntheticSettings
from kg.durable import file_written_whole
from kg.errors import WhyPathError
from kg.schema import DomainSchema

TableFormat: TypeAlias = Literal["parquet", "tsv"]


class FolderInUse(WhyPathError):
    """The folder already holds a `domain.yaml`."""


@dataclass(frozen=True, slots=True)
class SyntheticReport:
    """Report of what was written."""

    domain: Path
    """The `domain.yaml`."""
    users: int
    items: int
    entities: int
    triples: int
    events: int


def write(
    dir: Path | str,
    settings: SyntheticSettings,
    *,
    format: TableFormat = "parquet",
    progress: Progress | None = None,
) -> SyntheticReport:
    """Write items, users, entities of every kind, one table per relation, events and, last, domain.yaml.

    Raises:
        FolderInUse: the folder already has a `domain.yaml`.
    """
    if format not in ("parquet", "tsv"):
        raise ValueError(f"no table format {format!r}: it is 'parquet' or 'tsv'")
    folder = Path(dir)
    domain = folder / "domain.yaml"
    if domain.exists():
        raise FolderInUse(f"{domain} is there already; nothing was written. Give another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(settings)

    def table(name: str, batches: Iterator[pa.RecordBatch]) -> int:
        if progress is not None:
            progress(f"Writing {name}.{format}")
        return _write_table(folder / f"{name}.{format}", batches, format)

    table("items", _nodes(ITEM, settings.items, with_year=True))
    table("users", _nodes(USER, settings.users))
    offsets = settings.entity_offsets
    for at, kind in enumerate(settings.entity_kinds):
        table(kind, _nodes(ENTITY, offsets[at + 1] - offsets[at]))
    triples = sum(table(name, _facts(recipe, at)) for at, name in enumerate(settings.relation_names))
    events = table("events", _events(recipe))
    with file_written_whole(domain) as file:
        file.write(_description(settings, format).to_yaml().encode())
    return SyntheticReport(domain, settings.users, settings.items, settings.entities, triples, events)


def _description(settings: SyntheticSettings, format: TableFormat) -> DomainSchema:
    nodes: dict[str, Any] = {
        "item": {
            "role": "item",
            "source": f"items.{format}",
            "key": "key",
            "label": "label",
            "fields": {"year": "integer"},
        },
        "user": {"role": "user", "source": f"users.{format}", "key": "key", "label": "label"},
    }
    relations = {}
    for kind, name in zip(settings.entity_kinds, settings.relation_names, strict=True):
        nodes[kind] = {"source": f"{kind}.{format}", "key": "key", "label": "label"}
        relations[name] = {
            "source": f"{name}.{format}",
            "head": "item",
            "tail": kind,
            "columns": {"head": "item", "tail": kind},
            "label": f"has {kind}",
            "inverse": f"{kind} of",
        }
    events = {
        "source": f"events.{format}",
        "columns": {"user": "user", "item": "item", "weight": "rating", "time": "time"},
        "time_format": "unix",
        "positive": {"min_weight": 4},
    }
    return DomainSchema.from_mapping(
        {"name": "synthetic", "nodes": nodes, "relations": relations, "interactions": {"rating": events}}
    )


def _nodes(letter: str, total: int, *, with_year: bool = False) -> Iterator[pa.RecordBatch]:
    for first in range(0, total, CHUNK_ITEMS):
        end = min(total, first + CHUNK_ITEMS)
        columns: dict[str, pa.Array] = {"key": keys(letter, first, end, total), "label": labels(first, end)}
        if with_year:
            # Spread evenly by a step that shares no factor with 75, so that the year reveals nothing either.
            columns["year"] = pa.array([1950 + 32 * at % 75 for at in range(first, end)], pa.int32())
        yield pa.record_batch(columns)


def _facts(recipe: Recipe, relation: int) -> Iterator[pa.RecordBatch]:
    settings = recipe.settings
    offsets = settings.entity_offsets
    for chunk in recipe.facts_of(relation):
        yield pa.record_batch(
            {
                "item": keys_of(ITEM, chunk.items, settings.items),
                settings.entity_kinds[relation]: keys_of(
                    ENTITY, chunk.entities, offsets[relation + 1] - offsets[relation]
                ),
            }
        )


def _events(recipe: Recipe) -> Iterator[pa.RecordBatch]:
    settings = recipe.settings
    for _, chunk in recipe.behaviour():
        yield pa.record_batch(
            {
                "user": keys_of(USER, chunk.users, settings.users),
                "item": keys_of(ITEM, chunk.items, settings.items),
                "rating": pa.array(chunk.ratings),
                "time": pa.array(chunk.times),
            }
        )


def _write_table(path: Path, batches: Iterator[pa.RecordBatch], format: TableFormat) -> int:
    """Write the batches one by one to a file, published when complete; returns the number of rows."""
    rows = 0
    with file_written_whole(path) as file:
        # Every table has at least one batch; the columns of the first are the file's.
        first = next(batches)
        with _writer(file, first.schema, format) as writer:
            for batch in itertools.chain([first], batches):
                writer.write_batch(batch)
                rows += batch.num_rows
    return rows


def _writer(file: Any, schema: pa.Schema, format: TableFormat) -> parquet.ParquetWriter | csv.CSVWriter:
    if format == "parquet":
        return parquet.ParquetWriter(file, schema, compression="zstd")
    # The header is written here because pyarrow quotes column names, whatever its quoting option.
    file.write("\t".join(schema.names).encode() + b"\n")
    options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    return csv.CSVWriter(file, schema, write_options=options)
