"""Find the column that tells what users like: a rating and its scale, a vote, a label, a quantity."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from kg.sources.guess.opinions import how_much, marks_in, opinion_in, plain_word
from kg.sources.guess.profile import ColumnProfile
from kg.sources.guess.signal_words import (
    CONTEXT_WORDS,
    QUANTITY_WORDS,
    RATING_WORDS,
    UNCLEAR_WORDS,
    VOTE_WORDS,
    is_kind_name,
    says_against,
)
from kg.sources.guess.words import plain

UNSURE = "unsure: "
"""Prefix of a note where another answer is nearly as likely."""

GOOD_SHARE = 0.8
"""Share of the highest rating from which a rating counts as positive: 4 of 5, 8 of 10."""

_FINE_SHARE = 0.75
"""The same for scales to 1 or to 20 and more, whose fourth of five steps may be below that: 0.75, 76 %."""

BAD_SHARE = 0.4
"""Share of the highest rating up to which a rating counts as a dislike: 2 of 5, 4 of 10."""

_SIGNED_SHARE = 0.4
"""The same for scales whose lower half is below 0: 4 of -10 to 10 is as high as 7 of 10."""

_SCALES = (1, 3, 4, 5, 6, 7, 10, 15, 20, 50, 100)
"""Highest marks of usual scales."""

_NO_RATING = (99.0, 999.0, 9999.0)
"""Numbers far above a scale that stand for "not rated"."""

_MOST_MARKS = 101
"""Maximum number of distinct marks of a scale, where the column is not named as a rating."""

_ONE_IS_BEST = re.compile(r"\b1\s*[=:]\s*(sehr gut|best|very good|excellent|top|highest)", re.IGNORECASE)

_SCHOOL_MARKS = frozenset({"note", "schulnote", "noten", "zensur"})
"""German names of marks from 1 (best) to 6."""

_MOST_WORDS = 12
_NUMBERED = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])|[0-9]+$")


class Meaning(StrEnum):
    """Meaning of a column."""

    RATING = "rating"
    VOTE = "vote"
    QUANTITY = "quantity"
    WORDS = "words"
    EVENT = "kind of event"
    CODE = "code"


_ORDER = (Meaning.RATING, Meaning.VOTE, Meaning.WORDS, Meaning.EVENT, Meaning.QUANTITY, Meaning.CODE)
_OPINIONS = (Meaning.RATING, Meaning.VOTE, Meaning.WORDS)
_NAMED_OPINIONS = (Meaning.RATING, Meaning.VOTE)

_VOCABULARIES = (
    (RATING_WORDS, Meaning.RATING),
    (VOTE_WORDS, Meaning.VOTE),
    (QUANTITY_WORDS, Meaning.QUANTITY),
)

_MARGIN = 0.1
"""Difference of scores within which another column is nearly as likely to tell likes."""

_INSTEAD = {
    Meaning.RATING: "it may be a quantity or a number of something else, and then every event is positive",
    Meaning.VOTE: "it may mark something else, and then every event is positive",
    Meaning.WORDS: "it may be about something else, and then every event is positive",
    Meaning.EVENT: "there may be kinds that mean less, and then they are not positive",
    Meaning.QUANTITY: "it may be a rating, of which only high ones are positive",
    Meaning.CODE: "some codes may mean dislike",
}
"""The other possibility, where a meaning is unsure."""


@dataclass(frozen=True)
class Signal:
    """A column that tells which events are likes.

    Numbers have `least` and `most`, the bounds of the weight of a positive event; None where there is no bound. Texts
    have their `likes`; events with any other value are not positive. `exact`: the column's whole name says so.
    """

    column: ColumnProfile
    meaning: Meaning
    least: float | None
    likes: tuple[str, ...]
    others: tuple[str, ...]
    sure: bool
    why: str
    most: float | None = None
    exact: bool = False
    other: str = ""
    """Another meaning, where it is nearly as likely."""
    disliked: tuple[float | None, float | None] = (None, None)
    """Bounds of the weight of a dislike, from and to; none of both where no number says so."""

    @property
    def score(self) -> float:
        """Strength of the evidence: a sure meaning, then the column's whole name, then the meaning itself."""
        return 0.5 * self.sure + 0.2 * self.exact + 0.15 - 0.03 * _ORDER.index(self.meaning)


