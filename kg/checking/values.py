"""Convert cells to keys, texts, numbers, booleans and dates, or raise `RowProblem` with a reason."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, datetime

from kg.limits import weight_misfit
from kg.rows import FieldValue
from kg.schema import FieldSpec, FieldType
from kg.schema.sources import DecimalMark
from kg.sources import Cell, Reason
from kg.sources.records import is_bad_text


class RowProblem(Exception):
    """Why a row, or one relation of it, cannot be used."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


_INTEGER = re.compile(r"[+-]?[0-9]+")
_WHOLE_FLOAT = re.compile(r"([+-]?[0-9]+)\.0*")
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_WITH_COMMA = re.compile(r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)?(?:,[0-9]+)?")
_INT64 = range(-(2**63), 2**63)


def text_of(cell: Cell, column: str, missing: frozenset[str]) -> str | None:
    """Convert a cell to trimmed text, None for "no value"; a whole float loses its ".0": 12.0 of a data frame is 12.

    A formula that is only a text, ="0345", is how Excel keeps leading zeros: it becomes that text.
    """
    if isinstance(cell, str):
        text = cell.strip()
        if text.startswith('="') and text.endswith('"') and len(text) > 2:
            text = text[2:-1].strip()
    elif cell is None:
        return None
    elif isinstance(cell, bool):
        text = "true" if cell else "false"
    elif isinstance(cell, float):
        if math.isnan(cell):
            return None
        text = str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    elif isinstance(cell, datetime | date):
        text = cell.isoformat()
    elif isinstance(cell, list):
        text = ", ".join(filter(None, (text_of(c, column, missing) for c in cell)))
    else:
        text = str(cell)
    if text in missing or not text:
        return None
    if not text.isascii() and is_bad_text(text):
        raise RowProblem(Reason.BAD_UTF8, f"{column}: text with half a character, which UTF-8 cannot hold")
    if "\0" in text:
        raise RowProblem(Reason.BAD_VALUE, f"{column}: text with a NUL character")
    return text


def key_of(cell: Cell, column: str, missing: frozenset[str]) -> str | None:
    """Convert a cell to a key, None for "no value"; a list is an error."""
    if isinstance(cell, list):
        raise RowProblem(Reason.BAD_VALUE, f"{column}: several values where one key is expected")
    return text_of(cell, column, missing)


def no_value(cell: Cell, column: str) -> str:
    """Message for a cell without a value, with the spelling that counts as "no value", if there is one."""
    spelt = f": {cell.strip()!r} counts as none (see `missing`)" if isinstance(cell, str) and cell.strip() else ""
    return f"no value in {column}{spelt}"


def key_or_none(cell: Cell, missing: frozenset[str]) -> str | None:
    """Convert a cell to a key, None also for what cannot be one."""
    try:
        return key_of(cell, "", missing)
    except RowProblem:
        return None


def keys_of(cells: Iterable[Cell], column: str, missing: frozenset[str]) -> list[str]:
    """The distinct keys of a list, in order."""
    keys = (key_of(cell, column, missing) for cell in cells)
    return list(dict.fromkeys(k for k in keys if k is not None))


def number_of(cell: Cell, column: str, missing: frozenset[str]) -> float | None:
    """Convert a cell to a finite float, None for "no value"; 95% is 95."""
    if isinstance(cell, bool):
        return float(cell)
    if isinstance(cell, int | float):
        value = float(cell) if not isinstance(cell, int) or abs(cell) < 2**1023 else math.inf
        if isinstance(cell, float) and math.isnan(cell):
            return None
    else:
        text = text_of(cell, column, missing)
        if text is None:
            return None
        text = text.removesuffix("%")
        try:
            # Python reads "1_000", which is not a number in any table.
            value = float(text) if "_" not in text and text.isascii() else math.nan
        except ValueError:
            value = math.nan
    if not math.isfinite(value):
        raise RowProblem(Reason.BAD_NUMBER, f"{column}: {short(cell)} is not a finite number")
    return value


