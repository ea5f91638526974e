"""RDF in documents that rdflib reads as a whole: RDF/XML, TriG and JSON-LD. Nothing in a document starts a download."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rdflib import Dataset

from kg.sources.records import SourceError, shown

LIMIT = 1 << 26
"""Characters of a document at most, whose triples are all held in memory."""

_FORMS = {".rdf": "xml", ".owl": "xml", ".trig": "trig", ".jsonld": "json-ld"}


def form_of(name: str) -> str | None:
    """What rdflib calls the form of a document, by its name in small letters without packing; None for other forms."""
    return next((form for ending, form in _FORMS.items() if name.endswith(ending)), None)


def document_triples(text: str, form: str, name: str, base: str) -> Iterator[tuple[Any, Any, Any]]:
    """The triples of a document, of all its graphs. Raises `SourceError` for one that cannot be read."""
    if len(text) > LIMIT:
        raise SourceError(
            f"{name}: more than {LIMIT:,} characters, which are read as a whole; N-Triples are read line by line"
            " (`rapper -o ntriples` or `riot --output=nt` make them)"
        )
    if form == "json-ld":
        _check_contexts(text, name)
    found = Dataset(default_union=True)
    try:
        found.parse(data=text, format=form, publicID=base)
    except Exception as error:  # each parser has its own errors, and some that it does not foresee
        raise SourceError(f"{name}: this is not {form} ({shown(str(error))})") from None
    # In the order of their texts: a graph has none of its own.
    yield from sorted({(s, p, o) for s, p, o, _ in found.quads()}, key=lambda triple: tuple(map(str, triple)))


def _check_contexts(text: str, name: str) -> None:
    """Raise `SourceError` where a context is an address, which rdflib would fetch."""
    try:
        waiting: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name}: this is not JSON ({error})") from None
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            for key, part in value.items():
                parts = part if isinstance(part, list) else [part]
                far = [each for each in parts if isinstance(each, str)] if key in ("@context", "@import") else []
                if far:
                    raise SourceError(
                        f"{name}: its context is {far[0]}, which is not fetched; write what it says into the document"
                        " (or expand it: https://json-ld.org/playground)"
                    )
                waiting.append(part)
