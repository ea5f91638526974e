"""Find the files and columns of events, where users meet items directly or through a linking table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kg.schema import Role
from kg.sources.guess.code_tables import read_out
from kg.sources.guess.item_lists import item_list
from kg.sources.guess.list_forms import ListForm
from kg.sources.guess.node_tables import source_of
from kg.sources.guess.opinions import takes_back
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.references import Reference
from kg.sources.guess.signal_words import is_signal_name
from kg.sources.guess.signals import UNSURE, Meaning, Signal, signal_among
from kg.sources.guess.values import counts_seconds, is_year, other_pattern, time_format
from kg.sources.guess.verbs import verb_for
from kg.sources.guess.words import (
    SOCIAL_NAME,
    TIME_WORDS,
    is_item_name,
    is_session_name,
    is_user_name,
    is_whole,
    kind_name,
    names_item,
    names_user,
    plain,
    stem_of,
    table_name,
)

_SAME = 0.8
"""Share of common values from which two columns hold ids of one kind."""

_KNOWN_IDS = 0.5
"""Share of its ids that a further file of events must have in common with the first."""


@dataclass(frozen=True)
class Meeting:
    """A file of events: its item column, its user column, and the linking table with the user, if there is one."""

    file: FileProfile
    user: ColumnProfile
    item: ColumnProfile
    via: Reference | None = None
    several: ListForm | None = None
    """How several items are written in a cell; `item` then has each of them as a value."""
    doubts: tuple[str, ...] = ()
    """Other columns that user and item may be, where these are nearly as likely."""


def find_meetings(files: Sequence[FileProfile], found: Sequence[Reference]) -> list[Meeting]:
    """Files of events, of the surest sort only: by the names of both columns, through a linking table, then by foreign
    keys alone, then by sessions in place of users, then two columns of ids."""
    direct, linked, by_key, by_session, bare, by_list = [], [], [], [], [], []
    keys = [(f, key) for f in files if (key := f.key()) is not None]
    for file in files:
        own = file.key()
        ids = _possible_ids(file)
        users = [c for c in ids if is_user_name(c.name) and not _owns(file, c, is_user_name)]
        # A name decides between users and items only where nothing better does.
        is_table = own is not None and (is_item_name(own.name) or is_user_name(own.name))
        users = users or [c for c in ids if names_user(c.name) and c is not own and not is_table]
        lists = _lists_of_items(file, keys)
        items = [c for c in ids if is_item_name(c.name) and c not in users and not _owns(file, c, is_item_name)]
        listed = {column.name for column, _ in lists}
        items = [c for c in items if c.name not in listed]
        named = [
            c
            for c in ids
            if c.name not in listed and names_item(c.name) and c not in users and c is not own and not is_table
        ]
        if not items or (all(is_whole(c.name) for c in items) and any(not is_whole(c.name) for c in named)):
            items = [c for c in named if not is_whole(c.name)] or named
        items.sort(key=lambda c: _item_rank(c, files))
        if lists and not items and (owners := users or [c for c in ids if is_session_name(c.name)]):
            inside = next(((column, form) for column, form in lists if column.name != owners[0].name), None)
            if inside is not None:
                by_list.append(Meeting(file, owners[0], inside[0], several=inside[1]))
        references = {r.column.name: r for r in found if r.file is file}
        # In a file without a header the names user and item are made up here, and the pairs may be friends.
        if users and items and (len(files) == 1 or file.spec.columns != ("user", "item")):
            direct.append(Meeting(file, users[0], items[0], doubts=(*_other("users", users), *_other("items", items))))
        for reference in references.values():
            other = reference.target
            others = [c for c in other.columns.values() if is_user_name(c.name) and c is not other.key()]
            if items and others and not users and reference.column not in items:
                linked.append(Meeting(file, others[0], items[0], via=reference))
        if users:
            by_key += [Meeting(file, users[0], r.column) for r in references.values() if r.column is not users[0]][:1]
        sessions = [c for c in ids if c not in items and is_session_name(c.name) and len(c.values) < c.filled]
        if items and sessions:
            by_session.append(Meeting(file, sessions[0], items[0]))
        if len(ids) >= 2 and own is None and len(file.columns) <= 5 and all(len(c.values) < c.filled for c in ids[:2]):
            user, item = ids[:2]
            if _is_item_key(user, file, files) and not _is_item_key(item, file, files):
                user, item = item, user
            doubt = (
                f"users are taken from {user.name} and items from {item.name}, by their place alone;"
                " it may be the other way round"
            )
            doubts = () if _is_item_key(item, file, files) else (doubt,)
            bare.append(Meeting(file, user, item, doubts=doubts))
    # Without a header only the file's name says that it pairs users with users.
    unnamed = [m for m in direct if m.file.spec.columns is not None and SOCIAL_NAME.search(m.file.name)]
    direct = [m for m in direct if m not in unnamed] or direct
    return direct or linked or by_list or by_key or by_session or _alike(bare)


def _other(what: str, found: Sequence[ColumnProfile]) -> Iterator[str]:
    """Another column of different ids for the same role, such as `customer_unique_id` beside `customer_id`."""
    first = found[0]
    for other in found[1:]:
        named = stem_of(other.name) != plain(other.name) and stem_of(first.name) != plain(first.name)
        if named and len(other.values) != len(first.values) and len(other.values) > 1:
            yield f"{what} are taken from {first.name}; {other.name} may hold them as well"
            return


def _lists_of_items(
    file: FileProfile, keys: Sequence[tuple[FileProfile, ColumnProfile]]
) -> list[tuple[ColumnProfile, ListForm]]:
    """The columns of a file that hold several items in a cell, each as a column of single items."""
    of_tables = [key for f, key in keys if f is not file and not is_user_name(f.name) and not f.spec.rest]
    columns = [c for c in file.columns.values() if not c.is_number]
    return [found for c in columns if (found := item_list(c, of_tables)) is not None]


def _alike(bare: Sequence[Meeting]) -> list[Meeting]:
    """The first pair of id columns of two kinds (friends are of one), and the other pairs of the same ids."""
    apart = [m for m in bare if m.user.share_in(m.item) < _SAME or m.item.share_in(m.user) < _SAME]
    first = next(iter(apart or bare), None)
    if first is None:
        return []
    rest = [m for m in (apart or bare) if m is not first]
    share = _KNOWN_IDS
    return [first, *(m for m in rest if m.user.share_in(first.user) >= share and m.item.share_in(first.item) >= share)]


def _is_item_key(column: ColumnProfile, file: FileProfile, files: Sequence[FileProfile]) -> bool:
    """Whether a column's values are the keys of a table that is called after items."""
    keys = [f.key() for f in files if f is not file and is_item_name(f.name)]
    return any(column.share_in(key) >= 0.5 for key in keys if key is not None)


