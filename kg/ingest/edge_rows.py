"""Convert a record of a relation's file to the keys of its ends."""

from __future__ import annotations

from collections.abc import Mapping

from kg.checking.values import RowProblem, key_of, key_or_none
from kg.schema import DomainSchema, RelationSpec, SourceSpec
from kg.sources import RawRecord, Reader, Reason


class EdgeBuilder:
    """Checks the records of one source of a relation. Raises `SourceError` for a missing column.

    With an id map, mapped ids become the item's key and can only be items, and the others cannot be items: ids of two
    spaces are kept apart even if some are spelled alike.
    """

    def __init__(
        self, schema: DomainSchema, name: str, spec: SourceSpec, reader: Reader, id_map: Mapping[str, str] | None
    ) -> None:
        relation: RelationSpec = schema.relations[name]
        self.name = name
        self.section = f"relations.{name}"
        self.missing = frozenset(spec.missing if spec.missing is not None else schema.missing)
        self.where = relation.where
        self._map = id_map
        self._ends = [
            (
                reader.resolve(column),
                kinds,
                tuple(k for k in kinds if k in items),
                tuple(k for k in kinds if k not in items),
            )
            for items in [schema.item_kinds]
            for column, kinds in ((relation.columns.head, relation.head), (relation.columns.tail, relation.tail))
        ]

        users = set(schema.user_kinds)
        self._user_columns = [column for column, kinds, _, _ in self._ends if users & set(kinds)]

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that every row needs."""
        return tuple(column for column, *_ in self._ends)

    def build(self, record: RawRecord) -> list[tuple[str, tuple[str, ...]]]:
        """Head and tail, each as (key, kinds that it may have); raises `RowProblem`."""
        ends = []
        for column, kinds, item_kinds, other_kinds in self._ends:
            key = key_of(record.values.get(column), column, self.missing)
            if key is None:
                raise RowProblem(Reason.MISSING_KEY, f"no value in the column {column!r}")
            if self._map is not None:
                mapped = self._map.get(key)
                kinds = other_kinds if mapped is None else item_kinds
                if not kinds:
                    what = (
                        "is not an item by the item map"
                        if mapped is None
                        else f"is the item {mapped!r} by the item map"
                    )
                    raise RowProblem(Reason.CONTRADICTING_ROLE, f"{column}: {key!r} {what}, which is not allowed here")
                key = key if mapped is None else mapped
            ends.append((key, kinds))
        return ends

    def users_of(self, record: RawRecord) -> tuple[str, ...] | None:
        """The users at its ends; empty for a relation between other kinds, None where a key is missing."""
        keys = [key_or_none(record.values.get(column), self.missing) for column in self._user_columns]
        users = tuple(key for key in keys if key is not None)
        return users if len(users) == len(keys) else None
