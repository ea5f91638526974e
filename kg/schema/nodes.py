"""Models of node kinds: items, users and entities, their columns, and the columns that become relations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from kg.redacting import quoted
from kg.schema.availability import Available
from kg.schema.base import Conditions, DomainModel, Names, short_for
from kg.schema.fields import Field as FieldDescription
from kg.schema.fields import FieldSpec, FieldType
from kg.schema.sources import SourceFormat, Sources


class Role(StrEnum):
    """Role of a node kind: item (is recommended), user (is recommended to), or entity (connects items)."""

    ITEM = "item"
    USER = "user"
    ENTITY = "entity"


class _RelationColumn(DomainModel):
    relation: str | None = None
    """Name of the relation; the column's name where it is not given."""
    target: str
    """Node kind of the values. A kind without a source gets a node for every value."""
    label: str | None = None
    """Words for paths, read from this kind to the target: `directed by`."""
    inverse: str | None = None
    """Words for the way back: `directed`."""
    hidden: bool = False
    """Loaded, but never shown in explanations."""


class ListSyntax(StrEnum):
    """How several values are written in one cell of text."""

    SEPARATED = "separated"
    BRACKETS = "brackets"
    JSON = "json"
    PYTHON = "python"


class SeveralValues(DomainModel):
    """How several values are written in a cell."""

    syntax: ListSyntax = ListSyntax.SEPARATED
    """Of a text cell: `separated` (a, b), `brackets` ([a, b], {a,b}, <a><b>), `json` (["a", "b"]) or `python`
    (['a', 'b'])."""
    separator: str | None = Field(default=None, min_length=1)
    """Separator of the values of a text cell, `separated` or in `brackets`; default: a comma (a space in RecBole's
    atomic files)."""
    field: str | None = Field(default=None, min_length=1)
    """Where the values are objects, `{"id": 16, "name": "Comedy"}`: the name of the entry that is the key."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.separator is not None and self.syntax in (ListSyntax.JSON, ListSyntax.PYTHON):
            raise ValueError(f"a list in the syntax `{self.syntax}` has commas: drop `separator`")
        return self


class ListColumn(SeveralValues, _RelationColumn):
    """A column with several values, each of which becomes a relation. Short form: only the target kind."""


class LinkColumn(_RelationColumn):
    """A foreign key: its value is the key of a node of the target kind. Short form: only the target kind."""


List: TypeAlias = Annotated[ListColumn, BeforeValidator(short_for("target"), json_schema_input_type=str | ListColumn)]
Link: TypeAlias = Annotated[LinkColumn, BeforeValidator(short_for("target"), json_schema_input_type=str | LinkColumn)]


class NodeKind(DomainModel):
    """One kind of node and where its rows come from."""

    role: Role = Role.ENTITY
    """item (is recommended), user (is recommended to; exactly one kind) or entity (everything else)."""
    source: Sources = ()
    """File or files with its rows; none for a kind whose nodes come from the values of relations or from events."""
    labels: Names = ()
    """Instead of a source, over a graph: the label of its nodes, or several that a node must all have."""
    key: str | None = None
    """Column with the key, unique within the kind."""
    label: str | None = None
    """Column with the readable name; the key where it is absent."""
    text: Names | None = None
    """Columns that the text encoder reads, joined by newlines; the label where it is not given, none with `[]`."""
    image: str | None = None
    """Column with the place of a picture, a path or URL, kept as a text field; for blocks that read pictures, of which
    WhyPath has none yet."""
    fields: dict[str, FieldDescription] = Field(default_factory=dict)
    """Typed fields for filters and encoders."""
    lists: dict[str, List] = Field(default_factory=dict)
    """Columns with several values that become relations."""
    links: dict[str, Link] = Field(default_factory=dict)
    """Columns with one foreign key that become relations."""
    where: Conditions = Field(default_factory=dict)
    """Only the rows that have these values."""
    create: bool | None = None
    """Whether a key that only a relation or an event names makes a node. Default: yes for kinds without a source."""
    available: Available | None = None
    """Items: the rule for available ones."""
    namespace: str | None = None
    """Kinds of one namespace share no key: a key in two of them is refused. Default: an item kind and an entity kind
    share a namespace if their keys are ids of one space (RDF, one triples file, the same file and key column)."""

    @model_validator(mode="after")
    def _fits(self) -> NodeKind:
        if self.source and self.labels:
            raise ValueError("a kind is read from files or from a graph: give `source` or `labels`")
        if self.labels and self.key is None:
            raise ValueError("a kind with `labels` needs `key: PROPERTY`")
        if self.source and self.key is None:
            if all(s.resolved_format is SourceFormat.RDF for s in self.source):
                object.__setattr__(self, "key", "@id")
            else:
                raise ValueError("a kind with a source needs `key: COLUMN`")
        if not self.is_read:
            columns = ("key", "label", "text", "image", "fields", "lists", "links", "where")
            given = [name for name in columns if getattr(self, name)]
            if given:
                raise ValueError(
                    f"without a source there are no columns: add `source: FILE` or drop {', '.join(given)}"
                )
            if self.create is False:
                raise ValueError(
                    "a kind without a source whose nodes are not created stays empty: drop `create: false`"
                )
        if self.image is not None and self.image_field is None:
            if self.image in self.fields:
                raise ValueError(f"`image: {self.image}` and the field {quoted(self.image)} are different columns")
            kept = FieldSpec(type=FieldType.TEXT, use=False)
            object.__setattr__(self, "fields", {**self.fields, self.image: kept})
        if self.available is not None:
            if self.role is not Role.ITEM:
                raise ValueError("`available` is for items")
            if self.available.field not in self.fields:
                raise ValueError(
                    f"`available` names the field {quoted(self.available.field)}, which is not under `fields`"
                )
        return self

    @property
    def is_read(self) -> bool:
        """Whether its nodes come from files or from a graph."""
        return bool(self.source or self.labels)

    @property
    def creates(self) -> bool:
        """Whether an unknown key makes a node."""
        return self.create if self.create is not None else not self.is_read

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns of the text; default: the label column."""
        if self.text is not None:
            return self.text
        return (self.label,) if self.label is not None else ()

    @property
    def image_field(self) -> str | None:
        """The field that the place of the picture is kept in."""
        fields = ((name, field.column or name) for name, field in self.fields.items())
        return next((name for name, column in fields if column == self.image), None)

    @property
    def used_fields(self) -> tuple[str, ...]:
        """Names of the fields that models may read, sorted."""
        default = self.role is not Role.USER
        return tuple(sorted(n for n, f in self.fields.items() if (default if f.use is None else f.use)))
