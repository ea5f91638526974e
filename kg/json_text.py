"""Write data as JSON text that every parser accepts and that has no invisible characters."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from kg.visible import with_hidden_as, without_halves


def json_text(data: Any, *, indent: int | None = None) -> str:
    """Write one JSON document (RFC 8259) of dictionaries with string keys, lists, strings, numbers, truth values and
    None.

    Exact, except for what JSON cannot hold: a number that is not finite becomes null, and a lone surrogate, which the
    name of a file can hold, becomes the six characters of its escape (`\\udce9`). Characters that cannot be seen
    (`kg.visible`) are written as JSON escapes, all others as themselves.
    """
    # An invisible character can occur only in a string, where an escape means the same.
    return with_hidden_as(_escaped, json.dumps(_sayable(data), ensure_ascii=False, indent=indent, allow_nan=False))


def _sayable(data: Any) -> Any:
    if isinstance(data, str):
        return without_halves(data)
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {_sayable(name) if isinstance(name, str) else name: _sayable(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_sayable(value) for value in data]
    return data


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
