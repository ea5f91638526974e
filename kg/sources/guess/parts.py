"""Join tables that are in several files: by month, by number, or split into train and test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kg.sources.guess.meetings import Meeting
from kg.sources.guess.profile import FileProfile

_SPLIT = re.compile("train(ing)?|test(ing)?|valid(ation)?|val|dev|eval|holdout|heldout|base|probe|quiz")
_PART = re.compile(
    f"{_SPLIT.pattern}|[0-9]+|part|chunk|jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?"
    "|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
)


def same_tables(meetings: Sequence[Meeting]) -> list[list[Meeting]]:
    """Group meetings: the parts of one table, by month or by split, have the same columns and are read alike."""
    groups: dict[tuple[Any, ...], list[Meeting]] = {}
    for meeting in meetings:
        described = meeting.file.spec.model_dump_json(exclude={"file", "sheet"})
        via = meeting.via.target.place if meeting.via is not None else None
        alike = (tuple(meeting.file.columns), described, via, _without_part(meeting.file.name))
        groups.setdefault(alike, []).append(meeting)
    return list(groups.values())


def _without_part(name: str) -> str:
    """A table's name without the suffix of a part: numbers, months, words of a split."""
    left = [w for w in re.split(r"[\W_]+|(?<=[a-z])(?=[0-9])", name.lower()) if w and not _PART.fullmatch(w)]
    return " ".join(left)


def split_word(name: str) -> bool:
    """Whether a table's name is that of a test part of a split, or of the rest."""
    return any(_SPLIT.fullmatch(word) for word in re.split(r"[\W_]+", name.lower()))


def common_name(files: Sequence[FileProfile]) -> str:
    """The name of a table in several files."""
    return (_without_part(files[0].name) or "event") if len(files) > 1 or split_word(files[0].name) else files[0].name


def as_one_table(files: Sequence[FileProfile]) -> list[FileProfile]:
    """The files, with parts of one table of nodes by number, month or year joined: the same columns, and no key in two
    of them.
    """
    groups: dict[tuple[Any, ...], list[FileProfile]] = {}
    for file in files:
        described = file.spec.model_dump_json(exclude={"file", "sheet"})
        is_part = file.key() is not None and _without_part(file.name) != file.name.lower().replace("_", " ")
        alike = (tuple(file.columns), described, _without_part(file.name)) if is_part else (file.place,)
        groups.setdefault(alike, []).append(file)
    tables: list[FileProfile] = []
    for group in groups.values():
        whole = group[0]
        for part in group[1:]:
            key, other = whole.key(), part.key()
            if key is None or other is None or key.name != other.name or key.values.keys() & other.values.keys():
                break
            whole = _joined(whole, part)
        tables += [whole] if len(whole.parts or (whole,)) == len(group) else group
    return tables


def _joined(whole: FileProfile, part: FileProfile) -> FileProfile:
    columns = {name: column.with_other(part.columns[name]) for name, column in whole.columns.items()}
    return replace(
        whole,
        columns=columns,
        rows=whole.rows + part.rows,
        different_rows=whole.different_rows + part.different_rows,
        truncated=whole.truncated or part.truncated,
        parts=(*(whole.parts or (whole,)), part),
    )
