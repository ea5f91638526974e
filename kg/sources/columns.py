"""Finding columns by name, with a message that helps where there is none."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kg.schema.errors import suggestion
from kg.sources.records import SourceError


def find_column(name: str, columns: Collection[str], source: str) -> str:
    """The column itself; raises `SourceError` with close matches where the source has none of that name.

    Of a table that may have many columns `columns` is a dictionary, as a description may ask for many.
    """
    if name in columns:
        return name
    raise SourceError(f"{source}: no column {name!r}{suggestion(name, columns)}")


def check_header(columns: Sequence[str], source: str) -> tuple[str, ...]:
    """Names of a header line, trimmed; raises `SourceError` for an empty or repeated name."""
    names = tuple(c.strip() for c in columns)
    if all(not n for n in names):
        raise SourceError(f"{source}: the header line is empty; name the columns with `columns: [...]`")
    seen: set[str] = set()
    for name in names:
        # A nameless column (a data frame's index) cannot be asked for, so it may stay.
        if name and name in seen:
            raise SourceError(f"{source}: the column {name!r} stands in the header twice; rename one of them")
        seen.add(name)
    return names
