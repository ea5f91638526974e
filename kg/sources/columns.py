"""Find columns by name, or raise with a message that helps."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kg.schema.errors import suggestion
from kg.sources.records import SourceError


def find_column(name: str, columns: Collection[str], source: str) -> str:
    """Return the column; raises `SourceError` with close matches where the source does not have it.

    For a table of many columns `columns` is a dictionary, as a description may look up many.
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
        # A column without a name (a data frame's index) cannot be named in a description, so it is allowed.
        if name and name in seen:
            raise SourceError(f"{source}: the column {name!r} is in the header twice; rename one of them")
        seen.add(name)
    return names
