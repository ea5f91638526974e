"""Read Parquet tables of known columns from a file of unknown origin: exact types, no nulls, bounded unpacking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fusion.parquet_footer import read_footer
from fusion.regular_files import check_regular
from kg.arrow_arrays import numbers_of

_CODECS = {"Snappy", "none"}
"""Codecs that the project writes. Snappy packs at most 22 bytes into one; other codecs pack thousands."""

_UNPACKED = 32
"""Limit of a column's bytes per byte of the file: by Snappy, and for texts by repeating one of 24 bytes."""


def read_parquet(path: Path, schema: pa.Schema) -> pa.Table:
    """Read a table with these columns, whose rows take at least a byte of the file each. Raises OSError, ValueError."""
    check_regular(path)
    size = path.stat().st_size
    footer = read_footer(path)
    if footer.n_rows > size:
        raise ValueError(f"it says that it has {footer.n_rows:,} rows in {size:,} bytes")
    for chunk in footer.chunks:
        if chunk.codec not in _CODECS:
            raise ValueError(f"it is packed by {chunk.codec}")
        if chunk.unpacked > _UNPACKED * size:
            raise ValueError(f"it says that {chunk.unpacked:,} bytes are packed in {size:,}")
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    try:
        # As dictionaries, texts take no more memory than in the file, however often each is repeated.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            if file.schema_arrow.remove_metadata() != pa.schema([_as_dictionary(field) for field in schema]):
                raise ValueError(f"its columns are not {', '.join(schema.names)} of types {schema.types}")
            table = file.read(use_threads=False)
        table.validate(full=True)
        if table.num_rows != footer.n_rows:
            raise ValueError(f"it has {table.num_rows:,} rows and says that it has {footer.n_rows:,}")
        return pa.table([_column(table[field.name], field, size) for field in schema], schema=schema)
    except KeyError as error:
        raise ValueError(f"its columns are not {', '.join(schema.names)}") from error
    except (pa.ArrowException, OverflowError, MemoryError) as error:
        raise ValueError(str(error)) from error


def _as_dictionary(field: pa.Field) -> pa.Field:
    return field.with_type(pa.dictionary(pa.int32(), field.type)) if pa.types.is_string(field.type) else field


def _column(column: pa.ChunkedArray, field: pa.Field, size: int) -> pa.ChunkedArray:
    if column.null_count:
        raise ValueError(f"column {field.name!r} has {column.null_count} empty cells")
    if not pa.types.is_string(field.type):
        return column
    unpacked = 0
    for chunk in column.chunks:
        lengths = numbers_of(pc.call_function("binary_length", [chunk.dictionary])).astype(np.int64)
        unpacked += int(lengths[numbers_of(chunk.indices)].sum())
    if unpacked > _UNPACKED * size:
        raise ValueError(f"column {field.name!r} unpacks to {unpacked:,} bytes")
    return column.cast(field.type)
