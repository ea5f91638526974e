"""Match sections of a guess with those of a description under other names: by files, keys, columns and roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kg.schema import DomainSchema, InteractionKind, NodeKind, RelationSpec, Role, SourceSpec
from kg.sources.guess.mentions import place_of
from kg.sources.guess.words import plain

_ENOUGH = 2
"""Minimum score of a match of two interactions: user's column 1, item's column 1, picked rows 2."""


def share(ours: Iterable[SourceSpec], theirs: Iterable[SourceSpec]) -> bool:
    """Whether two sections read the same file; one that names no sheet of a workbook may read any."""
    ours = list(ours)
    return any(is_same(a, b) for b in theirs for a in ours)


def is_same(one: SourceSpec, other: SourceSpec) -> bool:
    """Whether two sources are the same."""
    if one.sheet is None or other.sheet is None:
        one, other = (spec.model_copy(update={"sheet": None}) for spec in (one, other))
    return one.file is not None and place_of(one) == place_of(other)


def match_interactions(ours: DomainSchema, theirs: DomainSchema) -> dict[str, str]:
    """Names of the guess -> names of the description, for events of one file."""
    names: dict[str, str] = {}
    for name, interaction in theirs.interactions.items():
        left = ((our, events) for our, events in ours.interactions.items() if our not in names.values())
        fits = [(_fit(events, interaction), our) for our, events in left]
        best = max(fits, default=(0, ""), key=lambda fit: fit[0])
        if best[0] >= _ENOUGH:
            names[name] = best[1]
    return names


def _fit(our: InteractionKind, their: InteractionKind) -> int:
    if our.columns is None or their.columns is None or not share(our.source, their.source):
        return 0
    ends = (our.columns.user == their.columns.user) + (our.columns.item == their.columns.item)
    return ends + 2 * (our.where == their.where)


def match_relations(ours: DomainSchema, theirs: DomainSchema) -> dict[str, str]:
    """Names of the guess -> names of the description, for relations of one file."""
    names: dict[str, str] = {}
    for name, relation in theirs.relations.items():
        for our_name, our in ours.relations.items():
            same = share(our.source, relation.source) and our.where == relation.where
            if same and our.columns == relation.columns and our_name not in names.values():
                names[name] = our_name
                break
    return names


def match_kinds(ours: DomainSchema, theirs: DomainSchema) -> dict[str, str]:
    """Names of node kinds of the guess -> those of the description, for kinds that are the same."""
    names: dict[str, str] = {}

    def pair(their: str, our: str) -> None:
        is_left = their not in names and our not in names.values() and their in theirs.nodes and our in ours.nodes
        if is_left and (theirs.nodes[their].role is Role.USER) == (ours.nodes[our].role is Role.USER):
            names[their] = our

    for their, our in _alike(ours, theirs):
        pair(their, our)
    for their, our in list(names.items()):
        targets = dict(_targets(ours.nodes[our]))
        for column, target in _targets(theirs.nodes[their]):
            pair(target, targets.get(column, ""))
    for name, node in theirs.nodes.items():
        if name in ours.nodes and ours.nodes[name].role is node.role:
            pair(name, name)
    return names


def _alike(ours: DomainSchema, theirs: DomainSchema) -> Iterator[tuple[str, str]]:
    """(kind of the guess, kind of the description) that events, files or relations show to be the same, in order."""
    yield theirs.user_kinds[0], ours.user_kinds[0]
    for their, our in match_interactions(ours, theirs).items():
        yield from _only(theirs.interactions[their].items, ours.interactions[our].items)
    for is_close in (_same_table, _same_file):
        for their, node in theirs.nodes.items():
            yield from ((their, our) for our, our_node in ours.nodes.items() if is_close(our_node, node))
    for their, our in _only(theirs.item_kinds, ours.item_kinds):
        keys = [plain(key) for key in (*_item_columns(theirs, their), *_item_columns(ours, our))]
        if len(set(keys)) < len(keys):
            yield their, our
    for their, our in match_relations(ours, theirs).items():
        yield from _only(theirs.relations[their].head, ours.relations[our].head)
        yield from _only(theirs.relations[their].tail, ours.relations[our].tail)


def _only(theirs: Sequence[str], ours: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(theirs, ours, strict=True) if len(theirs) == len(ours) == 1 else iter(())


def _same_table(our: NodeKind, their: NodeKind) -> bool:
    return share(our.source, their.source) and our.key == their.key


def _same_file(our: NodeKind, their: NodeKind) -> bool:
    return our.role is their.role and share(our.source, their.source)


def _item_columns(schema: DomainSchema, kind: str) -> set[str]:
    """Columns that hold the keys of an item kind."""
    events = [i.columns for i in schema.interactions.values() if kind in i.items and i.columns is not None]
    return {c for c in (schema.nodes[kind].key, *(columns.item for columns in events)) if c}


def _targets(node: NodeKind) -> Iterator[tuple[str, str]]:
    yield from ((column, link.target) for column, link in node.lists.items())
    yield from ((column, link.target) for column, link in node.links.items())


def is_of_events(schema: DomainSchema, node: NodeKind) -> bool:
    """Whether the nodes of a kind are the distinct values of a column of events, without a table."""
    return any(
        share(events.source, node.source)
        and events.columns is not None
        and node.key in (events.columns.user, events.columns.item)
        for events in schema.interactions.values()
    )


def section_places(section: NodeKind | RelationSpec | InteractionKind) -> set[str]:
    """The places that a section reads its rows from."""
    return {place_of(spec) for spec in section.source}
