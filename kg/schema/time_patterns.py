"""Check patterns for dates and times in the syntax of `datetime.strptime`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from kg.redacting import quoted

_LONGEST = 200
_MOMENT = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


def check_pattern(pattern: str) -> str:
    """Return the pattern; raises `ValueError` for one that cannot read what it writes."""
    if len(pattern) > _LONGEST:
        raise ValueError(f"a strptime pattern of more than {_LONGEST} characters")
    try:
        datetime.strptime(_MOMENT.strftime(pattern), pattern)
    except (ValueError, re.error) as error:
        # A repeated directive is an error of the regular expression that Python makes of the pattern.
        why = "it has a directive twice" if isinstance(error, re.error) else str(error)
        raise ValueError(f"{quoted(pattern)} is not a strptime pattern that reads dates: {why}") from None
    return pattern
