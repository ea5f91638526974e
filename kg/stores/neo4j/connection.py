"""`Connection`: sessions of the driver with managed transactions, retried within a bound, timed, in causal order.

Threads share it; after a fork the child gets its own driver. The driver's reports (lost connections) go to the logger
"neo4j" and not to stderr; the server's notifications on WhyPath's queries (deprecations, hints) go to
"neo4j.notifications" as debug messages.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, LiteralString, TypeVar, cast

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    Driver,
    GraphDatabase,
    ManagedTransaction,
    NotificationMinimumSeverity,
    Query,
    Result,
    Session,
    unit_of_work,
)
from neo4j.exceptions import IncompleteCommit, ServiceUnavailable, SessionExpired

from kg.forking import ForkAware, at_fork
from kg.stores.errors import StoreError
from kg.stores.neo4j.address import Access
from kg.stores.neo4j.failures import translated

_log = logging.getLogger(__name__)

T = TypeVar("T")

CONNECT_SECONDS = 10.0
"""Seconds to wait for a server that does not answer."""

QUERY_SECONDS = 300.0
"""Seconds after which the server stops a transaction; a batch of a load takes under one, a page of a snapshot some."""

RETRY_SECONDS = 20.0
"""Seconds of retries of a transaction after a deadlock or a lost connection; a server restarts in a few."""

OLDEST_SERVER = (5, 23)
"""The first version with all features that the queries use; 5.26 is tested."""

# Without any handler Python prints warnings to stderr.
logging.getLogger("neo4j").addHandler(logging.NullHandler())

_notifications = logging.getLogger("neo4j.notifications")

_ours: ContextVar[bool] = ContextVar("ours", default=False)
"""Whether this module runs the present query, and not another user of the driver in this process."""


def _as_debug(record: logging.LogRecord) -> bool:
    if not _ours.get():
        return True
    record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
    return _notifications.isEnabledFor(logging.DEBUG)


_notifications.addFilter(_as_debug)

_abandoned: list[Driver] = []
"""Drivers inherited over a fork: closing them would use the parent's connections."""


class Connection(ForkAware):
    """Transactions on one database. Raises StoreError and its subclasses only, never the driver's errors."""

    fork_rank = 5

    def __init__(self, access: Access, *, away: bool = False) -> None:
        """Connect, and check that the server answers and knows the user; with `away` the first query does that.

        `access`: what `access_to` has decided.
        """
        self.address = address = access.address
        credentials = access.credentials
        self._auth = (credentials.user, credentials.password) if credentials else None
        self._lock = threading.Lock()
        at_fork(self)
        with translated(address.url):
            self._driver, self._process = self._connect(), os.getpid()
            if away:
                return
            try:
                # Without the retries of a transaction: a missing server is reported at once.
                check_version(address.url, self._driver.get_server_info().agent)
            except BaseException:
                self._driver.close()
                raise

    def _connect(self) -> Driver:
        self._bookmarks = GraphDatabase.bookmark_manager()
        return GraphDatabase.driver(
            self.address.uri,
            auth=self._auth,
            connection_timeout=CONNECT_SECONDS,
            connection_acquisition_timeout=2 * CONNECT_SECONDS,
            max_transaction_retry_time=RETRY_SECONDS,
            warn_notification_severity=NotificationMinimumSeverity.OFF,
            user_agent="whypath",
        )

    def _current(self) -> Driver:
        with self._lock:
            if self._process != os.getpid():
                _abandoned.append(self._driver)
                self._driver, self._process = self._connect(), os.getpid()
            return self._driver

    def read(self, work: Callable[[ManagedTransaction], T], seconds: float = QUERY_SECONDS) -> T:
        """Run a read transaction; `work` may be run more than once. Raises TookTooLong after `seconds`."""
        timed = unit_of_work(timeout=seconds)(work)
        return self._run(lambda session: session.execute_read(timed))

    def read_once(self, work: Callable[[ManagedTransaction], T]) -> T:
        """Run short reads, each in its own transaction, which takes one round trip to the server instead of three;
        unlike `read` it does not wait for a missing server.
        """
        with self._speaking():
            for last in (False, True):
                try:
                    with self._session(READ_ACCESS) as session:
                        # Queries are run on it in the same way as on a transaction.
                        return work(cast(ManagedTransaction, _Autocommit(session)))
                except (ServiceUnavailable, SessionExpired):
                    # Connections from before a restart of the server do not work, which the first attempt finds out.
                    if last:
                        raise
        raise AssertionError

    def write(self, work: Callable[[ManagedTransaction], T], seconds: float = QUERY_SECONDS) -> T:
        """Run a write transaction, durable on return; `work` may be run more than once, also after a commit whose
        answer was lost. The server stops it after `seconds`."""
        timed = unit_of_work(timeout=seconds)(work)
        return self._run(lambda session: session.execute_write(timed))

    def _run(self, work: Callable[[Session], T]) -> T:
        until = time.monotonic() + RETRY_SECONDS
        with self._speaking():
            while True:
                try:
                    with self._session() as session:
                        return work(session)
                except IncompleteCommit:
                    # The driver does not know whether the commit took place, and stops there. Every transaction here
                    # checks what an earlier attempt has done, so it can simply be run again.
                    if time.monotonic() > until:
                        raise

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        before = _ours.set(True)
        try:
            with translated(self.address.url):
                yield
        finally:
            _ours.reset(before)

    def _session(self, access: str = WRITE_ACCESS) -> Session:
        return self._current().session(
            database=self.address.database, bookmark_manager=self._bookmarks, default_access_mode=access
        )

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`: the child opens its own driver when it needs one."""
        if in_child:
            self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        if self._process == os.getpid():
            try:
                with translated(self.address.url):
                    self._driver.close()
            except BufferError as error:
                # The driver sends a goodbye on a connection that another of its threads uses; both end here.
                _log.debug("closing %s: %s", self.address.url, error)


class _Autocommit:
    """Runs queries with the interface of a transaction, each in its own transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, text: LiteralString, parameters: dict[str, Any]) -> Result:
        return self._session.run(Query(text, timeout=CONNECT_SECONDS), parameters)


def check_version(place: str, agent: str) -> None:
    """Raise StoreError for a server of an unsupported version; `agent` is its own name for itself."""
    version = re.match(r"Neo4j/(\d+)\.(\d+)", agent)
    if version and (int(version[1]), int(version[2])) < OLDEST_SERVER:
        raise StoreError(
            f"{place}: the server is {agent}; WhyPath needs Neo4j {'.'.join(map(str, OLDEST_SERVER))} or later,"
            " best 5.26 (long-term support)"
        )


def rows(transaction: ManagedTransaction, text: str, **parameters: Any) -> list[list[Any]]:
    """Run a query and fetch all of its records, each as the list of its values."""
    # The driver's types require literal text; here every name in a text went through `names.quoted`.
    return transaction.run(cast(LiteralString, text), parameters).values()


def first(transaction: ManagedTransaction, text: str, **parameters: Any) -> list[Any]:
    """The values of the one record of a query."""
    return rows(transaction, text, **parameters)[0]


def counted(transaction: ManagedTransaction, text: str, **parameters: Any) -> tuple[int, int]:
    """The number that a query returns, and how many relationships it has created."""
    result = transaction.run(cast(LiteralString, text), parameters)
    value = result.single(strict=True)[0]
    return value, result.consume().counters.relationships_created