def _possible_ids(file: FileProfile) -> list[ColumnProfile]:
    return [column for column in file.columns.values() if is_id(column)]


def is_id(column: ColumnProfile) -> bool:
    """Whether a column may hold ids of users or items: neither times nor fractions nor lists."""
    if not column.name or not column.filled or column.lists or (column.is_number and not column.is_integer):
        return False
    # Ten digits may be an ISBN or seconds: the name decides.
    named = is_user_name(column.name) or is_item_name(column.name) or is_session_name(column.name)
    if not named and names_item(column.name):
        return len(column.values) > 1
    return named or (time_format(column) is None and not is_signal_name(column.name))


def _owns(file: FileProfile, column: ColumnProfile, is_named: Callable[[str], bool]) -> bool:
    """Whether a column is the key of a table about what it names; a file of events may have each user only once."""
    if column is not file.key():
        return False
    others = [c for c in file.columns.values() if c is not column and c.name]
    events = any((is_user_name(c.name) or is_item_name(c.name)) and is_id(c) for c in others)
    return is_named(file.name) or not events or file.suffix in (Role.ITEM.value, Role.USER.value)


def _item_rank(column: ColumnProfile, files: Sequence[FileProfile]) -> tuple[bool, bool, bool]:
    """Sort key: a column whose values are a table's keys first, then one called item, then a sure name."""
    keys = [key for file in files if (key := file.key()) is not None and plain(key.name) == plain(column.name)]
    return not any(column.share_in(key) for key in keys), stem_of(column.name) != "item", not is_item_name(column.name)


_TIME_NAME = re.compile(r"(^|_)(at|since|on|ts|dt|utc)$|[a-z](At|Since|On|Ts)$|time|date|hour", re.IGNORECASE)

_TAG_NAME = re.compile(r"^(hash)?(tag|keyword|topic|genre|标签|schlagwort|etiqueta|mot.?cle)s?$", re.IGNORECASE)


