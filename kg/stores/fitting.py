"""What no store writes: rows that the schema does not know or that cannot be stored, and rows a new schema forgets.

All stores refuse the same rows with the same words, so that a quarantine file does not depend on the store.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypeAlias

from kg.limits import time_misfit, weight_misfit
from kg.rows import Event, FieldValue, NodeRow
from kg.schema import DomainSchema
from kg.stores.protocol import Refusal, WriteReport

Section: TypeAlias = Literal["node", "relation", "interaction"]


def storable(texts: Iterable[str]) -> bool:
    """Whether all texts can be written: a lone half of a surrogate pair has no UTF-8 form."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def known_fields(fields: Mapping[str, FieldValue]) -> dict[str, str | int | float | bool]:
    """The fields that say something: None and numbers that are not finite count as missing."""
    return {
        name: value
        for name, value in fields.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


def node_misfit(schema: DomainSchema, row: NodeRow) -> str | None:
    """Why a node cannot be written, from itself and the schema alone."""
    if row.kind not in schema.nodes:
        return f"there is no node kind {row.kind!r}; the domain has {', '.join(sorted(schema.nodes))}"
    if not row.key:
        return f"the {row.kind}'s key is empty"
    texts = (row.key, row.label, row.text, *(value for value in row.fields.values() if isinstance(value, str)))
    if not storable(texts):
        return f"a text of {row.kind} {row.key!a} is not valid Unicode (half of a surrogate pair)"
    return None


def unknown_relation(schema: DomainSchema, relation: str, count: int) -> WriteReport:
    """The report on a batch of so many rows of a relation that the schema does not have."""
    known = ", ".join(schema.relation_kinds) or "none"
    reason = f"there is no relation {relation!r}; the domain has {known}"
    return WriteReport(refused=tuple(Refusal(position, reason) for position in range(count)))


def linked_relations(schema: DomainSchema) -> frozenset[str]:
    """The relations that columns of node kinds say."""
    return frozenset(
        schema.relation_name(link.relation or column, kind, link.target)
        for kind, node in schema.nodes.items()
        for column, link in (*node.lists.items(), *node.links.items())
    )


def event_misfit(schema: DomainSchema, event: Event) -> str | None:
    """Why an event cannot be written, from itself and the schema alone."""
    interaction = schema.interactions.get(event.kind)
    if interaction is None:
        return (
            f"there is no interaction {event.kind!r}; the domain has {', '.join(sorted(schema.interactions)) or 'none'}"
        )
    if event.item_kind not in interaction.items:
        return f"{event.kind!r} is on {' or '.join(interaction.items)}, not on {event.item_kind!r}"
    if not event.user or not event.item or not event.id:
        return f"the event's {'id' if not event.id else 'user' if not event.user else 'item'} is empty"
    for name, number, misfit in (("time", event.time, time_misfit), ("weight", event.weight, weight_misfit)):
        reason = None if number is None else misfit(number)
        if reason is not None:
            return f"the event's {name}: {reason}"
    if not storable((event.id, event.user, event.item)):
        return "the event's id, user or item is not valid Unicode"
    return None


def schema_misfits(before: DomainSchema, after: DomainSchema, has_rows: Callable[[Section, str], bool]) -> list[str]:
    """What the store holds that a new schema does not describe: kinds, relations and interactions that have rows.

    A load that does not replace must not begin then, since those rows would fit nothing.
    """
    found: list[str] = []
    for kind, spec in before.nodes.items():
        now = after.nodes.get(kind)
        if (now is None or now.role is not spec.role) and has_rows("node", kind):
            state = "no longer described" if now is None else f"{now.role} now and was {spec.role}"
            found.append(f"node kind {kind!r} is {state}")
    for name, relation in before.relation_kinds.items():
        now = after.relation_kinds.get(name)
        fits = now is not None and (now.head, now.tail) == (relation.head, relation.tail)
        if not fits and has_rows("relation", name):
            state = "no longer described" if now is None else f"from {now.head} to {now.tail} now"
            found.append(f"relation {name!r} ({relation.head} to {relation.tail}) is {state}")
    for name, interaction in before.interactions.items():
        now = after.interactions.get(name)
        if (now is None or not set(interaction.items) <= set(now.items)) and has_rows("interaction", name):
            state = "no longer described" if now is None else f"on {', '.join(now.items)} only now"
            found.append(f"interaction {name!r} (on {', '.join(interaction.items)}) is {state}")
    return found
