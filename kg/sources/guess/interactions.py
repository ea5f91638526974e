"""Where users meet items: the file and columns of events, directly or over a linking table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kg.sources.guess.node_tables import source_of
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.references import Reference
from kg.sources.guess.values import time_format
from kg.sources.guess.words import (
    TIME_WORDS,
    WEIGHT_WORDS,
    is_item_name,
    is_user_name,
    named_like,
    plain,
    table_name,
)

_STARS = ("rating", "score", "stars")
_MOST_STARS, _PERCENT = 20, 100
"""Ends of the scales that ratings have."""

_GOOD_SHARE = 0.8
"""Share of the highest rating from which a rating counts as positive: 4 of 5, 8 of 10."""


@dataclass(frozen=True)
class Meeting:
    """A file of events: its item column, its user column, and the linking table that has the user, if there is one."""

    file: FileProfile
    user: ColumnProfile
    item: ColumnProfile
    via: Reference | None = None


def find_meetings(files: Sequence[FileProfile], found: Sequence[Reference]) -> list[Meeting]:
    """Files of events, the surest kind only: by the names of both columns, over a linking table, then by foreign keys
    alone, then two columns of ids."""
    direct, linked, by_key, bare = [], [], [], []
    for file in files:
        own = file.key()
        users = [c for c in file.columns.values() if is_user_name(c.name) and c is not own]
        items = [c for c in file.columns.values() if is_item_name(c.name) and c is not own and c not in users]
        references = {r.column.name: r for r in found if r.file is file}
        if users and items:
            direct.append(Meeting(file, users[0], items[0]))
        for reference in references.values():
            other = reference.target
            others = [c for c in other.columns.values() if is_user_name(c.name) and c is not other.key()]
            if items and others and not users and reference.column not in items:
                linked.append(Meeting(file, others[0], items[0], via=reference))
        if users:
            by_key += [Meeting(file, users[0], r.column) for r in references.values() if r.column is not users[0]][:1]
        ids = [c for c in file.columns.values() if not c.lists][:2]
        if len(ids) == 2 and own is None and len(file.columns) <= 5 and all(len(c.values) < c.filled for c in ids):
            bare.append(Meeting(file, ids[0], ids[1]))
    return direct or linked or by_key or bare[:1]


def describe_meeting(meeting: Meeting, name: str, *, learnt: bool) -> tuple[dict[str, Any], list[str]]:
    """The section of an interaction, and what was guessed. Not `learnt`: kept, but no event of it is positive."""
    file, via = meeting.file, meeting.via
    notes: list[str] = []
    joined = table_name(via.target.path) if via is not None else ""
    columns: dict[str, Any] = {
        "user": f"{joined}.{meeting.user.name}" if via is not None else meeting.user.name,
        "item": meeting.item.name,
    }
    section: dict[str, Any] = {"source": source_of(file.spec), "columns": columns}
    if via is not None:
        key = via.target.key()
        section["via"] = {joined: {"source": source_of(via.target.spec), "key": key.name if key else via.column.name}}
        if key is not None and key.name != via.column.name:
            section["via"][joined]["match"] = via.column.name
        notes.append(f"{file.name} and users meet over {via.target.name} ({via.column.name})")
    taken = {meeting.user.name, meeting.item.name, *([via.column.name] if via is not None else [])}
    rest = [c for c in file.columns.values() if c.name not in taken]
    time = named_column(rest, TIME_WORDS, times=True)
    prefix = ""
    if time is None and via is not None:
        time = named_column(list(via.target.columns.values()), TIME_WORDS, times=True)
        prefix = f"{joined}."
    if time is not None:
        columns["time"] = f"{prefix}{time.name}"
        form = time_format(time)
        if form not in (None, "auto"):
            section["time_format"] = form
        notes.append(
            f"{name}: {prefix}{time.name} is the time ({'unix seconds or ISO 8601' if form == 'auto' else form})"
        )
    weight = named_column([c for c in rest if c is not time and c.is_number], WEIGHT_WORDS, times=False)
    if weight is not None:
        columns["weight"] = weight.name
    own = file.key()
    if own is not None and own is not time and own is not weight:
        columns["id"] = own.name
        notes.append(f"{name}: {own.name} is different in every row: the event's id")
    if not learnt:
        section["positive"] = False
        notes.append(
            f"{name}: kept but not learnt from (`positive: false`), as there are ratings or purchases beside it"
        )
    elif weight is not None and (least := least_good(weight)) is not None:
        section["positive"] = {"min_weight": least}
        notes.append(f"{name}: {weight.name} goes up to {weight.high:g}: {least} and more is positive")
    else:
        notes.append(f"{name}: every event is positive")
    section["label"] = verb_for(name, weight)
    return section, notes


def named_column(columns: list[ColumnProfile], words: tuple[str, ...], *, times: bool) -> ColumnProfile | None:
    """The column that is named like one of the words, the surer word first; with `times` only columns of times."""
    fitting = [c for c in columns if c.filled and (not times or time_format(c) is not None)]
    for word in words:
        for column in fitting:
            if plain(column.name) == word or (len(word) > 3 and plain(column.name).endswith(word)):
                return column
    return fitting[0] if times and fitting and not fitting[0].is_number else None


def least_good(weight: ColumnProfile) -> float | None:
    """The rating from which a weight counts as positive; None for a weight that is no rating."""
    if not named_like(weight.name, _STARS) or weight.high <= 1:
        return None
    if weight.low < 0 or _MOST_STARS < weight.high != _PERCENT:
        return None  # votes: most have a few, and the share of the highest would be one alone
    least = weight.high * _GOOD_SHARE
    return int(least) if least == int(least) else round(least, 3)


def verb_for(name: str, weight: ColumnProfile | None) -> str:
    """What a user does in such an interaction, in one word: "bought"; "liked" where the name says nothing."""
    text = plain(name)
    for words, verb in (
        (("order", "purchase", "sale", "transaction", "invoice", "basket"), "bought"),
        (("play", "listen", "stream", "scrobble"), "played"),
        (("click", "view", "visit"), "viewed"),
        (("read",), "read"),
        (("watch",), "watched"),
        (("answer",), "answered"),
        (("comment",), "commented on"),
        (("tag",), "tagged"),
    ):
        if any(word in text for word in words):
            return verb
    return "liked"
