"""Read the text of a description from a regular file of bounded size, and find texts that its values may not hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from kg.redacting import quoted
from kg.regular_files import NotRegular, open_regular
from kg.schema.errors import SchemaError
from kg.schema.yaml_nodes import MOST_DEEP

MOST_BYTES = 4_000_000
"""Maximum size of a description in bytes."""

MOST_TEXT = 10_000
"""Maximum number of characters of a value or key."""

_UNFIT = re.compile("[\0\ud800-\udfff]")
"""Characters that neither a path nor a text in a store can hold."""


def read_description(path: Path) -> str:
    """Read the text of a `domain.yaml`. Raises `SchemaError`."""
    try:
        with open_regular(path) as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        problem = "no such file; `whypath init FILES…` writes a first one"
    except IsADirectoryError:
        problem = f"this is a folder; give the file, such as {path / 'domain.yaml'}"
    except NotRegular as error:
        problem = f"cannot be a description: {error.strerror}"
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    else:
        if len(content) > MOST_BYTES:
            raise SchemaError(str(path), [f"more than {MOST_BYTES:,} bytes; a description is not that long"])
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            problem = f"not UTF-8 text (byte {error.start})"
    raise SchemaError(str(path), [problem])


def unfit_texts(value: Any) -> list[tuple[tuple[str, ...], str]]:
    """Find unfit texts in a description's plain data: their path of keys, and what is wrong with each."""
    problems: list[tuple[tuple[str, ...], str]] = []
    coming: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while coming:
        path, nested = coming.pop()
        if len(path) > MOST_DEEP:
            return [(path[:3], f"nested more than {MOST_DEEP} deep")]
        if isinstance(nested, dict):
            coming += [((*path, str(key)), part) for key, part in nested.items()]
            texts = [key for key in nested if isinstance(key, str)]
        elif isinstance(nested, list | tuple):
            coming += [((*path, str(position)), part) for position, part in enumerate(nested)]
            texts = []
        else:
            texts = [nested] if isinstance(nested, str) else []
        for text in texts:
            if len(text) > MOST_TEXT:
                problems.append((path, f"a text of more than {MOST_TEXT:,} characters"))
            elif unfit := _UNFIT.search(text):
                what = "a NUL character" if unfit.group() == "\0" else "half a character (a lone surrogate)"
                problems.append((path, f"{quoted(text)} holds {what}, which no store can hold"))
    return problems
