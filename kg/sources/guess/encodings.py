"""Guess the encoding of a text file that is not UTF-8, by which bytes occur in pairs, and where."""

from __future__ import annotations

import codecs
import re

_BOMS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HIGH = re.compile(rb"[\x80-\xff]+")
_SHIFT_JIS = re.compile(rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]")

_FEW = 0.01
"""Share of lines that are not UTF-8 up to which they count as bad lines of a UTF-8 file."""


def encoding_of(head: bytes, *, whole: bool) -> str | None:
    """Python's name for the encoding of a file's beginning; None for UTF-8. `whole`: it is the whole file."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if _is_utf8(head, whole=whole):
        return None
    lines = head.split(b"\n")
    if sum(not _is_utf8(line, whole=True) for line in lines) <= _FEW * len(lines):
        return None
    return _by_bytes(head)


def _is_utf8(text: bytes, *, whole: bool) -> bool:
    try:
        # A character that is cut off at the end is not an error of the file.
        codecs.getincrementaldecoder("utf-8")().decode(text, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _by_bytes(head: bytes) -> str:
    runs = _HIGH.findall(head)
    high = b"".join(runs)

    def share(first: int, last: int) -> float:
        return sum(first <= byte <= last for byte in high) / len(high)

    if share(0x80, 0xA0) > 0.15 and _decodes(head, "cp932"):
        return "cp932"  # Japanese of Windows: no other script has so many bytes below those of letters
    if sum(len(run) for run in runs if len(run) > 2) > 0.5 * len(high):  # whole words of high bytes
        if share(0xC0, 0xFF) > 0.97:
            return "cp1251"  # Cyrillic: nearly all of them letters
        if sum(len(run) - len(run) % 2 for run in runs) > 0.9 * len(high):
            return _of_pairs(head)
    if _share_of_script(head, "shift_jis", 0x3040, 0x30FF) > 0.3 and len(_SHIFT_JIS.findall(head)) > 0.4 * len(high):
        return "shift_jis"
    # Bytes 0x80 to 0x9f are letters and quotes in cp1252 and nothing in latin-1.
    return "cp1252" if share(0x80, 0x9F) else "latin-1"


def _of_pairs(head: bytes) -> str:
    """The encoding of a text in which two high bytes are a character."""
    # Korean is nearly all Hangul; two thirds of Chinese text read as Korean are Hangul by chance.
    for name, first, last, least in (("euc_kr", 0xAC00, 0xD7A3, 0.95), ("euc_jp", 0x3040, 0x30FF, 0.3)):
        if _share_of_script(head, name, first, last) > least:
            return name
    return "gb18030"


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(text)
    except UnicodeDecodeError:
        return False
    return True


def _share_of_script(text: bytes, encoding: str, first: int, last: int) -> float:
    """Share of the characters beyond ASCII that are in a range of Unicode; 0 where the text is not so encoded."""
    codes = [ord(c) for c in text.decode(encoding, "replace") if ord(c) > 0x7F]
    if not codes or sum(c == 0xFFFD for c in codes) > 0.02 * len(codes):
        return 0.0
    return sum(first <= c <= last for c in codes) / len(codes)
