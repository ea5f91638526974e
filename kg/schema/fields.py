"""Typed fields of nodes: the numbers, categories and dates that filters and encoders use."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, field_validator

from kg.schema.base import DomainModel, Names, short_for
from kg.schema.time_patterns import check_pattern


class FieldType(StrEnum):
    """How a field's cells are read.

    A value becomes int (integer, 64 bit), float (number, finite), bool (boolean), str (categorical, text), or an ISO
    8601 text such as "1994-09-10" (date; it sorts by date).
    """

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CATEGORICAL = "categorical"
    TEXT = "text"


class FieldSpec(DomainModel):
    """One field of a node kind. Short form: only the type, `year: integer`."""

    type: FieldType
    """integer, number, boolean, date, categorical or text."""
    column: str | None = None
    """Column of the source, where it is not named like the field."""
    format: str | None = None
    """For dates: a strptime pattern such as `%d-%b-%Y`; without it ISO 8601."""
    missing: Names = ()
    """Spellings of "no value" in this field alone, beside the domain's."""
    sensitive: bool = False
    """Never shown and never exported."""
    use: bool | None = None
    """Whether models may read it. Default: yes for items and entities, no for users."""

    @field_validator("format")
    @classmethod
    def _known_pattern(cls, value: str | None) -> str | None:
        return value if value is None else check_pattern(value)


Field: TypeAlias = Annotated[
    FieldSpec, BeforeValidator(short_for("type"), json_schema_input_type=FieldType | FieldSpec)
]
"""A field specification, or only its type."""
