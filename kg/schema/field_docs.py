"""Add the docstrings of models' fields to their JSON schema.

They are read when a schema is written or settings are printed. Pydantic's own option reads the source of every model
whenever a process starts.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, get_args

from pydantic import BaseModel


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The docstring under each field of a model or its bases, by the field's name."""
    docs: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        try:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        except (OSError, TypeError, SyntaxError):
            continue  # made at run time: it has no source
        assert isinstance(definition, ast.ClassDef)
        for field, after in pairwise(definition.body):
            match field, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(doc))):
                    docs[name] = inspect.cleandoc(doc)
    return docs


def described_schema(model: type[BaseModel], *further: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model, with the docstrings of its and its parts' fields as descriptions.

    `further`: parts that the annotations of its fields do not name.
    """
    schema = model.model_json_schema()
    parts = {model.__name__: schema, **schema.get("$defs", {})}
    seen: set[Any] = set()
    for part in (part for described in (model, *further) for part in _models(described, seen)):
        docs = field_docs(part)
        properties = parts.get(part.__name__, {}).get("properties", {})
        for name, info in part.model_fields.items():
            shown = info.alias or name
            if name in docs and "description" not in properties.get(shown, {"description": ""}):
                properties[shown] = dict(sorted({**properties[shown], "description": docs[name]}.items()))
    return schema


def _models(kind: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """The models in a type, each once."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind not in seen:
            seen.add(kind)
            yield kind
            for info in kind.model_fields.values():
                yield from _models(info.annotation, seen)
    else:
        for inner in get_args(kind):
            yield from _models(inner, seen)
