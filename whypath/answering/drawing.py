"""Draw answers for people with rich; imported when one is printed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from kg.visible import visible_line
from whypath.answering.rendering import cell, lines

if TYPE_CHECKING:
    from whypath.answering.results import Explanation, HistoryShare, RankedItem

_SHOWN = 8
"""Number of printed rows of a split; `to_json` and `to_pandas` have all."""


def plain_text(result: Any, width: int = 110) -> str:
    """Render a result as plain text, for `print`."""
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False, emoji=False)
    console.print(result)
    text = console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
    return "\n".join(line.rstrip() for line in text.splitlines())


def listing(title: str, items: tuple[RankedItem, ...], note: str, stale_since: str | None) -> RenderableType:
    """A list of items under a title, with what is noted of it."""
    parts: list[RenderableType] = [cell(title, style="bold")]
    if items:
        table = Table(box=None, pad_edge=False)
        table.add_column("#", justify="right")
        table.add_column("item")
        table.add_column("")
        table.add_column("score", justify="right")
        for item in items:
            table.add_row(str(item.rank), cell(item.item), cell(item.label), f"{item.score:.4f}")
        parts.append(table)
    if note:
        parts.append(lines(note))
    return Group(*parts, *_stale(stale_since))


def explained(found: Explanation) -> RenderableType:
    """An explanation: tables of the split's parts, then the paths."""
    whom = f"user {found.user}" if found.user is not None else "the given history"
    title = f"Why {found.label} ({found.item}) for {whom}: score {found.score:.4f}"
    parts: list[RenderableType] = [cell(title, style="bold")]
    if found.note:
        parts.append(lines(found.note))
    for title, rows in (
        ("Part of the model", [(share.block, share.share) for share in found.blocks]),
        ("Stage after the model", [(share.stage, share.share) for share in found.stages]),
        ("Item of your history", _first([(_label(share), share.share) for share in found.history])),
        ("Fact of the item", _first([(f"{share.label} ({share.kind})", share.share) for share in found.entities])),
    ):
        if rows:
            table = Table(box=None, pad_edge=False)
            table.add_column(title)
            table.add_column("adds", justify="right")
            for name, share in rows:
                table.add_row(cell(name), f"{share:+.4f}")
            parts.append(table)
    if found.paths:
        parts.append(Text("Paths", style="bold"))
        # A path on one line can be searched for and copied; the terminal wraps it.
        parts.extend(Text(f"  {visible_line(path.text)}", no_wrap=True, overflow="ignore") for path in found.paths)
    return Group(*parts, *_stale(found.stale_since))


def _first(rows: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """The first rows, and the sum of the others in one more."""
    others = rows[_SHOWN:]
    return rows[:_SHOWN] + ([(f"{len(others)} more", sum(share for _, share in others))] if others else [])


def _label(share: HistoryShare) -> str:
    return f"{share.label} (disliked)" if share.disliked else share.label


def _stale(since: str | None) -> list[RenderableType]:
    """The line under an answer that does not come from the store's current content."""
    if since is None:
        return []
    return [Text(f"Stale: the store does not answer; this is from the last snapshot, of {since}.")]
