"""List the columns of the files that a description does not read, so that the user sees what a guess left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kg.schema import DomainSchema, columns_read
from kg.sources.guess.profile import FileProfile


def unread_columns(schema: DomainSchema, files: Sequence[FileProfile]) -> Iterator[tuple[FileProfile, list[str]]]:
    """The files that have columns which the description does not read, and these columns in the file's order."""
    read: dict[str, set[str]] = {}
    for spec, columns in columns_read(schema):
        read.setdefault(spec.name, set()).update(columns)
    for file in files:
        known = read.get(file.spec.name)
        left = [name for name in file.columns if name and known is not None and name not in known]
        if left:
            yield file, left
