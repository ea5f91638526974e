"""Read Parquet files in record batches; only the requested columns are decoded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kg.rows import Position
from kg.sources.columns import check_header, find_column
from kg.sources.opening import opened_raw
from kg.sources.plain_values import flat_cells, record_of
from kg.sources.records import BadRecord, Reason, Record, SourceError, shown

_BATCH_ROWS = 8192


class ParquetReader:
    """A Parquet file; positions are 1-based row numbers. Struct columns become dotted columns."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self.name = name
        self._wanted: set[str] = set()
        self._fraction: float | None = None
        with self._opened() as file:
            self._tops = dict.fromkeys(check_header(tuple(file.schema_arrow.names), name))
            self._columns = dict.fromkeys(_leaf_names(file.schema_arrow))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._columns)

    def resolve(self, column: str) -> str:
        known = find_column(column, self._columns, self.name)
        self._wanted.add(known if known in self._tops else known.split(".", 1)[0])
        return known

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
                # A damaged file can make the library raise anything.
                except Exception as error:
                    raise SourceError(f"{self.name}: the Parquet file is damaged after row {row} ({error})") from None
                if batch is None:
                    return
                yield from self._records(batch, row)
                row += batch.num_rows
                self._fraction = row / total if total else 1.0

    def _records(self, batch: pa.RecordBatch, before: int) -> Iterator[Record]:
        """Yield the rows of a batch; `before` rows come before it."""
        try:
            rows = batch.to_pylist()
        except Exception:  # of one row or of many: below, rows are read one by one
            for number in range(batch.num_rows):
                yield self._record(batch.slice(number, 1), Position(self.name, before + number + 1))
            return
        for number, values in enumerate(rows, before + 1):
            yield record_of(Position(self.name, number), values)

    def _record(self, row: pa.RecordBatch, position: Position) -> Record:
        try:
            return record_of(position, row.to_pylist()[0])
        except Exception as error:
            # Times beyond the year 9999, unknown time zones, text that is not UTF-8.
            reason = Reason.BAD_UTF8 if isinstance(error, UnicodeDecodeError) else Reason.BAD_VALUE
            return BadRecord(position, reason, f"a value that cannot be read: {error}", shown(_readable(row)))

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        # The library gets an open file, not a path, as it would take a path such as s3://… for an address.
        with opened_raw(self._path, self.name) as raw:
            try:
                file = pq.ParquetFile(raw)
            except Exception as error:
                raise SourceError(f"{self.name}: not a readable Parquet file ({error})") from None
            with file:
                yield file


def _readable(row: pa.RecordBatch) -> str:
    """The cells of a row that can be read, as JSON."""
    cells = {}
    for name, column in zip(row.schema.names, row.columns, strict=True):
        with suppress(Exception):
            cells |= flat_cells({name: column[0].as_py()})
    return json.dumps(cells, ensure_ascii=False, default=str)


def _leaf_names(schema: pa.Schema) -> Iterator[str]:
    def leaves(field: pa.Field, prefix: str) -> Iterator[str]:
        if pa.types.is_struct(field.type):
            for inner in field.type:
                yield from leaves(inner, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"

    for field in schema:
        yield from leaves(field, "")
