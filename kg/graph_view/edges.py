"""Read relations: relationship types between kinds, and the values of list properties and foreign keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from kg.checking.values import RowProblem
from kg.graph import NodeTable
from kg.graph.building import node_table
from kg.graph_view.elements import LEFT_OUT, OUTSIDE, Elements
from kg.graph_view.nodes import Linked, NodeReader
from kg.graph_view.numbers import has_number, number_of
from kg.graph_view.patterns import Conditions, arrow, labelled, token
from kg.graph_view.session import PAGE_ROWS, ReadSession
from kg.schema import RelationSpec
from kg.sources import Reason, readable_name

Ends = tuple[NDArray[np.int32], NDArray[np.int32]]
"""Local rows of heads and tails."""


class EdgeCollector:
    """Edges by their name in `relation_kinds`, in pieces."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[Ends]] = {}

    def add(self, name: str, heads: NDArray[np.int32], tails: NDArray[np.int32]) -> None:
        self._pieces.setdefault(name, []).append((heads, tails))

    def joined(self) -> dict[str, Ends]:
        """Local heads and tails by relation."""
        return {
            name: (
                np.concatenate([heads for heads, _ in pieces]).astype(np.int32),
                np.concatenate([tails for _, tails in pieces]).astype(np.int32),
            )
            for name, pieces in self._pieces.items()
        }


def read_relation(
    session: ReadSession, elements: Elements, name: str, spec: RelationSpec, edges: EdgeCollector
) -> None:
    """Read one relation of the description."""
    relationship = spec.relationship
    assert relationship is not None
    section = f"relations.{name}"
    conditions = Conditions().add("r", spec.where)
    outside = 0
    for heads, tails, numbers in _pages(session, elements, spec, conditions):
        head_codes, head_rows = elements.find(heads)
        tail_codes, tail_rows = elements.find(tails)
        dangling = (head_codes == LEFT_OUT) | (tail_codes == LEFT_OUT)
        loops = (heads == tails) & (head_codes >= 0)
        fits = np.zeros(len(heads), dtype=bool)
        for head in spec.head:
            for tail in spec.tail:
                chosen = (head_codes == elements.kinds.index(head)) & (tail_codes == elements.kinds.index(tail))
                fits |= chosen
                chosen &= ~loops
                resolved = session.schema.relation_name(name, head, tail)
                edges.add(resolved, head_rows[chosen], tail_rows[chosen])
        for row in np.flatnonzero(dangling | (loops & fits)).tolist():
            problem = (
                RowProblem(Reason.SELF_LOOP, f"{name} leads from a node to itself")
                if loops[row]
                else RowProblem(Reason.UNKNOWN_END, "a node at its end was left out")
            )
            values = {"start": session.node_element(int(heads[row])), "end": session.node_element(int(tails[row]))}
            session.bad(section, session.relationship_element(int(numbers[row])), problem, values)
            session.dangling += int(not loops[row])
        session.rows[section] += int((fits | dangling).sum())
        outside += int((~fits & ~dangling & ((head_codes == OUTSIDE) | (tail_codes == OUTSIDE))).sum())
    session.tell("relations", f"[:{relationship.type}]", session.rows[section], done=True)
    if not session.rows[section]:
        session.notes.append(f"{section}: no relationship {relationship.type} leads from its heads to its tails")
    if outside:
        session.notes.append(f"{section}: {outside:,} relationships {relationship.type} lead to other nodes")


def _pages(
    session: ReadSession, elements: Elements, spec: RelationSpec, conditions: Conditions
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Numbers of head, tail and relationship, page by page."""
    relationship = spec.relationship
    assert relationship is not None
    columns = f"RETURN collect({number_of('h')}), collect({number_of('t')}), collect({number_of('r')})"
    of_type = session.one(f"MATCH ()-[r:{token(relationship.type)}]->() RETURN count(r)")[0]
    if of_type <= PAGE_ROWS:
        text = f"MATCH (h){arrow(relationship, 'r')}(t){conditions.clause('WHERE')} {columns}"
        yield _arrays(session.one(text, **conditions.parameters))
        return
    heads, tails = elements.of_kinds(spec.head), elements.of_kinds(spec.tail)
    # From the end with more nodes: the other may have hubs, whose pages would be unbounded.
    near, kinds, ids = ("h", spec.head, heads) if len(heads) >= len(tails) else ("t", spec.tail, tails)
    total = 0
    for kind in kinds:
        labels = session.schema.nodes[kind].labels[:1]
        pattern = f"({labelled('', labels)}){arrow(relationship, 'r', reverse=near == 't')}()"
        total += session.one(f"MATCH {pattern} RETURN count(r)")[0]
    text = (
        f"UNWIND $ids AS number MATCH ({near}) WHERE {has_number(near, 'number')}"
        f" MATCH (h){arrow(relationship, 'r')}(t){conditions.clause('WHERE')} {columns}"
    )
    queries = ((text, {"ids": page, **conditions.parameters}) for page in session.near_pages(ids, total))
    yield from map(_arrays, session.pages(queries))


def _arrays(page: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    heads, tails, numbers = (np.array(column, dtype=np.int64) for column in page)
    return heads, tails, numbers


def read_links(
    session: ReadSession, nodes: NodeReader, tables: Mapping[str, NodeTable], edges: EdgeCollector
) -> dict[str, NodeTable]:
    """Add relations from properties; return the tables, including those of kinds that are created from values."""
    made: dict[str, set[str]] = {}
    for link in nodes.links:
        # A kind with labels has only nodes of the graph: none is created.
        if link.target not in tables:
            made.setdefault(link.target, set()).update(link.keys)
    full = dict(tables)
    for kind, keys in made.items():
        names = sorted(keys)
        labels = [readable_name(key) for key in names]
        full[kind] = node_table(session.schema, kind, names, labels, labels, [{}] * len(names))
    for link in nodes.links:
        _link(session, nodes, link, full, edges)
    return full


def _link(
    session: ReadSession, nodes: NodeReader, link: Linked, tables: Mapping[str, NodeTable], edges: EdgeCollector
) -> None:
    section = f"nodes.{link.kind}"
    positions = tables[link.target].keys.positions(link.keys)
    rows = nodes.local_rows(link).astype(np.int32)
    for at in np.flatnonzero(positions < 0).tolist():
        problem = RowProblem(Reason.UNKNOWN_END, f"{link.property}: there is no {link.target} {link.keys[at]!r}")
        key = tables[link.kind].keys[int(rows[at])]
        users = (key,) if link.kind in session.schema.user_kinds else ()
        session.bad(section, f"{link.kind} {key}", problem, {link.property: link.keys[at]}, users)
        session.dangling += 1
    good = positions >= 0
    if link.kind == link.target:
        good &= positions != rows
    resolved = session.schema.relation_name(link.relation, link.kind, link.target)
    edges.add(resolved, rows[good], positions[good])
