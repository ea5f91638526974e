"""What strangers can put before WhyPath, as functions of bytes: each returns, or raises what no input may cause.

The tests here call them with what hypothesis draws. `python -m tests.fuzzing.coverage_guided NAME` calls them with what
atheris finds, which looks for inputs that reach new code, where that package is installed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from kg.errors import WhyPathError
from kg.neo4j_url import MalformedUrl, Neo4jUrl
from kg.opening import scheme_of
from kg.rows import Position
from kg.schema import DomainSchema, SourceFormat, SourceSpec
from kg.sources import BadRecord, RawRecord, open_source
from tests.whypath.films import films
from whypath.answering.conditions import Where
from whypath.answering.filters import Filters
from whypath.answering.item_masks import items_where

_FILMS = films()

_FORMATS = (
    SourceFormat.CSV,
    SourceFormat.TSV,
    SourceFormat.JSONL,
    SourceFormat.PARQUET,
    SourceFormat.RECBOLE,
    SourceFormat.TRIPLES,
)

_LARGEST_FIELD = 70_000
"""Characters of a cell or a row: what a reader keeps of one is bounded, whatever a file holds."""


def description(data: bytes) -> None:
    """A `domain.yaml`, from its text to a schema that survives being written and read again."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        schema = DomainSchema.from_yaml(text)
    except WhyPathError:
        return
    assert DomainSchema.from_yaml(schema.to_yaml()).to_json() == schema.to_json()
    assert DomainSchema.from_json(schema.to_json()).digest == schema.digest


def condition(data: bytes) -> None:
    """A condition of `--where`, from its text to the items that meet it."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        parsed = Where.parse(text)
        mask = items_where(_FILMS, parsed)
        assert mask.shape == (_FILMS.n_items,)
        Filters(where=[parsed], include=[text], exclude=[text]).apply(_FILMS)
    except WhyPathError:
        return


def table(data: bytes) -> None:
    """A file of any format, the first byte choosing it, read to its end and once more."""
    if not data:
        return
    form = _FORMATS[data[0] % len(_FORMATS)]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "file").write_bytes(data[1:])
        try:
            reader = open_source(SourceSpec(file="file", format=form), Path(folder))
            first = list(reader)
            reader.close()
        except WhyPathError:
            return
        for record in first:
            assert isinstance(record, RawRecord | BadRecord)
            assert isinstance(record.position, Position)
            assert not isinstance(record, BadRecord) or len(record.raw) < _LARGEST_FIELD
        assert len(list(reader)) == len(first)


def address(data: bytes) -> None:
    """A store's URL: an address without what may be a password, or an error that does not repeat it."""
    secret = data[:8].hex()
    text = data[8:].decode("utf-8", "surrogateescape").replace("SECRET", secret)
    for url in (text, f"bolt://{text}", f"neo4j+s://host:7687{text}"):
        said = ""
        try:
            scheme_of(url)
            found = Neo4jUrl.parse(url)
            assert found.host
            assert "@" not in found.host
        except (WhyPathError, MalformedUrl) as error:
            said = str(error)
        # Fewer digits may stand in the message by chance.
        assert len(secret) < 16 or secret not in said


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {function.__name__: function for function in (description, condition, table, address)}
)
"""By name."""
