"""`open_store`: open the store at a path or URL, chosen by scheme."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from kg.neo4j_url import NEO4J_SCHEMES
from kg.plugins import Plugins
from kg.stores.errors import StoreError
from kg.stores.kept import KeptStore
from kg.stores.protocol import GraphStore
from kg.visible import has_halves

if TYPE_CHECKING:
    from kg.stores.neo4j.bulk import ImportFiles


class UnknownScheme(StoreError):
    """A store URL whose scheme no store serves, or whose store is not installed."""


@dataclass(frozen=True)
class StoreKind:
    """How to open one sort of store: its name, the URL schemes it serves, and the function that opens it.

    `opener` is "module:function" with (url, create) as arguments, imported only when such a store is opened. Installed
    packages bring further ones as entry points of the group `whypath.stores`.
    """

    name: str
    schemes: tuple[str, ...]
    opener: str


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_CREDENTIALS = re.compile(r"/{0,2}[^/\\:]{2,}:[^/\\].*@", re.DOTALL)
"""How user:password@host begins, which a path hardly does."""

DESCRIPTION = "domain.yaml"
"""Takes the place of a scheme for the path of a `domain.yaml`, which is a view of the graph that it names."""

STORES: tuple[StoreKind, ...] = (
    StoreKind("embedded", ("file",), "kg.opening:open_embedded"),
    StoreKind("neo4j", NEO4J_SCHEMES, "kg.opening:open_neo4j"),
    StoreKind("graph view", (DESCRIPTION,), "kg.opening:open_graph_view"),
)
"""WhyPath's own stores. Each has a contract test; `tests/kg/stores` fails if one has none."""


def _checked(name: str, kind: object) -> StoreKind:
    if not isinstance(kind, StoreKind):
        raise ValueError("it is no kg.opening.StoreKind")
    taken = {scheme for other in STORES for scheme in other.schemes}
    if kind.name != name or taken & set(kind.schemes) or name in {other.name for other in STORES}:
        raise ValueError(f"the store {kind.name!r} has the name of its entry point, and schemes of its own")
    return kind


INSTALLED: Plugins[StoreKind] = Plugins("whypath.stores", _checked)
"""Stores of installed packages, by name."""


def open_store(url: str | Path, create: bool = False) -> GraphStore:
    """Open the store at a path or URL: a directory or `file:` URL is the embedded store, `bolt://host:7687` and the
    like a Neo4j, `neo4j` alone the one in NEO4J_URI, and a `domain.yaml` the graph of its `graph:` section.

    With `create` a store is made where there is none; without it StoreNotFound is raised. Raises UnknownScheme for a
    scheme that no installed store serves.
    """
    text = str(url)
    if "://" not in text:
        _check_path(text)
    scheme = scheme_of(text)
    for kind in chain(STORES, INSTALLED.values()):
        if scheme in kind.schemes:
            return _opener(kind)(text, create)
    kinds = (*STORES, *INSTALLED.values())
    known = ", ".join(f"{name}:" for kind in kinds for name in kind.schemes if name != DESCRIPTION)
    # Not repeated: a password may be anywhere in it.
    shown = f"{scheme}://" if "://" in text and _SCHEME.fullmatch(scheme) else "such an address"
    raise UnknownScheme(f"no store serves {shown}; give a directory, or a URL that starts with {known}")


def _check_path(text: str) -> None:
    """Raise UnknownScheme for a text that cannot be a path: later steps would repeat it, or fail with another error."""
    try:
        is_path = b"\0" not in os.fsencode(text) and not has_halves(text)
    except UnicodeEncodeError:
        is_path = False
    if not is_path:
        raise UnknownScheme("the store's path has a character that no path can have (NUL, or bytes that are not UTF-8)")
    # The store checks, and refuses, an address in Neo4j's own schemes.
    if _CREDENTIALS.match(text) and text.partition(":")[0].lower() not in ("file", *NEO4J_SCHEMES):
        raise UnknownScheme(
            "this looks like an address with credentials in it: put them into NEO4J_USERNAME and NEO4J_PASSWORD, and"
            " write bolt://HOST:PORT (./PATH for a directory of such a name)"
        )


def open_kept(url: str | Path) -> KeptStore | None:
    """What this machine keeps of a store that `open_store` found unavailable, or None."""
    if scheme_of(str(url)) not in NEO4J_SCHEMES:
        return None
    from kg.stores.neo4j import Neo4jStore

    return Neo4jStore.open_kept(str(url))


def scheme_of(text: str) -> str:
    """Scheme of a store's URL; "file" for a plain path, also a Windows path with its drive letter.

    `neo4j` alone is not a path but the server in NEO4J_URI; a file that ends in .yaml has DESCRIPTION.
    """
    if text == "neo4j":
        return text
    scheme, separator, _ = text.partition("://")
    if separator:
        # Not a path, however the scheme is spelled.
        return scheme.strip().lower()
    if text.lower().endswith((".yaml", ".yml")) and not Path(text).is_dir():
        return DESCRIPTION
    match = re.match(rf"({_SCHEME.pattern}):", text)
    return match[1].lower() if match and len(match[1]) > 1 else "file"


def open_embedded(url: str, create: bool) -> GraphStore:
    """Open the embedded store at a path or `file:` URL."""
    from kg.stores.embedded import EmbeddedStore

    return EmbeddedStore.open(path_of(url), create=create)


def open_neo4j(url: str, create: bool) -> GraphStore:
    """Open the store in a Neo4j database. Raises UnknownScheme where the driver is not installed."""
    need_driver(scheme_of(url))
    from kg.stores.neo4j import Neo4jStore

    return Neo4jStore.open(url, create=create)


def import_files(folder: str | Path) -> ImportFiles:
    """Make a folder into which `load_domain` writes files for Neo4j's bulk importer. Raises UnknownScheme
    where the driver is not installed.
    """
    need_driver(str(folder))
    from kg.stores.neo4j.bulk import ImportFiles

    return ImportFiles(folder)


def open_graph_view(url: str, create: bool) -> GraphStore:
    """Open the graph that a `domain.yaml` describes; `create` makes nothing, as the graph is external."""
    need_driver(url)
    from kg.graph_view import GraphView

    return GraphView.open(url)


def need_driver(place: str) -> None:
    """Raise UnknownScheme where the driver of Neo4j is not installed."""
    try:
        importlib.import_module("neo4j")
    except ImportError:
        raise UnknownScheme(
            f"{place}: a store in Neo4j needs its driver, which this installation does not have;"
            " install the extra with `pip install 'whypath[neo4j]'`, or give a directory for the embedded store"
        ) from None


def path_of(text: str) -> Path:
    """The directory that a path or `file:` URL names (`file:store`, `file:///data/store`)."""
    if not text.lower().startswith("file:"):
        return Path(text)
    path = None
    try:
        parts = urlsplit(text)
        if parts.netloc in ("", "localhost"):
            path = unquote(parts.path)
    except ValueError:
        pass
    if path is None or "\0" in path:
        raise UnknownScheme("a file: URL names no host, and a path without NUL; write file:///PATH")
    return Path(path)


def _opener(kind: StoreKind) -> Callable[[str, bool], GraphStore]:
    module, _, function = kind.opener.partition(":")
    return getattr(importlib.import_module(module), function)
