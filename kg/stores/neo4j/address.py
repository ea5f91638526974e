"""Where a Neo4j is and who asks: the URL, and credentials from the environment or a `.env` file, never from the URL.

A URL stands on a command line, which every process of the machine can read, and in logs and errors; so a password in
one is refused, without being repeated.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from kg.stores.errors import StoreError

FROM_ENVIRONMENT = "neo4j"
"""The store's name that stands for the server in NEO4J_URI. A folder of that name is `./neo4j`."""

_VARIABLES = ("NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_PASSWORD_FILE", "NEO4J_DATABASE")


class BadAddress(StoreError):
    """A URL of a Neo4j that cannot be used, or settings of the environment that cannot."""


@dataclass(frozen=True)
class Address:
    """A database of a server; `database` None is the server's default one."""

    uri: str
    database: str | None

    @property
    def url(self) -> str:
        """The form that `open_store` takes; it has no credentials."""
        return self.uri if self.database is None else f"{self.uri}?database={quote(self.database)}"


@dataclass(frozen=True)
class Credentials:
    """A user and a password; the password is not shown by `repr`."""

    user: str
    password: str = field(repr=False)


def address_of(text: str, settings: Mapping[str, str]) -> Address:
    """The address in a store's URL, or in NEO4J_URI where the text is just `neo4j`. Raises BadAddress."""
    if text == FROM_ENVIRONMENT:
        text = settings.get("NEO4J_URI", "")
        if not text:
            raise BadAddress(
                "the store `neo4j` is the server in NEO4J_URI, which is not set; set it (for example to"
                " bolt://localhost:7687), or give the URL"
            )
    # Wherever it stands, and before anything that would quote the URL: nothing else in one has this sign.
    if "@" in text:
        raise BadAddress(
            "the URL of the Neo4j has credentials in it, where other processes and logs can read them; put them into"
            " NEO4J_USERNAME and NEO4J_PASSWORD or NEO4J_PASSWORD_FILE (or a .env file), give the URL without them,"
            " and consider the password known"
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadAddress(f"this is no URL of a Neo4j: {error}; write bolt://HOST:PORT") from None
    asked = parse_qs(parts.query, keep_blank_values=True)
    if not host or parts.path.strip("/") or parts.fragment or set(asked) - {"database"}:
        raise BadAddress(f"{text}: write SCHEME://HOST:PORT, and ?database=NAME for another database than the default")
    names = asked.get("database", [])
    shown = f"[{host}]" if ":" in host else host
    uri = f"{parts.scheme.lower()}://{shown}" + (f":{port}" if port is not None else "")
    return Address(uri, next((name for name in names if name), None) or settings.get("NEO4J_DATABASE") or None)


def read_settings(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> dict[str, str]:
    """The NEO4J_ variables of the environment; what they do not say is looked for in `.env` of the working directory.

    The password and the file with it are one setting, so that an environment with either is not mixed with a file's.
    """
    environment = os.environ if environment is None else environment
    settings = {name: environment[name] for name in _VARIABLES if environment.get(name)}
    path = (folder or Path()) / ".env"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):
        return settings
    except (OSError, UnicodeDecodeError) as error:
        raise BadAddress(f"{path.resolve()} cannot be read: {type(error).__name__}") from None
    secret = {"NEO4J_PASSWORD", "NEO4J_PASSWORD_FILE"}
    closed = secret if secret & settings.keys() else set[str]()
    for name, value in _lines(text):
        if name not in closed:
            settings.setdefault(name, value)
    return settings


def _lines(text: str) -> list[tuple[str, str]]:
    """NAME=VALUE of the known names: `export` before it, quotes around the value and comment lines are understood."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        if equals and name in _VARIABLES and value:
            found.append((name, value))
    return found


def credentials_of(settings: Mapping[str, str]) -> Credentials | None:
    """Who asks; None without a password, which a server without authentication takes. Raises BadAddress."""
    password = settings.get("NEO4J_PASSWORD")
    if password is None and "NEO4J_PASSWORD_FILE" in settings:
        path = Path(settings["NEO4J_PASSWORD_FILE"])
        try:
            password = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadAddress(f"NEO4J_PASSWORD_FILE ({path}) cannot be read: {type(error).__name__}") from None
    return None if password is None else Credentials(settings.get("NEO4J_USERNAME", "neo4j"), password)
