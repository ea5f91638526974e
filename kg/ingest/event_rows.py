"""Convert a record of an interaction's file to events, with linking tables between user and item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kg.checking.lists import list_reader
from kg.checking.times import time_reader
from kg.checking.values import RowProblem, key_of, keys_of, no_value, pointed, weight_of
from kg.ingest.conditions import value_fits, wanted_values
from kg.ingest.lookup import LookupTable
from kg.schema import DomainSchema, SourceFormat, SourceSpec
from kg.schema.interactions import EventColumns, InteractionKind
from kg.sources import Cell, RawRecord, Reader, Reason


@dataclass(slots=True)
class EventDraft:
    """A checked record: an event without the kind of its item, which the known keys determine."""

    user: str
    item: str
    item_kind: str | None
    time: float | None
    weight: float | None
    id: str | None


class EventBuilder:
    """Checks the records of one source of an interaction. Raises `SourceError` for a missing column."""

    def __init__(
        self,
        schema: DomainSchema,
        kind: str,
        spec: SourceSpec,
        reader: Reader,
        linking: Mapping[str, Reader],
        tables: Mapping[str, LookupTable],
    ) -> None:
        self.kind = kind
        self.section = f"interactions.{kind}"
        self.interaction: InteractionKind = schema.interactions[kind]
        self.missing = frozenset(spec.missing if spec.missing is not None else schema.missing)
        columns = self.interaction.columns
        if columns is None:
            raise ValueError(f"the interaction {kind} has no columns")
        self._reader = reader
        self._linking = linking
        self._tables = tables
        self._columns: EventColumns = columns
        self._joins = [(name, self._place(table.match or table.key)) for name, table in self.interaction.via.items()]
        linked = {column for column in self.interaction.where if self._place(column)[0] is not None}
        self.where = {column: v for column, v in self.interaction.where.items() if column not in linked}
        self._linked_where = [
            (self._place(c), wanted_values(self.interaction.where[c], linking[self._place(c)[0] or ""])) for c in linked
        ]
        self._user = self._place(columns.user)
        self._item = self._place(columns.item)
        self._weight = self._place(columns.weight) if columns.weight else None
        table = self._weight[0] if self._weight else None
        self._with_comma = (self.interaction.via[table].source if table else spec).decimal == ","
        self._time = self._place(columns.time) if columns.time else None
        self._id = self._place(columns.id) if columns.id else None
        self._item_kind = self._place(columns.item_kind) if columns.item_kind else None
        several = self.interaction.several
        separator = " " if spec.resolved_format is SourceFormat.RECBOLE else spec.separator if spec.rest else ","
        self._several = list_reader(several, separator) if several is not None else None
        self._read_time: Callable[[Cell, str, frozenset[str]], float | None] = time_reader(
            self.interaction.time_format, self.interaction.timezone
        )

    @property
    def required(self) -> tuple[str, ...]:
        """Columns of the interaction's own file that every row needs."""
        return tuple(column for table, column in (self._user, self._item) if table is None)

    @property
    def has_ids(self) -> bool:
        """Whether events have ids in the source."""
        return self._id is not None

    def build(self, record: RawRecord) -> list[EventDraft]:
        """Check a record, which gives one event, or one per item where its cell holds several; none where a row of a
        linking table does not fit `where`. Raises `RowProblem`."""
        joined = self._joined(record)  # hot: a million times, 15 µs each

        def cell(place: tuple[str | None, str]) -> Cell:
            return joined[place[0]].get(place[1])

        if self._linked_where and not all(value_fits(cell(place), wanted) for place, wanted in self._linked_where):
            return []
        user = key_of(cell(self._user), self._user[1], self.missing)
        if self._several is None:
            one = key_of(cell(self._item), self._item[1], self.missing)
            items = [] if one is None else [one]
        else:
            items = keys_of(self._several(cell(self._item), self.missing), self._item[1], self.missing)
        if user is None or not items:
            place = self._user if user is None else self._item
            raise RowProblem(Reason.MISSING_KEY, no_value(cell(place), f"the column {place[1]!r}"))
        item_kind = None
        if self._item_kind is not None:
            item_kind = key_of(cell(self._item_kind), self._item_kind[1], self.missing)
            if item_kind is not None and item_kind not in self.interaction.items:
                allowed = ", ".join(self.interaction.items)
                raise RowProblem(
                    Reason.CONTRADICTING_ROLE,
                    f"{self._item_kind[1]}: {item_kind!r} is none of the item kinds {allowed}",
                )
        time = self._read_time(cell(self._time), self._time[1], self.missing) if self._time else None
        weight = self._weight_of(cell(self._weight), self._weight[1]) if self._weight else None
        event_id = key_of(cell(self._id), self._id[1], self.missing) if self._id else None
        return [EventDraft(user, item, item_kind, time, weight, event_id) for item in items]

    def _weight_of(self, cell: Cell, column: str) -> float | None:
        return weight_of(pointed(cell, column, self.missing) if self._with_comma else cell, column, self.missing)

    def users_of(self, record: RawRecord) -> tuple[str, ...] | None:
        """The user of a record, None where its columns and the linking tables do not give it."""
        try:
            table, column = self._user
            key = key_of(self._joined(record)[table].get(column), column, self.missing)
        except RowProblem:
            return None
        return None if key is None else (key,)

    def _joined(self, record: RawRecord) -> dict[str | None, Mapping[str, Cell]]:
        """The record under None, and the rows of the linking tables that it leads to. Raises `RowProblem`."""
        joined: dict[str | None, Mapping[str, Cell]] = {None: record.values}
        for name, (table, column) in self._joins:
            key = key_of(joined[table].get(column), column, self.missing)
            if key is None:
                raise RowProblem(Reason.MISSING_KEY, f"no value in {column!r}, which leads to {name}")
            cells = self._tables[name].get(key)
            if cells is None:
                raise RowProblem(Reason.UNKNOWN_END, f"{column}: {name} has no row {key!r}")
            joined[name] = cells
        return joined

    def _place(self, column: str) -> tuple[str | None, str]:
        """(linking table, None for the interaction's file; its column)."""
        table, dot, rest = column.partition(".")
        if dot and table in self._linking:
            return table, self._linking[table].resolve(rest)
        return None, self._reader.resolve(column)
