"""`SchemaError`: problems of a domain description, with file, line, field and fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from kg.errors import WhyPathError
from kg.redacting import may_be_address, quoted, without_credentials

Lines = Mapping[tuple[str, ...], int]
"""Line of every place of a YAML document, by its path of keys (list positions as text)."""


MOST_TOLD = 50
"""Maximum number of problems in one message."""

_LONGEST = 1000
_LONGEST_NAME = 100
"""Maximum length of a reported problem, and of a name for which similar names are searched."""


class SchemaError(WhyPathError):
    """A domain description cannot be used; the message lists each problem with its place and the fix."""

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        self.where = where
        self.problems = tuple(_told(problem) for problem in problems[:MOST_TOLD])
        if len(problems) == 1:
            super().__init__(f"{where}: {self.problems[0]}")
        else:
            listed = "".join(f"\n  - {p}" for p in self.problems)
            count = f"{len(problems)} problems" if len(problems) <= MOST_TOLD else f"the first {MOST_TOLD} problems"
            super().__init__(f"{where}: {count}{listed}")


def _told(problem: str) -> str:
    problem = without_credentials(problem)
    cut = problem if len(problem) <= _LONGEST else f"{problem[:_LONGEST]}…"
    return cut.encode("utf-8", "backslashreplace").decode()  # a lone surrogate can be neither printed nor stored


def suggestion(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: "; did you mean 'title'?", or all names where there are few, or nothing."""
    if len(name) > _LONGEST_NAME:
        return ""
    names = [n for n in map(str, known) if len(n) <= _LONGEST_NAME]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not close:
        folded = {n.casefold(): n for n in names}
        close = [folded[name.casefold()]] if name.casefold() in folded else []
    if close:
        return f"; did you mean {close[0]!r}?"
    if 0 < len(names) <= 30:
        return f" (there is: {', '.join(sorted(names))})"
    return ""


def from_validation(
    error: ValidationError, model: type[BaseModel], where: str, lines: Lines | None = None
) -> SchemaError:
    """Translate pydantic's errors for the user: one problem per line, each with its YAML path and line."""
    return SchemaError(where, [_problem(e, model, lines or {}) for e in error.errors()[: MOST_TOLD + 1]])


def _problem(error: Any, model: type[BaseModel], lines: Lines) -> str:
    path = tuple(str(p) for p in error["loc"])
    place = place_in(path, lines)
    kind = error["type"]
    if kind == "extra_forbidden":
        owner = _model_at(model, path[:-1])
        known = list(owner.model_fields) if owner is not None else []
        return f"{place}: unknown field {quoted(path[-1])}{suggestion(path[-1], known)}"
    if kind == "missing":
        return f"{place_in(path[:-1], lines)}: the field {path[-1]!r} is missing"
    if kind == "value_error":
        return f"{place}: {error['ctx']['error']}"
    if kind in ("enum", "literal_error"):
        expected = error["ctx"]["expected"]
        names = [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]
        return f"{place}: {quoted(error['input'])} is not one of {', '.join(names)}{_only_close(error['input'], names)}"
    if kind == "model_type" or kind.endswith("dict_type"):
        return f"{place}: expected fields (`name: value` lines), found {quoted(error['input'])}"
    return f"{place}: {error['msg'][0].lower()}{error['msg'][1:]}, found {quoted(error['input'])}"


def _only_close(value: object, names: Sequence[str]) -> str:
    if len(str(value)) > _LONGEST_NAME:
        return ""
    close = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def place_in(path: tuple[str, ...], lines: Lines) -> str:
    """A place as messages name it, with its line or the line of the nearest enclosing place."""
    name = ".".join("…" if may_be_address(step) else step for step in path) or "the document"
    for end in range(len(path), -1, -1):
        if path[:end] in lines:
            return f"line {lines[path[:end]]}, {name}"
    return name


def _model_at(model: type[BaseModel], path: tuple[str, ...]) -> type[BaseModel] | None:
    """The model whose fields are at a path: steps into fields, through dictionaries, lists and optional values."""
    current: type[BaseModel] | None = model
    skip = 0
    for step in path:
        if skip:
            skip -= 1
            continue
        if current is None or step not in current.model_fields:
            return None
        current, skip = _model_in(current.model_fields[step].annotation)
    return current


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, int]:
    """The model inside an annotation, and the number of path steps (keys, positions) from the field to it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, 0
    origin = getattr(annotation, "__origin__", None)
    for argument in getattr(annotation, "__args__", ()):
        model, steps = _model_in(argument)
        if model is not None:
            return model, steps + (1 if origin in (dict, tuple, list) else 0)
    return None, 0
