"""Keep addresses with passwords out of errors, logs and remarks."""

from __future__ import annotations

import re
from urllib.parse import unquote

# Also with one slash, as in a path that was made of a URL.
_URL = re.compile(r"(?<![A-Za-z0-9+.-])(?!file:)([A-Za-z][A-Za-z0-9+.-]{1,30}:/{1,3})[^\s\"'<>]+")
_LONGEST = 60


def without_credentials(text: str) -> str:
    """Hide every URL that has an @ in it, except for its scheme (`bolt://***`): a password may be before the @ or, in a
    mistyped address, anywhere. URLs of files have none.
    """
    if ":/" not in text:
        return text
    return _URL.sub(lambda match: f"{match[1]}***" if "@" in unquote(match[0]) else match[0], text)


def quoted(value: object) -> str:
    """A user's value for a message that says what is wrong with it: its `repr`, at most 60 characters.

    A value that may be an address is not repeated, as a malformed address may have a password anywhere.
    """
    if value is None:
        return "nothing"
    text = repr(value)
    if may_be_address(text):
        return "something that may be an address and is not repeated"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def may_be_address(text: str) -> bool:
    """Whether a text may be an address, well formed or not, with a password in it."""
    return "://" in text or "@" in text


def kind_of(value: object) -> str:
    """The type of a value in words, without its content: "a text", "a list"."""
    if value is None:
        return "nothing"
    names = {str: "a text", bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "fields"}
    return names.get(type(value), "something else")