def tag_column(meeting: Meeting) -> ColumnProfile | None:
    """The column of tags that users gave to items."""
    columns = [c for c in meeting.file.columns.values() if c not in (meeting.user, meeting.item)]
    return next((c for c in columns if c.filled and not c.is_number and _TAG_NAME.search(plain(c.name))), None)


@dataclass(frozen=True)
class Described:
    """Sections of interactions by name, and notes."""

    sections: dict[str, dict[str, Any]]
    notes: list[str]
    explained_by: tuple[FileProfile, ...] = ()
    """Tables that the guess used and the section does not read."""


def describe_meeting(
    meeting: Meeting,
    name: str,
    files: Sequence[FileProfile],
    *,
    learnt: bool,
    facts: Sequence[str] = (),
    tables: Sequence[FileProfile] = (),
) -> Described:
    """The sections of the interactions in a file, one, or one per kind of event, and notes.

    `files` are all parts of the same table; `facts` are columns with facts of the items; `tables` may explain codes.
    An interaction that is kept but not learned from has no positive event.
    """
    file, via = meeting.file, meeting.via
    notes: list[str] = [f"{UNSURE}{name}: {doubt}" for doubt in meeting.doubts]
    joined = _via_name(via.target) if via is not None else ""
    columns: dict[str, Any] = {
        "user": f"{joined}.{meeting.user.name}" if via is not None else meeting.user.name,
        "item": meeting.item.name,
    }
    sources = [source_of(each.spec) for each in files]
    section: dict[str, Any] = {"source": sources[0] if len(sources) == 1 else sources, "columns": columns}
    if meeting.several is not None:
        section["several"] = meeting.several.described
        notes.append(f"{name}: {meeting.item.name} holds several items in a cell: each is an event")
    if via is not None:
        key = via.target.key()
        section["via"] = {joined: {"source": source_of(via.target.spec), "key": key.name if key else via.column.name}}
        if key is not None and key.name != via.column.name:
            section["via"][joined]["match"] = via.column.name
        notes.append(f"{file.name} and users meet over {via.target.name} ({via.column.name})")
    taken = {meeting.user.name, meeting.item.name, *([via.column.name] if via is not None else [])}
    rest = [c for c in file.columns.values() if c.name not in taken and c.name and c.name not in facts]
    time = named_column(rest, TIME_WORDS, times=True)
    prefix = ""
    if time is None and via is not None:
        time = named_column(list(via.target.columns.values()), TIME_WORDS, times=True)
        prefix = f"{joined}."
    if time is None:
        time = next((c for c in rest if is_year(c)), None)
    if time is not None:
        columns["time"] = f"{prefix}{time.name}"
        form = time_format(time) or "%Y"
        if form not in (None, "auto"):
            section["time_format"] = form
        notes.append(
            f"{name}: {prefix}{time.name} is the time ({'unix seconds or ISO 8601' if form == 'auto' else form})"
        )
        if form is not None and (other := other_pattern(time, form)) is not None:
            notes.append(f"{UNSURE}{name}: {time.name} reads as {form} and as {other}; correct `time_format` if needed")
    own = file.key()
    rest = [c for c in rest if c is not time and time_format(c) is None]
    signal = signal_among([c for c in rest if c is not own])
    signal_prefix = ""
    if signal is None and via is not None:
        # The status of an order applies to its rows.
        others = [
            c for c in via.target.columns.values() if c.name and c is not meeting.user and c is not via.target.key()
        ]
        signal = signal_among([c for c in others if time_format(c) is None])
        signal_prefix = f"{joined}."
    if (
        own is not None
        and meeting.several is None
        and own not in (time, meeting.user, meeting.item)
        and (signal is None or own is not signal.column)
    ):
        columns["id"] = own.name
        notes.append(f"{name}: {own.name} is different in every row: the event's id")
    explained: tuple[FileProfile, ...] = ()
    if signal is not None and signal.meaning is Meaning.CODE and (told := read_out(signal, tables)) is not None:
        signal, explained = told[0], (told[1],)
    found = ruled(section, name, signal, learnt=learnt, prefix=signal_prefix)
    return Described(found.sections, notes + found.notes, explained)


def _via_name(table: FileProfile) -> str:
    """Name of a linking table; the name of a sheet may be any text."""
    return kind_name(table.name) if table.spec.sheet is not None else table_name(table.path)


