"""Read in-memory tables: pandas data frames, Arrow tables, networkx graphs and sequences of mappings.

They are recognised by their methods, so that neither pandas nor networkx is needed to load files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any

from kg.rows import Position
from kg.sources.columns import find_column
from kg.sources.networkx_graph import edges_of
from kg.sources.plain_values import record_of
from kg.sources.records import Record, SourceError

_CHUNK_ROWS = 8192


class TableReader:
    """Rows of a table passed in Python; positions are 1-based row numbers."""

    def __init__(
        self,
        name: str,
        rows: Callable[[], Iterator[Mapping[Any, Any]]],
        columns: tuple[str, ...] | None,
        size: int | None,
    ) -> None:
        self.name = name
        self._rows = rows
        self.columns = columns
        self._size = size
        self._row = 0

    def resolve(self, column: str) -> str:
        return column if self.columns is None else find_column(column, self.columns, self.name)

    def resolve_value(self, value: str) -> str:
        return value

    def fraction(self) -> float | None:
        return self._row / self._size if self._size else None

    def close(self) -> None:
        self._row = 0

    def __iter__(self) -> Iterator[Record]:
        for number, values in enumerate(self._rows(), 1):
            self._row = number
            yield record_of(Position(self.name, number), values)


def table_reader(table: Any, name: str, *, edges: bool) -> TableReader:
    """Open a reader of a data frame, Arrow table, networkx graph or sequence of mappings.

    A graph gives its nodes (`@id`, the attribute `key` where there is one, and all attributes) or, with `edges`, its
    edges (`head`, `relation`, `tail`, `head_kind`, `tail_kind` and all attributes; the relation is the attribute of
    that name, else the key of a multigraph's edge, else "related"; the kind is "thing" where none is given). Raises
    `SourceError` for anything else.
    """
    if hasattr(table, "to_batches") and hasattr(table, "column_names"):
        return TableReader(name, lambda: _arrow_rows(table), tuple(table.column_names), table.num_rows)
    if hasattr(table, "iloc") and hasattr(table, "columns"):
        return TableReader(name, lambda: _frame_rows(table), tuple(map(str, table.columns)), len(table))
    if hasattr(table, "nodes") and hasattr(table, "edges") and hasattr(table, "is_multigraph"):
        if edges:
            return TableReader(name, lambda: _graph_edges(table), None, table.number_of_edges())
        return TableReader(name, lambda: _graph_nodes(table), None, table.number_of_nodes())
    if isinstance(table, Iterable) and not isinstance(table, str | bytes | Mapping) and iter(table) is not table:
        return TableReader(name, lambda: _mappings(table, name), None, len(table) if isinstance(table, Sized) else None)
    raise SourceError(
        f"{name}: expected a data frame, an Arrow table, a networkx graph or a list of mappings, "
        f"found {type(table).__name__} (make a list of what can be iterated only once)"
    )


def _arrow_rows(table: Any) -> Iterator[Mapping[Any, Any]]:
    for batch in table.to_batches(max_chunksize=_CHUNK_ROWS):
        yield from batch.to_pylist()


def _frame_rows(frame: Any) -> Iterator[Mapping[Any, Any]]:
    for start in range(0, len(frame), _CHUNK_ROWS):
        chunk = frame.iloc[start : start + _CHUNK_ROWS]
        yield from chunk.astype(object).where(chunk.notna(), None).to_dict("records")


def _graph_nodes(graph: Any) -> Iterator[Mapping[Any, Any]]:
    for node, attributes in graph.nodes(data=True):
        yield {"kind": "thing", **attributes, "@id": _node_key(node, attributes)}


def _graph_edges(graph: Any) -> Iterator[Mapping[Any, Any]]:
    for head, tail, relation, attributes in edges_of(graph):
        heads, tails = graph.nodes[head], graph.nodes[tail]
        yield {
            "relation": relation,
            **attributes,
            "head": _node_key(head, heads),
            "tail": _node_key(tail, tails),
            "head_kind": heads.get("kind", "thing"),
            "tail_kind": tails.get("kind", "thing"),
        }


def _node_key(node: Any, attributes: Mapping[Any, Any]) -> Any:
    # Node ids of networkx are unique over all kinds; an attribute `key` is a node's key within its kind.
    return attributes.get("key", node)


def _mappings(table: Iterable[Any], name: str) -> Iterator[Mapping[Any, Any]]:
    for number, row in enumerate(table, 1):
        if not isinstance(row, Mapping):
            raise SourceError(
                f"{name}, row {number}: expected a mapping of column to value, found {type(row).__name__}"
            )
        yield row
