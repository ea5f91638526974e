"""Write records, one class per kind of section: nodes, their links, relations, events."""

from __future__ import annotations

from kg.checking.quarantine import Quarantine
from kg.checking.values import RowProblem
from kg.ingest.dispatch import Tally
from kg.ingest.edge_rows import EdgeBuilder
from kg.ingest.event_rows import EventBuilder, EventDraft
from kg.ingest.known_nodes import KnownNodes
from kg.ingest.node_rows import NodeBuilder
from kg.ingest.writing import Batches
from kg.key_index import KeyIndex
from kg.rows import EdgeRow, Event, NodeRow, RowLinks, event_identity
from kg.schema import DomainSchema
from kg.sources import RawRecord, Reason, readable_name


class _Consumer:
    """A section whose records a builder checks; see `Consumer`."""

    def __init__(self, builder: NodeBuilder | EdgeBuilder | EventBuilder, known: KnownNodes, batches: Batches) -> None:
        self.section = builder.section
        self.where = builder.where
        self.users_of = builder.users_of
        self._known = known
        self._batches = batches


class NodeConsumer(_Consumer):
    """Writes the nodes of a kind."""

    def __init__(self, builder: NodeBuilder, known: KnownNodes, batches: Batches, tally: Tally) -> None:
        super().__init__(builder, known, batches)
        self._builder = builder
        self._tally = tally

    def take(self, record: RawRecord) -> None:
        draft = self._builder.build(record)
        if self._known.add(draft.row.kind, draft.row.key, draft.content):
            self._batches.node(draft.row, record, self.section)
        else:
            self._tally.repeated += 1


class _EdgeEnds:
    """The ends of edges: their nodes, where an edge creates them, and the name of the relation between them."""

    def __init__(self, schema: DomainSchema, known: KnownNodes, batches: Batches) -> None:
        self._schema = schema
        self._known = known
        self._batches = batches
        self._names: dict[tuple[str, str, str], str] = {}

    def create(
        self,
        head: tuple[str, str, bool],
        tail: tuple[str, str, bool],
        relation: str,
        record: RawRecord,
        section: str,
        *,
        named: bool,
    ) -> str:
        """Create missing ends, each (kind, key, whether to create it), and return the relation's name between their
        kinds; `named`: the key of a created node is its name (a cell).
        """
        if head[:2] == tail[:2]:
            raise RowProblem(Reason.SELF_LOOP, f"{relation} leads from {head[0]} {head[1]!r} to itself")
        for kind, key, absent in (head, tail):
            if absent and self._known.add(kind, key, None):
                self._batches.node(created_node(kind, key, named=named), record, section)
        return self.name_of(relation, head[0], tail[0])

    def name_of(self, relation: str, head_kind: str, tail_kind: str) -> str:
        """The relation's name between two kinds."""
        ends = (relation, head_kind, tail_kind)
        if ends not in self._names:
            self._names[ends] = self._schema.relation_name(*ends)
        return self._names[ends]


class LinkConsumer(_Consumer):
    """Writes the relations given by columns of a node kind, for the rows that were loaded.

    It reads rows a second time, when all nodes are known, so that a row may refer to a later one.
    """

    def __init__(
        self, builder: NodeBuilder, schema: DomainSchema, known: KnownNodes, batches: Batches, quarantine: Quarantine
    ) -> None:
        super().__init__(builder, known, batches)
        self._builder = builder
        self._quarantine = quarantine
        self._ends = _EdgeEnds(schema, known, batches)

    def take(self, record: RawRecord) -> None:
        draft = self._builder.build(record)
        row = draft.row
        if not self._known.is_as_loaded(row.kind, row.key, draft.content):
            return  # a row that was refused and reported when nodes were read
        for column, problem in draft.problems:
            self._quarantine.add(record, self.section, problem.reason, f"{column}: {problem.detail}")
        unread = {column for column, _ in draft.problems}
        # A relation with an unreadable column is left as it was: its value in this row is unknown.
        tails: dict[tuple[str, str], dict[str, None]] = {
            relation: {} for relation, columns in self._builder.columns_of.items() if unread.isdisjoint(columns)
        }
        for link in draft.links:
            try:
                key = self._known.spelling(link.target, (link.target_kind,))
                kind, absent = self._known.end(key, (link.target_kind,))
                head, tail = (row.kind, row.key, False), (kind, key, absent)
                ends = self._ends.create(head, tail, link.relation, record, self.section, named=True)
            except RowProblem as problem:
                # The node is kept; only this relation of it is bad.
                self._quarantine.add(record, self.section, problem.reason, f"{link.column}: {problem.detail}")
                continue
            keys = tails.get((link.relation, link.target_kind))
            if keys is not None:
                keys[key] = None
            else:
                self._batches.edge(EdgeRow(ends, row.key, key), record, self.section)
        for (relation, target), links in tails.items():
            name = self._ends.name_of(relation, row.kind, target)
            self._batches.links(name, RowLinks(row.key, tuple(links)), record, self.section)


