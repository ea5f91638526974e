"""Find relationships that are acts of users on items: by names, times and weights, and by how often ends recur.

Behaviour is one relationship (user - item), or two over a node that belongs to one user: customer - order - product,
user - answer - question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from kg.graph_view.guess.kinds import Kinds
from kg.graph_view.guess.profile import GraphProfile, PropertyProfile
from kg.sources.guess.profile import ColumnProfile
from kg.sources.guess.signals import Signal, signal_among
from kg.sources.guess.values import named_column, time_column
from kg.sources.guess.words import TIME_WORDS, is_item_name, is_user_name, named_like, plain

_DOES = (
    "rate", "rating", "buy", "bought", "purchase", "order", "view", "watch", "saw", "seen", "like", "love", "play",
    "listen", "review", "click", "read", "visit", "rent", "borrow", "book", "save", "star", "vote", "answer", "enrol",
    "attend", "consume", "use", "favour", "favor", "wish", "cart", "stream", "interact", "comment", "tried", "ate",
)  # fmt: skip
"""Beginnings of words in the names of relationship types for acts of users."""

_BEGINS = (
    *_DOES, "post", "provid", "ask", "wrote", "writ", "place", "submit", "creat", "made", "make", "gave", "give",
    "left", "leave", "author", "start", "open", "perform",
)  # fmt: skip
"""The same for types that lead to a node between: writing an answer is answering, writing a book is not."""

_BETWEEN = (
    "order", "purchase", "basket", "cart", "invoice", "transaction", "session", "visit", "review", "rating", "answer",
    "event", "rental", "loan", "checkout", "booking", "play", "view", "listen", "comment", "post", "line", "vote",
    "interaction", "reservation", "checkin",
)  # fmt: skip
"""Words in the labels of nodes between users and items."""

_PERSON_LABELS = ("person", "people", "human", "individual", "employee", "developer")
_PERSON_PROPERTIES = (
    "email", "username", "login", "displayname", "fullname", "firstname", "lastname", "surname", "nickname", "handle",
)  # fmt: skip

_WEIGHT_WORDS = (
    "rating", "score", "stars", "weight", "quantity", "qty", "count", "plays", "playcount", "listens", "amount",
    "value",
)  # fmt: skip

_TIME_NAME = re.compile(r"^(at|since|on)$|[a-z](At|Since|On)$|_(at|since|on)$")

_SURE = 4
"""Points from which a candidate counts as behaviour."""

_OWNED = 1.05
"""Maximum average number of users of a node between."""


@dataclass(frozen=True)
class Step:
    """A relationship type seen from one end: `out` where it points away from it."""

    type: str
    out: bool


@dataclass(frozen=True)
class Candidate:
    """Possible behaviour of `user` on `item` (labels), over the label `between` if there are two steps.

    `items`: all labels that the same steps lead to.
    """

    user: str
    item: str
    steps: tuple[Step, ...]
    between: str | None
    points: int
    items: tuple[str, ...] = ()

    @property
    def types(self) -> tuple[str, ...]:
        """Names of its relationship types."""
        return tuple(step.type for step in self.steps)

    @property
    def is_sure(self) -> bool:
        """Whether it has enough points."""
        return self.points >= _SURE


def find_behaviour(profile: GraphProfile, kinds: Kinds, has_key: Callable[[str], bool]) -> list[Candidate]:
    """The behaviour of users, best first: all candidates of one user kind; empty if there is none.

    `has_key` tells whether nodes of a label have a key; others are neither users nor items.
    """
    candidates = [
        c for c in (*_direct(profile, kinds), *_over_nodes(profile, kinds)) if has_key(c.user) and has_key(c.item)
    ]
    if not candidates:
        return []
    users: dict[str, int] = {}
    for c in candidates:
        # A label named like a user is one; so is the label with the most relationships that look like behaviour.
        users[c.user] = max(users.get(c.user, 0), c.points)
    best = max(users, key=lambda user: (users[user] + (4 * is_user_name(user) or 2 * _is_person(profile, user)), user))
    of_best = sorted((c for c in candidates if c.user == best), key=lambda c: (-c.points, c.steps[0].type))
    sure = [c for c in of_best if c.is_sure]
    if not sure:
        return _together(of_best[:1])
    return _together(_without_parts(sure))


def _without_parts(candidates: list[Candidate]) -> list[Candidate]:
    """Drop parts of other behaviour: a node between is not an item, and an item is not a node between."""
    # A label with the name of a node between remains one; for other labels the candidate with more points decides.
    named = {c.between for c in candidates if c.between is not None and _is_between(c.between)}
    others = [c for c in candidates if c.item not in named] or candidates
    items: set[str] = set()
    betweens: set[str] = set()
    kept: list[Candidate] = []
    for c in sorted(others, key=lambda c: c.between not in named):
        if c.item not in betweens and c.between not in items:
            kept.append(c)
            items.add(c.item)
            betweens |= {c.between} if c.between is not None else set()
    return sorted(kept, key=lambda c: (-c.points, c.steps[0].type))


def _together(candidates: list[Candidate]) -> list[Candidate]:
    """Merge candidates with the same steps."""
    groups: dict[tuple[str | None, tuple[Step, ...]], list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault((candidate.between, candidate.steps), []).append(candidate)
    return [replace(group[0], items=tuple(candidate.item for candidate in group)) for group in groups.values()]


def _steps(profile: GraphProfile, kinds: Kinds) -> Iterator[tuple[str, str, Step]]:
    """(kind here, kind there, step) of all types, from both ends."""
    for name in profile.types:
        for start, end in kinds.pairs(name):
            yield start, end, Step(name, True)
            yield end, start, Step(name, False)


def _direct(profile: GraphProfile, kinds: Kinds) -> Iterator[Candidate]:
    for user, item, step in _steps(profile, kinds):
        if user == item or is_item_name(user) or is_user_name(item):
            continue
        properties = profile.types[step.type].properties
        points = 3 * _does(step) + 2 * (time_of(properties) is not None) + _has_weight(properties)
        points += 2 * is_item_name(item) + 2 * is_user_name(user)
        # A user acts on many items, and many users act on one item.
        count = profile.types[step.type].count
        points += count > 1.5 * kinds.labels[user].count and count > 1.5 * kinds.labels[item].count
        # A relationship with no sign of an act (a customer's city) is a fact about one end.
        if _does(step) or properties or (is_item_name(item) and is_user_name(user)):
            yield Candidate(user, item, (step,), None, points)


def _over_nodes(profile: GraphProfile, kinds: Kinds) -> Iterator[Candidate]:
    steps = list(_steps(profile, kinds))
    for user, between, first in steps:
        if user == between or is_user_name(between) or is_item_name(user) or is_item_name(between):
            continue
        nodes = kinds.labels[between]
        time = time_of(nodes.properties)
        named = _is_between(between)
        does = _does(first, _BEGINS) or (plain(first.type) == "by" and not first.out)
        if (time is None and not named) or profile.types[first.type].count > _OWNED * nodes.count:
            continue
        for start, item, last in steps:
            if start != between or item in (user, between) or last.type == first.type or is_user_name(item):
                continue
            points = 3 * named + 2 * (time is not None) + 2 * is_item_name(item) + 2 * is_user_name(user)
            points += 2 * does
            # An order has its products; that it also has one shipper or one city is a fact about it.
            many = profile.types[last.type].count > 1.5 * kinds.labels[item].count
            points += many - 3 * (kinds.labels[item].count < 0.02 * profile.types[last.type].count)
            if not is_user_name(user) and not does:
                points -= 2
            yield Candidate(user, item, (first, last), between, points)


def _does(step: Step, verbs: tuple[str, ...] = _DOES) -> bool:
    """Whether a type names an act of the node at this end: its arrow starts there, unless it is passive
    (`BOUGHT_BY`)."""
    words = [plain(word) for word in step.type.replace("-", "_").split("_")]
    return step.out is (words[-1] != "by") and any(word.startswith(verbs) for word in words)


def _is_between(label: str) -> bool:
    return any(word in plain(label) for word in _BETWEEN)


def _is_person(profile: GraphProfile, label: str) -> bool:
    names = map(plain, profile.labels[label].properties)
    return named_like(label, _PERSON_LABELS) or any(name in _PERSON_PROPERTIES for name in names)


def time_of(properties: dict[str, PropertyProfile]) -> ColumnProfile | None:
    """The property that has the time: `timestamp`, `placedAt`, `since`."""
    columns = _columns(properties)
    named = [column for column in columns if _TIME_NAME.search(column.name)]
    return time_column(columns, TIME_WORDS) or time_column(named, ("at", "since", "on"))


def _has_weight(properties: dict[str, PropertyProfile]) -> bool:
    """Whether a property is named like a weight, a sign of behaviour."""
    time = time_of(properties)
    numbers = [column for column in _columns(properties) if column.is_number and column is not time]
    return named_column(numbers, _WEIGHT_WORDS) is not None


def signal_in(properties: dict[str, PropertyProfile]) -> Signal | None:
    """The property that shows preference: stars, a vote, a quantity."""
    time = time_of(properties)
    return signal_among([column for column in _columns(properties) if column is not time])


def _columns(properties: dict[str, PropertyProfile]) -> list[ColumnProfile]:
    return [property.column for property in properties.values() if not property.is_point and not property.column.lists]
