"""Whether a description leads to what an expert's would: loaded into a store, its outcomes are compared."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.ingest import load_domain
from kg.opening import open_store
from kg.sources.guess import Guess, guess_domain
from tests.corpus.shape import Events, Expected, Node, Nodes, Shape


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a guess: nothing where it is right. `silent_dislikes`: pairs that became likes without a note
    that says so; `unnamed`: columns that are not read and not named.
    """

    shape: str
    faults: tuple[str, ...]
    silent_dislikes: int = 0
    unnamed: tuple[str, ...] = ()
    refused: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether an expert would change nothing."""
        return not self.faults and not self.silent_dislikes and not self.unnamed


def judged(shape: Shape, folder: Path) -> Verdict:
    """Write a shape into a folder, guess its description, load it, and compare with what is expected."""
    shape.write(folder)
    try:
        guess = guess_domain([folder / name for name in shape.inputs], folder)
        with closing(open_store(folder / "store", create=True)) as store:
            load_domain(guess.schema, store, folder=folder)
            graph = store.snapshot()
    except WhyPathError as error:
        said = " ".join(str(error).split())
        return Verdict(shape.name, _refusal_faults(shape.expected, said), refused=said)
    return compared(shape, guess, graph)


def compared(shape: Shape, guess: Guess, graph: KnowledgeGraph) -> Verdict:
    """What a guess has led to against what is expected of a shape."""
    expected = shape.expected
    if expected.refuse is not None and expected.refuse.required:
        return Verdict(shape.name, ("not refused",))
    faults = [*_event_faults(expected, graph), *_node_faults(expected, graph, guess), *_edge_faults(expected, graph)]
    silent = 0 if _is_loud(guess) else _likes_that_are_none(expected, graph)
    return Verdict(shape.name, tuple(faults), silent, tuple(_unnamed(expected, guess)))


def _refusal_faults(expected: Expected, said: str) -> tuple[str, ...]:
    if expected.refuse is None:
        return (f"refused: {said}",)
    if re.search(expected.refuse.pattern, said, re.IGNORECASE) is None:
        return (f"refused without the reason {expected.refuse.pattern!r}: {said}",)
    return ()


def _is_loud(guess: Guess) -> bool:
    return any(note.startswith("unsure") and "positive" in note for note in guess.notes)


def _respelt(expected: Expected) -> list[dict[str, str]]:
    return [{}, dict(expected.same_items)] if expected.same_items else [{}]


def _pairs(graph: KnowledgeGraph, *, positive_only: bool) -> set[tuple[str, str]]:
    events = graph.interactions(positive_only=positive_only)
    users, items = events.user_ids, graph.item_ids
    return {(str(users[u]), str(items[i])) for u, i in zip(events.users.tolist(), events.items.tolist(), strict=True)}


def _likes_that_are_none(expected: Expected, graph: KnowledgeGraph) -> int:
    liked = _pairs(graph, positive_only=True)
    counts = []
    for spelling in _respelt(expected):
        negative = {(u, spelling.get(i, i)) for each in expected.events for u, i in each.negative}
        counts.append(len(negative & liked))
    return max(counts)


def _event_faults(expected: Expected, graph: KnowledgeGraph) -> Iterator[str]:
    everything = graph.interactions(positive_only=False)
    liked = _pairs(graph, positive_only=True)
    possible = [each.counts for each in expected.events]
    if possible and all(possible):
        totals = {0}
        for counts in possible:
            totals = {total + count for total in totals for count in counts}
        if len(everything) not in totals:
            yield f"{len(everything)} events, not {sorted(totals)}"
    for each in expected.events:
        wanted = [{(u, spelling.get(i, i)) for u, i in each.positive} for spelling in _respelt(expected)]
        if not any(pairs <= liked for pairs in wanted):
            lost = min((pairs - liked for pairs in wanted), key=len)
            yield f"{', '.join(each.files)}: {len(lost)} of {len(each.positive)} likes are none, such as {min(lost)}"
        negative = [{(u, spelling.get(i, i)) for u, i in each.negative} for spelling in _respelt(expected)]
        wrong = max((pairs & liked for pairs in negative), key=len)
        if wrong:
            yield f"{', '.join(each.files)}: {len(wrong)} dislikes are likes, such as {min(wrong)}"
        if each.sample is not None and not _has_sample(each, expected, graph):
            yield f"{', '.join(each.files)}: there is no event {each.sample}"


def _has_sample(events: Events, expected: Expected, graph: KnowledgeGraph) -> bool:
    sample = events.sample
    assert sample is not None
    found = graph.interactions(positive_only=False)
    times = found.times if found.times is not None else np.full(len(found), np.nan)
    weights = found.weights if found.weights is not None else np.full(len(found), np.nan)
    keys = {sample.item, *(spelling.get(sample.item, sample.item) for spelling in _respelt(expected))}
    for user, item, time, weight in zip(found.users, found.items, times, weights, strict=True):
        if found.user_ids[int(user)] != sample.user or graph.item_ids[int(item)] not in keys:
            continue
        if sample.time is not None and not abs(float(time) - sample.time) <= sample.tolerance:
            continue
        if sample.weight is not None and events.kind is None and not abs(float(weight) - sample.weight) < 1e-4:
            continue
        return True
    return False


def _node_faults(expected: Expected, graph: KnowledgeGraph, guess: Guess) -> Iterator[str]:
    for each in expected.nodes:
        kinds = [k for k, node in guess.schema.nodes.items() if node.role.value == each.role]
        found = [
            _faults_of_kind(each, expected, kind, graph) for kind in kinds if kind in graph.offsets
        ]  # of several kinds of a role the best fits
        if not found:
            yield f"no {each.role} kind for {', '.join(each.files)}"
            continue
        yield from (f"{each.role} of {', '.join(each.files)}: {fault}" for fault in min(found, key=len))
        texts = {c for kind in kinds for c in guess.schema.nodes[kind].text_columns}
        lacking = [c for c in each.text if c not in texts]
        if lacking:
            yield f"{each.role} of {', '.join(each.files)}: {', '.join(lacking)} are not read as text"


def _faults_of_kind(nodes: Nodes, expected: Expected, kind: str, graph: KnowledgeGraph) -> list[str]:
    table = graph.nodes(kind)
    faults = []
    if nodes.counts and len(table.keys) not in nodes.counts:
        faults.append(f"{len(table.keys)} nodes, not {nodes.counts}")
    for sample in nodes.samples:
        keys = {sample.key, *(spelling.get(sample.key, sample.key) for spelling in _respelt(expected))}
        place = next((at for at in map(table.keys.find, keys) if at >= 0), -1)
        if place < 0:
            faults.append(f"no {sample.key!r}")
            continue
        faults += _faults_of_node(sample, kind, place, graph)
    return faults


def _faults_of_node(sample: Node, kind: str, place: int, graph: KnowledgeGraph) -> Iterator[str]:
    table = graph.nodes(kind)
    if sample.label is not None and table.labels[place] != sample.label:
        yield f"{sample.key}: called {table.labels[place]!r}, not {sample.label!r}"
    around = _around(kind, place, graph)
    # Sensitive ones too, under the names of their columns.
    named = {n: spec.column or n for n, spec in graph.schema.nodes[kind].fields.items()}
    fields = {named.get(name, name): column[place] for name, column in table.fields.items()}
    for column, names in sample.facts.items():
        if not names <= around:
            yield f"{sample.key}: {column} does not lead to {', '.join(sorted(names - around))}"
    for name, value in sample.fields.items():
        if not _same(fields.get(name), value) and str(value) not in around:
            yield f"{sample.key}: {name} is {fields.get(name)!r}, not {value!r}"


def _same(found: object, value: object) -> bool:
    if isinstance(found, int | float) and isinstance(value, int | float):
        return abs(float(found) - float(value)) < 1e-6
    return str(found) == str(value)


def _around(kind: str, place: int, graph: KnowledgeGraph) -> set[str]:
    """Keys and labels of all nodes next to one."""
    names: set[str] = set()
    for table in graph.relations:
        for own, other, near, far in (
            (table.head_kind, table.tail_kind, table.heads, table.tails),
            (table.tail_kind, table.head_kind, table.tails, table.heads),
        ):
            if own == kind:
                others = graph.nodes(other)
                for at in far[near == place].tolist():
                    names |= {others.keys[at], others.labels[at]}
    return names


def _edge_faults(expected: Expected, graph: KnowledgeGraph) -> Iterator[str]:
    for each in expected.edges:
        for head, relation, tail in each.samples:
            if not _joined(head, tail, graph):
                yield f"{', '.join(each.files)}: {head} {relation} {tail} is not there"


def _joined(head: str, tail: str, graph: KnowledgeGraph) -> bool:
    for kind in graph.offsets:
        place = graph.nodes(kind).keys.find(head)
        if place >= 0 and tail in _around(kind, place, graph):
            return True
    return False


def _unnamed(expected: Expected, guess: Guess) -> Iterator[str]:
    said = "\n".join(guess.notes)
    free = {(each.file, each.column) for each in expected.either}
    for file, columns in expected.unread.items():
        for column in columns:
            if (file, column) not in free and column != "*" and not _is_named(column, said):
                yield f"{file}: {column}"
    for file in expected.unread_files:
        if file not in said:
            yield file


def _is_named(column: str, said: str) -> bool:
    name = f"column{column[1:]}" if re.fullmatch(r"#\d+", column) else column
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) is not None


def score(verdicts: Sequence[Verdict], only: Collection[str] = ()) -> float:
    """Share of right guesses."""
    counted = [v for v in verdicts if not only or v.shape in only]
    return sum(v.is_right for v in counted) / len(counted) if counted else 0.0
