"""Tables that lie in several files: by month, by number, or split into train and test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kg.sources.guess.interactions import Meeting
from kg.sources.guess.profile import FileProfile

_SPLIT = re.compile("train(ing)?|test(ing)?|valid(ation)?|val|dev|eval|holdout|heldout|base|probe|quiz")
_PART = re.compile(
    f"{_SPLIT.pattern}|[0-9]+|part|chunk|jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?"
    "|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
)


def same_tables(meetings: Sequence[Meeting]) -> list[list[Meeting]]:
    """Meetings in groups: the parts of one table, by month or by split, have the same columns and are read alike."""
    groups: dict[tuple[Any, ...], list[Meeting]] = {}
    for meeting in meetings:
        described = meeting.file.spec.model_dump_json(exclude={"file"})
        via = meeting.via.target.path if meeting.via is not None else None
        alike = (tuple(meeting.file.columns), described, via, _without_part(meeting.file.name))
        groups.setdefault(alike, []).append(meeting)
    return list(groups.values())


def _without_part(name: str) -> str:
    """A table's name without what tells its parts apart: numbers, months, words of a split."""
    left = [w for w in re.split(r"[\W_]+|(?<=[a-z])(?=[0-9])", name.lower()) if w and not _PART.fullmatch(w)]
    return " ".join(left)


def split_word(name: str) -> bool:
    """Whether a table's name is one of a part that was split off for tests, or of the rest."""
    return any(_SPLIT.fullmatch(word) for word in re.split(r"[\W_]+", name.lower()))


def common_name(files: Sequence[FileProfile]) -> str:
    """The name of a table in several files."""
    return (_without_part(files[0].name) or "event") if len(files) > 1 or split_word(files[0].name) else files[0].name
