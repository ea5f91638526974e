"""What a column beside user and item says about liking: a rating and its scale, a vote, a label, a quantity."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kg.sources.guess.profile import ColumnProfile
from kg.sources.guess.signal_words import (
    CONTEXT_WORDS,
    HAD_WORDS,
    LEFT_WORDS,
    NO_WORDS,
    QUANTITY_WORDS,
    RATING_WORDS,
    SEEN_WORDS,
    VOTE_WORDS,
    WANTED_WORDS,
    YES_WORDS,
)
from kg.sources.guess.words import plain

GOOD_SHARE = 0.8
"""Share of the highest rating from which a rating counts as positive: 4 of 5, 8 of 10."""

_SCALES = (1, 3, 4, 5, 6, 7, 10, 15, 20, 50, 100)
"""Highest marks that scales have."""

_MOST_MARKS = 101
"""Different marks that a scale has at most, where the column is not named as a rating."""

_MOST_WORDS = 12
_NUMBERED = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])|[0-9]+$")


class Meaning(StrEnum):
    """What a column is about."""

    RATING = "rating"
    VOTE = "vote"
    QUANTITY = "quantity"
    WORDS = "words"
    EVENT = "kind of event"


@dataclass(frozen=True)
class Signal:
    """A column that says which events are likes.

    Numbers have `least`, the weight from which an event is positive; None where all are. Texts have their `likes`; the
    events with any other value are none.
    """

    column: ColumnProfile
    meaning: Meaning
    least: float | None
    likes: tuple[str, ...]
    others: tuple[str, ...]
    sure: bool
    why: str


def signal_among(columns: Sequence[ColumnProfile]) -> Signal | None:
    """The column that says most: the surest first, ratings and votes before kinds of events before quantities."""
    found = [s for s in map(signal_of, columns) if s is not None]
    order = (Meaning.RATING, Meaning.VOTE, Meaning.WORDS, Meaning.EVENT, Meaning.QUANTITY)
    return min(found, key=lambda s: (not s.sure, order.index(s.meaning)), default=None)


def signal_of(column: ColumnProfile) -> Signal | None:
    """What a column says about liking, None where it can say nothing."""
    if not column.filled or column.lists or column.times:
        return None
    named = _named(column.name)
    if column.is_number:
        return _of_numbers(column, named)
    if len(column.values) <= _MOST_WORDS:
        return _of_words(column)
    return None


def _named(name: str) -> Meaning | bool | None:
    """What the name says: a meaning, False for something else, None for nothing."""
    words = [plain(name), *(plain(part) for part in _NUMBERED.split(name) if part)]
    for vocabulary, meaning in (
        (RATING_WORDS, Meaning.RATING),
        (VOTE_WORDS, Meaning.VOTE),
        (QUANTITY_WORDS, Meaning.QUANTITY),
    ):
        if words[0] in vocabulary:
            return meaning
    if words[0] in CONTEXT_WORDS or words[0].endswith(("id", "code", "price")):
        return False
    for vocabulary, meaning in (
        (RATING_WORDS, Meaning.RATING),
        (VOTE_WORDS, Meaning.VOTE),
        (QUANTITY_WORDS, Meaning.QUANTITY),
    ):
        if any(word in vocabulary or _ends_in(word, vocabulary) for word in words if len(word) > 1):
            return meaning
    return False if any(word in CONTEXT_WORDS for word in words) else None


def _ends_in(word: str, vocabulary: frozenset[str]) -> bool:
    return any(len(each) > 3 and word.endswith(each) for each in vocabulary)


def _of_numbers(column: ColumnProfile, named: Meaning | bool | None) -> Signal | None:
    if named is False:
        return None
    marks = sorted({float(v) for v in column.values if v not in column.odd})
    low, high = column.low, column.high
    if set(marks) <= {-1.0, 0.0, 1.0} and low < 0:
        return _numeric(column, Meaning.VOTE, 1 if high > 0 else None, True, "votes for and against")
    if set(marks) <= {0.0, 1.0}:
        sure = named in (Meaning.VOTE, Meaning.RATING)
        if len(marks) == 1 and named is None:
            return None  # a column that is the same everywhere says nothing by itself
        if len(marks) == 1:
            least = 1 if marks == [0.0] else None
            return _numeric(column, Meaning.VOTE, least, sure, f"always {marks[0]:g}")
        return _numeric(column, Meaning.VOTE, 1, sure, "1 or 0")
    if named is Meaning.QUANTITY:
        return _quantity(column, marks, sure=True)
    unrated = low == -1.0 and len(marks) > 2 and marks[1] >= 0
    lowest = marks[1] if unrated else low
    wholes = all(2 * mark == int(2 * mark) for mark in marks)
    scale = next((s for s in _SCALES if high <= s), None)
    is_scale = scale is not None and lowest >= 0 and (wholes or high <= 10)
    if named in (Meaning.RATING, Meaning.VOTE):
        if is_scale and scale is not None:
            # A column of many marks that ends just below a usual one (4.5, 9) has that one for its best.
            best = scale if len(marks) > 2 and high >= GOOD_SHARE * scale else high
            why = f"a scale up to {_short(best)}" + (", -1 being no rating" if unrated else "")
            return _numeric(column, Meaning.RATING, _good(best), named is Meaning.RATING, why)
        if low < 0 < high:
            return _numeric(column, Meaning.RATING, _good(high, 0.5), False, f"marks from {low:g} to {high:g}")
        return _quantity(column, marks, sure=False)
    if not is_scale or len(marks) > _MOST_MARKS or not wholes or column.rows < 2 * len(marks):
        # Too many values for a rating or a vote, and not named for a quantity: some other number.
        return _quantity(column, marks, sure=False) if low < 0 and wholes and len(marks) <= _MOST_MARKS else None
    return _numeric(column, Meaning.RATING, _good(high), False, f"{len(marks)} different numbers up to {high:g}")


def _quantity(column: ColumnProfile, marks: Sequence[float], *, sure: bool) -> Signal:
    positive = [mark for mark in marks if mark > 0]
    if column.low > 0 or not positive:
        return _numeric(column, Meaning.QUANTITY, None, sure, "more than 0 everywhere" if positive else "never above 0")
    why = "below 0 (returns?) for some" if column.low < 0 else "0 for some"
    least = 1 if column.is_integer else _short_number(positive[0])
    return _numeric(column, Meaning.QUANTITY, least, sure, why)


def _numeric(column: ColumnProfile, meaning: Meaning, least: float | None, sure: bool, why: str) -> Signal:
    return Signal(column, meaning, least, (), (), sure, why)


def _good(high: float, share: float = GOOD_SHARE) -> float:
    return _short_number(round(high * share, 3))


def _short_number(number: float) -> float:
    return int(number) if number == int(number) else number


def _short(number: float) -> str:
    return f"{number:g}"


def _of_words(column: ColumnProfile) -> Signal | None:
    """Texts: yes and no in words, or kinds of events."""
    values = list(column.values)
    spelt = {value: plain_word(value) for value in values}
    yes = tuple(v for v in values if spelt[v] in YES_WORDS)
    no = tuple(v for v in values if spelt[v] in NO_WORDS)
    if len(yes) + len(no) == len(values) and (no or column.is_boolean):
        sure = _named(column.name) in (Meaning.VOTE, Meaning.RATING) or not column.is_boolean
        if not sure and _named(column.name) is False:
            return None
        return Signal(column, Meaning.WORDS, None, yes, no, sure, "says yes or no in words")
    strength = {value: _strength(spelt[value]) for value in values}
    if sum(s is not None for s in strength.values()) < max(1, 0.6 * len(values)):
        return None
    best = max(s for s in strength.values() if s is not None)
    # Of views, carts and purchases the latter two say that somebody wants it; of views alone a view must do.
    likes = tuple(v for v in values if (s := strength[v]) is not None and s >= min(best, 2) and s > 0)
    others = tuple(v for v in values if v not in likes)
    return Signal(column, Meaning.EVENT, None, likes, others, len(values) > 1, "kinds of events")


def plain_word(text: str) -> str:
    """A word without case, blanks and signs between letters; signs alone stay: `Thumbs up` -> "thumbsup"."""
    return plain(text) or text.strip()


def says_dislike(name: str) -> bool:
    """Whether a kind of event or a relationship type is one of dislike, or takes something back."""
    return _strength(plain(name)) == 0


def _strength(word: str) -> int | None:
    """How much a kind of event says: 3 had, 2 wanted, 1 seen, 0 taken back; None for a word that is not known."""
    for words, strength in ((LEFT_WORDS, 0), (HAD_WORDS, 3), (WANTED_WORDS, 2), (SEEN_WORDS, 1)):
        if any(word == each or (len(each) > 3 and word.startswith(each)) for each in words):
            return strength
    return None
