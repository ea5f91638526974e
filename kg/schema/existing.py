"""A graph that somebody else owns: where it is, and its labels and relationship types in place of files."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

from pydantic import BeforeValidator, Field, field_validator

from kg.schema.base import DomainModel, Names

GRAPH_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
"""Schemes of Neo4j's drivers: routed or direct, plain, with a trusted certificate, with any certificate."""

PATH_PLACES = ("first", "node", "last")
"""What stands before the dot of a column of a path: its first relationship, the node between, its last one."""


class GraphSource(DomainModel):
    """The database that holds the graph. Credentials are never here: they come from the environment or `.env`."""

    uri: str
    """`bolt://HOST:PORT` or another URL of the driver; `neo4j` for the one in NEO4J_URI."""
    database: str | None = None
    """Name of the database, where it is not the server's default one."""
    write: bool = False
    """Whether WhyPath may write into the graph, under names of its own: recorded events, and exported results."""
    refresh: float = Field(default=60.0, ge=0)
    """Seconds for which a running process takes the graph to be as it was before it looks for changes again."""

    @field_validator("uri")
    @classmethod
    def _no_credentials(cls, value: str) -> str:
        if "@" in value:
            # Not repeated: what stands before it may be a password.
            raise ValueError(
                "credentials do not belong here: put them into NEO4J_USERNAME and NEO4J_PASSWORD (environment or a"
                " .env file) and write bolt://HOST:PORT"
            )
        if value != "neo4j" and value.partition("://")[0].lower() not in GRAPH_SCHEMES:
            raise ValueError(f"{value!r} is no address of a Neo4j: write bolt://HOST:PORT, or neo4j for NEO4J_URI")
        if "?" in value or "#" in value:
            raise ValueError("write the database's name under `database`, not into the address")
        return value

    @property
    def url(self) -> str:
        """Address and database in the form that a connection takes."""
        return self.uri if self.database is None else f"{self.uri}?database={quote(self.database)}"


class Direction(StrEnum):
    """Which way a relationship points, seen from its first end (head, user)."""

    OUT = "out"
    IN = "in"


class RelationshipSpec(DomainModel):
    """A relationship type and its direction. Short form: only the type."""

    type: str = Field(min_length=1)
    """The relationship type, as it is spelled in the graph."""
    direction: Direction = Direction.OUT
    """out: it points from head to tail (from user to item); in: the other way."""


def _from_type(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


Relationship: TypeAlias = Annotated[
    RelationshipSpec, BeforeValidator(_from_type, json_schema_input_type=str | RelationshipSpec)
]
"""A relationship specification, or only its type."""


class PathSpec(DomainModel):
    """Behaviour two relationships long: user - node between - item, such as customer - order - product."""

    first: Relationship
    """The relationship between the user and the node between, seen from the user."""
    node: Names = Field(min_length=1)
    """Label of the node between; of several it has all."""
    last: Relationship
    """The relationship between the node between and the item, seen from the node."""
