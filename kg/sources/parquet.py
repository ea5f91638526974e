"""Parquet files, read in record batches; only the columns that were asked for are decoded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kg.rows import Position
from kg.sources.columns import check_header, find_column
from kg.sources.plain_values import flat_cells
from kg.sources.records import RawRecord, Record, SourceError

_BATCH_ROWS = 8192


class ParquetReader:
    """A Parquet file; positions are 1-based row numbers. Struct columns become dotted columns."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._wanted: set[str] = set()
        self._fraction: float | None = None
        with self._opened() as file:
            self._tops = check_header(tuple(file.schema_arrow.names), name)
            self._columns = tuple(_leaf_names(file.schema_arrow))

    @property
    def name(self) -> str:
        return self._name

    @property
    def columns(self) -> tuple[str, ...]:
        return self._columns

    def resolve(self, column: str) -> str:
        found = find_column(column, self._columns, self._name)
        self._wanted.add(found if found in self._tops else found.split(".", 1)[0])
        return found

    def resolve_value(self, value: str) -> str:
        return value

    def fraction(self) -> float | None:
        return self._fraction

    def close(self) -> None:
        self._fraction = None

    def __iter__(self) -> Iterator[Record]:
        row = 0
        columns = [c for c in self._tops if c in self._wanted] or None
        with self._opened() as file:
            total = file.metadata.num_rows
            batches = file.iter_batches(batch_size=_BATCH_ROWS, columns=columns)
            while True:
                try:
                    batch = next(batches, None)
                except (pa.ArrowException, OSError) as error:
                    raise SourceError(f"{self._name}: the Parquet file is damaged after row {row} ({error})") from None
                if batch is None:
                    return
                for values in batch.to_pylist():
                    row += 1
                    yield RawRecord(Position(self._name, row), flat_cells(values))
                self._fraction = row / total if total else 1.0

    def _opened(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self._path)
        except FileNotFoundError:
            raise SourceError(
                f"{self._name}: no such file ({self._path}); correct the path in domain.yaml or put the file there"
            ) from None
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{self._name}: not a readable Parquet file ({error})") from None


def _leaf_names(schema: pa.Schema) -> Iterator[str]:
    def leaves(field: pa.Field, prefix: str) -> Iterator[str]:
        if pa.types.is_struct(field.type):
            for inner in field.type:
                yield from leaves(inner, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"

    for field in schema:
        yield from leaves(field, "")
