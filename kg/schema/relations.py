"""Models of relations: those of `domain.yaml` with their own files, and the resolved form that other packages use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import Field, model_validator

from kg.schema.base import Conditions, DomainModel, Names
from kg.schema.existing import Relationship
from kg.schema.sources import Sources


class EdgeColumns(DomainModel):
    """Columns of a relation's file."""

    head: str = "head"
    """Column with the key of the head."""
    tail: str = "tail"
    """Column with the key of the tail."""


class RelationSpec(DomainModel):
    """A relation that has its own file (a linking table, triples, RDF), or a relationship type of a graph."""

    source: Sources = ()
    """File or files; `where: {relation: NAME}` picks one relation out of triples."""
    relationship: Relationship | None = None
    """Instead of a source, over a graph: the relationship type between head and tail."""
    head: Names = Field(min_length=1)
    """Kind of the heads, or a list: the first of the kinds that knows the key."""
    tail: Names = Field(min_length=1)
    """Kind of the tails, or a list."""
    columns: EdgeColumns = EdgeColumns()
    """Names of the columns; `head` and `tail` where not given."""
    where: Conditions = Field(default_factory=dict)
    """Only the rows (over a graph: the relationships) that have these values."""
    label: str | None = None
    """Words for paths, from head to tail: `directed by`. The name with spaces where not given."""
    inverse: str | None = None
    """Words for the way back: `directed`."""
    hidden: bool = False
    """Loaded, but never shown in explanations."""

    @model_validator(mode="after")
    def _one_origin(self) -> RelationSpec:
        if bool(self.source) == (self.relationship is not None):
            raise ValueError(
                "a relation comes from a file or from a graph: add `source: FILE`, or `relationship: TYPE` over a graph"
                if not self.source
                else "give either `source` or `relationship`"
            )
        return self


@dataclass(frozen=True, slots=True)
class RelationKind:
    """A resolved relation, as stores and graphs use it: one kind at each end."""

    name: str
    head: str
    tail: str
    label: str
    inverse: str | None = None
    hidden: bool = False


def words(name: str) -> str:
    """Readable words for a name without a label: `acted_in` -> "acted in", `dbo:birthPlace` -> "birth place".

    Of IRIs, prefixed and dotted names (`film.film.genre`) the last part counts.
    """
    last = name.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1] or name
    last = last.rsplit(".", 1)[-1] or last
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", last).replace("_", " ").replace("-", " ").strip()
    return (spaced[0] + spaced[1:].lower() if spaced != last and spaced[:1].islower() else spaced) or name
