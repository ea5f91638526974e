"""`ReadSession`: the shared parts of one read: the transaction, bad elements, counts and notes for the user."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Self

import numpy as np
from neo4j import ManagedTransaction
from numpy.typing import NDArray

from kg.checking.progress import LoadProgress, Progress
from kg.checking.quarantine import Quarantine
from kg.checking.values import RowProblem
from kg.graph_view.numbers import node_prefix, number_of
from kg.graph_view.patterns import Conditions, labelled
from kg.schema import DomainSchema
from kg.stores.neo4j.connection import first
from kg.stores.neo4j.paging import asked_ahead

PAGE_ROWS = 20_000
"""Nodes, or about as many relationships, per record."""

IDS_AT_ONCE = 1_000_000
"""Numbers of nodes per record: some 40 MB of the server's memory."""

_MOST_NEAR = 100_000
"""Maximum number of nodes that one page of relationships starts from."""


class ReadSession:
    """One read of a graph in one transaction, a context manager.

    All queries run in one thread, so that the server can prepare the next page while this process parses one.
    """

    def __init__(
        self,
        transaction: ManagedTransaction,
        schema: DomainSchema,
        quarantine: Quarantine,
        progress: Progress | None = None,
    ) -> None:
        self._transaction = transaction
        self.schema = schema
        self.missing = frozenset(schema.missing)
        self._quarantine = quarantine
        self._progress = progress
        self._started: dict[tuple[str, str], float] = {}
        self._latest = time.monotonic()
        self._prefix = node_prefix(transaction)
        self._relationship_prefix: str | None = None
        self.rows: Counter[str] = Counter()
        self.repeated = 0
        self.dangling = 0
        self.notes: list[str] = []
        # A transaction takes one query at a time.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="whypath-view")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._asking.shutdown(cancel_futures=True)

    def one(self, text: str, **parameters: Any) -> list[Any]:
        """The values of the one record of a query."""
        return self._asked(text, parameters).result()

    def pages(self, queries: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[list[Any]]:
        """The same for each query with its parameters; each is sent before the previous result is returned."""
        return asked_ahead(lambda query: self._asked(*query), queries, 1)

    def _asked(self, text: str, parameters: Mapping[str, Any]) -> Future[list[Any]]:
        return self._asking.submit(copy_context().run, first, self._transaction, text, nodes=self._prefix, **parameters)

    def bad(
        self,
        section: str,
        element: str,
        problem: RowProblem,
        values: Mapping[str, object],
        users: tuple[str, ...] = (),
    ) -> None:
        """Put an element into quarantine; `values` are not sensitive, `users` are the users that it is about."""
        self._quarantine.add_element(element, section, problem.reason, problem.detail, values, users)

    def tell(self, stage: str, source: str, count: int, *, done: bool) -> None:
        """Report progress."""
        started = self._started.setdefault((stage, source), self._latest)
        self._latest = time.monotonic()
        if self._progress is not None:
            self._progress(LoadProgress(stage, source, count, 1.0 if done else None, done, self._latest - started))

    def node_element(self, number: int) -> str:
        """Element id of a node."""
        return f"{self._prefix}{number}"

    def relationship_element(self, number: int) -> str:
        """Element id of a relationship."""
        if self._relationship_prefix is None:
            element: str = self.one("MATCH ()-[r]->() RETURN elementId(r) LIMIT 1")[0]
            self._relationship_prefix = element.rpartition(":")[0]
        return f"{self._relationship_prefix}:{number}"

    def ids_of(self, labels: tuple[str, ...], conditions: Conditions) -> NDArray[np.int64]:
        """Numbers of the nodes with all of these labels that fit the conditions, ascending."""
        total = self.one(f"MATCH ({labelled('n', labels[:1])}) RETURN count(n)")[0]
        parts = total // IDS_AT_ONCE + 1
        text = (
            f"MATCH ({labelled('n', labels)}) WHERE {number_of('n')} % $parts = $part{conditions.clause('AND')}"
            f" RETURN collect({number_of('n')})"
        )
        parts_ids = [self.one(text, parts=parts, part=part, **conditions.parameters)[0] for part in range(parts)]
        return np.sort(np.concatenate([np.array(numbers, dtype=np.int64) for numbers in parts_ids]))

    def near_pages(self, ids: NDArray[np.int64], total: int) -> Iterator[list[int]]:
        """Nodes to start from, in groups with about a page of the `total` relationships."""
        step = min(_MOST_NEAR, max(1, PAGE_ROWS * len(ids) // max(total, 1)))
        for start in range(0, len(ids), step):
            yield ids[start : start + step].tolist()
