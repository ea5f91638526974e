"""Random graphs of the films domain for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from kg.graph import KnowledgeGraph
from kg.rows import EdgeRow, Event, NodeRow
from whypath.testing.stores.domain import films_schema

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCHEMA = films_schema()

FIELDS = {
    "film": st.fixed_dictionaries(
        {},
        optional={
            "year": st.integers(1900, 2100),
            "language": st.sampled_from(["en", "ja", "de", ""]),
            "released": st.dates().map(str),
            "hit": st.booleans(),
        },
    ),
    "viewer": st.fixed_dictionaries({}, optional={"age": st.integers(0, 120), "plan": TEXTS}),
}


@st.composite
def rows(draw: st.DrawFn) -> tuple[list[NodeRow], list[EdgeRow], list[Event]]:
    """Nodes, edges and events that fit together, in any order."""
    keys = {kind: draw(st.lists(KEYS, unique=True, max_size=8)) for kind in SCHEMA.nodes}
    nodes = [
        NodeRow(kind, key, draw(TEXTS), draw(TEXTS), draw(FIELDS.get(kind, st.just({}))))
        for kind, found in keys.items()
        for key in found
    ]
    edges = [
        EdgeRow(name, draw(st.sampled_from(keys[spec.head])), draw(st.sampled_from(keys[spec.tail])))
        for name, spec in SCHEMA.relation_kinds.items()
        if keys[spec.head] and keys[spec.tail]
        for _ in range(draw(st.integers(0, 10)))
    ]
    users = st.sampled_from(keys["viewer"]) | KEYS if keys["viewer"] else KEYS
    times = st.none() | st.floats(0, 1e10)
    weights = st.none() | st.integers(1, 5).map(float)
    events = [
        Event.of(
            draw(users), draw(st.sampled_from(keys[item_kind])), item_kind, kind, time=draw(times), weight=draw(weights)
        )
        for kind, spec in SCHEMA.interactions.items()
        for item_kind in spec.items
        if keys[item_kind]
        for _ in range(draw(st.integers(0, 8)))
    ]
    return draw(st.permutations(nodes)), draw(st.permutations(edges)), draw(st.permutations(events))


GRAPHS = rows().map(lambda found: KnowledgeGraph.from_rows(SCHEMA, *found))
