"""Addresses with passwords, kept out of what is told: of errors, logs and remarks."""

from __future__ import annotations

import re
from urllib.parse import unquote

# With one slash, too, as a path is told that was made of a URL.
_URL = re.compile(r"(?<![A-Za-z0-9+.-])(?!file:)([A-Za-z][A-Za-z0-9+.-]{1,30}:/{1,3})[^\s\"'<>]+")
_LONGEST = 60


def without_credentials(text: str) -> str:
    """The text with all of each URL hidden that has an @ in it, but for its scheme (`bolt://***`): a password may
    stand before the @ or, in an address that was mistyped, anywhere. URLs of files have none.
    """
    if ":/" not in text:
        return text
    return _URL.sub(lambda found: f"{found[1]}***" if "@" in unquote(found[0]) else found[0], text)


def quoted(value: object) -> str:
    """A value that a person wrote, for a message that says what is wrong with it: its `repr`, at most 60 characters.

    One that may be an address is not repeated, as an unfit address may have a password anywhere.
    """
    if value is None:
        return "nothing"
    text = repr(value)
    if may_be_address(text):
        return "something that may be an address and is not repeated"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def may_be_address(text: str) -> bool:
    """Whether a password could stand in a text as in an address, well formed or not."""
    return "://" in text or "@" in text


def kind_of(value: object) -> str:
    """What a value is, without a word of it: "a text", "a list"."""
    if value is None:
        return "nothing"
    names = {str: "a text", bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "fields"}
    return names.get(type(value), "something else")
