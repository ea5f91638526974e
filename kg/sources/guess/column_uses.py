"""Rank the possible uses of a column of a table, or of a property of a label, by scores.

If the first two scores differ by at most `MARGIN`, both are nearly as likely, and the second is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from kg.schema import Role
from kg.sources.guess.list_forms import (
    SURE_SEPARATORS,
    ListForm,
    is_written_list,
    list_form,
    named_for_several,
    parts_of,
    recur,
)
from kg.sources.guess.profile import ColumnProfile
from kg.sources.guess.values import field_of, is_category, is_category_name, is_url
from kg.sources.guess.words import TEXT_WORDS, is_sensitive, leads_to_own, named_like, plain, stem_of

MARGIN = 0.15
"""Difference of scores within which another answer is nearly as likely."""

_LONG_TEXT = 40
"""Mean number of characters from which a column reads like prose."""

_TRIED = 100
"""Number of distinct texts that are examined."""

_OWN_SHARE = 0.5
"""Share of the values of a column such as `similar` that must be keys of its own table."""

_RARE = 4
"""Rows per value below which a category without a telling name may be a text as well."""

_MANY_PARTS = 0.8
"""Parts per whole above which a text with a comma may be one value as well: "Sarti, Luca"."""


class Use(StrEnum):
    """Use of a column."""

    TEXT = "text"
    OWN_LIST = "several others of its kind"
    LIST = "several values"
    OWN_LINK = "another of its kind"
    LINK = "recurring values"
    CODE = "recurring codes"
    FIELD = "field"
    NOTHING = "nothing that is used"


@dataclass(frozen=True)
class Candidate:
    """A possible use of a column, with a score from 0 to 1; `form` is for lists, `field` for fields."""

    use: Use
    score: float
    form: ListForm | None = None
    field: dict[str, Any] | None = None


@dataclass(frozen=True)
class Surroundings:
    """The context of a column.

    `blanks`: a space separates values within a cell (atomic files); `headerless`: columns have no names of their own;
    `usual` separates the values of another column.
    """

    role: Role
    key: ColumnProfile
    blanks: bool = False
    headerless: bool = False
    usual: str | None = None


def uses_of(column: ColumnProfile, around: Surroundings) -> list[Candidate]:
    """The possible uses of a column, the likeliest first; never empty."""
    uses = [*_uses(column, around), Candidate(Use.NOTHING, 0.1)]
    return sorted(uses, key=lambda candidate: -candidate.score)


def doubt(candidates: list[Candidate]) -> Candidate | None:
    """The runner-up, where it is nearly as likely and another use."""
    first, second = candidates[0], candidates[1] if len(candidates) > 1 else None
    return second if second is not None and first.score - second.score < MARGIN else None


def _uses(column: ColumnProfile, around: Surroundings) -> Iterator[Candidate]:
    if around.role is Role.USER:
        yield from _uses_of_single(column, around)
        return
    if score := _as_text(column):
        yield Candidate(Use.TEXT, score)
    leads = leads_to_own(column.name)
    form = list_form(column, blanks=around.blanks, usual=around.usual)
    if form is not None and not _are_fractions(column, form):
        own = leads and _parts_in(column, form, around.key) >= _OWN_SHARE
        yield Candidate(Use.OWN_LIST if own else Use.LIST, 0.9 if around.blanks else _as_list(column, form), form)
    elif column.lists and leads:
        if _parts_in(column, ListForm(), around.key) >= _OWN_SHARE:
            yield Candidate(Use.OWN_LIST, 0.9, ListForm())
        return
    if leads and column.share_in(around.key) >= _OWN_SHARE:
        yield Candidate(Use.OWN_LINK, 0.85)
    yield from _uses_of_single(column, around)


def _uses_of_single(column: ColumnProfile, around: Surroundings) -> Iterator[Candidate]:
    """The uses of single values: a field, and of items and entities also a node per value."""
    is_user = around.role is Role.USER
    field = field_of(column, sensitive=is_user and is_sensitive(column.name))
    if field is None or is_written_list(column) or is_url(column):
        return
    categorical, integer = field["type"] == "categorical", field["type"] == "integer"
    if integer and column.is_unique and stem_of(column.name) != plain(column.name):
        return  # an id of another system
    if categorical and not is_user:
        sure = is_category_name(column.name) or column.filled >= _RARE * len(column.values)
        yield Candidate(Use.LINK, 0.7 if sure else 0.5)
    if integer and not is_user and (score := _as_code(column, around)):
        yield Candidate(Use.CODE, score)
    yield Candidate(Use.FIELD, 0.4 if categorical or integer else 0.6, field=field)


def _as_text(column: ColumnProfile) -> float:
    if column.is_number or column.times or is_url(column) or is_written_list(column):
        return 0.0
    named = named_like(column.name, TEXT_WORDS)
    if column.lists:
        return 0.95 if named and not recur(column.parts) else 0.0
    if named and not is_category(column):
        return 0.95
    form = list_form(column, blanks=False)
    if named or (form is not None and form.separator in SURE_SEPARATORS):
        return 0.0
    if column.mean_length <= _LONG_TEXT:
        # A category with few repeats may be a short text.
        return 0.4 if is_category(column) and not is_category_name(column.name) else 0.0
    return 0.92 if len(column.values) > 0.5 * column.filled or _is_prose(column) else 0.0


def _as_list(column: ColumnProfile, form: ListForm) -> float:
    if column.lists or is_written_list(column) or form.separator in SURE_SEPARATORS:
        return 0.9
    if named_for_several(column.name):
        return 0.9
    parts = {part for value in column.values for part in parts_of(value, form)}
    return 0.8 if len(parts) <= _MANY_PARTS * len(column.values) or not is_category(column) else 0.75


def _as_code(column: ColumnProfile, around: Surroundings) -> float:
    """Whether repeated integers are codes, by name (`categoryId`) or where no column has a name."""
    named = stem_of(column.name) != plain(column.name)
    recurs = 1 < len(column.values) <= column.filled / 3 and not 1900 <= column.low <= column.high < 2101
    return (0.7 if named else 0.5 if around.headerless else 0.0) if recurs else 0.0


def _are_fractions(column: ColumnProfile, form: ListForm) -> bool:
    """Whether lists hold numbers with a point, such as the vectors of an embedding."""
    parts = list(islice(column.parts, _TRIED))
    numbers = sum(part.replace(".", "").replace("-", "").replace("e", "").isdigit() for part in parts)
    return bool(parts) and form.field is None and numbers == len(parts) and any("." in part for part in parts)


def _is_prose(column: ColumnProfile) -> bool:
    """Whether most texts are sentences: ten words or more, at least one in lower case."""
    texts = [value.split() for value in islice(column.values, _TRIED)]
    return sum(len(words) >= 10 and any(word.islower() for word in words) for words in texts) > 0.5 * len(texts)


def _parts_in(column: ColumnProfile, form: ListForm, key: ColumnProfile) -> float:
    """Share of the distinct values in a column's lists that are keys."""
    parts = set(column.parts) if column.lists else {p for v in column.values for p in parts_of(v, form)}
    return sum(part in key.values for part in parts) / len(parts) if parts else 0.0
