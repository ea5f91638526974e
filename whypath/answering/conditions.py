"""`Where`: a condition on a field or relation, parsed from text or made in Python."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from numbers import Real
from typing import TypeAlias

from kg.errors import WhyPathError

Value: TypeAlias = str | int | float | bool


_TRUTH = {"true": 1.0, "yes": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "no": 0.0, "0": 0.0, "0.0": 0.0}
"""Spellings of booleans."""


class FilterError(WhyPathError):
    """A filter that cannot be read or applied; the message says which part is wrong and what is valid."""


class Comparison(StrEnum):
    """How a field's value is compared; `CONTAINS` looks for a part of a text, ignoring case."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    AT_LEAST = ">="
    AT_MOST = "<="
    MORE = ">"
    LESS = "<"
    CONTAINS = "~"


_NAME = re.compile(r"""\s*+(?:(?P<mark>["'`])(?P<quoted>[^"'`\n]++)(?P=mark)|(?P<plain>[^<>=!~"'`\n]++))\s*+""")

_SIGNS = (">=", "<=", "==", "!=", "=", "<", ">", "~")
"""In the order of parsing: `year >=` alone compares with the text "="."""


def _value_in(text: str) -> str:
    """Return the trimmed value; of blanks alone, the last; "" if there is nothing, or a line break within it.

    Not a regular expression: one that finds the value between blanks takes time quadratic in their number.
    """
    value = text.strip() or text.replace("\n", "")[-1:]
    return "" if "\n" in value else value


@dataclass(frozen=True)
class Where:
    """A condition on a field (`year >= 1990`) or a relation (`genre == Comedy`: some fact of that name has that label).

    An item without a value for the field meets no condition on it.
    """

    name: str
    comparison: Comparison
    value: Value

    def __post_init__(self) -> None:
        if not isinstance(self.value, str | bool | Real):
            raise FilterError(f"the value of the condition on {self.name!r} must be a text, a number or a truth value")

    @classmethod
    def parse(cls, text: str) -> Where:
        """Parse a condition as on the command line: `year >= 1990`, `genre = Comedy`, `title ~ star`.

        A name may have blanks (`Retail Price >= 20`), and in quotation marks or backticks also operators (`"a=b" > 1`).
        """
        named = _NAME.match(text)
        rest = text[named.end() :] if named is not None else ""
        sign, value = next(
            ((sign, value) for sign in _SIGNS if rest.startswith(sign) and (value := _value_in(rest[len(sign) :]))),
            ("", ""),
        )
        name = "" if named is None else (named["quoted"] or named["plain"] or "").strip()
        if not name or not sign:
            raise FilterError(
                f"cannot read the condition {text!r}; write NAME COMPARISON VALUE, with one of >= <= > < == != ~, "
                "for example 'year >= 1990', 'genre == Comedy' or 'Retail Price < 20'; put a name with signs in it in"
                " quotation marks"
            )
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        return cls(name, Comparison("==" if sign == "=" else sign), value)

    def __str__(self) -> str:
        return f"{self.name} {self.comparison.value} {self.value}"

    def spelled(self) -> str:
        """The value as a text: a whole number without a point, true and false in lower case."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, float) and self.value.is_integer():
            return str(int(self.value))
        return str(self.value)

    def number(self, type: str) -> float:
        """The value for a numeric column of that type."""
        if type == "boolean":
            number = _TRUTH.get(self.spelled().casefold())
            if number is None:
                raise FilterError(
                    f"{self.name!r} is yes or no; {self.value!r} is neither true nor false: write '{self.name} = true'"
                )
            return number
        if type == "date":
            try:
                moment = datetime.fromisoformat(str(self.value))
            except ValueError:
                raise FilterError(f"{self.name!r} is a date; write it as 1994-09-10, not {self.value!r}") from None
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        try:
            number = float(self.value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isnan(number):
            raise FilterError(
                f"{self.name!r} is a number; {str(self.value)[:40]!r} is not: write '{self.name} >= 1990'"
            )
        return number


def where(name: str, comparison: str, value: Value) -> Where:
    """Make a condition in Python: `where("year", ">=", 1990)`, `where("genre", "==", "Comedy")`. Raises FilterError."""
    try:
        return Where(name, Comparison("==" if comparison == "=" else comparison), value)
    except ValueError:
        signs = " ".join(sign.value for sign in Comparison)
        raise FilterError(f"no comparison {comparison!r}; there are {signs}") from None