class RelationConsumer(_Consumer):
    """Writes the edges of a relation that has its own file."""

    def __init__(self, builder: EdgeBuilder, schema: DomainSchema, known: KnownNodes, batches: Batches) -> None:
        super().__init__(builder, known, batches)
        self._builder = builder
        self._ends = _EdgeEnds(schema, known, batches)

    def take(self, record: RawRecord) -> None:
        (head, head_kinds), (tail, tail_kinds) = self._builder.build(record)
        head, tail = self._known.spelling(head, head_kinds), self._known.spelling(tail, tail_kinds)
        head_kind, head_absent = self._known.end(head, head_kinds)
        tail_kind, tail_absent = self._known.end(tail, tail_kinds)
        ends = (head_kind, head, head_absent), (tail_kind, tail, tail_absent)
        name = self._ends.create(*ends, self._builder.name, record, self.section, named=False)
        self._batches.edge(EdgeRow(name, head, tail), record, self.section)


class EventConsumer(_Consumer):
    """Writes the events of an interaction."""

    def __init__(
        self,
        builder: EventBuilder,
        known: KnownNodes,
        batches: Batches,
        tally: Tally,
        event_ids: KeyIndex,
        quarantine: Quarantine,
    ) -> None:
        super().__init__(builder, known, batches)
        self._builder = builder
        self._tally = tally
        self._ids = event_ids
        self._quarantine = quarantine

    def take(self, record: RawRecord) -> None:
        drafts = self._builder.build(record)
        if len(drafts) == 1:
            self._take(drafts[0], record)
            return
        problems: list[RowProblem] = []
        for draft in drafts:
            try:
                self._take(draft, record)
            except RowProblem as problem:
                problems.append(problem)
        if problems and len(problems) == len(drafts):
            raise problems[0]
        for problem in problems:  # the row is kept; only these items of it are bad
            self._quarantine.add(record, self.section, problem.reason, problem.detail)

    def _take(self, draft: EventDraft, record: RawRecord) -> None:
        interaction = self._builder.interaction
        item_kinds = (draft.item_kind,) if draft.item_kind is not None else interaction.items
        item, user = self._known.spelling(draft.item, item_kinds), self._known.spelling(draft.user, (interaction.user,))
        item_kind, item_absent = self._known.item(item, item_kinds)
        user_kind, user_absent = self._known.end(user, (interaction.user,))
        kind = self._builder.kind
        event_id = draft.id or event_identity(user, item, item_kind, kind, draft.time)
        event = Event.of(user, item, item_kind, kind, time=draft.time, weight=draft.weight, id=event_id)
        if self._builder.has_ids:
            content = (event.user, event.item, event.item_kind, event.kind, event.time, event.weight)
            same = self._ids.add(event.id, content)
            if same is False:
                raise RowProblem(
                    Reason.DUPLICATE_KEY, f"the event {event.id!r} is in an earlier row with other content"
                )
            if same:
                self._tally.repeated += 1
                return
        for end, key, absent in ((item_kind, item, item_absent), (user_kind, user, user_absent)):
            if absent and self._known.add(end, key, None):
                self._batches.node(created_node(end, key, named=False), record, self.section)
        self._batches.event(event, record, self.section)


def created_node(kind: str, key: str, *, named: bool) -> NodeRow:
    """A node that only a relation or an event names; its label is the key in readable words.

    A text encoder reads the label only where it is a name: a value of a column (`named`), or the name in an IRI; a bare
    id of a triples file has no meaning as text.
    """
    label = readable_name(key)
    return NodeRow(kind, key, label, label if named or label != key else "")
