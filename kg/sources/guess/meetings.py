"""Find the files and columns of events, where users meet items directly or through a linking table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kg.schema import Role
from kg.sources.guess.item_lists import item_list
from kg.sources.guess.list_forms import ListForm
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.references import Reference
from kg.sources.guess.signal_words import is_signal_name
from kg.sources.guess.values import time_format
from kg.sources.guess.words import (
    SOCIAL_NAME,
    is_item_name,
    is_session_name,
    is_user_name,
    is_whole,
    names_item,
    names_user,
    plain,
    stem_of,
)

_SAME = 0.8
"""Share of common values from which two columns hold ids of one kind."""

_KNOWN_IDS = 0.5
"""Share of its ids that a further file of events must have in common with the first."""

_TAG_NAME = re.compile(r"^(hash)?(tag|keyword|topic|genre|标签|schlagwort|etiqueta|mot.?cle)s?$", re.IGNORECASE)


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


@dataclass(frozen=True)
class _Offer:
    """The columns of a file that may hold users and items, each sort the likeliest first."""

    file: FileProfile
    ids: Sequence[ColumnProfile]
    users: Sequence[ColumnProfile]
    items: Sequence[ColumnProfile]
    sessions: Sequence[ColumnProfile]
    lists: Sequence[tuple[ColumnProfile, ListForm]]
    """Columns with several items in a cell, each as a column of single items."""
    references: Sequence[Reference]
    """Foreign keys of the file."""
    item_keys: Sequence[ColumnProfile]
    """Keys of other tables that are named for items."""
    may_be_friends: bool
    """Whether the names user and item are made up, as the file has no header, and other files may have the events."""


def find_meetings(files: Sequence[FileProfile], references: Sequence[Reference]) -> list[Meeting]:
    """Files of events, of the surest sort only: by the names of both columns, through a linking table, by lists of
    items, then by foreign keys alone, then by sessions in place of users, then two columns of ids."""
    offers = [_offer(file, files, references) for file in files]

    def all_of(sort: Callable[[_Offer], Iterator[Meeting]]) -> list[Meeting]:
        return [meeting for offer in offers for meeting in sort(offer)]

    return (
        _without_friends(all_of(_direct))
        or all_of(_through_table)
        or all_of(_by_list)
        or all_of(_by_foreign_key)
        or all_of(_by_session)
        or _of_same_ids(all_of(_by_place))
    )


def _offer(file: FileProfile, files: Sequence[FileProfile], references: Sequence[Reference]) -> _Offer:
    others = [other for other in files if other is not file]
    ids = [column for column in file.columns.values() if _is_id(column)]
    users = _users(file, ids)
    lists = _lists_of_items(file, others)
    listed = {column.name for column, _ in lists}
    items = _items(file, [c for c in ids if c not in users and c.name not in listed])
    return _Offer(
        file,
        ids=ids,
        users=users,
        items=sorted(items, key=lambda c: _item_rank(c, files)),
        sessions=[c for c in ids if c not in items and is_session_name(c.name)],
        lists=lists,
        references=[r for r in references if r.file is file],
        item_keys=[key for other in others if is_item_name(other.name) and (key := other.key()) is not None],
        may_be_friends=len(files) > 1 and file.spec.columns == ("user", "item"),
    )


def _users(file: FileProfile, ids: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    named = [c for c in ids if is_user_name(c.name) and not _owns(file, c, is_user_name)]
    return named or _weakly_named(file, ids, names_user)


def _items(file: FileProfile, ids: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    named = [c for c in ids if is_item_name(c.name) and not _owns(file, c, is_item_name)]
    weakly_named = _weakly_named(file, ids, names_item)
    parts = [c for c in weakly_named if not is_whole(c.name)]
    if not named or (parts and all(is_whole(c.name) for c in named)):
        return parts or weakly_named
    return named


def _weakly_named(
    file: FileProfile, ids: Sequence[ColumnProfile], is_named: Callable[[str], bool]
) -> list[ColumnProfile]:
    """Columns whose names decide only where nothing better does, and not in a table of users or items."""
    key = file.key()
    if key is not None and (is_item_name(key.name) or is_user_name(key.name)):
        return []
    return [c for c in ids if is_named(c.name) and c is not key]


def _lists_of_items(file: FileProfile, others: Sequence[FileProfile]) -> list[tuple[ColumnProfile, ListForm]]:
    """The columns of a file that hold several items in a cell, each as a column of single items."""
    tables = [other for other in others if not is_user_name(other.name) and not other.spec.rest]
    keys = [key for table in tables if (key := table.key()) is not None]
    columns = [c for c in file.columns.values() if not c.is_number]
    return [items for c in columns if (items := item_list(c, keys)) is not None]


def _direct(offer: _Offer) -> Iterator[Meeting]:
    """By the names of both columns."""
    if offer.users and offer.items and not offer.may_be_friends:
        doubts = (*_second("users", offer.users), *_second("items", offer.items))
        yield Meeting(offer.file, offer.users[0], offer.items[0], doubts=doubts)


def _through_table(offer: _Offer) -> Iterator[Meeting]:
    """Through a linking table, such as orders, that names the user."""
    if offer.users or not offer.items:
        return
    for reference in offer.references:
        table = reference.target
        users = [c for c in table.columns.values() if is_user_name(c.name) and c is not table.key()]
        if users and reference.column not in offer.items:
            yield Meeting(offer.file, users[0], offer.items[0], via=reference)


def _by_list(offer: _Offer) -> Iterator[Meeting]:
    """By several items in a cell, beside a user or a session."""
    owners = offer.users or offer.sessions
    if owners and not offer.items:
        lists = [(items, form) for items, form in offer.lists if items.name != owners[0].name]
        yield from (Meeting(offer.file, owners[0], items, several=form) for items, form in lists[:1])


def _by_foreign_key(offer: _Offer) -> Iterator[Meeting]:
    """By a foreign key beside a user."""
    for user in offer.users[:1]:
        keys = [reference.column for reference in offer.references if reference.column is not user]
        yield from (Meeting(offer.file, user, key) for key in keys[:1])


def _by_session(offer: _Offer) -> Iterator[Meeting]:
    """By sessions in place of users."""
    sessions = [c for c in offer.sessions if len(c.values) < c.filled]
    if sessions and offer.items:
        yield Meeting(offer.file, sessions[0], offer.items[0])


def _by_place(offer: _Offer) -> Iterator[Meeting]:
    """By the first two columns of ids in a narrow table, whatever their names."""
    pair = offer.ids[:2]
    if len(pair) < 2 or offer.file.key() is not None or len(offer.file.columns) > 5:
        return
    if not all(len(c.values) < c.filled for c in pair):
        return
    first_is_item, second_is_item = (any(c.share_in(key) >= 0.5 for key in offer.item_keys) for c in pair)
    user, item = pair[::-1] if first_is_item and not second_is_item else pair
    doubt = (
        f"users are taken from {user.name} and items from {item.name}, by their place alone;"
        " it may be the other way round"
    )
    yield Meeting(offer.file, user, item, doubts=() if first_is_item or second_is_item else (doubt,))


def _second(role: str, columns: Sequence[ColumnProfile]) -> Iterator[str]:
    """Another column of different ids for the same role, such as `customer_unique_id` beside `customer_id`."""
    first = columns[0]
    for other in columns[1:]:
        named = stem_of(other.name) != plain(other.name) and stem_of(first.name) != plain(first.name)
        if named and len(other.values) != len(first.values) and len(other.values) > 1:
            yield f"{role} are taken from {first.name}; {other.name} may hold them as well"
            return


def _without_friends(meetings: list[Meeting]) -> list[Meeting]:
    """The meetings but for files without a header, of which the name alone says that they pair users with users."""
    return [m for m in meetings if m.file.spec.columns is None or not SOCIAL_NAME.search(m.file.name)] or meetings


def _of_same_ids(meetings: Sequence[Meeting]) -> list[Meeting]:
    """The first pair of id columns of two kinds (friends are of one), and the other pairs of the same ids."""
    apart = [m for m in meetings if m.user.share_in(m.item) < _SAME or m.item.share_in(m.user) < _SAME] or meetings
    return [
        m
        for m in apart
        if m is apart[0]
        or (m.user.share_in(apart[0].user) >= _KNOWN_IDS and m.item.share_in(apart[0].item) >= _KNOWN_IDS)
    ]


def _is_id(column: ColumnProfile) -> bool:
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
    events = any((is_user_name(c.name) or is_item_name(c.name)) and _is_id(c) for c in others)
    return is_named(file.name) or not events or file.suffix in (Role.ITEM.value, Role.USER.value)


def _item_rank(column: ColumnProfile, files: Sequence[FileProfile]) -> tuple[bool, bool, bool]:
    """Sort key: a column whose values are a table's keys first, then one called item, then a sure name."""
    keys = [key for file in files if (key := file.key()) is not None and plain(key.name) == plain(column.name)]
    return not any(column.share_in(key) for key in keys), stem_of(column.name) != "item", not is_item_name(column.name)


def tag_column(meeting: Meeting) -> ColumnProfile | None:
    """The column of tags that users gave to items."""
    columns = [c for c in meeting.file.columns.values() if c not in (meeting.user, meeting.item)]
    return next((c for c in columns if c.filled and not c.is_number and _TAG_NAME.search(plain(c.name))), None)
