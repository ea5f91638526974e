"""What was seen of a file in which no events were found, for whoever knows what it holds."""

from __future__ import annotations

import re

from kg.sources.guess.list_forms import is_written_list
from kg.sources.guess.profile import ColumnProfile, FileProfile

_SHOWN_COLUMNS = 12


def what_was_seen(file: FileProfile) -> str:
    """Its columns, and what may be the reason."""
    names = [name for name in file.columns if name]
    more = f" and {len(names) - _SHOWN_COLUMNS:,} more" if len(names) > _SHOWN_COLUMNS else ""
    shown = ", ".join(name[:60] for name in names[:_SHOWN_COLUMNS])
    listed = [c.name for c in file.columns.values() if c.lists or is_written_list(c) or _has_many(c)]
    told = (
        f"; {', '.join(listed[:3])} hold several values in a cell, which are read as facts, not as events"
        if listed
        else ""
    )
    wide = "; one column per item, a matrix? turn it into rows of user, item, value" if len(names) > 20 else ""
    return f"{file.path.name}: columns {shown}{more}{told}{wide}"


def _has_many(column: ColumnProfile) -> bool:
    """Whether most cells hold several ids between blanks or commas."""
    several = sum(n for value, n in column.values.items() if len(re.split(r"[ ,;|]+", value)) > 2)
    return column.mean_length < 5000 and several > 0.5 * column.filled and not column.is_number
