"""The rule that tells which items are available, for the filter "available only"."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from kg.rows import FieldValue
from kg.schema.base import DomainModel, short_for


class AvailableRule(DomainModel):
    """An item is available when its field has the given value. Short form: only the name of a boolean field."""

    field: str
    """Name of a field of the same node kind."""
    equals: bool | int | float | str = True
    """The value that means available; `false` for a column such as `discontinued`."""

    def matches(self, value: FieldValue) -> bool:
        """Whether an item with this field value is available; a missing value is not."""
        return value is not None and value == self.equals


Available: TypeAlias = Annotated[
    AvailableRule, BeforeValidator(short_for("field"), json_schema_input_type=str | AvailableRule)
]
"""An availability rule, or only the name of its field."""
