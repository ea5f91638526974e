"""`guess_domain`: guess a first domain description from files alone."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kg.schema import DomainSchema, IdMap, Role, SourceFormat
from kg.schema.files import file_names
from kg.sources.guess.column_table import column_table
from kg.sources.guess.flat import table_within
from kg.sources.guess.guessed import Guess, GuessError
from kg.sources.guess.interactions import Described, describe_meeting
from kg.sources.guess.keys import with_used_keys
from kg.sources.guess.meetings import Meeting, find_meetings, tag_column
from kg.sources.guess.mentions import place_of
from kg.sources.guess.node_tables import describe_nodes, source_of
from kg.sources.guess.opinions import says_dislike, table_takes_back
from kg.sources.guess.parts import as_one_table, common_name, same_tables, split_word
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.profiling import profile_file
from kg.sources.guess.rdf_items import rdf_items
from kg.sources.guess.references import references
from kg.sources.guess.rows_of_items import as_rows_of_items
from kg.sources.guess.seen import what_was_seen, why_not_used
from kg.sources.guess.side_tables import Side, friends, hierarchy, properties
from kg.sources.guess.signal_words import RATING_WORDS
from kg.sources.guess.signals import UNSURE
from kg.sources.guess.sniffing import NothingInIt
from kg.sources.guess.table_of import table_of
from kg.sources.guess.triples import describe_triples, is_edges, map_columns
from kg.sources.guess.unread import unread_columns
from kg.sources.guess.values import is_category
from kg.sources.guess.verbs import verb_for
from kg.sources.guess.words import kind_name, plain, stem_of, untaken
from kg.sources.open_source import read_id_map

_NEGATIVES = re.compile(r"negative|(^|[^a-z])neg([^a-z]|$)", re.IGNORECASE)


def guess_domain(files: Iterable[str | Path], folder: str | Path = ".") -> Guess:
    """Guess a domain from files. Paths in the description are relative to `folder`, where it will be written.

    Raises `GuessError` where users and items cannot be recognised, `SourceError` for a file that cannot be read.
    """
    paths = [Path(f) for f in files]
    if not paths:
        raise GuessError("no files given; name the files with users, items and what users did")
    base = Path(folder).resolve()
    profiles: list[FileProfile] = []
    empty: list[NothingInIt] = []
    seen: dict[str, tuple[str, ...]] = {}
    for path in dict.fromkeys(paths):
        try:
            tables = profile_file(path, _relative(path, base))
            profiles.extend(tables)
            seen |= {place_of(table.spec): tuple(table.columns) for table in tables}
        except NothingInIt as error:
            empty.append(error)
            seen[_relative(path, base)] = ()
    if not profiles:
        raise empty[0]
    notes = [f"{UNSURE}{error}" for error in empty]
    return replace(_Guessing(with_used_keys(as_rows_of_items(profiles)), base, notes).guess(), seen=seen)


def _relative(path: Path, base: Path) -> str:
    """The path from `base`; a link keeps its own name, which has the format's ending, and is followed when it is
    read."""
    try:
        return Path(os.path.relpath(path.parent.resolve() / path.name, base)).as_posix()
    except (OSError, RuntimeError, ValueError):  # another drive, a loop of links, an invalid name: reading reports it
        return path.as_posix()


def _outside(schema: DomainSchema, base: Path) -> tuple[Path, ...]:
    """Folders of the files that are not under `base`, without those inside another."""
    folders = {(base / name).resolve().parent for name in file_names(schema)}
    folders = {folder for folder in folders if not folder.is_relative_to(base)}
    return tuple(sorted(folder for folder in folders if folders.isdisjoint(folder.parents)))


class _Guessing:
    """The guess in progress: sections as plain data, notes, and the files that are used so far."""

    def __init__(self, files: Sequence[FileProfile], base: Path, notes: Sequence[str]) -> None:
        self._base = base
        self._files = files
        self._maps = [f for f in files if map_columns(f) is not None]
        self._tables = as_one_table([f for f in files if not is_edges(f) and f not in self._maps])
        self._references = references(self._tables)
        self._notes: list[str] = [*notes, *(f"{f.title}: {note}" for f in files for note in f.notes)]
        self._nodes: dict[str, Any] = {}
        self._relations: dict[str, Any] = {}
        self._interactions: dict[str, Any] = {}
        self._kinds: dict[tuple[Path, str | None], str] = {}
        self._made: dict[str, str] = {}
        self._used: set[tuple[Path, str | None]] = set()
        self._facts_within: tuple[str, ...] = ()
        self._event_files: set[tuple[Path, str | None]] = set()

    def guess(self) -> Guess:
        meetings = find_meetings(self._tables, self._references)
        # Negative samples, which programs draw for training.
        drawn = [m for m in meetings if _NEGATIVES.search(m.file.name)]
        meetings = [m for m in meetings if m not in drawn]
        if not meetings:
            raise GuessError(
                "no file shows users and items together (columns such as user_id and item_id); add the file with what "
                "users did, or write domain.yaml by hand"
                + "".join(f"\n  {what_was_seen(file)}" for file in self._files)
            )
        self._used.update(m.file.place for m in drawn)
        self._notes += [f"{m.file.title}: not used; by its name it holds pairs that are no events" for m in drawn]
        first = meetings[0]
        self._event_files = {m.file.place for m in meetings}
        item_kind = self._items(first, meetings)
        self._users(first, item_kind)
        self._events(meetings, item_kind)
        self._linking_files(item_kind)
        self._side_tables(first, item_kind)
        self._edges(first, item_kind)
        for kind in self._made:
            self._nodes.setdefault(kind, {})
        for file in self._files:
            if file.place not in self._used:
                self._notes.append(f"{file.title}: not used; {why_not_used(file, first.item)}")
        described: dict[str, Any] = {"name": kind_name(self._base.name) or "domain", "nodes": self._nodes}
        if self._relations:
            described["relations"] = self._relations
        described["interactions"] = self._interactions
        schema = DomainSchema.from_mapping(described, "the guessed description")
        for file, columns in unread_columns(schema, self._files):
            self._notes.append(f"{file.title}: not read: {', '.join(columns)}")
        outside = _outside(schema, self._base)
        if outside:
            needed = " ".join(f"--allow-outside {shlex.quote(str(folder))}" for folder in outside)
            self._notes.append(f"some files are not in this folder: `whypath load` needs {needed}")
        columns = column_table(schema, self._files, self._notes)
        return Guess(schema, tuple(self._notes), outside=outside, columns=columns)

    def _items(self, meeting: Meeting, meetings: Sequence[Meeting]) -> str:
        table = self._table_of(meeting.file, meeting.item, Role.ITEM)
        if table is None and (table := self._table_within(meeting, meetings)) is not None:
            self._facts_within = tuple(c for c in table.columns if c != meeting.item.name)
        if table is None:
            kind = self._new_kind(stem_of(meeting.item.name) or "item")
            for file in self._files:
                if file.spec.resolved_format is SourceFormat.RDF:
                    described = rdf_items(file, set(meeting.item.values))
                    if described is not None:
                        self._nodes[kind] = described
                        self._notes.append(f"{kind}: items are subjects of {file.title}{_label_note(described)}")
                        return kind
            if meeting.several is not None or len(meetings) > 1:
                self._nodes[kind] = {"role": "item"}
                self._notes.append(f"{kind}: items are all keys with an event")
                return kind
            source = source_of(meeting.file.spec)
            self._nodes[kind] = {"role": "item", "source": source, "key": meeting.item.name}
            self._notes.append(f"{kind}: items are the values of {meeting.file.title}, column {meeting.item.name}")
            return kind
        return self._table_kind(table, Role.ITEM, meeting.item)

    def _table_within(self, meeting: Meeting, meetings: Sequence[Meeting]) -> FileProfile | None:
        """Describe items by columns of the events, in all files of the same events."""
        others = [c for c in meeting.file.columns.values() if c not in (meeting.user, meeting.item)]
        table = table_within(meeting.file, meeting.item, others)
        if table is not None:
            names = ", ".join(c for c in table.columns if c != meeting.item.name)
            self._notes.append(f"{table.title}: {names} have one value for each {meeting.item.name}: facts of items")
            alike = [m.file for m in meetings if set(table.columns) <= m.file.columns.keys()]
            if len(alike) < len(meetings):
                return None if len(meetings) > 1 else table
            return replace(table, parts=tuple(alike)) if len(alike) > 1 else table
        return table

    def _users(self, meeting: Meeting, item_kind: str) -> None:
        file = meeting.via.target if meeting.via is not None else meeting.file
        table = self._table_of(file, meeting.user, Role.USER)
        if table is not None and table.place not in self._used:
            self._table_kind(table, Role.USER, meeting.user)
            return
        stem = stem_of(meeting.user.name)
        kind = self._new_kind(stem if stem not in ("", item_kind) else "user")
        self._nodes[kind] = {"role": "user"}
        self._notes.append(f"{kind}: users are all keys with an event")

    def _table_of(self, file: FileProfile, column: ColumnProfile, role: Role) -> FileProfile | None:
        return table_of(file, column, role, self._tables, self._references, self._event_files)

    def _table_kind(self, table: FileProfile, role: Role, column: ColumnProfile | None = None) -> str:
        """Describe a table as a node kind, and the tables that its foreign keys lead to."""
        if table.place in self._kinds:
            return self._kinds[table.place]
        key = table.key()
        if key is None:
            raise GuessError(f"{table.title}: no column is different in every row, so it has no key")
        atomic = table.spec.resolved_format is SourceFormat.RECBOLE
        of_events = table.key_name == key.name and self._facts_within
        if column is not None and (atomic or (of_events and column.name == key.name)):
            name = stem_of(column.name)
        else:
            name = common_name(table.parts or (table,))
        kind = self._new_kind(name)
        self._kinds[table.place] = kind
        self._used.update(part.place for part in table.parts or (table,))
        links = {}
        for reference in self._references if role is not Role.USER else ():
            target = reference.target
            if reference.file is not table or reference.column is key:
                continue
            if target.place not in self._used:
                links[reference.column.name] = self._table_kind(target, Role.ENTITY)
            elif target.place in self._kinds:
                links[reference.column.name] = self._kinds[target.place]
        self._nodes[kind] = {}  # so that it comes before the kinds that its columns make
        described, notes = describe_nodes(table, kind, role, key, links, self._made)
        self._nodes[kind] = described
        self._notes.append(f"{kind}: {role.value} kind from {table.title}, key {key.name}" + _label_note(described))
        self._notes += notes
        return kind

    def _events(self, meetings: Sequence[Meeting], item_kind: str) -> None:
        weighted = [m for m in meetings if any(plain(c) in RATING_WORDS for c in m.file.columns)]
        for parts in same_tables(meetings):
            meeting = parts[0]
            learnt = not weighted or meeting in weighted
            tag = tag_column(meeting) if not learnt and len(parts) == 1 else None
            if tag is not None:
                kind = kind_name(tag.name)
                self._made.setdefault(kind, tag.name)
                self._relate(meeting.file, item_kind, meeting.item.name, kind, tag.name)
            else:
                self._event_table(meeting, [part.file for part in parts], learnt=learnt)

    def _event_table(self, meeting: Meeting, files: Sequence[FileProfile], *, learnt: bool) -> None:
        """Add the interactions of a table of events; `files` are its parts."""
        atomic = meeting.file.spec.resolved_format is SourceFormat.RECBOLE
        name = untaken("interaction" if atomic else kind_name(common_name(files)), self._interactions)
        described = describe_meeting(
            meeting,
            name,
            files,
            learnt=learnt,
            facts=self._facts_within,
            tables=[f for f in self._tables if f not in files],
        )
        described = self._taken_back(name, described, learnt=learnt)
        for section_name, section in described.sections.items():
            self._interactions[untaken(section_name, self._interactions)] = section
        linking = [meeting.via.target] if meeting.via is not None else []
        self._used.update(table.place for table in (*files, *linking, *described.explained_by))
        shown = ", ".join(file.title for file in files)
        self._notes.append(f"{name}: events from {shown} ({meeting.user.name}, {meeting.item.name})")
        held = [file.title for file in files if split_word(file.name)]
        if held:
            self._notes.append(
                f"{UNSURE}{name}: {', '.join(held)} may be parts of a split (train, test); all their events are "
                "loaded; take a file out of `source` to keep it for tests"
            )
        self._notes += described.notes

    def _taken_back(self, name: str, described: Described, *, learnt: bool) -> Described:
        """Make no event positive if the name says so, and if it says so less clearly, unless a column tells likes."""
        if says_dislike(name):
            doubt, said = "", "dislike"
        elif learnt and table_takes_back(name) and _says_nothing(described.sections):
            doubt, said = UNSURE, "that something is taken back"
        else:
            return described
        for section in described.sections.values():
            section |= {"positive": False, "excludes": True, "label": verb_for(name, None, "took back")}
            section.pop("negative", None)
            if not doubt:
                section["negative"] = True
        self._notes.append(f"{doubt}{name}: the name says {said}: no event is positive")
        return replace(described, notes=[note for note in described.notes if "every event is positive" not in note])

    def _linking_files(self, item_kind: str) -> None:
        """Add tables between items and other nodes: film_actor, or a column of values per item."""
        for file in self._tables:
            keys = [r for r in self._references if r.file is file]
            heads = [r.column for r in keys if self._kinds.get(r.target.place) == item_kind]
            # A table with one row per item may still join it to another node.
            if file.place in self._used or not heads or (heads[0] is file.key() and len(keys) < 2):
                continue
            for reference in keys:
                if reference.column is not heads[0] and self._kinds.get(reference.target.place) != item_kind:
                    tail = self._table_kind(reference.target, Role.ENTITY)
                    self._relate(file, item_kind, heads[0].name, tail, reference.column.name)
            if len(keys) == 1:
                self._link_values(file, item_kind, heads[0])

    def _link_values(self, file: FileProfile, item_kind: str, head: ColumnProfile) -> None:
        """Relate items to the values of the only category in a table."""
        values = [c for c in file.columns.values() if c is not head and is_category(c)]
        if len(values) == 1:
            tail = kind_name(values[0].name)
            tail = tail if tail in self._made else self._new_kind(tail)
            self._made.setdefault(tail, values[0].name)
            self._relate(file, item_kind, head.name, tail, values[0].name)

    def _relate(self, file: FileProfile, head: str, head_column: str, tail: str, tail_column: str) -> None:
        name = untaken(f"has_{tail}", self._relations)
        self._relations[name] = {
            "head": head,
            "tail": tail,
            "source": source_of(file.spec),
            "columns": {"head": head_column, "tail": tail_column},
            "label": f"has {tail.replace('_', ' ')}",
        }
        self._used.add(file.place)
        self._notes.append(f"{file.title}: relates {head} ({head_column}) and {tail} ({tail_column})")

    def _side_tables(self, meeting: Meeting, item_kind: str) -> None:
        """Add tables of friends, of properties by name, and of categories within categories."""
        user_kind = next(kind for kind, node in self._nodes.items() if node["role"] == Role.USER.value)
        left = [f for f in self._tables if f.place not in self._used]
        for file in left:
            side = friends(file, user_kind, meeting.user) or properties(file, item_kind, meeting.item, self._relations)
            self._take_side(file, side)
        for file in left:
            if file.place not in self._used:
                self._take_side(file, hierarchy(file, [*self._made, *self._nodes]))

    def _take_side(self, file: FileProfile, side: Side | None) -> None:
        if side is None:
            return
        for name, section in side.relations.items():
            self._relations[untaken(name, self._relations)] = section
        for kind, column in side.made.items():
            self._made.setdefault(kind, column)
        self._used.add(file.place)
        self._notes += [f"{file.title}: {note}" for note in side.notes]

    def _edges(self, meeting: Meeting, item_kind: str) -> None:
        edges = [f for f in self._files if is_edges(f)]
        items = self._item_keys(meeting, item_kind)
        for file in edges:
            id_map, mapped = self._id_map(items)
            taken = self._taken_relations()
            sections, notes = describe_triples(file, item_kind, items, id_map, mapped, taken)
            self._notes += [f"{file.title}: {note}" for note in notes]
            if not sections:
                continue
            self._relations |= sections
            self._used.add(file.place)
            kinds = {kind for s in sections.values() for end in ("head", "tail") for kind in s[end]}
            if "entity" in kinds:
                self._nodes.setdefault("entity", {})
            about = f"{file.title}: {len(sections)} relations; an id that is an item's key is that item"
            if item_kind not in kinds:
                about += "; but NO id in it is an item's key: an item map is missing (`map`)"
            self._notes.append(about)

    def _item_keys(self, meeting: Meeting, item_kind: str) -> set[str]:
        table = next((f for f in self._tables if self._kinds.get(f.place) == item_kind), None)
        key = table.key() if table is not None else None
        return set((key or meeting.item).values)

    def _id_map(self, items: set[str]) -> tuple[IdMap | None, dict[str, str]]:
        """The first map that has the items."""
        for file in self._maps:
            item, entity = map_columns(file) or ("", "")
            if not any(v in items for v in file.columns[item].values):
                continue
            described = {"file": file.spec.file, "item": item, "entity": entity}
            for option in ("format", "separator"):
                if getattr(file.spec, option) is not None:
                    described[option] = getattr(file.spec, option)
            id_map = IdMap.model_validate(described)
            self._used.add(file.place)
            self._notes.append(f"{file.title}: says which ids of the triples are items ({entity} -> {item})")
            return id_map, read_id_map(id_map, self._base, allow_outside=[file.path.resolve().parent])
        return None, {}

    def _taken_relations(self) -> set[str]:
        columns = [c for node in self._nodes.values() for s in ("lists", "links") for c in node.get(s, {}).values()]
        return {c["relation"] for c in columns} | set(self._relations)

    def _new_kind(self, name: str) -> str:
        return untaken(kind_name(name), self._nodes)


def _says_nothing(sections: dict[str, dict[str, Any]]) -> bool:
    """Whether no column tells likes from other events."""
    return all("where" not in s and "weight" not in s["columns"] and "positive" not in s for s in sections.values())


def _label_note(described: dict[str, Any]) -> str:
    return f", label {described['label']}" if "label" in described else ""
