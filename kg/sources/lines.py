"""Read the lines of a text file in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TextIO

LINE_LIMIT = 1 << 24
"""Maximum characters of a line (up to 64 MB of memory). A file of another format may be one single line."""


def bounded_lines(text: TextIO) -> Iterator[str]:
    """Yield lines with their ends. Of a line that `is_too_long`, yield the beginning and skip the rest."""
    for line in iter(partial(text.readline, LINE_LIMIT + 1), ""):
        if len(line) > LINE_LIMIT and not line.endswith("\n"):
            for rest in iter(partial(text.readline, 1 << 20), ""):
                if rest.endswith("\n"):
                    break
        yield line


def is_too_long(line: str) -> bool:
    """Whether a line of `bounded_lines` is too long for a row."""
    return len(line) > LINE_LIMIT


TOO_LONG = f"a line of more than {LINE_LIMIT:,} characters; do its lines end in \\n?"
"""Message for such a line."""
