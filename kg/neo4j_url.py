"""Parse the URL of a Neo4j, without repeating any of it in an error.

A user who types a password into a URL may put it anywhere: before an @, after a ?, in place of the port. So nothing of
a URL is repeated before all of it is known to be valid.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
"""Schemes of Neo4j's drivers: routed or direct, plain, with a trusted certificate, with any certificate."""

DEFAULT_PORT = 7687

_PROTECTION = {"": 0, "ssc": 1, "s": 2}
_LONGEST_HOST = 253
_HOW = "write SCHEME://HOST:PORT, and ?database=NAME for another database than the default"

_PARTS = re.compile(
    r"(?P<scheme>[a-z+0-9]+)://(?P<host>\[[^\[\]]*\]|[^:/?#\[\]]*)(?::(?P<port>[^:/?#]*))?/?(?:\?(?P<query>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_HOST = re.compile(r"[\w.-]+")
_PORT = re.compile(r"[0-9]{0,5}", re.ASCII)
# What can be percent-encoded must be, so that `?database=a;password=b` is not taken for a name.
_DATABASE = re.compile(r"database=((?:[\w.~-]|%[0-9A-Fa-f]{2})*)")


class MalformedUrl(ValueError):
    """A text is not the URL of a Neo4j. Neither the message nor `problem` (the message without how to write a URL)
    repeats anything of the text but a known scheme.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"{problem}; {_HOW}")


@dataclass(frozen=True)
class Neo4jUrl:
    """A parsed URL. `host` is in lower case, an IPv6 address without brackets; `port` and `database` are None where
    the URL names none.
    """

    scheme: str
    host: str
    port: int | None
    database: str | None

    @classmethod
    def parse(cls, text: str) -> Neo4jUrl:
        """Parse a URL. Raises MalformedUrl."""
        if "@" in unquote(text):
            raise MalformedUrl(
                "the URL of the Neo4j has credentials in it, where other processes and logs can read them: put them"
                " into NEO4J_USERNAME and NEO4J_PASSWORD or NEO4J_PASSWORD_FILE (or a .env file), and consider the"
                " password known"
            )
        match = _PARTS.fullmatch(text)
        scheme = match["scheme"].lower() if match else text.partition("://")[0].lower()
        if scheme not in NEO4J_SCHEMES:
            schemes = ", ".join(f"{known}://" for known in NEO4J_SCHEMES)
            raise MalformedUrl(f"this is not the URL of a Neo4j, as it begins with none of {schemes}")
        if match is None:
            raise MalformedUrl(f"this {scheme}:// URL does not consist of a host and a port")
        if not _is_host(host := match["host"].strip("[]"), bracketed="[" in match["host"]):
            raise MalformedUrl(f"this {scheme}:// URL has no host, or an invalid one")
        port = match["port"] or ""
        if not _PORT.fullmatch(port) or not 0 < int(port or DEFAULT_PORT) < 1 << 16:
            raise MalformedUrl(f"the port of this {scheme}:// URL is not a number from 1 to 65535")
        asked = _DATABASE.fullmatch(match["query"] or "database=")
        if asked is None or not (name := unquote(asked[1])).isprintable() or "\N{REPLACEMENT CHARACTER}" in name:
            raise MalformedUrl(f"this {scheme}:// URL has a query other than ?database=NAME")
        return cls(scheme, host.lower(), int(port) if port else None, name or None)

    @property
    def place(self) -> tuple[str, int]:
        """Host and port, which identify a server."""
        return self.host, self.port or DEFAULT_PORT

    @property
    def protection(self) -> int:
        """How well a connection is protected: 0 plain, 1 encrypted, 2 encrypted and the certificate checked."""
        return _PROTECTION[self.scheme.partition("+")[2]]

    @property
    def uri(self) -> str:
        """Scheme, host and port, as the driver takes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port is not None else "")


def _is_host(text: str, *, bracketed: bool) -> bool:
    try:
        if bracketed:
            ipaddress.IPv6Address(text)
            return text.isprintable()
        # The driver would find an impossible name too, but with an error of another kind.
        return len(text) <= _LONGEST_HOST and _HOST.fullmatch(text) is not None and text.encode("idna") != b"."
    except ValueError:
        return False