def ruled(
    section: dict[str, Any], name: str, signal: Signal | None, *, learnt: bool, prefix: str = "", words: str = ""
) -> Described:
    """The section, or one per kind of event, with its rule for positive events.

    `prefix` is the prefix of a column of a path in a graph; `words` are names of the interaction, for the verb.
    """
    notes: list[str] = []
    unsure = "" if signal is None or signal.sure else UNSURE
    verb = verb_for(words or name, signal)
    as_number = signal is not None and signal.column.is_number and signal.meaning not in (Meaning.WORDS, Meaning.EVENT)
    if signal is not None and as_number:
        section.setdefault("columns", {})["weight"] = f"{prefix}{signal.column.name}"
    if not learnt:
        verb = verb_for(words or name, None, otherwise="saw")
        section |= {"positive": False, "label": verb}
        if verb not in ("viewed", "saw", "put in the cart"):
            section["excludes"] = True
        notes.append(
            f"{name}: kept but not learned from (`positive: false`), as there are ratings or purchases beside it"
        )
    elif signal is None:
        section["label"] = verb
        notes.append(f"{name}: every event is positive, as no column tells a like from a dislike")
    elif as_number:
        told = f"{name}: {signal.column.name} is a {signal.meaning} ({signal.why})"
        other = f"; {signal.other}" if signal.other else ""
        if signal.meaning is Meaning.CODE:
            notes.append(
                f"{unsure}{told}: every event is positive; say which are not, with `where` and `positive: false`, or"
                f" `positive: {{weights: […]}}`{other}"
            )
        elif signal.least is None and signal.most is not None:
            section["positive"] = {"max_weight": signal.most}
            notes.append(f"{unsure}{told}: {signal.most:g} and less is positive{other}")
        elif signal.least is not None:
            section["positive"] = {"min_weight": signal.least}
            if signal.most is not None:
                section["positive"]["max_weight"] = signal.most
            notes.append(f"{unsure}{told}: {signal.least:g} and more is positive{other}")
        else:
            notes.append(f"{unsure}{told}: every event is positive{other}")
        section["label"] = verb
    else:
        return _by_words(section, name, signal, f"{prefix}{signal.column.name}", unsure)
    return Described({name: section}, notes)


def _by_words(section: dict[str, Any], name: str, signal: Signal, where: str, unsure: str) -> Described:
    """One section per kind of event, or one for likes and one for the rest."""
    column = signal.column
    notes: list[str] = []
    if signal.meaning is Meaning.EVENT:
        groups = [(value, [value], value in signal.likes) for value in (*signal.likes, *signal.others)]
    else:
        groups = [(name, list(signal.likes), True), (f"not_{name}", list(signal.others), False)]
    sections: dict[str, dict[str, Any]] = {}
    for title, values, liked in groups:
        if not values:
            continue
        own = {**section, "where": {**section.get("where", {}), where: values if len(values) > 1 else values[0]}}
        if not liked:
            own["positive"] = False
            if signal.meaning is not Meaning.EVENT or takes_back(title):
                own["excludes"] = True
        # A user's opinion of an item says more than a view.
        unliked = "saw" if signal.meaning is Meaning.EVENT else "did not like"
        own["label"] = verb_for(title, None, otherwise="liked" if liked else unliked)
        key = kind_name(title)
        while key in sections:
            key += "_"
        sections[key] = own
    likes = ", ".join(signal.likes) or "none"
    told = f"{name}: {column.name} {signal.why}: positive are {likes}"
    rest = f"; not {', '.join(signal.others)}" if signal.others else ""
    notes.append(f"{unsure}{told}{rest}" + (f"; {signal.other}" if signal.other else ""))
    if column.missing:
        notes.append(f"{name}: {column.missing:,} rows without a value in {column.name} are left out")
    return Described(sections, notes)


def named_column(columns: list[ColumnProfile], words: tuple[str, ...], *, times: bool) -> ColumnProfile | None:
    """The column named like one of the words, the surer word first; with `times` only columns of times."""
    fitting = [c for c in columns if c.filled and (not times or time_format(c) is not None)]
    if times:
        # A value that is the same in all rows, such as the time of an export, is no evidence where there is another.
        fitting = [c for c in fitting if len(c.values) > 1] or fitting
    for word in words:
        for column in fitting:
            if plain(column.name) == word or (len(word) > 3 and plain(column.name).endswith(word)):
                return column
    if not times:
        return None
    return next(
        (c for c in fitting if _TIME_NAME.search(c.name) or not c.is_number),
        next((c for c in fitting if counts_seconds(c)), None),
    )