def signal_among(columns: Sequence[ColumnProfile]) -> Signal | None:
    """The best column: the surest first, ratings and votes before kinds of events before quantities.

    Another rating or vote whose score is within `_MARGIN` of it makes it unsure: there are two ratings.
    """
    candidates = sorted((s for s in map(signal_of, columns) if s is not None), key=lambda s: -s.score)
    if not candidates:
        return None
    first = candidates[0]
    second = next((s for s in candidates[1:] if s.meaning in _OPINIONS), None)
    if second is not None and first.meaning in _OPINIONS and first.score - second.score < _MARGIN:
        return replace(first, sure=False, other=f"{second.column.name} may say it in its place ({second.why})")
    if first.sure:
        return first
    return replace(first, other=_INSTEAD[first.meaning] if second is None else f"{second.column.name} may say it")


def signal_of(column: ColumnProfile) -> Signal | None:
    """The signal of a column, None where it has none."""
    if not column.filled or column.lists or column.times:
        return None
    named = _named(column.name)
    against = says_against(column.name)
    if against is not None:
        return _of_dislike(column, sure=against)
    signal: Signal | None = None
    if column.is_number:
        signal = _of_numbers(column, named)
    elif len(column.values) <= _MOST_WORDS:
        signal = _in_signs(column, named) or _of_words(column, named)
    return replace(signal, exact=plain(column.name) in RATING_WORDS | VOTE_WORDS) if signal is not None else None


def _of_dislike(column: ColumnProfile, *, sure: bool) -> Signal | None:
    """The signal of a column such as `disliked` or `returned`: no, or 0, means no objection to the item."""
    why = "a yes says that the user does not want it"
    if column.is_number:
        sure = sure and column.low >= 0
        disliked = (1, None) if sure else (None, None)
        return Signal(column, Meaning.VOTE, None, (), (), sure, why, most=0, disliked=disliked)
    likes = [value for value in column.values if plain_word(value) in _NO]
    known = sum(plain_word(value) in _NO | _YES for value in column.values)
    if not known or len(column.values) > _MOST_WORDS:
        return None  # reasons or codes, not a yes or no
    return _texts(column, Meaning.WORDS, likes, sure and known == len(column.values), why)


_NO = frozenset(("false", "f", "no", "n", "0", "nein", "non", "нет", "否"))
_YES = frozenset(("true", "t", "yes", "y", "1", "ja", "oui", "si", "sí", "да", "是"))


def _named(name: str) -> Meaning | bool | None:
    """The meaning by the name alone: False for another subject, None for unknown."""
    whole, *parts = [plain(name), *(plain(part) for part in _NUMBERED.split(name) if part)]
    for vocabulary, meaning in _VOCABULARIES:
        if whole in vocabulary:
            return meaning
    if whole in CONTEXT_WORDS or whole.endswith(("id", "code", "price")):
        return False
    for vocabulary, meaning in _VOCABULARIES:
        if any(word in vocabulary or _ends_in(word, vocabulary) for word in (whole, *parts) if len(word) > 1):
            return meaning
    return False if any(word in CONTEXT_WORDS for word in parts) else None


def _ends_in(word: str, vocabulary: frozenset[str]) -> bool:
    return any(len(ending) > 3 and word.endswith(ending) for ending in vocabulary)


def _of_numbers(column: ColumnProfile, named: Meaning | bool | None) -> Signal | None:
    if named is False:
        return _coded(column) if is_kind_name(column.name) else None
    marks = _without_strays(column)
    if _ONE_IS_BEST.search(column.name):
        return _best_first(column, marks[-1], "the name says that 1 is best")
    low, high = marks[0], marks[-1]
    if plain(column.name) in _SCHOOL_MARKS and (low, high) == (1, 6):
        return _best_first(column, high, "marks from 1 to 6, of which 1 is best")
    is_vote = set(marks) <= {-1.0, 0.0, 1.0}
    unclear = plain(column.name) in UNCLEAR_WORDS
    if is_vote and (named is not Meaning.QUANTITY or unclear):
        return _votes(column, marks, named)
    if named is Meaning.QUANTITY and not (unclear and _is_usual_scale(marks)):
        return _quantity(column, marks, sure=True)
    if len(marks) > 2 and high in _NO_RATING and marks[-2] <= 0.2 * high:
        rated = _rated(column, marks[:-1], named)
        if rated is None:
            return None
        return replace(rated, most=_short_number(marks[-2]), why=f"{rated.why}, {high:g} being no rating")
    if len(marks) > 2 and low == -1.0 and marks[1] >= 0:
        rated = _rated(column, marks[1:], named)
        if rated is None:
            return None
        least, most = rated.disliked
        bad = (marks[1] if least is None else least, most) if most is not None else rated.disliked
        return replace(rated, why=f"{rated.why}, -1 being no rating", disliked=bad)
    return _rated(column, marks, named)


