"""Find rows that no store writes: recorded events that do not fit the schema or cannot be stored, edges without an end,
and rows that a new schema no longer describes.

All stores refuse the same rows with the same message, so that a quarantine file does not depend on the store.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Literal, TypeAlias

from kg.limits import time_misfit, weight_misfit
from kg.rows import Event, FieldValue
from kg.schema import DomainSchema, RelationKind
from kg.stores.protocol import Refusal
from kg.visible import has_halves

Section: TypeAlias = Literal["node", "relation", "interaction"]


def known_fields(fields: Mapping[str, FieldValue]) -> dict[str, str | int | float | bool]:
    """The fields with a value: None and numbers that are not finite count as missing."""
    return {
        name: value
        for name, value in fields.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


def refusals_of(reasons: Mapping[int, str]) -> tuple[Refusal, ...]:
    """Refusals in the order of their rows, from the reasons by row."""
    return tuple(Refusal(row, reason) for row, reason in sorted(reasons.items()))


def lost_ends(
    spec: RelationKind, ends: Sequence[tuple[int, str, str]], heads: Container[str], tails: Container[str]
) -> tuple[Refusal, ...]:
    """Refusals of edges, given as (row of the batch, head, tail), with an end that does not exist.

    A load checks that ends exist; some are removed before the edge is written, with a deleted user or by a refusal.
    """
    return tuple(
        Refusal(row, f"there is no {spec.tail} {tail!a}" if head in heads else f"there is no {spec.head} {head!a}")
        for row, head, tail in ends
        if head not in heads or tail not in tails
    )


def linked_relations(schema: DomainSchema) -> frozenset[str]:
    """The relations given by columns of node kinds."""
    return frozenset(
        schema.relation_name(link.relation or column, kind, link.target)
        for kind, node in schema.nodes.items()
        for column, link in (*node.lists.items(), *node.links.items())
    )


def event_misfit(schema: DomainSchema, event: Event) -> str | None:
    """Why an event cannot be written, judged from itself and the schema alone."""
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
    if has_halves(event.id + event.user + event.item):
        return "the event's id, user or item is not valid Unicode"
    return None


def event_misfits(schema: DomainSchema, events: Sequence[Event]) -> dict[int, str]:
    """The rows of a batch that cannot be written, with the reason; see `event_misfit`."""
    return {row: reason for row, event in enumerate(events) if (reason := event_misfit(schema, event))}


def schema_misfits(before: DomainSchema, after: DomainSchema, has_rows: Callable[[Section, str], bool]) -> list[str]:
    """Parts of the store that a new schema does not describe: kinds, relations and interactions that have rows.

    Then a load without `replace` must not begin, since nothing describes those rows.
    """
    misfits: list[str] = []
    for kind, spec in before.nodes.items():
        now = after.nodes.get(kind)
        if (now is None or now.role is not spec.role) and has_rows("node", kind):
            state = "no longer described" if now is None else f"{now.role} now and was {spec.role}"
            misfits.append(f"node kind {kind!r} is {state}")
    for name, relation in before.relation_kinds.items():
        now = after.relation_kinds.get(name)
        fits = now is not None and (now.head, now.tail) == (relation.head, relation.tail)
        if not fits and has_rows("relation", name):
            state = "no longer described" if now is None else f"from {now.head} to {now.tail} now"
            misfits.append(f"relation {name!r} ({relation.head} to {relation.tail}) is {state}")
    for name, interaction in before.interactions.items():
        now = after.interactions.get(name)
        if (now is None or not set(interaction.items) <= set(now.items)) and has_rows("interaction", name):
            state = "no longer described" if now is None else f"on {', '.join(now.items)} only now"
            misfits.append(f"interaction {name!r} (on {', '.join(interaction.items)}) is {state}")
    return misfits