def pointed(cell: Cell, column: str, missing: frozenset[str]) -> Cell:
    """Convert a number with a decimal comma, such as 4,5 or 1.234,5, to one with a point; other types are unchanged.

    Raises `RowProblem` for a point that does not separate thousands: a file has either points or commas.
    """
    if not isinstance(cell, str) or cell.strip() in missing:
        return cell
    text = cell.strip().removesuffix("%").rstrip()
    if _WITH_COMMA.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    if "." in text or "," in text:
        raise RowProblem(Reason.BAD_NUMBER, f"{column}: {short(cell)} is not a number with a decimal comma")
    return cell


def weight_of(cell: Cell, column: str, missing: frozenset[str]) -> float | None:
    """Convert a cell to the weight of an event, None for "no value"."""
    value = number_of(cell, column, missing)
    if value is not None and (reason := weight_misfit(value)) is not None:
        raise RowProblem(Reason.BAD_NUMBER, f"{column}: {reason}")
    return value


def field_of(
    cell: Cell, spec: FieldSpec, column: str, missing: frozenset[str], decimal: DecimalMark = "."
) -> FieldValue:
    """Convert a cell to the value of a typed field, None for "no value"; errors do not repeat a sensitive value."""
    if not spec.sensitive:
        return _value_of(cell, spec, column, missing, decimal)
    try:
        return _value_of(cell, spec, column, missing, decimal)
    except RowProblem as problem:
        detail = f"{column}: a value (not shown, as the field is sensitive) is not of type {spec.type}"
        raise RowProblem(problem.reason, detail) from None


def _value_of(cell: Cell, spec: FieldSpec, column: str, missing: frozenset[str], decimal: DecimalMark) -> FieldValue:
    if decimal == "," and spec.type in (FieldType.INTEGER, FieldType.NUMBER):
        cell = pointed(cell, column, missing)
    match spec.type:
        case FieldType.INTEGER:
            return _integer_of(cell, column, missing)
        case FieldType.NUMBER:
            return number_of(cell, column, missing)
        case FieldType.BOOLEAN:
            return _boolean_of(cell, column, missing)
        case FieldType.DATE:
            return _date_of(cell, spec.format, column, missing)
        case FieldType.CATEGORICAL | FieldType.TEXT:
            return text_of(cell, column, missing)


def _integer_of(cell: Cell, column: str, missing: frozenset[str]) -> int | None:
    text = text_of(cell, column, missing)
    if text is None:
        return None
    if isinstance(cell, bool):
        return int(cell)
    text = text.removesuffix("%").rstrip()
    whole = _WHOLE_FLOAT.fullmatch(text)
    digits = whole.group(1) if whole else text
    # 4,300 digits are more than int() reads; 20 are more than 64 bits hold.
    if _INTEGER.fullmatch(digits) and len(digits) <= 20 and int(digits) in _INT64:
        return int(digits)
    raise RowProblem(Reason.BAD_NUMBER, f"{column}: {short(cell)} is not an integer of 64 bits")


def _boolean_of(cell: Cell, column: str, missing: frozenset[str]) -> bool | None:
    text = text_of(cell, column, missing)
    if text is None:
        return None
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise RowProblem(Reason.BAD_BOOLEAN, f"{column}: {short(cell)} is neither true nor false")


def _date_of(cell: Cell, pattern: str | None, column: str, missing: frozenset[str]) -> str | None:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    text = text_of(cell, column, missing)
    if text is None:
        return None
    try:
        moment = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)
    except ValueError:
        expected = f"a date like {pattern}" if pattern else "an ISO 8601 date (set `format` to a strptime pattern)"
        raise RowProblem(Reason.BAD_TIME, f"{column}: {short(cell)} is not {expected}") from None
    return moment.date().isoformat()


def short(cell: Cell) -> str:
    """A value for a message, at most 60 characters."""
    text = repr(cell)
    return text if len(text) <= 60 else f"{text[:57]}..."