def _votes(column: ColumnProfile, marks: Sequence[float], named: Meaning | bool | None) -> Signal | None:
    """Marks of -1, 0 and 1."""
    if marks[0] < 0:
        votes = _numeric(column, Meaning.VOTE, 1 if marks[-1] > 0 else None, True, "votes for and against")
        return replace(votes, disliked=(None, -1)) if marks[-1] > 0 else votes
    sure = named in _NAMED_OPINIONS
    if len(marks) > 1:
        return _numeric(column, Meaning.VOTE, 1, sure, "1 or 0")
    if named is None:
        return None  # a constant column alone is no evidence
    return _numeric(column, Meaning.VOTE, 1 if marks == [0.0] else None, sure, f"always {marks[0]:g}")


def _rated(column: ColumnProfile, marks: Sequence[float], named: Meaning | bool | None) -> Signal | None:
    """Recognise marks on a scale, or a quantity where there is no scale."""
    low, high = marks[0], marks[-1]
    scale = _scale_of(column, marks)
    if named is None:
        return _unnamed_marks(column, marks, scale)
    if scale is not None:
        # A column of many marks that ends just below a usual one (4.5, 9) has that one as its best.
        best = scale if len(marks) > 2 and high >= GOOD_SHARE * scale else high
        sure = named is Meaning.RATING and (high > 1 or len(marks) <= 11)
        return _on_scale(column, marks, best, sure, f"a scale up to {best:g}")
    if low < 0 < high:
        best = next((s for s in _SCALES if s >= max(high, -low)), high)
        good = _good(best, _SIGNED_SHARE)
        rated = _numeric(column, Meaning.RATING, good, False, f"marks from {low:g} to {high:g}")
        return replace(rated, disliked=(None, -good))
    return _quantity(column, marks, sure=False)


def _scale_of(column: ColumnProfile, marks: Sequence[float]) -> int | None:
    """The best mark of the usual scale that the marks are on."""
    fine = marks[-1] <= 10 or column.is_percent
    if marks[0] < 0 or not (fine or _are_halves(marks)):
        return None
    return next((scale for scale in _SCALES if marks[-1] <= scale), None)


def _unnamed_marks(column: ColumnProfile, marks: Sequence[float], scale: int | None) -> Signal | None:
    """Marks in a column whose name says nothing; None where there are too many, or too few rows with them."""
    if len(marks) > _MOST_MARKS or not _are_halves(marks):
        return None
    if marks[0] < 0:
        return _quantity(column, marks, sure=False)
    if scale is None or column.rows < 2 * len(marks):
        return None
    high = marks[-1]
    return _on_scale(column, marks, high, False, f"{len(marks)} different numbers up to {high:g}")


def _on_scale(column: ColumnProfile, marks: Sequence[float], best: float, sure: bool, why: str) -> Signal:
    """A rating of a scale from 0 or 1; a 0 may mean "no rating", so it is no dislike."""
    rated = _numeric(column, Meaning.RATING, _good(best), sure, why)
    bad = _short_number(round(best * BAD_SHARE, 3))
    lowest = next((mark for mark in marks if mark > 0), None)
    if len(marks) < 3 or lowest is None or lowest > bad:
        return rated
    return replace(rated, disliked=(_short_number(lowest) if marks[0] <= 0 else None, bad))


def _best_first(column: ColumnProfile, worst: float, why: str) -> Signal:
    """Marks of which 1 is the best."""
    bad = (_short_number(worst - 1), None) if worst > 3 else (None, None)
    return Signal(column, Meaning.RATING, None, (), (), False, why, most=2, disliked=bad)


def _without_strays(column: ColumnProfile) -> list[float]:
    """The distinct marks, sorted, without a sum in the last row."""
    marks = sorted({_number(v) for v in column.values if v not in column.odd})
    if len(marks) > 2 and marks[-1] > 5 * max(marks[-2], 1) and marks[-1] not in _NO_RATING:
        rows = sum(n for v, n in column.values.items() if v not in column.odd and _number(v) == marks[-1])
        if rows == 1 and column.filled > 10:
            marks.pop()
    return marks


