"""Standard output and error of a command that show invisible characters, whatever code writes to them.

All that Python prints passes through: results, remarks, messages of argparse, lines of logging and warnings of
libraries, tracebacks. So untrusted characters in ids, labels and file names are made visible in one place
(`kg.visible`), and not where each line is written. Output for programs (JSON, tab-separated lists) has no invisible
characters and passes unchanged. Only the escape sequences of rich, which draws tables and progress of texts made
visible before, bypass it. Standard error also hides addresses with credentials, as argparse repeats unknown arguments.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast


class VisibleStream:
    """A text stream that writes to another one through `kg.visible.visible`, and otherwise acts as that stream."""

    def __init__(
        self,
        stream: TextIO,
        before: Callable[[], None] = lambda: None,
        *,
        hide: Callable[[str], str] = lambda text: text,
    ) -> None:
        """before: called before each write. hide: removes from each text what must not be shown."""
        self._hide = hide
        self._stream = stream
        self._before = before

    def write(self, text: str) -> int:
        """Write the text made visible; returns the length of the given text."""
        hidden = self._hide(text)
        self.passed().write(hidden if _is_plain(hidden) else _visible(hidden))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def passed(self) -> TextIO:
        """The wrapped stream, for text that must not be changed."""
        self._before()
        return self._stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def passed(stream: TextIO) -> TextIO:
    """The innermost wrapped stream, for rich."""
    while isinstance(stream, VisibleStream):
        stream = stream.passed()
    return stream


@contextmanager
def visible_streams(
    before_write: Callable[[], None] = lambda: None, *, also_behind_errors: bool = False
) -> Iterator[None]:
    """Wrap standard output and error in streams that show invisible characters.

    before_write: called before either is written to. also_behind_errors: keep them after an exception,
    as the interpreter prints it later.
    """
    before = sys.stdout, sys.stderr
    # Either is None if the caller closed it.
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
    """Whether there is nothing to make visible, as in most texts; it avoids the imports of `kg.visible` for help."""
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
