"""`open_store`: from a path or URL to the store behind it, by scheme."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kg.stores.errors import StoreError
from kg.stores.protocol import GraphStore


class UnknownScheme(StoreError):
    """A store URL whose scheme no store answers to, or whose store is not installed."""


@dataclass(frozen=True)
class StoreKind:
    """A store that can be opened: its name, the URL schemes it answers to, and how to open one.

    `opener` is "module:function" with (url, create) as arguments, imported only when such a store is opened.
    """

    name: str
    schemes: tuple[str, ...]
    opener: str


STORES: tuple[StoreKind, ...] = (StoreKind("embedded", ("file",), "kg.stores.opening:open_embedded"),)
"""Every store that exists. Each has a contract test; `tests/kg/stores` fails if one has none."""

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
"""Schemes of Neo4j's drivers, known so that a message can name the extra that serves them."""


def open_store(url: str | Path, create: bool = False) -> GraphStore:
    """Open the store at a path or URL: a directory or `file:` URL is the embedded store.

    With `create` a store is made where there is none; without it StoreNotFound is raised. Raises UnknownScheme for a
    scheme that no installed store serves.
    """
    text = str(url)
    scheme = scheme_of(text)
    for kind in STORES:
        if scheme in kind.schemes:
            return _opener(kind)(text, create)
    if scheme in NEO4J_SCHEMES:
        raise UnknownScheme(
            f"{text}: {scheme}:// needs a store for Neo4j, which this installation does not have;"
            " install the extra with `pip install 'whypath[neo4j]'`, or give a directory for the embedded store"
        )
    known = ", ".join(f"{name}:" for kind in STORES for name in kind.schemes)
    raise UnknownScheme(f"{text}: no store answers to {scheme!r}; give a directory, or a URL that starts with {known}")


def scheme_of(text: str) -> str:
    """Scheme of a store's URL; a plain path has "file", and so has a Windows path with its drive letter."""
    scheme = urlsplit(text).scheme.lower()
    return scheme if len(scheme) > 1 else "file"


def open_embedded(url: str, create: bool) -> GraphStore:
    """Open the embedded store at a path or `file:` URL."""
    from kg.stores.embedded import EmbeddedStore

    return EmbeddedStore.open(path_of(url), create=create)


def path_of(text: str) -> Path:
    """The directory that a path or `file:` URL names (`file:store`, `file:///data/store`)."""
    parts = urlsplit(text)
    if parts.scheme.lower() != "file":
        return Path(text)
    if parts.netloc not in ("", "localhost"):
        raise UnknownScheme(f"{text}: a file: URL names no host; write file:///{parts.netloc}{parts.path}")
    return Path(unquote(parts.path))


def _opener(kind: StoreKind) -> Callable[[str, bool], GraphStore]:
    module, _, function = kind.opener.partition(":")
    return getattr(importlib.import_module(module), function)
