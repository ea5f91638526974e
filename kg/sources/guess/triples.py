"""Describe triples and RDF edges: one entity kind, and one relation per name in the file with the kinds at its ends."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from kg.schema import IdMap, SourceFormat
from kg.schema.relations import words
from kg.sources.guess.node_tables import source_of
from kg.sources.guess.profile import FileProfile, open_given
from kg.sources.guess.words import ENTITY_WORDS, is_item_name, plain, stem_of
from kg.sources.iris import is_iri
from kg.sources.records import BadRecord

_ENDS = ("head", "tail")
MOST_TRIPLES = 3_000_000
"""Number of triples that are examined: a file sorted by relation has some relations only at its end."""

MOST_RELATIONS = 500
"""Maximum number of relations; with more, the middle column is taken to be something else."""


def describe_triples(
    file: FileProfile, item_kind: str, items: Set[str], id_map: IdMap | None, mapped: Mapping[str, str], taken: Set[str]
) -> tuple[dict[str, Any], list[str]]:
    """The sections of the relations of a file, and notes; `items` are the item keys, `mapped` the map's entity ids."""
    kinds: dict[str, dict[str, dict[str, int]]] = {}
    literals: dict[str, int] = {}
    ends = ("head_id", "tail_id") if file.spec.resolved_format is SourceFormat.RECBOLE else _ENDS
    middle = "relation_id" if file.spec.resolved_format is SourceFormat.RECBOLE else "relation"
    cut = False
    reader = open_given(file.path, file.spec, edges=True)
    for rows, record in enumerate(reader):
        if rows >= MOST_TRIPLES or len(kinds) > MOST_RELATIONS:
            cut = rows >= MOST_TRIPLES
            break
        if isinstance(record, BadRecord):
            continue
        relation = str(record.values[middle])
        for end, column in zip(_ENDS, ends, strict=True):
            key = str(record.values[column])
            is_item = key in mapped if id_map is not None else key in items
            counts = kinds.setdefault(relation, {"head": {}, "tail": {}})[end]
            kind = item_kind if is_item else "entity"
            counts[kind] = counts.get(kind, 0) + 1
        if file.spec.resolved_format is SourceFormat.RDF and not is_iri(str(record.values["tail"])):
            literals[relation] = literals.get(relation, 0) + 1
    reader.close()
    if len(kinds) > MOST_RELATIONS:
        return {}, [f"{file.title}: more than {MOST_RELATIONS} relations; not used"]
    source = source_of(file.spec)
    if id_map is not None:
        source = {
            **(source if isinstance(source, dict) else {"file": source}),
            "map": id_map.model_dump(exclude_none=True),
        }
    sections: dict[str, Any] = {}
    notes = []
    if cut:
        notes.append(
            f"unsure: only its first {MOST_TRIPLES:,} triples were looked at; a load reports relations after them that"
            " no section takes"
        )
    for relation, found in sorted(kinds.items()):
        total = sum(found["head"].values())
        if literals.get(relation, 0) > 0.5 * total:
            notes.append(f"{relation} has texts at its end, not nodes: not used as a relation")
            continue
        name = (
            relation
            if not relation[:1].isdigit() and not any(c.isspace() for c in relation)
            else f"relation_{relation}"
        )
        name = name.replace(" ", "_").lstrip("~") if not is_iri(name) else words(name).replace(" ", "_")
        while name in sections or name in taken:
            name += "_"
        sections[name] = {
            "head": sorted(found["head"], key=lambda k: k != item_kind),
            "tail": sorted(found["tail"], key=lambda k: k != item_kind),
            "source": source,
            "where": {middle: relation},
            "label": words(relation) if not relation.isdigit() else f"relation {relation}",
        }
        if ends != _ENDS:
            sections[name]["columns"] = {"head": ends[0], "tail": ends[1]}
    return sections, notes


def map_columns(file: FileProfile) -> tuple[str, str] | None:
    """(item column, entity column) of a file that only pairs items with other ids; None for any other."""
    names = list(file.columns)
    item = next((n for n in names if is_item_name(n) or plain(n) == "orgid"), None)
    entity = next((n for n in names if plain(n) in ENTITY_WORDS or stem_of(n) in ENTITY_WORDS), None)
    if item is None or entity is None or len(names) > 3 or is_edges(file):
        return None
    return item, entity


def is_edges(file: FileProfile) -> bool:
    """Whether a file holds edges rather than rows of a table."""
    return file.is_triples or file.spec.resolved_format is SourceFormat.RDF or file.suffix == "kg"
