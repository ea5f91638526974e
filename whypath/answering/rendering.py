"""Make untrusted texts visible in what rich draws: before they are placed, and again when everything is drawn."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from kg.visible import visible, visible_line


def cell(text: str, style: str = "") -> Text:
    """A text of one line for a table or a title, with the width of the escapes of its invisible characters."""
    return Text(visible_line(text), style=style)


def lines(text: str) -> Text:
    """A text of several lines."""
    return Text(visible(text))


class AllVisible:
    """A renderable that draws another one with its invisible characters escaped; rich's own sequences are kept."""

    def __init__(self, drawn: RenderableType) -> None:
        self._drawn = drawn

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it; for rich."""
        for segment in console.render(self._drawn, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
