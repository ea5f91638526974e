"""Texts as cells of tab-separated files, whatever is in them, and cells as the texts that they were made of.

A text that can stand in a cell as it is, and be seen there, stands as it is, backslashes and all. Any other, one with a
tab, a line break or an invisible character (`kg.visible`) or with a quotation mark in front, becomes a backslash and a
JSON string: `\\"a\\tb"`. So in any language a cell that begins with `\\"` is read by a JSON parser, but for its first
character, and every other cell is what it looks like; files that other programs wrote keep their meaning.
"""

from __future__ import annotations

import json

from kg.json_text import json_text
from kg.visible import visible_line, without_halves

ESCAPED = b'\\"'
"""What is in the bytes of every file with a cell that was escaped."""

MARK = '\\"'
"""How an escaped cell begins."""


def tsv_cell(text: str) -> str:
    """The cell of a text: one line without tabs, with nothing invisible in it. Half of a character, which no file can
    hold, becomes its escape for good."""
    text = without_halves(text)
    if visible_line(text) == text and not text.startswith(('"', MARK)):
        return text
    return "\\" + json_text(text)


def text_of_cell(cell: str) -> str:
    """The text of a cell of `tsv_cell`; a cell that is none of its making is a text as it stands."""
    if not cell.startswith(MARK):
        return cell
    try:
        text = json.loads(cell[1:])
    except ValueError:
        return cell
    # Half of a character would be refused wherever it is written next.
    return text if isinstance(text, str) and without_halves(text) == text else cell
