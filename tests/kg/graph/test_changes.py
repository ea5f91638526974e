"""Changed facts merged into a snapshot: the same as a snapshot of all rows, whatever changed and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from kg.graph import FactChanges, KnowledgeGraph
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema

SCHEMA = DomainSchema.from_mapping(
    {
        "name": "shop",
        "nodes": {
            "book": {
                "role": "item",
                "source": "b.csv",
                "key": "id",
                "fields": {"year": "integer", "tongue": "categorical"},
            },
            "film": {
                "role": "item",
                "source": "f.csv",
                "key": "id",
                "fields": {"tongue": "categorical", "out": "date"},
            },
            "person": {"source": "p.csv", "key": "id", "fields": {"about": "text"}},
            "reader": {"role": "user", "source": "r.csv", "key": "id", "fields": {"plan": "categorical"}},
        },
        "relations": {
            "written_by": {"head": "book", "tail": "person", "source": "w.csv"},
            "based_on": {"head": "film", "tail": "book", "source": "o.csv"},
            "sequel_of": {"head": "film", "tail": "film", "source": "s.csv"},
            "fan_of": {"head": "reader", "tail": "person", "source": "l.csv", "hidden": True},
        },
        "interactions": {
            "liked": {
                "source": "e.csv",
                "columns": {"user": "u", "item": "i", "weight": "w"},
                "positive": {"min_weight": 3},
            },
            "seen": {"items": ["film"], "source": "v.csv", "columns": {"user": "u", "item": "i"}},
        },
    }
)
KEYS = st.sampled_from(["a", "b", "c", "é", "film:a", "z"])
WORDS = st.sampled_from(["", "x", "y", "zebra", "ä"])
FIELDS = {
    "book": st.fixed_dictionaries({}, optional={"year": st.integers(1, 3), "tongue": WORDS}),
    "film": st.fixed_dictionaries({}, optional={"tongue": WORDS, "out": st.dates().map(str)}),
    "person": st.fixed_dictionaries({}, optional={"about": WORDS}),
    "reader": st.fixed_dictionaries({}, optional={"plan": WORDS}),
}
NODES = st.sampled_from(sorted(SCHEMA.nodes)).flatmap(
    lambda kind: st.builds(NodeRow, st.just(kind), KEYS, WORDS, WORDS, FIELDS[kind])
)
EDGES = st.builds(EdgeRow, st.sampled_from(sorted(SCHEMA.relation_kinds)), KEYS, KEYS)
EVENTS = st.sampled_from([("liked", "book"), ("liked", "film"), ("seen", "film")]).flatmap(
    lambda kinds: st.builds(
        lambda user, item, time, weight: Event.of(user, item, kinds[1], kinds[0], time=time, weight=weight),
        KEYS,
        KEYS,
        st.sampled_from([None, 1.0, 2.0]),
        st.sampled_from([None, 1.0, 5.0]),
    )
)


@dataclass
class Rows:
    """A store in miniature, with what it would say has changed since."""

    nodes: dict[tuple[str, str], NodeRow] = field(default_factory=dict)
    edges: set[EdgeRow] = field(default_factory=set)
    events: dict[str, Event] = field(default_factory=dict)
    touched: set[tuple[str, str]] = field(default_factory=set)
    removed: set[tuple[str, str]] = field(default_factory=set)
    moved: set[EdgeRow] = field(default_factory=set)

    def ends(self, edge: EdgeRow) -> list[tuple[str, str]]:
        spec = SCHEMA.relation_kinds[edge.relation]
        return [(spec.head, edge.head), (spec.tail, edge.tail)]

    def put(self, node: NodeRow) -> None:
        self.nodes[node.kind, node.key] = node
        self.touched.add((node.kind, node.key))

    def link(self, edge: EdgeRow) -> None:
        if all(end in self.nodes for end in self.ends(edge)):
            self.edges.add(edge)
            self.moved.add(edge)
            # As stores do for users, which may be there by an event that the snapshot does not have.
            self.touched |= {end for end in self.ends(edge) if end[0] == "reader"}

    def unlink(self, edge: EdgeRow) -> None:
        self.edges.discard(edge)
        self.moved.add(edge)

    def remove(self, node: tuple[str, str]) -> None:
        if self.nodes.pop(node, None) is not None:
            self.removed.add(node)
            self.edges = {edge for edge in self.edges if node not in self.ends(edge)}
            gone = [e for e in self.events.values() if node in (("reader", e.user), (e.item_kind, e.item))]
            for event in gone:
                del self.events[event.id]
                # As stores do: the user may stay, and no snapshot has the user if none had the item.
                self.touched.add(("reader", event.user))

    def record(self, event: Event) -> bool:
        if (event.item_kind, event.item) not in self.nodes:
            return False
        self.events.setdefault(event.id, event)
        self.nodes.setdefault(("reader", event.user), NodeRow("reader", event.user, event.user))
        return True

    def changes(self, generation: int) -> FactChanges:
        users = [edge for edge in self.moved if edge.relation == "fan_of"]
        touched = self.touched | {end for edge in users for end in self.ends(edge)}
        found = FactChanges(
            generation,
            0,
            nodes=[self.nodes[node] for node in touched if node in self.nodes],
            removed=sorted(self.removed),
            added=[edge for edge in self.moved if edge in self.edges],
            gone=[edge for edge in self.moved if edge not in self.edges],
        )
        self.touched, self.removed, self.moved = set(), set(), set()
        return found

    def graph(self, generation: int) -> KnowledgeGraph:
        return KnowledgeGraph.from_rows(
            SCHEMA, self.nodes.values(), self.edges, self.events.values(), generation=generation
        )


STEPS = st.lists(
    st.one_of(
        NODES.map(lambda node: ("put", node)),
        EDGES.map(lambda edge: ("link", edge)),
        EDGES.map(lambda edge: ("unlink", edge)),
        NODES.map(lambda node: ("remove", (node.kind, node.key))),
        EVENTS.map(lambda event: ("record", event)),
        st.just(("merge", None)),
    ),
    max_size=25,
)


def assert_same(graph: KnowledgeGraph, expected: KnowledgeGraph) -> None:
    assert (graph.generation, graph.n_nodes, graph.n_events) == (
        expected.generation,
        expected.n_nodes,
        expected.n_events,
    )
    assert graph.digest == expected.digest
    assert graph.events_digest == expected.events_digest
    assert graph.item_ids == expected.item_ids
    assert graph.item_labels == expected.item_labels
    assert graph.item_texts == expected.item_texts
    assert graph.concealed.tolist() == expected.concealed.tolist()
    facts, expected_facts = graph.item_facts(), expected.item_facts()
    assert facts.relation_names == expected_facts.relation_names
    for name in ("indptr", "relations", "nodes"):
        assert getattr(facts, name).tolist() == getattr(expected_facts, name).tolist()
        assert getattr(facts, name).dtype == getattr(expected_facts, name).dtype
    for kind in SCHEMA.nodes:
        mine, other = graph.nodes(kind), expected.nodes(kind)
        for name, column in other.fields.items():
            assert list(mine.fields[name]) == list(column)
            if column.categories is not None:
                assert mine.fields[name].categories == column.categories
    for relation, other in zip(graph.relations, expected.relations, strict=True):
        for side in ("forward", "backward"):
            mine, theirs = getattr(relation, side), getattr(other, side)
            assert (mine.indptr.tolist(), mine.indices.tolist()) == (theirs.indptr.tolist(), theirs.indices.tolist())
            assert (mine.indptr.dtype, mine.indices.dtype) == (theirs.indptr.dtype, theirs.indices.dtype)
    for table, other in zip(graph.events, expected.events, strict=True):
        assert (table.users.dtype, table.items.dtype) == (other.users.dtype, other.items.dtype)
    for user in ["a", "b", "é", "z", "nobody"]:
        (history, seen), (history_then, seen_then) = (
            graph.history_of(user, ["seen"]),
            expected.history_of(user, ["seen"]),
        )
        assert history.items.tolist() == history_then.items.tolist()
        assert str(history.times) == str(history_then.times)
        assert seen.tolist() == seen_then.tolist()


@settings(max_examples=400, deadline=None)
@given(st.lists(NODES, max_size=12), st.lists(EDGES, max_size=12), st.lists(EVENTS, max_size=8), STEPS)
def test_merged_changes_give_the_snapshot_of_all_rows(
    nodes: list[NodeRow], edges: list[EdgeRow], events: list[Event], steps: list[tuple[str, object]]
) -> None:
    rows = Rows()
    for node in nodes:
        rows.put(node)
    for edge in edges:
        rows.link(edge)
    for event in events:
        rows.record(event)
    rows.changes(0)
    graph, generation, laid = rows.graph(0), 0, list[Event]()
    for step, value in [*steps, ("merge", None)]:
        if step == "merge":
            generation += 1
            graph = graph.with_changes(rows.changes(generation)).overlay(laid)
            laid = []
            assert_same(graph, rows.graph(generation))
        elif step == "record":
            assert isinstance(value, Event)
            if rows.record(value):
                laid.append(value)
                graph = graph.overlay([value])
        else:
            getattr(rows, step)(value)
            laid = [event for event in laid if event.id in rows.events]


def small() -> tuple[Rows, KnowledgeGraph]:
    rows = Rows()
    for kind, key in (("book", "a"), ("book", "c"), ("film", "a"), ("person", "p"), ("reader", "u")):
        rows.put(NodeRow(kind, key, f"{kind} {key}"))
    for edge in (EdgeRow("written_by", "a", "p"), EdgeRow("based_on", "a", "c")):
        rows.link(edge)
    rows.record(Event.of("u", "a", "film", "seen"))
    rows.changes(0)
    return rows, rows.graph(0)


def test_what_has_not_changed_is_shared() -> None:
    rows, graph = small()
    rows.put(NodeRow("book", "c", "another label"))
    later = graph.with_changes(rows.changes(1))
    assert later.nodes("book").labels.to_list() == ["book a", "another label"]
    assert later.nodes("film") is graph.nodes("film")
    assert later.nodes("book").keys is graph.nodes("book").keys
    assert later.relations[0] is graph.relations[0]
    assert later.events[0].items is graph.events[0].items


def test_events_laid_over_stay_laid_when_items_move() -> None:
    rows, graph = small()
    event = Event.of("v", "c", "book", "liked", weight=5.0)
    rows.record(event)
    graph = graph.overlay([event])
    rows.put(NodeRow("book", "b", "between"))
    later = graph.with_changes(rows.changes(1))
    assert "_parts" not in vars(later)
    assert [later.item_ids[item] for item in later.history_of("v", [])[0].items] == ["c"]
    assert [graph.item_ids[item] for item in graph.history_of("v", [])[0].items] == ["c"]
    assert_same(later, rows.graph(1))


def test_changes_can_be_merged_again() -> None:
    rows, graph = small()
    rows.put(NodeRow("film", "b", "B"))
    rows.link(EdgeRow("sequel_of", "b", "a"))
    rows.unlink(EdgeRow("based_on", "a", "c"))
    rows.remove(("book", "a"))
    changes = rows.changes(1)
    once = graph.with_changes(changes)
    assert_same(once, rows.graph(1))
    assert_same(once.with_changes(replace(changes, generation=1)), rows.graph(1))