def _number(text: str) -> float:
    return float(text.removesuffix("%"))


def _are_halves(marks: Sequence[float]) -> bool:
    return all(2 * mark == int(2 * mark) for mark in marks)


def _is_usual_scale(marks: Sequence[float]) -> bool:
    return marks[-1] in (5, 10) and marks[0] >= 0 and len(marks) > 2 and _are_halves(marks)


def _coded(column: ColumnProfile) -> Signal | None:
    """Kinds of events by numbers, whose meaning is unknown."""
    if not 1 < len(column.values) <= _MOST_WORDS:
        return None
    why = "kinds of events by numbers, of which none is explained"
    return _texts(column, Meaning.CODE, sorted(column.values), False, why)


def _quantity(column: ColumnProfile, marks: Sequence[float], *, sure: bool) -> Signal:
    positive = [mark for mark in marks if mark > 0]
    if marks[0] > 0 or not positive:
        return _numeric(column, Meaning.QUANTITY, None, sure, "more than 0 everywhere" if positive else "never above 0")
    why = "below 0 (returns?) for some" if marks[0] < 0 else "0 for some"
    least = 1 if column.is_integer else _short_number(positive[0])
    return _numeric(column, Meaning.QUANTITY, least, sure, why)


def _numeric(column: ColumnProfile, meaning: Meaning, least: float | None, sure: bool, why: str) -> Signal:
    return Signal(column, meaning, least, (), (), sure, why)


def _good(high: float, share: float = GOOD_SHARE) -> float:
    if share == GOOD_SHARE and (high <= 1 or high >= 20):
        share = _FINE_SHARE
    return _short_number(round(high * share, 3))


def _short_number(number: float) -> float:
    return int(number) if number == int(number) else number


def _in_signs(column: ColumnProfile, named: Meaning | bool | None) -> Signal | None:
    """Texts that are marks: 4/5, ★★★, a grade."""
    # A grade in few rows says little of the others.
    graded = named in _NAMED_OPINIONS and 2 * column.filled >= column.rows
    marks = marks_in(list(column.values), graded=graded)
    if marks is None or len(marks) < 2:
        return None
    likes = [value for value, mark in marks.items() if mark >= GOOD_SHARE]
    return _texts(column, Meaning.WORDS, likes, True, "holds marks in signs")


def _of_words(column: ColumnProfile, named: Meaning | bool | None) -> Signal | None:
    """Texts: yes and no in words, or kinds of events."""
    values = list(column.values)
    is_opinion = named in _NAMED_OPINIONS
    if len(values) < 2 and not is_opinion and not is_kind_name(column.name):
        return None  # the same everywhere
    opinions = {value: opinion for value in values if (opinion := opinion_in(value)) is not None}
    strengths = {value: strength for value in values if (strength := how_much(value)) is not None}
    least = max(1, 0.6 * len(values))
    if len(opinions) >= least and (len(opinions) > len(strengths) or not any(strengths.values())):
        if named is False and column.is_boolean:
            return None
        clear = len(opinions) == len(values) and (not column.is_boolean or is_opinion)
        return _yes_and_no(column, opinions, clear, "says yes or no in words")
    if len(strengths) >= least:
        return _kinds_of_events(column, strengths)
    if is_opinion or (opinions and is_kind_name(column.name)):
        return _yes_and_no(column, opinions, False, "says in words that are not all known what users think")
    return None


def _yes_and_no(column: ColumnProfile, opinions: Mapping[str, bool], sure: bool, why: str) -> Signal:
    likes = [value for value in column.values if opinions.get(value)]
    return _texts(column, Meaning.WORDS, likes, sure, why)


def _kinds_of_events(column: ColumnProfile, strengths: Mapping[str, int]) -> Signal:
    """`strengths`: how much the known kinds say."""
    # Of views, carts and purchases the latter two mean interest; where there are only views, a view does.
    least = max(1, min(2, max(strengths.values())))
    likes = [value for value in column.values if strengths.get(value, 0) >= least]
    return _texts(column, Meaning.EVENT, likes, len(column.values) > 1, "holds kinds of events")


def _texts(column: ColumnProfile, meaning: Meaning, likes: Sequence[str], sure: bool, why: str) -> Signal:
    others = tuple(value for value in column.values if value not in likes)
    return Signal(column, meaning, None, tuple(likes), others, sure, why)
