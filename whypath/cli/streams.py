"""Standard output and error of a command, through which nothing invisible passes, whoever writes it.

All that Python prints goes there: results, remarks, messages of argparse, lines of logging and warnings of libraries,
tracebacks. So what strangers put into ids, labels and files' names is made visible here once (`kg.visible`), and not
where each line is written. What programs read (JSON, tab-separated lists) has nothing invisible in it and passes as it
is. Only the escape sequences of rich, which draws tables and progress of texts made visible before, go past it. On
standard error addresses with credentials are hidden as well: argparse repeats what it does not know.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast


class VisibleStream:
    """A text stream that writes to another what `kg.visible.visible` makes of a text, and else is that other stream."""

    def __init__(
        self,
        stream: TextIO,
        before: Callable[[], None] = lambda: None,
        *,
        hide: Callable[[str], str] = lambda text: text,
    ) -> None:
        """before: called before each write. hide: takes out of each text what must not be told."""
        self._hide = hide
        self._stream = stream
        self._before = before

    def write(self, text: str) -> int:
        """Write the text made visible; returns the length of the text as it was given."""
        hidden = self._hide(text)
        self.passed().write(hidden if _is_plain(hidden) else _visible(hidden))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def passed(self) -> TextIO:
        """The stream behind, for what must not be changed."""
        self._before()
        return self._stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def passed(stream: TextIO) -> TextIO:
    """The stream behind all that makes it visible, for rich."""
    while isinstance(stream, VisibleStream):
        stream = stream.passed()
    return stream


@contextmanager
def visible_streams(
    before_write: Callable[[], None] = lambda: None, *, also_behind_errors: bool = False
) -> Iterator[None]:
    """Put standard output and error behind streams that show all.

    before_write: called before either is written to. also_behind_errors: leave them so where an exception ends this,
    as the interpreter is about to print it.
    """
    before = sys.stdout, sys.stderr
    # Either is None where the caller closed it.
    if sys.stdout is not None:
        sys.stdout = cast(TextIO, VisibleStream(sys.stdout, before_write))
    if sys.stderr is not None:
        sys.stderr = cast(TextIO, VisibleStream(sys.stderr, before_write, hide=_without_credentials))
    restore = True
    try:
        yield
    except Exception:
        restore = not also_behind_errors
        raise
    finally:
        if restore:
            sys.stdout, sys.stderr = before


def _is_plain(text: str) -> bool:
    """Whether there is nothing to make visible, for most texts; what `kg.visible` imports is not needed for help."""
    return text.translate(_PASSED).isprintable() and (text.isascii() or max(text) < "\N{COMBINING GRAVE ACCENT}")


_PASSED = {ord(character): None for character in "\n\t…→←─“”’×±≥≤"}


def _without_credentials(text: str) -> str:
    if ":/" not in text:
        return text
    from kg.redacting import without_credentials

    return without_credentials(text)


def _visible(text: str) -> str:
    from kg.visible import visible

    return visible(text)
