"""Models for an external graph: where it is, and its labels and relationship types in place of files."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeAlias
from urllib.parse import unquote

from pydantic import BeforeValidator, Field, field_validator, model_validator

from kg.neo4j_url import MalformedUrl, Neo4jUrl
from kg.schema.base import DomainModel, Names, short_for

PATH_PLACES = ("first", "node", "last")
"""Prefixes of the columns of a path: its first relationship, the node between, its last relationship."""


class GraphSource(DomainModel):
    """The database that holds the graph. Credentials are never here: they come from the environment or `.env`."""

    uri: str
    """`bolt://HOST:PORT` or another URL of the server in NEO4J_URI; `neo4j` for that server."""
    database: str | None = None
    """Name of the database, where it is not the server's default one."""
    write: bool = False
    """Whether WhyPath may write into the graph, under names of its own: recorded events, and exported results."""
    refresh: float = Field(default=60.0, ge=0)
    """Seconds after which a running process checks the graph for changes again."""

    @model_validator(mode="before")
    @classmethod
    def _is_a_section(cls, value: Any) -> Any:
        # The wrong value may be a URL with a password, and pydantic would repeat it.
        if not isinstance(value, Mapping | GraphSource):
            raise ValueError("expected fields: write `graph: {uri: bolt://HOST:PORT}`")
        return value

    @field_validator("uri", mode="before")
    @classmethod
    def _is_a_url(cls, value: Any) -> str:
        if isinstance(value, str) and "@" in unquote(value):
            raise ValueError(
                "credentials do not belong here: put them into NEO4J_USERNAME and NEO4J_PASSWORD (environment or a"
                " .env file) and write bolt://HOST:PORT"
            )
        if value == "neo4j":
            return value
        problem = "this is not a URL"
        if isinstance(value, str):
            try:
                if Neo4jUrl.parse(value).database is None and "?" not in value:
                    return value
                problem = "the database does not belong in the URL"
            except MalformedUrl as error:
                problem = error.problem
        raise ValueError(
            f"{problem}; write bolt://HOST:PORT, or neo4j for the server in NEO4J_URI, and the database's name under"
            " `database`"
        )

    @field_validator("database")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not (value and value.isprintable()):
            raise ValueError("no database has such a name; leave `database` out for the server's default one")
        return value


class Direction(StrEnum):
    """Direction of a relationship, seen from its first end (head, user)."""

    OUT = "out"
    IN = "in"


class RelationshipSpec(DomainModel):
    """A relationship type and its direction. Short form: only the type."""

    type: str = Field(min_length=1)
    """The relationship type, as it is spelled in the graph."""
    direction: Direction = Direction.OUT
    """out: it points from head to tail (from user to item); in: the other way."""


Relationship: TypeAlias = Annotated[
    RelationshipSpec, BeforeValidator(short_for("type"), json_schema_input_type=str | RelationshipSpec)
]
"""A relationship specification, or only its type."""


class PathSpec(DomainModel):
    """Behaviour two relationships long: user - node between - item, such as customer - order - product."""

    first: Relationship
    """The relationship between the user and the node between, seen from the user."""
    node: Names = Field(min_length=1)
    """Label of the node between, or several that it must all have."""
    last: Relationship
    """The relationship between the node between and the item, seen from the node."""
