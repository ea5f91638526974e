"""Describe items in RDF: the subjects that events are on, with label, fields and the type that marks them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from itertools import islice
from typing import Any

from kg.schema.relations import words
from kg.sources.guess.node_tables import source_of
from kg.sources.guess.profile import ColumnProfile, FileProfile, records_of
from kg.sources.guess.values import field_of
from kg.sources.guess.words import LABEL_WORDS, TEXT_WORDS, plain
from kg.sources.iris import is_iri

_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_LABELS = ("#label", "#preflabel", "/name", "/title")
_ENOUGH = 0.5


def rdf_items(file: FileProfile, items: Set[str]) -> dict[str, Any] | None:
    """The section of a node kind for the items that a file of RDF describes; None where it describes none of them.

    Their type distinguishes them from other subjects; without one the file must have no other subjects.
    """
    columns: dict[str, ColumnProfile] = {}
    types: Counter[str] = Counter()
    other_types: Counter[str] = Counter()
    known = strangers = 0
    for record in records_of(file):
        type_cell = record.values.get(_TYPE)
        own_types = set(map(str, type_cell)) if isinstance(type_cell, list) else {str(type_cell)} - {"None"}
        if record.values["@id"] not in items:
            strangers += 1
            other_types.update(own_types)
            continue
        types.update(own_types)
        for name, cell in record.values.items():
            column = columns.setdefault(name, ColumnProfile(name))
            column.absent_until(known)
            column.add(cell)
        known += 1
    where = next((t for t, n in types.most_common() if n == known and not other_types[t]), None)
    if known < _ENOUGH * len(items) or (where is None and strangers):
        return None
    for column in columns.values():
        column.absent_until(known)
    return _described(file, columns, where)


def _described(file: FileProfile, columns: dict[str, ColumnProfile], where: str | None) -> dict[str, Any]:
    section: dict[str, Any] = {"role": "item", "source": source_of(file.spec), "key": "@id"}
    literal = {n: c for n, c in columns.items() if n not in ("@id", "@name", _TYPE) and not _leads(c)}
    label = next((n for ending in _LABELS for n in literal if n.lower().endswith(ending)), None)
    label = label or next((n for n in literal if plain(words(n)) in LABEL_WORDS), None)
    if label is not None:
        section["label"] = label
    if where is not None:
        section["where"] = {_TYPE: where}
    texts = []
    for name, column in literal.items():
        short = words(name).replace(" ", "_")
        if name == label:
            continue
        if plain(short) in TEXT_WORDS or (not column.is_number and column.mean_length > 40):
            texts.append(name)
        elif (field := field_of(column, sensitive=False)) is not None:
            section.setdefault("fields", {})[short] = {**field, "column": name}
    if texts:
        section["text"] = [*([label] if label else []), *texts]
    return section


def _leads(column: ColumnProfile) -> bool:
    """Whether a predicate leads to other nodes."""
    values = list(islice(column.parts if column.lists else column.values, 50))
    return bool(values) and sum(map(is_iri, values)) > 0.5 * len(values)
