"""Read interactions: a relationship type, or a path over one node between, with its time, weight and id.

An event without its own id has the digest of its content, as everywhere: the same event has the same id in every read,
whatever the server's numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.checking.values import RowProblem
from kg.graph import NodeTable, Strings
from kg.graph.building import EventColumns, item_starts
from kg.graph_view.elements import LEFT_OUT, Elements
from kg.graph_view.numbers import has_number, number_of
from kg.graph_view.own_names import OWN_TYPE
from kg.graph_view.patterns import Conditions, arrow, labelled, plain, token
from kg.graph_view.session import PAGE_ROWS, ReadSession
from kg.graph_view.values import Problems, TimeColumn, key_column, weight_column
from kg.schema import InteractionKind, RelationshipSpec
from kg.sources import Reason

_VARIABLES = {"first": "f", "node": "m", "last": "r"}


@dataclass(frozen=True)
class _Behaviour:
    """One kind of behaviour as Cypher: pattern from user `u` to item `i`, its last relationship being `r`."""

    pattern: str
    last_type: str
    conditions: Conditions
    time: str | None
    weight: str | None
    id: str | None

    @property
    def columns(self) -> str:
        """`RETURN` of a page. An empty text means no value, since `collect` skips null."""
        values = [value for value in (self.time, self.weight, self.id) if value is not None]
        return f"RETURN collect({number_of('u')}), collect({number_of('i')})" + "".join(
            f", collect(coalesce({v}, ''))" for v in values
        )


def behaviour_of(interaction: InteractionKind) -> _Behaviour:
    """The pattern of an interaction with a relationship or a path."""
    columns = interaction.columns

    def value(column: str | None) -> str | None:
        if column is None:
            return None
        place, _, rest = column.partition(".")
        return plain("r", column) if interaction.path is None else plain(_VARIABLES[place], rest)

    conditions = Conditions()
    if interaction.path is None:
        assert interaction.relationship is not None
        last: RelationshipSpec = interaction.relationship
        pattern = f"(u){arrow(last, 'r')}(i)"
        conditions.add("r", interaction.where)
    else:
        path = interaction.path
        last = path.last
        pattern = f"(u){arrow(path.first, 'f')}({labelled('m', path.node)}){arrow(last, 'r')}(i)"
        for column, wanted in interaction.where.items():
            place, _, rest = column.partition(".")
            conditions.add(_VARIABLES[place], {rest: wanted})
    time, weight, id = (columns.time, columns.weight, columns.id) if columns is not None else (None, None, None)
    return _Behaviour(pattern, token(last.type), conditions, value(time), value(weight), value(id))


class EventReader:
    """Reads interactions in order; ids are unique over all of them."""

    def __init__(self, session: ReadSession, elements: Elements, tables: dict[str, NodeTable]) -> None:
        self._session = session
        self._elements = elements
        self._schema = session.schema
        self._users = session.schema.user_kinds[0]
        self._tables = tables
        self._starts = item_starts(session.schema, tables)
        self._encoded: dict[str, list[str]] = {}
        self._taken: set[str] = set()

    def read(self, kind: str) -> EventColumns:
        """Events of one interaction."""
        interaction = self._schema.interactions[kind]
        behaviour = behaviour_of(interaction)
        pieces = self._pieces(kind, interaction, behaviour)
        self._session.tell("events", kind, self._session.rows[f"interactions.{kind}"], done=True)
        if not self._session.rows[f"interactions.{kind}"]:
            self._session.notes.append(f"interactions.{kind}: the graph has none of them")
        return self._distinct(kind, pieces)

    def read_own(self, columns: dict[str, EventColumns]) -> dict[str, EventColumns]:
        """Add the events that WhyPath has written into the graph."""
        full = {kind: columns.get(kind, joined([])) for kind in self._schema.interactions}
        for kind, interaction in self._schema.interactions.items():
            conditions = Conditions().add("r", {"kind": (kind,)})
            pattern = f"(u)-[r:{token(OWN_TYPE)}]->(i)"
            behaviour = _Behaviour(
                pattern, token(OWN_TYPE), conditions, plain("r", "time"), plain("r", "weight"), plain("r", "id")
            )
            full[kind] = joined([full[kind], self._distinct(kind, self._pieces(kind, interaction, behaviour))])
        return full

    def _pages(self, interaction: InteractionKind, behaviour: _Behaviour) -> Iterator[tuple[str, dict]]:
        """Queries without their `RETURN`, with their parameters."""
        parameters = behaviour.conditions.parameters
        total = self._session.one(f"MATCH ()-[r:{behaviour.last_type}]->() RETURN count(r)")[0]
        where = behaviour.conditions.clause("WHERE")
        if total <= PAGE_ROWS:
            yield f"MATCH {behaviour.pattern}{where} ", parameters
            return
        users, items = self._elements.of_kinds([self._users]), self._elements.of_kinds(interaction.items)
        near, ids = ("u", users) if len(users) >= len(items) else ("i", items)
        start = (
            f"UNWIND $ids AS number MATCH ({near}) WHERE {has_number(near, 'number')} MATCH {behaviour.pattern}{where} "
        )
        for page in self._session.near_pages(ids, total):
            yield start, {"ids": page, **parameters}

    def _pieces(self, kind: str, interaction: InteractionKind, behaviour: _Behaviour) -> list[EventColumns]:
        pages = list(self._pages(interaction, behaviour))
        pieces: list[EventColumns] = []
        asked = ((start + behaviour.columns, parameters) for start, parameters in pages)
        for (start, parameters), values in zip(pages, self._session.pages(asked), strict=True):
            piece = self._checked(kind, interaction, behaviour, values, named=False)
            if piece is None:
                # The element ids of relationships are read only if one of them must be named.
                values = self._session.one(f"{start}{behaviour.columns}, collect(elementId(r))", **parameters)
                piece = self._checked(kind, interaction, behaviour, values, named=True)
            assert piece is not None
            pieces.append(piece)
        return pieces

    def _checked(
        self, kind: str, interaction: InteractionKind, behaviour: _Behaviour, values: list[list], *, named: bool
    ) -> EventColumns | None:
        """A page of events; None if an element is bad and elements are not `named`."""
        session = self._session
        ends = np.array(values[0], dtype=np.int64), np.array(values[1], dtype=np.int64)
        user_codes, user_rows = self._elements.find(ends[0])
        item_codes, item_rows = self._elements.find(ends[1])
        starts = np.full(len(self._elements.kinds) + 1, -1, dtype=np.int64)
        for item in interaction.items:
            starts[self._elements.kinds.index(item)] = self._starts[item]
        is_user = user_codes == self._elements.kinds.index(self._users)
        is_item = (item_codes >= 0) & (starts[item_codes] >= 0)
        dangling = ((user_codes == LEFT_OUT) & (is_item | (item_codes == LEFT_OUT))) | (
            is_user & (item_codes == LEFT_OUT)
        )
        problems: dict[int, RowProblem] = {
            row: RowProblem(Reason.UNKNOWN_END, "a node at its end was left out")
            for row in np.flatnonzero(dangling).tolist()
        }
        times, weights, given, unread = self._read(interaction, behaviour, values[2:], len(ends[0]))
        problems |= unread
        fits = is_user & is_item
        bad = [row for row in sorted(problems) if fits[row] or dangling[row]]
        if bad and not named:
            return None
        for row in bad:
            ends_shown = {"user": session.node_element(values[0][row]), "item": session.node_element(values[1][row])}
            session.bad(f"interactions.{kind}", values[-1][row], problems[row], ends_shown)
            session.dangling += int(dangling[row])
            fits[row] = False
        session.rows[f"interactions.{kind}"] += int(fits.sum()) + len(bad)
        chosen = np.flatnonzero(fits)
        users, item_kinds, items = user_rows[chosen], item_codes[chosen], item_rows[chosen]
        times, weights = times[chosen], weights[chosen]
        ids = self._ids(kind, users, item_kinds, items, times, weights)
        if given is not None:
            ids = [given[row] or digest for row, digest in zip(chosen.tolist(), ids, strict=True)]
        dense = (starts[item_kinds] + items).astype(np.int32)
        return EventColumns(users, dense, weights, times, Strings.of(ids))

    def _read(
        self, interaction: InteractionKind, behaviour: _Behaviour, values: list[list], count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str | None] | None, Problems]:
        """Times and weights [count], ids if events have them, and problems of unreadable ones."""
        missing, columns, rest = self._session.missing, interaction.columns, iter(values)
        times, weights = np.full(count, np.nan), np.full(count, np.nan)
        given: list[str | None] | None = None
        problems: Problems = {}
        if behaviour.time is not None:
            reader = TimeColumn(interaction.time_format, interaction.timezone, missing)
            times, unread = reader.of(next(rest), (columns and columns.time) or "time")
            problems |= unread
        if behaviour.weight is not None:
            weights, unread = weight_column(next(rest), (columns and columns.weight) or "weight", missing)
            problems |= unread
        if behaviour.id is not None:
            given, unread = key_column(next(rest), (columns and columns.id) or "id")
            problems |= unread
        return times, weights, given, problems

    def _ids(
        self,
        kind: str,
        users: NDArray[np.int32],
        item_kinds: NDArray[np.int32],
        items: NDArray[np.int32],
        times: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> list[str]:
        """`event_digest` of each event, with the keys' JSON spelling made once per node."""
        users_of, digest = self._json_keys(self._users), hashlib.blake2b
        codes = item_kinds.tolist()
        by_code = {code: self._json_keys(self._elements.kinds[code]) for code in set(codes)}
        # The text of `kg.rows.event_digest`, with the keys' spelling made once per node: a tenth of the time.
        ends = {
            code: f", {json.dumps([self._elements.kinds[code], kind], ensure_ascii=False)[1:-1]}" for code in by_code
        }
        columns = (users.tolist(), codes, items.tolist(), times.tolist(), weights.tolist())
        return [
            digest(
                f"[{users_of[user]}, {by_code[code][item]}{ends[code]}, {'null' if time != time else time!r},"
                f" {'null' if weight != weight else weight!r}]".encode(),
                digest_size=16,
            ).hexdigest()
            for user, code, item, time, weight in zip(*columns, strict=True)
        ]

    def _json_keys(self, kind: str) -> list[str]:
        if kind not in self._encoded:
            self._encoded[kind] = [json.dumps(key, ensure_ascii=False) for key in self._tables[kind].keys]
        return self._encoded[kind]

    def _distinct(self, kind: str, pieces: Sequence[EventColumns]) -> EventColumns:
        """Concatenate pieces without repeats: an id with the same content is the same event, else the earliest counts,
        as a database reads in no certain order, and the others are bad.
        """
        columns = joined(pieces)
        ids = columns.ids.to_list()
        if len(set(ids)) == len(ids) and self._taken.isdisjoint(ids):
            self._taken.update(ids)
            return columns
        kept: list[int] = []
        seen: dict[str, tuple[int, int, str, str]] = {}
        numbers = zip(columns.users.tolist(), columns.items.tolist(), columns.times.tolist(), columns.weights.tolist(),
                      strict=True)  # fmt: skip
        contents = list(numbers)
        order = np.lexsort((columns.weights, columns.items, columns.users, columns.times)).tolist()
        for row in order:
            event_id, (user, item, time, weight) = ids[row], contents[row]
            content = (user, item, repr(time), repr(weight))  # NaN is not equal to itself
            if event_id not in seen and event_id not in self._taken:
                seen[event_id] = content
                kept.append(row)
            elif seen.get(event_id) == content:
                self._session.repeated += 1
            else:
                detail = f"another event with other content has the id {event_id!r}"
                name = self._tables[self._users].keys[user]
                values = {"user": name, "item": item, "id": event_id}
                problem = RowProblem(Reason.DUPLICATE_KEY, detail)
                self._session.bad(f"interactions.{kind}", event_id, problem, values, (name,))
        rows = np.array(sorted(kept), dtype=np.int64)
        self._taken.update(seen)
        return EventColumns(
            columns.users[rows], columns.items[rows], columns.weights[rows], columns.times[rows], columns.ids.take(rows)
        )


def joined(pieces: Sequence[EventColumns]) -> EventColumns:
    """Concatenate the events of all pieces."""
    return EventColumns(
        np.concatenate([np.zeros(0, np.int32), *(piece.users for piece in pieces)]).astype(np.int32),
        np.concatenate([np.zeros(0, np.int32), *(piece.items for piece in pieces)]).astype(np.int32),
        np.concatenate([np.zeros(0), *(piece.weights for piece in pieces)]),
        np.concatenate([np.zeros(0), *(piece.times for piece in pieces)]),
        Strings.concatenated([piece.ids for piece in pieces]),
    )
