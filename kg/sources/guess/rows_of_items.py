"""Recognise files with a user and all its items per line, by comparison with each other."""

from __future__ import annotations

from collections.abc import Sequence

from kg.sources.guess.profile import FileProfile
from kg.sources.guess.profiling import profiled


def as_rows_of_items(files: Sequence[FileProfile]) -> list[FileProfile]:
    """The files; where one has a user and all its items per line, so have other files of numbers between blanks whose
    lines happen to be of one length.
    """
    wide = next((file for file in files if file.spec.rest), None)
    return [file if wide is None or not _may_be_rest(file) else _with_rest(file, wide) for file in files]


def _may_be_rest(file: FileProfile) -> bool:
    first = next(iter(file.columns.values()))
    blanks = file.spec.separator == " " and file.spec.columns is not None and not file.spec.rest
    return blanks and first.is_unique and all(column.is_integer for column in file.columns.values())


def _with_rest(file: FileProfile, wide: FileProfile) -> FileProfile:
    spec = wide.spec.model_copy(update={"file": file.spec.file})
    return profiled(file.path, spec, ("each line is a user and all of its items",), frozenset())
