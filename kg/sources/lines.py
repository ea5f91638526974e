"""Lines of a text file, none of them held whole where it is too long for a row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TextIO

LINE_LIMIT = 1 << 24
"""Characters of a line at most (up to 64 MB of memory). A file of another kind may well be one single line."""


def bounded_lines(text: TextIO) -> Iterator[str]:
    """Lines with their ends. Of one that `is_too_long` the beginning comes, and the rest is passed over."""
    for line in iter(partial(text.readline, LINE_LIMIT + 1), ""):
        if len(line) > LINE_LIMIT and not line.endswith("\n"):
            for rest in iter(partial(text.readline, 1 << 20), ""):
                if rest.endswith("\n"):
                    break
        yield line


def is_too_long(line: str) -> bool:
    """Whether a line of `bounded_lines` is more than a row may be."""
    return len(line) > LINE_LIMIT


TOO_LONG = f"a line of more than {LINE_LIMIT:,} characters; do its lines end as in other files?"
"""What is said of such a line."""
