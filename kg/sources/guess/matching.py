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
        fits = [(_fit(own, interaction), o) for o, own in ours.interactions.items() if o not in names.values()]
        best = max(fits, default=(0, ""), key=lambda fit: fit[0])
        if best[0] >= _ENOUGH:
            names[name] = best[1]
    return names


def _fit(own: InteractionKind, other: InteractionKind) -> int:
    if own.columns is None or other.columns is None or not share(own.source, other.source):
        return 0
    ends = (own.columns.user == other.columns.user) + (own.columns.item == other.columns.item)
    return ends + 2 * (own.where == other.where)


def match_relations(ours: DomainSchema, theirs: DomainSchema) -> dict[str, str]:
    """Names of the guess -> names of the description, for relations of one file."""
    names: dict[str, str] = {}
    for name, relation in theirs.relations.items():
        for o, own in ours.relations.items():
            same = share(own.source, relation.source) and own.where == relation.where
            if same and own.columns == relation.columns and o not in names.values():
                names[name] = o
                break
    return names


def match_kinds(ours: DomainSchema, theirs: DomainSchema) -> dict[str, str]:
    """Names of node kinds of the guess -> those of the description, for kinds that are the same."""
    names: dict[str, str] = {}

    def pair(name: str, own: str) -> None:
        if name not in names and own not in names.values() and name in theirs.nodes and own in ours.nodes:
            is_user = {theirs.nodes[name].role is Role.USER, ours.nodes[own].role is Role.USER}
            if len(is_user) == 1:
                names[name] = own

    pair(theirs.user_kinds[0], ours.user_kinds[0])
    for name, own in match_interactions(ours, theirs).items():
        _pair_all(theirs.interactions[name].items, ours.interactions[own].items, pair)
    for is_close in (_same_table, _same_file):
        for name, node in theirs.nodes.items():
            for o, own in ours.nodes.items():
                if is_close(own, node):
                    pair(name, o)
    if len(theirs.item_kinds) == len(ours.item_kinds) == 1:
        item, own = theirs.item_kinds[0], ours.item_kinds[0]
        keys = [plain(key) for key in (*_item_columns(theirs, item), *_item_columns(ours, own))]
        if len(set(keys)) < len(keys):
            pair(item, own)
    for name, own in match_relations(ours, theirs).items():
        _pair_all(theirs.relations[name].head, ours.relations[own].head, pair)
        _pair_all(theirs.relations[name].tail, ours.relations[own].tail, pair)
    for name, own in list(names.items()):
        targets = dict(_targets(ours.nodes[own]))
        for column, target in _targets(theirs.nodes[name]):
            pair(target, targets.get(column, ""))
    for name, node in theirs.nodes.items():
        if name in ours.nodes and ours.nodes[name].role is node.role:
            pair(name, name)
    return names


def _pair_all(theirs: Sequence[str], ours: Sequence[str], pair: object) -> None:
    if len(theirs) == len(ours) == 1 and callable(pair):
        pair(theirs[0], ours[0])


def _same_table(own: NodeKind, node: NodeKind) -> bool:
    return share(own.source, node.source) and own.key == node.key


def _same_file(own: NodeKind, node: NodeKind) -> bool:
    return own.role is node.role and share(own.source, node.source)


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
        share(each.source, node.source)
        and each.columns is not None
        and node.key in (each.columns.user, each.columns.item)
        for each in schema.interactions.values()
    )


def section_places(section: NodeKind | RelationSpec | InteractionKind) -> set[str]:
    """The places that a section reads its rows from."""
    return {place_of(spec) for spec in section.source}
