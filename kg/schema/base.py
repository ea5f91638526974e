"""Base of all models of `domain.yaml`: frozen, unknown fields refused; and the short forms that a user may write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict


class DomainModel(BaseModel):
    """Base of the models of `domain.yaml`: unknown fields are errors, numbers are accepted where text is meant."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        coerce_numbers_to_str=True,
        populate_by_name=True,
        allow_inf_nan=False,
        # A user may have written a password in a wrong place.
        hide_input_in_errors=True,
    )


def short_for(field: str, kind: type = str) -> Callable[[Any], Any]:
    """A validator of a model's short form: a value of this type stands for the model with only that field."""
    return lambda value: {field: value} if isinstance(value, kind) else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _as_conditions(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        column: [_spelled(v) for v in (wanted if isinstance(wanted, list | tuple) else [wanted])]
        for column, wanted in value.items()
    }


def _spelled(value: Any) -> Any:
    # `where: {active: true}` means the text "true" in the file.
    return str(value).lower() if isinstance(value, bool) else value


Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
"""One name or a list of names."""

Conditions: TypeAlias = Annotated[
    dict[str, tuple[str, ...]],
    BeforeValidator(
        _as_conditions, json_schema_input_type=dict[str, str | int | float | bool | list[str | int | float]]
    ),
]
"""Rows to read: column -> the value, or the list of values, that a row must have in it."""
