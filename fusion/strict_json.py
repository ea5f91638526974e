"""Read JSON as the project writes it from a file of unknown origin: bounded size and depth, finite numbers, unique
keys, text that can be written again.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from fusion.regular_files import check_regular

_BYTES = 16 << 20
"""Limit of the size: the longest files have some kilobytes."""

_DEPTH = 20
"""Limit of nesting: the files have five levels."""

_DIGITS = 40
"""Limit of digits of a whole number; a seed may be of any size, but a billion digits take hours to read."""


def read_json(path: Path) -> object:
    """Return the content of a file. Raises OSError, and ValueError for content that is not such JSON."""
    check_regular(path)
    if path.stat().st_size > _BYTES:
        raise ValueError(f"it is larger than {_BYTES >> 20} MB")
    try:
        content = json.loads(
            path.read_bytes().decode(),
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_distinct,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check(content)
    return content


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("it has a number that is too large")
    return number


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError("it has a number that is too large")
    return int(digits)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("it has a key twice")
    return content


def _check(content: object) -> None:
    level: list[object] = [content]
    for _ in range(_DEPTH):
        deeper: list[object] = []
        for value in level:
            if isinstance(value, str):
                value.encode()  # a lone surrogate cannot be written anywhere
            elif isinstance(value, dict):
                deeper += [*value, *value.values()]
            elif isinstance(value, list):
                deeper += value
        level = deeper
    if level:
        raise ValueError("it is nested too deeply")
