"""Texts of strangers in what rich draws: made visible before they take their place, and once more when all is drawn."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from kg.visible import visible, visible_line


def cell(text: str, style: str = "") -> Text:
    """A text of one line, as it can stand in a table or a title; what is invisible in it takes up its escape's room."""
    return Text(visible_line(text), style=style)


def lines(text: str) -> Text:
    """A text of several lines."""
    return Text(visible(text))


class AllVisible:
    """A renderable that draws another one, in whose texts nothing invisible is left; rich's own sequences stay."""

    def __init__(self, drawn: RenderableType) -> None:
        self._drawn = drawn

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it; for rich."""
        for segment in console.render(self._drawn, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
