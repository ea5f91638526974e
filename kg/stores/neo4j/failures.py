"""Translate errors of the driver and the server into the store's errors: what is wrong and what to do.

No message has credentials in it: the driver's own texts do not, and the URL cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from kg.stores.errors import StoreBusy, StoreDenied, StoreError, StoreUnavailable, TookTooLong


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Raise StoreError and its subclasses for the driver's errors; `place` is the store's URL."""
    try:
        yield
    except Neo4jError as error:
        raise _of_server(place, error) from error
    except (ServiceUnavailable, SessionExpired) as error:
        raise StoreUnavailable(
            f"{place}: no Neo4j answers there ({_first_line(error)}); is the server running, and are scheme, host and"
            " port right (7687 is Bolt, 7474 is the browser)?"
        ) from error
    except ConfigurationError as error:
        raise StoreError(f"{place}: {_first_line(error)}") from error
    except DriverError as error:
        raise StoreError(f"{place}: {_first_line(error)} (is the store closed?)") from error


def _of_server(place: str, error: Neo4jError) -> StoreError:
    code, reason = error.code or "", _first_line(error.message or error)
    if isinstance(error, AuthError) or ".Security." in code:
        return _of_security(place, code, reason)
    if code.endswith("DatabaseNotFound"):
        return StoreError(f"{place}: {reason}; name one that exists by ?database=NAME or NEO4J_DATABASE")
    if code.endswith(("ForbiddenOnReadOnlyDatabase", "WriteOnReadOnlyAccessDatabase", "NotALeader")):
        return StoreDenied(
            f"{place} is read-only, so nothing can be written there; have it opened for writing"
            " (server.databases.default_to_read_only=false), or use another server"
        )
    if ".Schema." in code and ("Constraint" in code or "Index" in code or "EquivalentSchemaRule" in code):
        return StoreError(
            f"{place}: {reason} WhyPath needs a uniqueness constraint here; correct the rows, or drop the index or"
            " constraint named, then load again"
        )
    if "TimedOut" in code or "LockClientStopped" in code:
        return TookTooLong(
            f"{place}: a query took too long and was stopped ({reason}); try again when the server has time"
        )
    if "OutOfMemory" in code or "MemoryPool" in code:
        return StoreBusy(f"{place}: the server has too little memory ({reason}); raise server.memory.heap.max_size")
    if code.startswith("Neo.DatabaseError.Transaction."):
        return StoreUnavailable(
            f"{place}: the database could not write, and has stopped itself ({reason}); most often its disk is full, as"
            " its debug.log then says. Make space and start the server again; then a load can be run again, and events"
            " can be sent again under their ids"
        )
    if code.endswith("DatabaseUnavailable"):
        return StoreUnavailable(
            f"{place}: the server is there, its database is not ({reason}); is it starting or stopping?"
        )
    if isinstance(error, TransientError):
        return StoreBusy(f"{place}: the server could not do it in repeated attempts ({reason}); try again")
    return StoreError(f"{place}: the server says {code}: {reason}")


def _of_security(place: str, code: str, reason: str) -> StoreError:
    if code.endswith("Forbidden"):
        return StoreDenied(f"{place}: the user lacks a right ({reason}); use one that may do this")
    if code.endswith("CredentialsExpired"):
        return StoreDenied(f"{place}: the password must be changed first, in Neo4j's browser or cypher-shell")
    return StoreDenied(
        f"{place}: the server refuses the credentials ({code.rpartition('.')[2]}); set NEO4J_USERNAME and"
        " NEO4J_PASSWORD or NEO4J_PASSWORD_FILE, where NEO4J_URI is: in the environment, or in a .env file in the"
        " working directory"
    )


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".: ") if lines else type(error).__name__
