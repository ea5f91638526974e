"""Escape invisible characters and terminal controls in untrusted text.

Ids, labels, names of files and messages of libraries may hold anything: escape sequences that move the cursor or name
the window, marks that turn the direction of writing, characters of no width. Each is shown as a Python escape
(`\\x1b`, `\\u202e`, `\\U000e0041`); letters of every script stay, with the joiners that they need, and so do emoji.

This is for people: an escape that was already in the text looks like one that was made. Programs read exact forms
(`kg.json_text`, `kg.tsv_cells`, `kg.xml_text`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

_INVISIBLE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiner, fillers, Mongolian selectors
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # no width, line and paragraph separators, direction
    "\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # shorthand, music, tags, variation selectors
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
)
# Scripts whose letters change their form by a joiner or a non-joiner between them: Arabic, Syriac, N'Ko, the scripts of
# India, Sinhala, Myanmar, Khmer, Mongolian.
_JOINING = (
    "\u0620-\u064a\u0660-\u06d3\u0710-\u074f\u0750-\u077f\u07ca-\u07f3\u08a0-\u08e1\u0900-\u0dff\u1000-\u109f"
    "\u1780-\u17b3\u17b6-\u17d3\u1820-\u18aa\ufb50-\ufdcf\ufdf0-\ufdfb\ufe70-\ufefc"
)
# Signs behind which a joiner asks for another form of the letter, also at a word's end.
_VIRAMA = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\u1039\u103a\u17d2"
_PICTURE = "\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KEPT = (
    rf"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])",
    rf"(?<=[{_VIRAMA}])[\u200c\u200d](?![\u200c\u200d])",
    # One selector of a picture's or a character's form, and pictures joined to one.
    rf"(?<=[{_PICTURE}0-9#*])[\ufe0e\ufe0f](?![\ufe00-\ufe0f])",
    rf"(?<=[{_HAN}])[\ufe00-\ufe02\U000e0100-\U000e01ef](?![\ufe00-\ufe0f\U000e0100-\U000e01ef])",
    rf"(?<=[{_PICTURE}])\u200d(?=[{_PICTURE}])",
    rf"(?<=[{_PICTURE}]\ufe0f)\u200d(?=[{_PICTURE}])",
)

_HIDDEN = re.compile(rf"(?P<kept>{'|'.join(_KEPT)})|[{_INVISIBLE}]")
_HIDDEN_OR_BREAK = re.compile(rf"(?P<kept>{'|'.join(_KEPT)})|[\t\n{_INVISIBLE}]")
_HALF = re.compile("[\ud800-\udfff]")
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str) -> str:
    """Escape a text of several lines, such as a message; tabs and line feeds are kept. Idempotent."""
    return with_hidden_as(escape_of, text)


def visible_line(text: str) -> str:
    """Escape a text of one line, such as an id in a table; tabs and line feeds are escaped too."""
    if text.isascii() and text.isprintable():  # most ids, in a tenth of the time
        return text
    return _HIDDEN_OR_BREAK.sub(lambda match: match[0] if match["kept"] else escape_of(match[0]), text)


def with_hidden_as(escape: Callable[[str], str], text: str) -> str:
    """The text with another escape for each character that `visible` would escape."""
    return _HIDDEN.sub(lambda match: match[0] if match["kept"] else escape(match[0]), text)


def has_halves(text: str) -> bool:
    """Whether a text has lone surrogates, which UTF-8, and so a store or a file of a bundle, cannot hold."""
    return not text.isascii() and _HALF.search(text) is not None


def without_halves(text: str) -> str:
    """The text as UTF-8 can hold it: lone surrogates, which the name of a file or an argument can have where its bytes
    are not UTF-8, become their escapes (`\\udce9`) permanently."""
    return text if text.isascii() else _HALF.sub(lambda match: escape_of(match[0]), text)


def escape_of(character: str) -> str:
    """The escape of one character: `\\n`, `\\x1b`, `\\u202e`, `\\U000e0041`."""
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
