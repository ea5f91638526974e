"""Rendering the planted world: text tables, and the expectations that go with usual columns."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.corpus.planted import WORLD, Act, Item, User
from tests.corpus.shape import Events, EventSample, FieldValue, Node, Nodes, Pair, Taste

Contents = Mapping[str, str | bytes]
"""Files by name; text is written in UTF-8."""


@dataclass(frozen=True, slots=True)
class Ids:
    """How numbers of users and items are spelled."""

    user: Callable[[int], str] = str
    item: Callable[[int], str] = str

    def pair(self, user: int, item: int) -> Pair:
        """The keys of a user and an item."""
        return self.user(user), self.item(item)

    def pairs(self, acts: Iterable[Act]) -> frozenset[Pair]:
        """The keys of acts."""
        return frozenset(self.pair(a.user, a.item) for a in acts)

    def unseen(self) -> frozenset[Pair]:
        """The keys of the pairs that were only shown."""
        return frozenset(self.pair(user, item) for user, item, _ in WORLD.unseen)

    def taste(self) -> Taste:
        """The planted groups by key."""
        users = {self.user(u.number): u.group for u in WORLD.users}
        return Taste(users, {self.item(i.number): i.group for i in WORLD.items})


PLAIN = Ids()
"""Numbers as they are."""


def writes(contents: Callable[[], Contents]) -> Callable[[Path], None]:
    """The `write` of a shape out of a function that gives its files."""

    def write(folder: Path) -> None:
        for name, content in contents().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def table(
    header: Sequence[str] | None,
    rows: Iterable[Sequence[object]],
    separator: str = ",",
    *,
    end: str = "\n",
    quote_all: bool = False,
) -> str:
    """A text table with CSV's quoting; `None` becomes an empty cell."""
    buffer = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(buffer, delimiter=separator, lineterminator=end, quoting=quoting)
    if header is not None:
        writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def plain(rows: Iterable[Sequence[object]], separator: str, *, header: Sequence[str] | None = None) -> str:
    """A text table without quoting, for separators of several characters and for blanks."""
    lines = [separator.join(map(str, row)) for row in ([header] if header else []) + list(rows)]
    return "\n".join(lines) + "\n"


def json_lines(objects: Iterable[Mapping[str, Any]]) -> str:
    """JSON Lines."""
    return "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in objects)


def at(seconds: float, pattern: str) -> str:
    """A time of UTC as text."""
    return datetime.fromtimestamp(seconds, UTC).strftime(pattern)


def day(seconds: int) -> int:
    """The midnight (UTC) before a time."""
    return seconds - seconds % 86_400


def same(seconds: int) -> float | None:
    """The time itself: it is in the file to the second."""
    return seconds


def no_time(_: int) -> float | None:
    """The file has none."""
    return None


def rating(act: Act) -> float | None:
    """The rating itself: it is in the file."""
    return act.rating


def no_weight(_: Act) -> float | None:
    """The file has none."""
    return None


def events(
    *files: str,
    user: str,
    item: str,
    time: str | None = None,
    weight: str | None = None,
    kind: str | None = None,
    acts: Sequence[Act] = WORLD.acts,
    ids: Ids = PLAIN,
    when: Callable[[int], float | None] | None = None,
    weigh: Callable[[Act], float | None] | None = None,
    counts: tuple[int, ...] | None = None,
    negative: frozenset[Pair] = frozenset(),
    tolerance: float = 0.001,
) -> Events:
    """What acts lead to: likes are positive, dislikes (and `negative`) are not, neutral ones may be either.

    `when` gives the time that a load ends with out of the act's, `weigh` the weight; unsaid they are in the file as
    they are if there is a column for them.
    """
    when = when or (same if time else no_time)
    weigh = weigh or (rating if weight else no_weight)
    first = acts[0]
    sample = EventSample(
        user=ids.user(first.user),
        item=ids.item(first.item),
        time=when(first.time),
        weight=weigh(first),
        tolerance=tolerance,
    )
    return Events(
        files=files,
        user=user,
        item=item,
        time=time,
        weight=weight,
        kind=kind,
        counts=(len(acts),) if counts is None else counts,
        positive=ids.pairs(a for a in acts if a.liked),
        negative=ids.pairs(a for a in acts if a.disliked) | negative,
        sample=sample if first.liked else None,  # dislikes may be left out
    )


ItemValue = Callable[[Item], FieldValue]
ItemFacts = Callable[[Item], Iterable[str]]


def items(
    *files: str,
    key: str,
    label: str | None = None,
    text: tuple[str, ...] = (),
    fields: Mapping[str, ItemValue] | None = None,
    facts: Mapping[str, ItemFacts] | None = None,
    ids: Ids = PLAIN,
    counts: tuple[int, ...] = (len(WORLD.items),),
    name: Callable[[Item], str] = lambda i: i.label,
) -> Nodes:
    """The table of items, with two of them as samples."""
    samples = tuple(
        Node(
            key=ids.item(i.number),
            label=name(i) if label else None,
            fields={column: value(i) for column, value in (fields or {}).items()},
            facts={column: frozenset(targets(i)) for column, targets in (facts or {}).items()},
        )
        for i in (WORLD.item(1), WORLD.item(8))
    )
    return Nodes(role="item", files=files, key=key, label=label, text=text, counts=counts, samples=samples)


def users(
    *files: str,
    key: str,
    label: str | None = None,
    fields: Mapping[str, Callable[[User], FieldValue]] | None = None,
    ids: Ids = PLAIN,
    counts: tuple[int, ...] = (len(WORLD.users),),
) -> Nodes:
    """The table of users, with one of them as a sample."""
    one = WORLD.user(3)
    sample = Node(
        key=ids.user(3),
        label=one.name if label else None,
        fields={column: value(one) for column, value in (fields or {}).items()},
    )
    return Nodes(role="user", files=files, key=key, label=label, counts=counts, samples=(sample,))


def year(item: Item) -> FieldValue:
    """The year, as a field."""
    return item.year


def price(item: Item) -> FieldValue:
    """The price, as a field."""
    return item.price


def category(item: Item) -> Iterable[str]:
    """The category, as a fact."""
    return (item.category,)


def maker(item: Item) -> Iterable[str]:
    """The maker, as a fact."""
    return (item.maker,)


def tags(item: Item) -> Iterable[str]:
    """The tags, as facts."""
    return item.tags


BASIC = ("item_id", "title", "category", "maker", "year", "price")
"""Header of `basic_items`."""


def basic_rows(ids: Ids = PLAIN) -> list[tuple[object, ...]]:
    """Rows of a plain table of items."""
    return [(ids.item(i.number), i.label, i.category, i.maker, i.year, i.price) for i in WORLD.items]


def basic_items(file: str = "items.csv", ids: Ids = PLAIN) -> Nodes:
    """What `basic_rows` under `BASIC` lead to."""
    return items(
        file,
        key="item_id",
        label="title",
        fields={"year": year, "price": price},
        facts={"category": category, "maker": maker},
        ids=ids,
    )
