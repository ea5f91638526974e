"""Read the records of one JSON document: an array of objects, or an object that holds such an array, or objects by
their keys.

An array is read element by element in bounded memory. An object is read as a whole, up to a limit, since only its end
tells which of the two it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import TextIOBase
from typing import Any

from kg.sources.records import SourceError

_CHUNK = 1 << 18
_LONGEST_ELEMENT = 1 << 24
"""Maximum characters of one element of an array."""

_LONGEST_DOCUMENT = 1 << 28
"""Maximum characters of an object that is read as a whole."""

KEY = "@key"
"""Column for the key of an object that has one: `{"m1": {"title": …}}`."""

_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


def array_elements(text: TextIOBase, name: str) -> Iterator[Any]:
    """Yield the elements of an array. Raises `SourceError` where the text is not JSON."""
    buffer, at, done = "", 0, False
    number = 0

    def fill() -> bool:
        nonlocal buffer, at
        more = text.read(max(_CHUNK, len(buffer) - at))
        buffer, at = buffer[at:] + more, 0
        return bool(more)

    def skip(signs: str) -> None:
        nonlocal at
        while True:
            while at < len(buffer) and buffer[at] in signs:
                at += 1
            if at < len(buffer) or not fill():
                return

    skip(" \t\r\n\ufeff")
    at += 1  # the opening bracket
    while not done:
        skip(" \t\r\n,")
        if at >= len(buffer):
            raise SourceError(
                f"{name}: the JSON array ends after {number:,} elements without its bracket; fetch it again"
            )
        if buffer[at] == "]":
            done = True
            continue
        while True:
            try:
                value, end = _DECODER.raw_decode(buffer, at)
            except (ValueError, RecursionError) as error:
                if len(buffer) - at > _LONGEST_ELEMENT:
                    raise SourceError(
                        f"{name}: element {number + 1:,} is not JSON, or has more than {_LONGEST_ELEMENT:,} characters"
                    ) from None
                if isinstance(error, RecursionError) or not fill():
                    raise SourceError(f"{name}: element {number + 1:,} is not JSON ({error})") from None
                continue
            # A number may continue in the unread text.
            if end == len(buffer) and fill():
                continue
            break
        at = end
        number += 1
        yield value


def document_records(text: TextIOBase, name: str) -> Iterator[Any]:
    """Yield the records in one object: those of its only array of objects, or its objects by key. Raises
    `SourceError`."""
    whole = text.read(_LONGEST_DOCUMENT + 1)
    if len(whole) > _LONGEST_DOCUMENT:
        raise SourceError(
            f"{name}: one JSON object of more than {_LONGEST_DOCUMENT:,} characters; write its records as an array or"
            " one a line (`jq -c '.items[]'` makes it so)"
        )
    try:
        document = _DECODER.decode(whole)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name}: neither one object a line nor one JSON document ({error})") from None
    yield from _records_in(document, name)


def _records_in(document: Any, name: str) -> Iterator[Any]:
    if not isinstance(document, dict):
        raise SourceError(f"{name}: a JSON {type(document).__name__}, not records")
    arrays = [
        key for key, value in document.items() if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    if len(arrays) == 1:
        yield from document[arrays[0]]
    elif arrays:
        raise SourceError(
            f"{name}: a JSON object with several arrays of records ({', '.join(arrays)}); write each to its own file"
        )
    elif len(document) > 1 and all(isinstance(value, dict) for value in document.values()):
        if _is_by_column(document):
            raise SourceError(
                f"{name}: JSON by column ({', '.join(list(document)[:5])}), not by record; write it by record"
                " (pandas: `to_json(orient='records', lines=True)`)"
            )
        yield from ({KEY: key, **value} for key, value in document.items())
    elif document and any(isinstance(value, dict) for value in document.values()):
        (inner,) = [value for value in document.values() if isinstance(value, dict)][:1]
        yield from _records_in(inner, name)
    else:
        yield document


def _is_by_column(document: dict[str, Any]) -> bool:
    """Whether objects hold one column each: all have the same keys, and these are row numbers."""
    keys = [tuple(value) for value in document.values()]
    return len(set(keys)) == 1 and len(keys[0]) > 0 and all(key.isdigit() for key in keys[0])
