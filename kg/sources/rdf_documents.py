"""Read RDF documents as a whole with rdflib: RDF/XML, TriG and JSON-LD. Nothing in a document starts a download."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rdflib import Dataset

from kg.sources.records import SourceError, shown

LIMIT = 1 << 26
"""Maximum characters of a document, as its triples are all held in memory."""

_FORMS = {".rdf": "xml", ".owl": "xml", ".trig": "trig", ".jsonld": "json-ld"}


def form_of(name: str) -> str | None:
    """rdflib's name for the form of a document, by the ending of its plain name; None for other forms."""
    return next((form for ending, form in _FORMS.items() if name.endswith(ending)), None)


def document_triples(text: str, form: str, name: str, base: str) -> Iterator[tuple[Any, Any, Any]]:
    """The triples of all graphs of a document. Raises `SourceError` for one that cannot be read."""
    if len(text) > LIMIT:
        raise SourceError(
            f"{name}: more than {LIMIT:,} characters, which are read as a whole; N-Triples are read line by line"
            " (`rapper -o ntriples` or `riot --output=nt` make them)"
        )
    if form == "json-ld":
        _check_contexts(text, name)
    dataset = Dataset(default_union=True)
    try:
        dataset.parse(data=text, format=form, publicID=base)
    except Exception as error:  # each parser raises its own errors, and unexpected ones
        raise SourceError(f"{name}: this is not {form} ({shown(str(error))})") from None
    # Sorted as texts, since a graph has no order.
    yield from sorted({(s, p, o) for s, p, o, _ in dataset.quads()}, key=lambda triple: tuple(map(str, triple)))


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
                far = [p for p in parts if isinstance(p, str)] if key in ("@context", "@import") else []
                if far:
                    raise SourceError(
                        f"{name}: its context is {far[0]}, which is not fetched; write what it says into the document"
                        " (or expand it: https://json-ld.org/playground)"
                    )
                waiting.append(part)
