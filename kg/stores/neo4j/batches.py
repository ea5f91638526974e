"""Send batches over Bolt: rows in slices, without waiting for the previous slice, and rows assumed to be new.

Rows that are most likely new are written without look-ups: the constraints report existing ones. Then the transaction
is undone and repeated with look-ups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString, TypeVar, cast

from neo4j import ManagedTransaction, Result
from neo4j.exceptions import ConstraintError

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

SLICE_ROWS = 2_000
"""Rows per UNWIND; a transaction has several. Larger ones are slower."""


class NotNew(Exception):
    """Rows that were assumed to be new exist already, or their ends do not; the transaction is undone."""


@contextmanager
def taken_for_new() -> Iterator[None]:
    """Raises NotNew where a row violates a uniqueness constraint."""
    try:
        yield
    except ConstraintError:
        raise NotNew from None


def slices(values: Sequence[T]) -> list[Sequence[T]]:
    """The rows of a batch in parts, each for one query."""
    return [values[start : start + SLICE_ROWS] for start in range(0, len(values), SLICE_ROWS)]


def grouped(rows: Iterable[tuple[K, V]]) -> list[tuple[K, list[V]]]:
    """Group sorted pairs by their first part, which is sent and looked up once."""
    return [(key, [value for _, value in pairs]) for key, pairs in groupby(rows, key=itemgetter(0))]


def send(transaction: ManagedTransaction, text: str, **parameters: Any) -> Result:
    """Run a query without waiting for its end: the server works on it while the next one is prepared.

    Its errors come when the result is read, by the next query, or by the commit.
    """
    # The driver's types require literal text; here every name in a text went through `names.quoted`.
    return transaction.run(cast(LiteralString, text), parameters)
