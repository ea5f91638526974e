"""Models of sources: a file with its format and options, or an in-memory table passed in Python."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from kg.redacting import quoted
from kg.schema.base import DomainModel, short_for
from kg.schema.formats import Format, SourceFormat, format_of, formats


def _cuts_cells(separator: str) -> str:
    if any(c in separator for c in '"\r\n'):
        raise ValueError("a separator of columns holds neither quotation marks nor line breaks")
    return separator


Separator: TypeAlias = Annotated[str, Field(min_length=1), AfterValidator(_cuts_cells)]
"""Separator of the cells of a row."""


DecimalMark: TypeAlias = Literal[".", ","]


def _check_format(file: str, given: SourceFormat | str | None) -> None:
    if given is SourceFormat.TABLE:
        raise ValueError("format `table` is for tables passed in Python, not for files")
    if given is None and format_of(file) is None:
        raise ValueError(
            f"the name {quoted(file)} does not say its format: add `format:` with one of "
            + ", ".join(name for name in formats() if name != SourceFormat.TABLE)
        )


_WITH_MAP = (SourceFormat.TRIPLES, SourceFormat.RECBOLE, SourceFormat.RDF)


class IdMap(DomainModel):
    """A file that maps ids of a triples file to items (RecBole's `.link`, an item list)."""

    file: str
    """Path of the map, relative to `domain.yaml`."""
    item: str
    """Column with the item's key, as interactions use it."""
    entity: str
    """Column with the id that the triples use for it."""
    format: Format | None = None
    """Where the file's name does not tell."""
    separator: Separator | None = None
    """Column separator, where it is not the format's default."""

    @model_validator(mode="after")
    def _is_readable(self) -> IdMap:
        _check_format(self.file, self.format)
        return self


class SourceSpec(DomainModel):
    """A file and how to read it. Short form: only the path, relative to `domain.yaml`."""

    file: str | None = None
    """Path, relative to `domain.yaml`; may be packed with gzip, bzip2, xz, or zip (one file in it)."""
    table: str | None = None
    """Instead of a file: the name of a data frame or graph handed over in Python (`load_domain(..., tables={...})`)."""
    format: Format | None = None
    """Where the file's name does not tell; `triples` for head, relation, tail."""
    separator: Separator | None = None
    """Column separator of text tables: `,` in CSV, a tab elsewhere. With a separator of several characters (`::`) there
    is no quoting."""
    quoted: bool | None = None
    """Whether cells may be in double quotes. Default: yes in CSV, no in TSV, atomic and triples files."""
    columns: tuple[str, ...] | None = None
    """Names of the columns of a file without a header line, in order."""
    rest: bool = False
    """Of text tables with `columns`: the last column takes the rest of a line, separators included."""
    skip: int = Field(default=0, ge=0, le=1000)
    """Of text tables: number of lines to skip before the header, such as a title or Excel's `sep=;`."""
    sheet: str | None = None
    """Of Excel workbooks: the sheet, default: the first."""
    decimal: DecimalMark = "."
    """Decimal mark of the numbers of a text table: `,` where 4,5 is four and a half (and 1.234,5 may have points
    between thousands)."""
    encoding: str = "utf-8"
    """Text encoding; a UTF-8 byte order mark is skipped."""
    missing: tuple[str, ...] | None = None
    """Spellings of "no value" in this file, instead of the domain's."""
    prefixes: dict[str, str] = Field(default_factory=dict)
    """RDF: prefixes for IRIs in addition to the usual ones (rdf, rdfs, owl, xsd, skos, schema, foaf, dcterms, dbo,
    …)."""
    language: str | None = None
    """RDF: the language of literals to prefer, such as `en`."""
    map: IdMap | None = None
    """Triples and RDF: which of the ids (of RDF, whole IRIs) are items."""

    @model_validator(mode="after")
    def _one_origin(self) -> SourceSpec:
        if (self.file is None) == (self.table is None):
            raise ValueError("a source is either a file or a table: give `file: PATH` or `table: NAME`")
        if self.table is not None and self.format not in (None, SourceFormat.TABLE):
            raise ValueError("a table passed in Python has no format: leave `format` out")
        if self.file is not None:
            _check_format(self.file, self.format)
        if self.rest and (self.columns is None or self.quoted):
            raise ValueError("`rest` is for a table without a header and quotes: name its `columns`, and drop `quoted`")
        if self.quoted and self.separator is not None and len(self.separator) > 1:
            raise ValueError(f"cells separated by {quoted(self.separator)} cannot be quoted: drop `quoted`")
        if self.map is not None and self.resolved_format not in _WITH_MAP:
            raise ValueError("`map` belongs to triples and RDF: add `format: triples` or `format: rdf`")
        return self

    @property
    def resolved_format(self) -> SourceFormat | str:
        """The format, given or by the file's name."""
        if self.table is not None:
            return SourceFormat.TABLE
        resolved = self.format or format_of(self.file or "")
        if resolved is None:
            raise ValueError(f"no format for {self.file}")
        return resolved

    @property
    def name(self) -> str:
        """Name in messages: the path, with the sheet if one is given, or the table's name."""
        if self.file is None:
            return f"table {self.table}"
        return self.file if self.sheet is None else f"{self.file} [{self.sheet}]"


_from_path = short_for("file")


def _as_sources(value: Any) -> Any:
    if isinstance(value, str | dict | SourceSpec):
        value = [value]
    return [_from_path(v) for v in value] if isinstance(value, list | tuple) else value


Source: TypeAlias = Annotated[SourceSpec, BeforeValidator(_from_path, json_schema_input_type=str | SourceSpec)]
"""A source, or only its path."""

Sources: TypeAlias = Annotated[
    tuple[SourceSpec, ...],
    BeforeValidator(_as_sources, json_schema_input_type=str | SourceSpec | list[str | SourceSpec]),
]
"""One source, or several that are read in order."""
