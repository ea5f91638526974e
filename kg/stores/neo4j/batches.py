"""Batches over Bolt: rows in slices, sent without waiting for the slice before; and rows taken for new.

What is most likely new is written without look-ups: the constraints say if it is there. Then nothing of the
transaction stands, and it is made again with look-ups.
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
"""Rows of one UNWIND; a transaction has several. Larger ones are slower."""


class NotNew(Exception):
    """Rows that were taken for new are there already, or their ends are not; nothing of the transaction stands."""


@contextmanager
def taken_for_new() -> Iterator[None]:
    """Raises NotNew where a row runs into a uniqueness constraint."""
    try:
        yield
    except ConstraintError:
        raise NotNew from None


def slices(values: Sequence[T]) -> list[Sequence[T]]:
    """The rows of a batch in parts, each for one query."""
    return [values[start : start + SLICE_ROWS] for start in range(0, len(values), SLICE_ROWS)]


def grouped(rows: Iterable[tuple[K, V]]) -> list[tuple[K, list[V]]]:
    """Sorted pairs as one list for each first part, which is sent and looked up once."""
    return [(key, [value for _, value in pairs]) for key, pairs in groupby(rows, key=itemgetter(0))]


def send(transaction: ManagedTransaction, text: str, **parameters: Any) -> Result:
    """Run a query without waiting for its end: the server works on it while the next one is put together.

    Its errors come when the result is read, by the next query, or by the commit.
    """
    # The driver's types ask for literal text; here every name in a text went through `names.quoted`.
    return transaction.run(cast(LiteralString, text), parameters)
