"""Convert texts to character data of XML 1.0, which cannot hold every character, and back.

What XML cannot hold, such as an escape character or a NUL, is written `_x001B_` by its code, as in the XML of
spreadsheets; an underscore that would make a text look like that is written `_x005F_`. Other texts are unchanged.
"""

from __future__ import annotations

import re

_NOT_IN_XML = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
# What comes after the four digits may itself be written with an underscore in front.
_UNFIT = re.compile(f"[{_NOT_IN_XML}]|_(?=x[0-9A-Fa-f]{{4}}[_{_NOT_IN_XML}])")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def xml_text(text: str) -> str:
    """The text with every character that XML cannot hold as `_xHHHH_`."""
    return _UNFIT.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def text_of_xml(text: str) -> str:
    """The text that `xml_text` encoded."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
