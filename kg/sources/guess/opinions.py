"""Interpret words and signs: whether a user likes an item, how much an event means, marks such as 4/5 and ★★★."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kg.sources.guess.signal_words import (
    DISLIKE_STEMS,
    DISLIKE_WORDS,
    HAD_WORDS,
    LEFT_WORDS,
    NO_SIGNS,
    NO_STEMS,
    NO_WORDS,
    NOT_WORDS,
    SEEN_WORDS,
    WANTED_WORDS,
    YES_SIGNS,
    YES_STEMS,
    YES_WORDS,
)
from kg.sources.guess.words import plain

_OUT_OF = re.compile(
    r"([0-9]+(?:[.,][0-9]+)?)\s*(?:/|out of|of|von|sur|de|из)\s*([0-9]+)(?:\s*(?:stars?|sterne|points?))?", re.I
)
_LETTER = re.compile(r"([A-F])[+-]?")
_STARS, _EMPTY_STARS = "★⭐", "☆✩"


def marks_in(values: Sequence[str], *, graded: bool) -> dict[str, float] | None:
    """Marks as 4/5, 4 out of 5 or ★★★★☆, as shares of the best; None where a value is none of these. Letters and
    fractions are marks only where the column's name says so (`graded`): elsewhere A, B and 1/2 may be anything.
    """
    stars = max((sum(map(value.count, _STARS + _EMPTY_STARS)) for value in values), default=0)
    marks: dict[str, float] = {}
    for value in values:
        text = value.strip()
        if graded and (parts := _OUT_OF.fullmatch(text)) is not None and float(parts[2]) > 0:
            marks[value] = float(parts[1].replace(",", ".")) / float(parts[2])
        elif stars and set(text) <= set(_STARS + _EMPTY_STARS + "\ufe0f"):
            marks[value] = sum(map(text.count, _STARS)) / stars
        elif graded and (letter := _LETTER.fullmatch(text)) is not None:
            marks[value] = 1 - 0.2 * (ord(letter[1]) - ord("A"))
    return marks if len(marks) == len(values) else None


def opinion_in(text: str) -> bool | None:
    """Whether words or signs say that a user likes it; None for unknown ones. No opinion counts as no like."""
    word = plain_word(text)
    if word in YES_WORDS:
        return True
    if word in NO_WORDS:
        return False
    if any(sign in text for sign in NO_SIGNS):
        return False
    if any(sign in text for sign in YES_SIGNS):
        return True
    words = [part for part in re.split(r"[\W_]+", text.lower()) if part]
    if any(word in NOT_WORDS or word.startswith(NO_STEMS) for word in words):
        return False
    return True if any(word.startswith(YES_STEMS) for word in words) else None


def is_dislike(text: str) -> bool:
    """Whether words or signs say that a user does not want it, which is more than no like."""
    return plain_word(text) in DISLIKE_WORDS


def plain_word(text: str) -> str:
    """A word without case, blanks and signs between letters; only signs are kept: `Thumbs up` -> "thumbsup"."""
    return plain(text) or text.strip()


def says_dislike(name: str) -> bool:
    """Whether the name of a table or a relationship type means dislike. Returns and reports may be anything."""
    return plain(name).startswith(DISLIKE_STEMS)


def how_much(kind: str) -> int | None:
    """How much a kind of event says: 3 had, 2 wanted, 1 seen, 0 taken back; None for an unknown word."""
    return _strength(plain_word(kind))


def takes_back(kind: str) -> bool:
    """Whether a kind of event means taking back or dislike: such a user has had the item."""
    return _strength(plain_word(kind)) == 0


def table_takes_back(name: str) -> bool:
    """The same for a whole table by its name; reports may be about anything."""
    return takes_back(name) and not plain(name).startswith("report")


def _strength(word: str) -> int | None:
    """How much a kind of event says: 3 had, 2 wanted, 1 seen, 0 taken back; None for an unknown word."""
    for words, strength in ((LEFT_WORDS, 0), (HAD_WORDS, 3), (WANTED_WORDS, 2), (SEEN_WORDS, 1)):
        if any(word == kind or (len(kind) > 3 and word.startswith(kind)) for kind in words):
            return strength
    return None
