"""The values of a connection: the place of a database, and the credentials. `access` decides which are used."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from kg.neo4j_url import MalformedUrl, Neo4jUrl
from kg.stores.errors import StoreError


class BadAddress(StoreError):
    """A URL of Neo4j that cannot be used, or settings that cannot or must not be used."""


@dataclass(frozen=True)
class Address:
    """A database of a server; `database` None is the server's default one."""

    uri: str
    database: str | None

    @property
    def url(self) -> str:
        """The form that `open_store` takes; it has no credentials."""
        return self.uri if self.database is None else f"{self.uri}?database={quote(self.database, safe='')}"


@dataclass(frozen=True)
class Credentials:
    """A user and a password; the password is not shown by `repr`."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Access:
    """The values of a connection; without credentials there is no user, as a server without authentication accepts."""

    address: Address
    credentials: Credentials | None


def parsed(text: str, said_by: str = "") -> Neo4jUrl:
    """Parse a URL; `said_by`, such as "NEO4J_URI in the environment", begins the message. Raises BadAddress."""
    try:
        return Neo4jUrl.parse(text)
    except MalformedUrl as error:
        raise BadAddress(f"{said_by}: {error}" if said_by else str(error)) from None
