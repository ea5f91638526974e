"""Describe triples and RDF edges: one entity kind, and one relation per name in the file with the kinds at its ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from kg.schema import IdMap, SourceFormat
from kg.schema.relations import words
from kg.sources.guess.node_tables import source_of
from kg.sources.guess.profile import FileProfile, open_given
from kg.sources.guess.words import ENTITY_WORDS, is_item_name, plain, stem_of, untaken
from kg.sources.iris import is_iri
from kg.sources.records import BadRecord

_NAMES = ["head", "relation", "tail"]
MOST_TRIPLES = 3_000_000
"""Number of triples that are examined: a file sorted by relation has some relations only at its end."""

MOST_RELATIONS = 500
"""Maximum number of relations; with more, the middle column is taken to be something else."""


@dataclass
class _Counts:
    """The ends of a relation's triples: kind -> how many, and how many tails are texts."""

    head: Counter[str] = field(default_factory=Counter)
    tail: Counter[str] = field(default_factory=Counter)
    texts: int = 0


def describe_triples(
    file: FileProfile, item_kind: str, items: Set[str], id_map: IdMap | None, mapped: Mapping[str, str], taken: Set[str]
) -> tuple[dict[str, Any], list[str]]:
    """The sections of the relations of a file, and notes; `items` are the item keys, `mapped` the map's entity ids."""
    names = [f"{name}_id" for name in _NAMES] if file.spec.resolved_format is SourceFormat.RECBOLE else _NAMES
    relations, is_cut = _counted(file, names, item_kind, items if id_map is None else mapped)
    if len(relations) > MOST_RELATIONS:
        return {}, [f"{file.title}: more than {MOST_RELATIONS} relations; not used"]
    notes = []
    if is_cut:
        notes.append(
            f"unsure: only its first {MOST_TRIPLES:,} triples were looked at; a load reports relations after them that"
            " no section takes"
        )
    source = source_of(file.spec)
    if id_map is not None:
        source = {"file": source} if isinstance(source, str) else source
        source = {**source, "map": id_map.model_dump(exclude_none=True)}
    sections: dict[str, Any] = {}
    for relation, counts in sorted(relations.items()):
        if counts.texts > 0.5 * counts.head.total():
            notes.append(f"{relation} has texts at its end, not nodes: not used as a relation")
            continue
        section = {
            "head": sorted(counts.head, key=lambda kind: kind != item_kind),
            "tail": sorted(counts.tail, key=lambda kind: kind != item_kind),
            "source": source,
            "where": {names[1]: relation},
            "label": words(relation) if not relation.isdigit() else f"relation {relation}",
        }
        if names != _NAMES:
            section["columns"] = {"head": names[0], "tail": names[2]}
        sections[untaken(_section_name(relation), {*sections, *taken})] = section
    return sections, notes


def _counted(
    file: FileProfile, names: Sequence[str], item_kind: str, items: Container[str]
) -> tuple[dict[str, _Counts], bool]:
    """The relations of a file, and whether the file has more triples than are examined."""
    head, middle, tail = names
    is_rdf = file.spec.resolved_format is SourceFormat.RDF
    relations: dict[str, _Counts] = {}
    reader = open_given(file.path, file.spec, edges=True)
    try:
        for row, record in enumerate(reader):
            if row >= MOST_TRIPLES or len(relations) > MOST_RELATIONS:
                return relations, True
            if isinstance(record, BadRecord):
                continue
            counts = relations.setdefault(str(record.values[middle]), _Counts())
            for column, kinds in ((head, counts.head), (tail, counts.tail)):
                kinds[item_kind if str(record.values[column]) in items else "entity"] += 1
            counts.texts += is_rdf and not is_iri(str(record.values[tail]))
    finally:
        reader.close()
    return relations, False


def _section_name(relation: str) -> str:
    """A name without blanks that does not start with a digit; of an IRI, its words."""
    bare = not relation[:1].isdigit() and not any(c.isspace() for c in relation)
    name = relation if bare else f"relation_{relation}"
    return words(name).replace(" ", "_") if is_iri(name) else name.replace(" ", "_").lstrip("~")


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
