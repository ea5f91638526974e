"""Complete a description that a user has corrected with new files, and with new columns of its files.

The user's text stays unchanged, with comments and order: text is only inserted. One value is replaced: the source of a
kind whose nodes were the values of a column of events and which now has its own table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kg.schema import DomainSchema, InteractionKind, NodeKind, SourceSpec, columns_read
from kg.schema.yaml_text import read_yaml
from kg.sources.guess.guessed import Guess, GuessError
from kg.sources.guess.matching import (
    is_of_events,
    is_same,
    match_interactions,
    match_kinds,
    match_relations,
    section_places,
    share,
)
from kg.sources.guess.mentions import Mentions, place_of
from kg.sources.guess.not_taken import gone_columns, left_out
from kg.sources.guess.translating import Names
from kg.sources.guess.yaml_edits import Append, Edit, Exchange, PutIn, edited

_COLUMNS = ("fields", "lists", "links")
_NAMES = ("label", "text", "available")
_OF_EVENTS = ("time", "weight", "id", "item_kind")


@dataclass(frozen=True)
class Completed:
    """The completed text. `added` says what was inserted, `gone` which columns are no longer there, `left` which parts
    of the files the description does not read and the user has not decided about.
    """

    text: str
    added: tuple[str, ...]
    gone: tuple[str, ...]
    left: tuple[str, ...]


def completed(text: str, schema: DomainSchema, guess: Guess) -> Completed:
    """Add to the text of a description what a new guess over all files has in addition.

    `schema` is the content of the text. Sections are matched by their files, keys, columns and roles, whatever their
    names. A column is new if the description does not read it and its comments do not name it: a column that the user
    removed is not added again. Raises `SchemaError` where the result would not be a description, `GuessError` where the
    text's form does not allow it.
    """
    if schema.graph is not None:
        raise GuessError("the description reads a graph, so files cannot complete it; write one of files with --out")
    completing = _Completing(text, schema, guess)
    completing.look()
    now = edited(text, completing.edits) if completing.edits else text
    result = DomainSchema.from_yaml(now, where="the completed description")
    gone = gone_columns(schema, guess)
    left = left_out(Mentions(now, result), result, guess, completing.reasons)
    return Completed(now, tuple(completing.added), tuple(gone), tuple(left))


class _Completing:
    """The edits to a description, and what they add, in words; `reasons` says why a place was not added."""

    def __init__(self, text: str, schema: DomainSchema, guess: Guess) -> None:
        self._ours, self._theirs, self._seen = schema, guess.schema, guess.seen
        self._mentions = Mentions(text, schema)
        self._kinds = match_kinds(schema, guess.schema)
        self._own, _ = read_yaml(text, "the description")
        self._names = Names(schema, guess.schema, self._kinds)
        self._data = self._names.translated
        self._known = {place for place in self._mentions.read if place}
        self._led_to: set[str] = set()
        self.edits: list[Edit] = []
        self.added: list[str] = []
        self.reasons: dict[str, str] = {}

    def look(self) -> None:
        """Find everything new."""
        for name, our in self._kinds.items():
            self._complete_kind(our, self._ours.nodes[our], self._theirs.nodes[name], self._data["nodes"][our])
        events = match_interactions(self._ours, self._theirs)
        for name, our in events.items():
            self._complete_events(our, self._ours.interactions[our], self._theirs.interactions[name], name)
        relations = match_relations(self._ours, self._theirs)
        for name, our in relations.items():
            sources = self._ours.relations[our].source, self._theirs.relations[name].source
            self._more_files(("relations", our), *sources, self._data["relations"][name])
        new = {
            "relations": self._new(self._theirs.relations, relations),
            "interactions": self._new(self._theirs.interactions, events),
        }
        nodes = self._new_kinds()
        for section, entries in (("nodes", nodes), *new.items()):
            if entries:
                self._put((section,), entries, f"{section}: {', '.join(entries)}")

    def _put(self, path: tuple[str, ...], entries: dict[str, Any], what: str) -> None:
        if entries:
            self.edits.append(PutIn(path, entries))
        self.added.append(what)
        self._led_to |= self._names.led_to(entries)

    def _complete_kind(self, name: str, ours: NodeKind, node: NodeKind, value: dict[str, Any]) -> None:
        shares = share(ours.source, node.source)
        if not node.source or (is_of_events(self._theirs, node) and not shares):
            return
        if not ours.source:
            self._take_table(name, ours, node, value)
        elif shares:
            self._new_columns(name, ours, node, value)
            self._more_files(("nodes", name), ours.source, node.source, value)
        elif is_of_events(self._ours, ours):
            reads = {column for spec in ours.source for column in self._reads(name, spec)} - {ours.key or ""}
            columns = {column for spec in node.source for column in self._seen.get(place_of(spec), ())}
            if lacking := sorted(reads - columns):
                what = (
                    f"{name} reads {', '.join(lacking)} from {', '.join(sorted(section_places(ours)))}, which it lacks"
                )
                self._refuse(node, f"{what}; give {name} this `source` by hand, without what it does not have")
            else:
                self._take_table(name, ours, node, value)
        else:
            from_ = ", ".join(sorted(section_places(ours)))
            self._refuse(
                node, f"{name} is read from {from_} already; if it has more of them, add it to its `source` by hand"
            )

    def _reads(self, name: str, spec: SourceSpec) -> set[str]:
        """Columns of a source that a kind reads and the events do not."""
        sections = {"nodes": {name: self._ours.nodes[name]}, "relations": {}, "interactions": {}}
        alone = self._ours.model_copy(update=sections)
        return {column for source, uses in columns_read(alone) if source == spec for column in uses}

    def _refuse(self, node: NodeKind, reason: str) -> None:
        for place in section_places(node):
            self.reasons.setdefault(place, reason)

    def _take_table(self, name: str, ours: NodeKind, node: NodeKind, value: dict[str, Any]) -> None:
        """Give its table to a kind that had none."""
        written = self._own["nodes"].get(name) or {}
        for key in ("source", "key"):
            if key in written and written[key] != value.get(key) and key in value:
                self.edits.append(Exchange(("nodes", name, key), value[key]))
        new = {key: part for key, part in value.items() if key not in written and key != "role"}
        self._put(("nodes", name), new, f"{name}: {', '.join(sorted(section_places(node)))} as its table")
        for part in _COLUMNS:
            entries = {c: e for c, e in value.get(part, {}).items() if c not in (written.get(part) or {})}
            entries = entries if part not in new else {}
            if entries:
                self._put(("nodes", name, part), entries, f"{name}: {', '.join(entries)} under {part}")

    def _new_columns(self, name: str, ours: NodeKind, node: NodeKind, value: dict[str, Any]) -> None:
        """Add new columns of the table of a kind."""
        is_new = self._newness(ours.source, node.source)
        written = self._own["nodes"].get(name) or {}
        for part in _NAMES:
            columns = [value[part]] if isinstance(value.get(part), str) else value.get(part) or []
            if part not in written and isinstance(columns, list) and any(map(is_new, columns)):
                self._put(("nodes", name), {part: value[part]}, f"{name}: {part} {', '.join(columns)}")
        for part in _COLUMNS:
            entries = {column: entry for column, entry in (value.get(part) or {}).items() if is_new(column)}
            entries = {column: entry for column, entry in entries.items() if column not in (written.get(part) or {})}
            if entries:
                self._put(("nodes", name, part), entries, f"{name}: {', '.join(entries)} under {part}")

    def _newness(self, ours: Iterable[SourceSpec], other: Iterable[SourceSpec]) -> Any:
        """Whether a column is new in a file; in files without a header only the description names columns."""
        ours = list(ours)
        same = [spec for spec in other if share(ours, [spec])]
        places = {place_of(spec) for spec in same} | {place_of(spec) for spec in ours if share(same, [spec])}
        if any(spec.columns is not None for spec in ours):
            return lambda _: False
        return lambda column: not any(self._mentions.knows(place, column) for place in places)

    def _more_files(
        self, path: tuple[str, ...], ours: Iterable[SourceSpec], other: Iterable[SourceSpec], value: Any
    ) -> None:
        """Add new files of a section: another year of the events, another part of a table."""
        ours = list(ours)
        sources = value["source"] if isinstance(value["source"], list) else [value["source"]]
        for spec, source in zip(other, sources, strict=True):
            if not any(is_same(known, spec) for known in ours) and place_of(spec) not in self._known:
                self.edits.append(Append((*path, "source"), source))
                self.added.append(f"{path[1]}: {place_of(spec)} under source")

    def _complete_events(self, name: str, ours: InteractionKind, other: InteractionKind, theirs: str) -> None:
        value = self._data["interactions"][theirs]
        self._more_files(("interactions", name), ours.source, other.source, value)
        if ours.columns is None or other.columns is None:
            return
        is_new = self._newness(ours.source, other.source)
        written = self._own["interactions"][name]
        entries = {}
        for role in _OF_EVENTS:
            column = getattr(other.columns, role)
            if column is not None and getattr(ours.columns, role) is None and "." not in column and is_new(column):
                entries[role] = column
        if not entries:
            return
        roles = ", ".join(f"{role} {column}" for role, column in entries.items())
        self._put(("interactions", name, "columns"), entries, f"{name}: {roles}")
        needed = ["time_format"] if "time" in entries else []
        # A rule for dislikes must fit the one for likes.
        needed += ["positive", "negative"] if "weight" in entries and "positive" not in written else []
        further = {key: value[key] for key in needed if key in value and key not in written}
        if further:
            self._put(("interactions", name), further, f"{name}: {', '.join(further)}")

    def _new(self, sections: Mapping[str, Any], matched: Mapping[str, str]) -> dict[str, Any]:
        """Add relations or interactions of new files, or of new rows of a known file."""
        kind = "relations" if sections is self._theirs.relations else "interactions"
        new = {}
        for name, section in sections.items():
            if name in matched:
                continue
            known = not self._known.isdisjoint(section_places(section)) or share(self._sources(), section.source)
            picked = [value for values in section.where.values() for value in values]
            if known and (not picked or any(map(self._mentions.names, picked))):
                continue
            new_name = self._names.new(kind, name)
            new[new_name] = self._data[kind][name]
            self._led_to |= self._names.led_to({new_name: new[new_name]})
        return new

    def _sources(self) -> Iterator[SourceSpec]:
        for sections in (self._ours.nodes, self._ours.relations, self._ours.interactions):
            for section in sections.values():
                yield from section.source

    def _new_kinds(self) -> dict[str, Any]:
        """Add the kinds that new relations or interactions lead to, and those of new tables."""
        unmatched = {self._names.kind(n): node for n, node in self._theirs.nodes.items() if n not in self._kinds}
        wanted = [n for n, node in unmatched.items() if node.source and not share(self._sources(), node.source)]
        wanted += [name for name in unmatched if name in self._led_to]
        kinds: dict[str, Any] = {}
        while wanted:
            name = wanted.pop(0)
            if name not in kinds:
                kinds[name] = self._data["nodes"][name]
                wanted += [n for n in unmatched if n in self._names.led_to({name: kinds[name]})]
        return {name: kinds[name] for name in unmatched if name in kinds}
