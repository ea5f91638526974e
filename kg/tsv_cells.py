"""Convert texts to cells of tab-separated files, whatever is in them, and back.

A text that can be a cell as it is, with nothing invisible, is written as it is, backslashes and all. Any other (with a
tab, a line break or an invisible character (`kg.visible`), or that begins with a quotation mark) becomes a backslash
and a JSON string: `\\"a\\tb"`. So in any language a cell that begins with `\\"` is read by a JSON parser, without its
first character, and every other cell is what it looks like; files that other programs wrote keep their meaning.
"""

from __future__ import annotations

import json

from kg.json_text import json_text
from kg.visible import visible_line, without_halves

ESCAPED = b'\\"'
"""Bytes that every file with an escaped cell contains."""

MARK = '\\"'
"""How an escaped cell begins."""


def tsv_cell(text: str) -> str:
    """The cell of a text: one line without tabs or invisible characters. A lone surrogate, which no file can hold,
    becomes its escape permanently."""
    text = without_halves(text)
    if visible_line(text) == text and not text.startswith(('"', MARK)):
        return text
    return "\\" + json_text(text)


def text_of_cell(cell: str) -> str:
    """The text of a cell of `tsv_cell`; any other cell is its own text."""
    if not cell.startswith(MARK):
        return cell
    try:
        text = json.loads(cell[1:])
    except ValueError:
        return cell
    # A lone surrogate would be refused wherever it is written next.
    return text if isinstance(text, str) and without_halves(text) == text else cell
