"""Write rows of one sort as CSV for `neo4j-admin database import`: a header file with column types, and a data file.

Texts are always in quotes and missing values never, so that the importer distinguishes an empty text from none. Arrow
writes the files: numbers in the shortest form that reads back the same, quotes doubled, nothing else escaped.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

_TYPES = {pa.int64(): "long", pa.float64(): "double", pa.bool_(): "boolean", pa.large_string(): "string"}
_OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="needed")

ID = "_id:ID"
"""Column of a node's number, by which relationships find it; stored as the property `_id` too."""

START, END = ":START_ID", ":END_ID"
"""Columns of the numbers at the ends of a relationship."""

_OWN = frozenset({ID, START, END, ":ID", ":LABEL", ":TYPE"})


class CsvFile:
    """A data file that grows by batches; it is closed in between, as a domain may have thousands of files."""

    def __init__(
        self, folder: Path, name: str, spelling: tuple[str, ...] | str, columns: dict[str, pa.DataType]
    ) -> None:
        """name: of the files; spelling: labels of the nodes or type of the relationships; columns: types by the name of
        a property or by one of the importer's own column names."""
        self.header = f"{name}-header.csv"
        self.data = f"{name}.csv"
        self.rows = 0
        self.multiline = False
        """Whether a text has a line break: the importer must know, as it cannot split such a file into parts."""
        self.longest = 0
        """Upper bound of the bytes of a row."""
        self._folder = folder
        nodes = not isinstance(spelling, str)
        named = (":".join if nodes else "".join)(spelling)
        # Arguments are read in the encoding of the importer's locale, files in UTF-8.
        self._spelled = None if named.isascii() else (";".join(spelling) if nodes else named)
        files = f"{self.header},{self.data}"
        self.argument = f"--{'nodes' if nodes else 'relationships'}={files if self._spelled else f'{named}={files}'}"
        """The importer's argument for the files."""
        if self._spelled:
            columns = {**columns, ":LABEL" if nodes else ":TYPE": pa.large_string()}
        self._schema = pa.schema([pa.field(name, type) for name, type in columns.items()])
        with (folder / self.header).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(
                name if name in _OWN else f"{name}:{_TYPES[type]}" for name, type in columns.items()
            )

    def write(self, columns: list[pa.Array]) -> None:
        """Append rows, given as columns in the order of the header."""
        if not len(columns[0]):
            return
        if self._spelled:
            columns = [*columns, pa.repeat(pa.scalar(self._spelled, pa.large_string()), len(columns[0]))]
        table = pa.Table.from_arrays(columns, schema=self._schema)
        sink = io.BytesIO()
        with pa_csv.CSVWriter(sink, self._schema, write_options=_OPTIONS) as writer:
            writer.write_table(table)
        written = sink.getvalue()
        with (self._folder / self.data).open("ab") as file:
            file.write(written)
        self.rows += table.num_rows
        self.multiline = self.multiline or written.count(b"\n") > table.num_rows or b"\r" in written
        if len(written) > self.longest:
            self.longest = max(self.longest, min(len(written), sum(map(_longest, table.columns))))


def _longest(column: pa.ChunkedArray) -> int:
    """Upper bound of the bytes of a cell: two per byte of a text, which may be a quote, and a hundred for a number."""
    if not pa.types.is_large_string(column.type):
        return 100
    lengths = pc.call_function("binary_length", [column])
    return 2 * (pc.call_function("max", [lengths]).as_py() or 0) + 3
