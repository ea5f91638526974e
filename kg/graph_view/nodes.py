"""Read nodes in pages of columns: check keys, type fields, keep values of list properties for the relations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kg.checking.lists import list_reader
from kg.checking.values import RowProblem
from kg.graph import NodeTable, Strings
from kg.graph.building import node_table
from kg.graph_view.elements import Elements
from kg.graph_view.numbers import has_number, number_of
from kg.graph_view.patterns import Conditions, labelled, plain
from kg.graph_view.session import PAGE_ROWS, ReadSession
from kg.graph_view.values import Problems, field_column, key_column, keys_column, text_column
from kg.rows import FieldValue
from kg.schema import NodeKind, Role
from kg.sources import Reason, readable_name


@dataclass
class Linked:
    """Keys in a list property or a foreign key of a kind: row of the kind's table before sorting, key."""

    kind: str
    property: str
    relation: str
    target: str
    rows: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@dataclass
class NodeColumns:
    """Nodes of one kind as read: parallel lists in the order of the server's numbers."""

    ids: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    fields: list[dict[str, FieldValue]] = field(default_factory=list)


class NodeReader:
    """Reads the kinds in order: a node with the labels of several belongs to the first in the file."""

    def __init__(self, session: ReadSession, elements: Elements) -> None:
        self._session = session
        self._elements = elements
        self.links: list[Linked] = []
        self._positions: dict[str, np.ndarray] = {}

    def read(self, kind: str) -> NodeTable:
        """The table of a kind with labels."""
        session, node = self._session, self._session.schema.nodes[kind]
        conditions = Conditions().add("n", node.where)
        ids = session.ids_of(node.labels, conditions)
        taken = self._elements.known(ids)
        if taken.any():
            session.notes.append(
                f"nodes.{kind}: {int(taken.sum()):,} of its nodes belong to a kind that is earlier in the file"
            )
            ids = ids[~taken]
        columns = NodeProperties(kind, node)
        node_columns, left_out = NodeColumns(), list[int]()
        seen: dict[str, tuple[int, Any]] = {}
        aliases: list[tuple[int, int]] = []
        empty = {property: len(ids) > 0 for property in columns.properties}
        text = page_of_nodes(node, columns.properties, conditions)
        starts = range(0, len(ids), PAGE_ROWS)
        queries = ((text, {"ids": ids[at : at + PAGE_ROWS].tolist(), **conditions.parameters}) for at in starts)
        for start, page in zip(starts, session.pages(queries), strict=True):
            for property, values in zip(columns.properties, page[1:], strict=True):
                empty[property] = empty[property] and all(value is None for value in values)
            self._take(columns, page, node_columns, left_out, seen, aliases)
            session.tell("nodes", _shown(node), start + len(page[0]), done=False)
        session.rows[f"nodes.{kind}"] += len(ids)
        session.tell("nodes", _shown(node), len(ids), done=True)
        if not len(ids):
            session.notes.append(f"nodes.{kind}: the graph has no node {_shown(node)}")
        for property in (name for name, is_empty in empty.items() if is_empty):
            session.notes.append(f"nodes.{kind}: no node {_shown(node)} has the property {property!r}")
        return self._finished(kind, columns, node_columns, left_out, aliases)

    def _take(
        self,
        columns: NodeProperties,
        page: list[list[Any]],
        nodes: NodeColumns,
        left_out: list[int],
        seen: dict[str, tuple[int, Any]],
        aliases: list[tuple[int, int]],
    ) -> None:
        session, numbers = self._session, page[0]
        checked = columns.checked(page[1:], session.missing)
        for row, number in enumerate(numbers):
            key = checked.keys[row]
            content = (checked.labels[row], checked.texts[row], tuple(checked.fields[row].values()))
            problem = checked.key_problems.get(row)
            if key is None and problem is None:
                problem = RowProblem(Reason.MISSING_KEY, f"no value in the key property {columns.key!r}")
            elif key is not None:
                before = seen.setdefault(key, (len(nodes.keys), content))
                if before[0] != len(nodes.keys):
                    if before[1] == content:
                        # The same node twice: relationships of both are its relationships.
                        aliases.append((number, before[0]))
                        session.repeated += 1
                        continue
                    problem = RowProblem(
                        Reason.DUPLICATE_KEY, f"the {columns.kind} {key!r} is another node with other content"
                    )
            if problem is not None or key is None:
                left_out.append(number)
                values = {
                    property: page[1 + at][row]
                    for at, property in enumerate(columns.properties)
                    if property not in columns.sensitive
                }
                assert problem is not None
                session.bad(columns.section, session.node_element(number), problem, values, columns.users(key))
                continue
            for problem in checked.problems.get(row, ()):
                # The node is kept without this value.
                element = session.node_element(number)
                session.bad(columns.section, element, problem, {columns.key: key}, columns.users(key))
            nodes.ids.append(number)
            nodes.keys.append(key)
            nodes.labels.append(checked.labels[row] or readable_name(key))
            nodes.texts.append(checked.texts[row])
            nodes.fields.append(checked.fields[row])
            for link, named in zip(columns.links, checked.linked, strict=True):
                link.rows += [len(nodes.keys) - 1] * len(named[row])
                link.keys += named[row]

    def _finished(
        self,
        kind: str,
        columns: NodeProperties,
        nodes: NodeColumns,
        left_out: list[int],
        aliases: list[tuple[int, int]],
    ) -> NodeTable:
        table = node_table(self._session.schema, kind, nodes.keys, nodes.labels, nodes.texts, nodes.fields)
        position = np.empty(len(nodes.keys), dtype=np.int32)
        position[Strings.of(nodes.keys).order()] = np.arange(len(nodes.keys), dtype=np.int32)
        ids = np.array([*nodes.ids, *(number for number, _ in aliases), *left_out], dtype=np.int64)
        rows = [position, position[[row for _, row in aliases]], np.full(len(left_out), -1, np.int32)]
        self._elements.add(kind, ids, np.concatenate(rows).astype(np.int32))
        self._positions[kind] = position
        self.links += [link for link in columns.links if link.keys]
        return table

    def local_rows(self, link: Linked) -> np.ndarray:
        """Rows in the sorted table of the nodes that a link starts from."""
        return self._positions[link.kind][np.array(link.rows, dtype=np.int64)]


