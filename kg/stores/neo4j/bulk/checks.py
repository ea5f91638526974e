"""Which rows of a batch cannot be written, and why: the same ones as through Bolt, and values that do not fit the type
of their column, which a file has and a database has not.

A batch is looked at as a whole first, several times as fast as row by row; almost all of them are without fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kg.limits import EARLIEST, LARGEST_WEIGHT, LATEST
from kg.rows import Event, FieldValue, NodeRow
from kg.schema import DomainSchema, FieldType
from kg.stores.fitting import event_misfit, node_misfit, storable
from kg.stores.neo4j.event_rows import unindexable_event
from kg.stores.neo4j.nodes import LONGEST_KEY, unindexable

_LONGEST_CHARACTER = 4
"""Bytes of UTF-8."""

FITTING: Mapping[FieldType, tuple[type, ...]] = {
    FieldType.INTEGER: (int,),
    FieldType.NUMBER: (float, int),
    FieldType.BOOLEAN: (bool,),
    FieldType.DATE: (str,),
    FieldType.CATEGORICAL: (str,),
    FieldType.TEXT: (str,),
}


def node_refusals(schema: DomainSchema, rows: Sequence[NodeRow]) -> dict[int, str]:
    """Reasons by position in the batch."""
    if _nodes_are_fine(schema, rows):
        return {}
    found = (
        (at, node_misfit(schema, row) or unindexable(row) or _mistyped(schema, row)) for at, row in enumerate(rows)
    )
    return {position: reason for position, reason in found if reason}


def _nodes_are_fine(schema: DomainSchema, rows: Sequence[NodeRow]) -> bool:
    keys = [row.key for row in rows]
    if not {row.kind for row in rows} <= schema.nodes.keys() or not all(keys):
        return False
    if max(map(len, keys), default=0) * _LONGEST_CHARACTER > LONGEST_KEY or not storable(keys):
        return False
    if not storable([row.label for row in rows]) or not storable([row.text for row in rows]):
        return False
    values: dict[tuple[str, str], list[FieldValue]] = {}
    for row in rows:
        for name, value in row.fields.items():
            values.setdefault((row.kind, name), []).append(value)
    return all(_values_are_fine(schema, kind, name, found) for (kind, name), found in values.items())


def _values_are_fine(schema: DomainSchema, kind: str, name: str, values: list[FieldValue]) -> bool:
    spec = schema.nodes[kind].fields.get(name)
    types = {type(value) for value in values} - {type(None)}
    if spec is None or not types <= set(FITTING[spec.type]):
        return False
    if str in types:
        return storable([value for value in values if isinstance(value, str)])
    return int not in types or all(-(2**63) <= value < 2**63 for value in values if type(value) is int)


def _mistyped(schema: DomainSchema, row: NodeRow) -> str | None:
    fields = schema.nodes[row.kind].fields
    for name, value in row.fields.items():
        if name not in fields:
            return f"the {row.kind} {row.key!a} has a field {name!r}, which its kind does not have"
        type_said = fields[name].type
        if value is not None and type(value) not in FITTING[type_said]:
            return f"the field {name!r} of {row.kind} {row.key!a} is {value!r:.60}, which is no {type_said}"
    return None


def event_refusals(schema: DomainSchema, events: Sequence[Event]) -> dict[int, str]:
    """Reasons by position in the batch."""
    if _events_are_fine(schema, events):
        return {}
    found = (
        (position, event_misfit(schema, event) or unindexable_event(event)) for position, event in enumerate(events)
    )
    return {position: reason for position, reason in found if reason}


def _events_are_fine(schema: DomainSchema, events: Sequence[Event]) -> bool:
    for kind, item_kind in {(event.kind, event.item_kind) for event in events}:
        if kind not in schema.interactions or item_kind not in schema.interactions[kind].items:
            return False
    for texts in ([e.id for e in events], [e.user for e in events], [e.item for e in events]):
        if not all(texts) or not storable(texts):
            return False
        if max(map(len, texts), default=0) * _LONGEST_CHARACTER > LONGEST_KEY:
            return False
    # NaN compares as false.
    return all(e.time is None or EARLIEST <= e.time <= LATEST for e in events) and all(
        e.weight is None or abs(e.weight) <= LARGEST_WEIGHT for e in events
    )
