"""Convert a record to a node: its row, and the relations given by its list and foreign-key columns."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

from kg.checking.lists import list_reader
from kg.checking.values import RowProblem, field_of, key_of, key_or_none, keys_of, no_value, text_of
from kg.rows import NodeRow
from kg.schema import DomainSchema, Role, SourceFormat, SourceSpec
from kg.schema.sources import DecimalMark
from kg.sources import RawRecord, Reader, Reason, readable_name


@dataclass(frozen=True, slots=True)
class Link:
    """A relation given by a column, from the row's node to a node of another kind."""

    relation: str
    target_kind: str
    target: str
    column: str


@dataclass(frozen=True, slots=True)
class NodeDraft:
    """A checked record: the node and its links. `content` tells whether a repeated key has the same content; `problems`
    are columns whose relations cannot be read, with reasons.
    """

    row: NodeRow
    links: tuple[Link, ...]
    content: Hashable
    problems: tuple[tuple[str, RowProblem], ...] = ()


class NodeBuilder:
    """Checks the records of one source of a node kind. Raises `SourceError` for a missing column."""

    def __init__(self, schema: DomainSchema, kind: str, spec: SourceSpec, reader: Reader) -> None:
        node = schema.nodes[kind]
        if node.key is None:
            raise ValueError(f"the kind {kind} has no key column")
        self.kind = kind
        self.section = f"nodes.{kind}"
        self.missing = frozenset(spec.missing if spec.missing is not None else schema.missing)
        self.where = node.where
        self._is_user = node.role is Role.USER
        self._key = reader.resolve(node.key)
        self._label = reader.resolve(node.label) if node.label else None
        self._text = [reader.resolve(c) for c in node.text_columns]
        self._fields = [
            (name, f, reader.resolve(f.column or name), self.missing.union(f.missing))
            for name, f in node.fields.items()
        ]
        self._decimal: DecimalMark = spec.decimal
        self.sensitive = frozenset(column for _, spec, column, _ in self._fields if spec.sensitive)
        """Columns of its source, named as in records, that are never shown."""
        separator = " " if spec.resolved_format is SourceFormat.RECBOLE else ","
        self._lists = [
            (reader.resolve(column), column, link, list_reader(link, separator)) for column, link in node.lists.items()
        ]
        self._links = [(reader.resolve(column), column, link) for column, link in node.links.items()]

    @cached_property
    def columns_of(self) -> dict[tuple[str, str], set[str]]:
        """(relation, kind that it leads to) -> the columns that give it."""
        by_relation: dict[tuple[str, str], set[str]] = {}
        for column, name, link, *_ in (*self._lists, *self._links):
            by_relation.setdefault((link.relation or name, link.target), set()).add(column)
        return by_relation

    @property
    def has_links(self) -> bool:
        """Whether its records have relations."""
        return bool(self._lists or self._links)

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that every row needs."""
        return (self._key,)

    def build(self, record: RawRecord) -> NodeDraft:
        """Check a record; raises `RowProblem`."""
        values, missing = record.values, self.missing
        key = key_of(values.get(self._key), self._key, missing)
        if key is None:
            raise RowProblem(Reason.MISSING_KEY, no_value(values.get(self._key), f"the key column {self._key!r}"))
        label = text_of(values.get(self._label), self._label, missing) if self._label else None
        texts = [text_of(values.get(c), c, missing) for c in self._text]
        fields = {name: field_of(values.get(c), spec, c, none, self._decimal) for name, spec, c, none in self._fields}
        links: list[Link] = []
        problems: list[tuple[str, RowProblem]] = []
        for column, name, link, read in self._lists:
            relation = link.relation or name
            try:
                keys = keys_of(read(values.get(column), missing), column, missing)
            except RowProblem as problem:
                problems.append((column, problem))
                continue
            links += [Link(relation, link.target, target, column) for target in keys]
        for column, name, link in self._links:
            try:
                target = key_of(values.get(column), column, missing)
            except RowProblem as problem:
                problems.append((column, problem))
                continue
            if target is not None:
                links.append(Link(link.relation or name, link.target, target, column))
        row = NodeRow(self.kind, key, label or readable_name(key), "\n".join(filter(None, texts)), fields)
        content = (row.label, row.text, *fields.values(), *((k.relation, k.target_kind, k.target) for k in links))
        return NodeDraft(row, tuple(links), content, tuple(problems))

    def users_of(self, record: RawRecord) -> tuple[str, ...] | None:
        """The user of a record; empty for a kind of items or entities, None where there is no key."""
        if not self._is_user:
            return ()
        key = key_or_none(record.values.get(self._key), self.missing)
        return None if key is None else (key,)