@dataclass
class _Checked:
    keys: list[str | None]
    key_problems: Problems
    labels: list[str | None]
    texts: list[str]
    fields: list[dict[str, FieldValue]]
    linked: list[list[list[str]]]
    problems: dict[int, list[RowProblem]]


class NodeProperties:
    """The properties that a kind reads, and their conversion page by page."""

    def __init__(self, kind: str, node: NodeKind) -> None:
        assert node.key is not None
        self.kind = kind
        self.section = f"nodes.{kind}"
        self.key = node.key
        self._node = node
        self.links: list[Linked] = []
        self._list_columns = [
            # A text of a graph is one value unless a separator is given.
            *((name, link, list_reader(link, None)) for name, link in node.lists.items()),
            *((name, link, None) for name, link in node.links.items()),
        ]
        for name, link, _ in self._list_columns:
            self.links.append(Linked(kind, name, link.relation or name, link.target))
        wanted: list[str] = [node.key, *([node.label] if node.label else []), *node.text_columns]
        wanted += [spec.column or name for name, spec in node.fields.items()]
        wanted += [name for name, _, _ in self._list_columns]
        self.properties = list(dict.fromkeys(wanted))
        self.sensitive = {spec.column or name for name, spec in node.fields.items() if spec.sensitive}

    def users(self, key: str | None) -> tuple[str, ...]:
        """The user that a node with this key is; empty for a kind of items or entities."""
        return (key,) if key is not None and self._node.role is Role.USER else ()

    def checked(self, values: Sequence[list[Any]], missing: frozenset[str]) -> _Checked:
        """A page of values, each property's in the order of `properties`."""
        by_property = dict(zip(self.properties, values, strict=True))
        count = len(values[0])
        problems: dict[int, list[RowProblem]] = {}

        def noted(result: tuple[list[Any], Problems]) -> list[Any]:
            for row, problem in result[1].items():
                problems.setdefault(row, []).append(problem)
            return result[0]

        node = self._node
        keys, key_problems = key_column(by_property[self.key], self.key)
        worded: list[str] = [*([node.label] if node.label else []), *node.text_columns]
        texts_of = {name: noted(text_column(by_property[name], name, missing)) for name in set(worded)}
        labels: list[str | None] = texts_of[node.label] if node.label else [None for _ in range(count)]
        columns = [texts_of[name] for name in node.text_columns]
        texts = ["\n".join(filter(None, row)) for row in zip(*columns, strict=True)] if columns else [""] * count
        fields: list[list[FieldValue]] = []
        for name, spec in node.fields.items():
            property = spec.column or name
            fields.append(noted(field_column(by_property[property], spec, property, missing.union(spec.missing))))
        names = list(node.fields)
        records = [dict(zip(names, row, strict=True)) for row in zip(*fields, strict=True)] if fields else None
        linked = [
            [keys or [] for keys in noted(keys_column(by_property[name], name, read, missing))]
            for name, _, read in self._list_columns
        ]
        return _Checked(keys, key_problems, labels, texts, records or [{} for _ in range(count)], linked, problems)


def page_of_nodes(node: NodeKind, properties: Sequence[str], conditions: Conditions) -> str:
    """The query for the nodes of a kind with the numbers `$ids`: their numbers and these properties, each a list."""
    labels = labelled("n", node.labels)
    columns = "".join(f", [n IN page | {plain('n', property)}]" for property in properties)
    return (
        f"UNWIND $ids AS number MATCH (n) WHERE {has_number('n', 'number')} AND {labels}{conditions.clause('AND')}"
        f" WITH collect(n) AS page RETURN [n IN page | {number_of('n')}]{columns}"
    )


def _shown(node: NodeKind) -> str:
    return f"(:{':'.join(node.labels)})"
