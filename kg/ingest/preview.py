"""Preview a description in sentences: some events and items as a load would read them.

The first rows of each source are read and checked by the code of a load, so a user sees quickly what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from kg.ingest.load import look_at
from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.schema import DomainSchema, EventRule
from kg.stores import WriteReport

ROWS = 50_000
"""Number of rows to read from each source."""

_EVENTS, _ITEMS, _FACTS = 3, 3, 12
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Preview:
    """Sentences about `events` and `items`. `share_not_liked` of the `events_seen` that were read are no likes, None
    where there is no event.
    """

    events: tuple[str, ...]
    items: tuple[str, ...]
    share_not_liked: float | None
    events_seen: int

    def lines(self) -> Iterator[str]:
        """As text."""
        yield from self.events
        if self.share_not_liked is None:
            yield "no event could be read: look at the columns of users and items"
        else:
            yield f"{self.share_not_liked:.0%} of the {self.events_seen:,} events that were looked at are no likes"
        yield from self.items


def preview(schema: DomainSchema, folder: Path, allow_outside: Sequence[str | Path] = ()) -> Preview:
    """Read the first rows of a domain's files. Raises SourceError for a file that cannot be read."""
    seen = Seen()
    look_at(schema, folder, seen, rows=ROWS, allow_outside=allow_outside)
    return told(schema, seen)


def told(schema: DomainSchema, seen: Seen) -> Preview:
    """Describe what was read of a domain."""
    liked = seen.liked(schema)
    disliked = seen.disliked(schema)
    events = [_of_event(schema, seen, seen.events[at], liked[at], disliked[at]) for at in _chosen(seen.events, liked)]
    share = None if not len(liked) else float(1 - liked.mean())
    return Preview(tuple(events), tuple(_of_items(schema, seen)), share, len(liked))


class Seen:
    """A sink that keeps its rows."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[str, str], NodeRow] = {}
        self.facts: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.events: list[Event] = []

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        for row in rows:
            self.nodes.setdefault((row.kind, row.key), row)
        return WriteReport(len(rows))

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        for row in rows:
            self.facts.setdefault((relation, row.head), []).append((relation, row.tail))
        return WriteReport(len(rows))

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        for row in rows:
            self.facts.setdefault((relation, row.head), []).extend((relation, tail) for tail in row.tails)
        return WriteReport(len(rows))

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        self.events += rows
        return WriteReport(len(rows))

    def liked(self, schema: DomainSchema) -> np.ndarray:
        """Which events are positive, bool [n]."""
        return self._matching({name: kind.positive for name, kind in schema.interactions.items()})

    def disliked(self, schema: DomainSchema) -> np.ndarray:
        """Which events are dislikes, bool [n]."""
        return self._matching({name: kind.negative for name, kind in schema.interactions.items()})

    def _matching(self, rules: Mapping[str, EventRule]) -> np.ndarray:
        found = np.zeros(len(self.events), dtype=bool)
        kinds = np.array([event.kind for event in self.events], dtype=object)
        weights = np.array([np.nan if e.weight is None else e.weight for e in self.events], dtype=np.float32)
        for kind, rule in rules.items():
            of_kind = kinds == kind
            found[of_kind] = rule.matches(weights[of_kind])
        return found


def _chosen(events: Sequence[Event], liked: np.ndarray) -> list[int]:
    """The places of a few events from start to end, with a like and an event that is none where both exist."""
    if not events:
        return []
    places = [int(np.flatnonzero(liked == value)[0]) for value in (True, False) if (liked == value).any()]
    # One of each kind of event comes before further ones of the same kind.
    first_of_kind = {event.kind: at for at, event in reversed(list(enumerate(events)))}
    rest = [*sorted(first_of_kind.values()), len(events) // 2, len(events) - 1]
    places = list(dict.fromkeys([*places, *rest]))[: max(_EVENTS, min(len(first_of_kind), 6))]
    return sorted(places)


def _of_event(schema: DomainSchema, seen: Seen, event: Event, is_liked: bool, is_disliked: bool) -> str:
    node = seen.nodes.get((event.item_kind, event.item))
    label = _short(node.label if node is not None else event.item)
    name = f"'{label}' ({event.item})" if label != event.item else f"'{label}'"
    moment = ""
    if event.time is not None:
        try:
            moment = f" on {datetime.fromtimestamp(event.time, UTC):%Y-%m-%d %H:%M}"
        except (OverflowError, ValueError, OSError):
            moment = f" at {event.time:g}"
    weight = f", weight {event.weight:g}" if event.weight is not None else ""
    counted = "counted as disliked" if is_disliked else "not counted as liked"
    if not is_liked and event.weight is not None:
        return f"{event.kind}: user {_short(event.user)} gave {name} {event.weight:g}{moment}: {counted}"
    interaction = schema.interactions[event.kind]
    deed = interaction.negative_label if is_disliked else interaction.label
    counted = "counted as liked" if is_liked else counted
    return f"{event.kind}: user {_short(event.user)} {deed} {name}{moment}{weight}: {counted}"


def most_seen(seen: Seen) -> list[tuple[str, str]]:
    """Kinds and keys of the items with the most events, which a preview shows."""
    popular = Counter((event.item_kind, event.item) for event in seen.events)
    return [key for key, _ in popular.most_common(_ITEMS)]


def _of_items(schema: DomainSchema, seen: Seen) -> Iterator[str]:
    keys = [key for key in most_seen(seen) if key in seen.nodes]
    keys += [key for key in seen.nodes if key[0] in schema.item_kinds and key not in keys][: _ITEMS - len(keys)]
    for kind, key in keys:
        node = seen.nodes[kind, key]
        known: list[str] = []
        for relation in schema.relation_kinds.values():
            if relation.head == kind and not relation.hidden:
                ends = [tail for _, tail in seen.facts.get((relation.name, key), ())]
                names = [
                    _short(seen.nodes[relation.tail, t].label if (relation.tail, t) in seen.nodes else t) for t in ends
                ]
                if names:
                    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
                    known.append(f"{relation.label} {', '.join(names[:4])}{more}")
        fields = schema.nodes[kind].fields
        known += [f"{n} {_short(str(v))}" for n, v in node.fields.items() if v is not None and not fields[n].sensitive]
        facts = "; ".join(known[:_FACTS]) if known else "no facts"
        yield f"{kind} '{_short(node.label)}' ({key}): {facts}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
