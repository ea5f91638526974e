"""Expand short forms of IRIs, and make readable names of IRIs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

PREFIXES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "schema": "http://schema.org/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "dct": "http://purl.org/dc/terms/",
    "dbo": "http://dbpedia.org/ontology/",
    "dbr": "http://dbpedia.org/resource/",
    "dbp": "http://dbpedia.org/property/",
    "wd": "http://www.wikidata.org/entity/",
    "wdt": "http://www.wikidata.org/prop/direct/",
}
"""Prefixes known without being declared."""

_IRI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|urn:)\S+")
# Names under these may contain slashes: /resource/AC/DC is "AC/DC".
_NAMED_PART = re.compile(r"/(?:resource|wiki|entity|ontology|property)/(.+)$")


def is_iri(text: str) -> bool:
    """Whether text looks like an absolute IRI."""
    return _IRI.fullmatch(text) is not None


def expanded(name: str, prefixes: Mapping[str, str]) -> str:
    """Expand `prefix:rest` to an IRI, strip the brackets of `<iri>`, and return anything else unchanged."""
    if name.startswith("<") and name.endswith(">"):
        return name[1:-1]
    prefix, colon, rest = name.partition(":")
    base = prefixes.get(prefix, PREFIXES.get(prefix)) if colon and not rest.startswith("//") else None
    return base + rest if base is not None else name


def readable_name(key: str) -> str:
    """Words for a key: the last part of an IRI, percent-decoded, underscores as spaces; any other key unchanged."""
    if not is_iri(key):
        return key
    if "#" in key:
        part = key.rsplit("#", 1)[1]
    elif named := _NAMED_PART.search(key):
        part = named.group(1)
    else:
        part = key.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    # Percent-encoded bytes that are not UTF-8 become U+FFFD: this is a label, not a key, so nothing is lost.
    return unquote(part, errors="replace").replace("_", " ").strip() or key
