"""`ImportFiles`: load a domain into a folder, as files for Neo4j's bulk importer.

It takes a load as a store does. The importer makes the same database of the files as a load over Bolt, except for
constraints and indexes, which the community edition's importer cannot create: they are created when the database is
first opened as a store.
"""

from __future__ import annotations

from pathlib import Path

from kg.graph import KnowledgeGraph
from kg.schema import DomainSchema
from kg.stores.errors import StoreEmpty, StoreError
from kg.stores.neo4j.bulk.command import ARGUMENTS
from kg.stores.neo4j.bulk.directory import ImportDirectory
from kg.stores.neo4j.bulk.writer import ImportFilesLoad

_UNREADABLE = frozenset(":(){}")
"""The importer reads the text after such a character in a header as a type or an option."""


class ImportFiles:
    """A target for one load; see `LoadTarget`."""

    def __init__(self, folder: str | Path) -> None:
        """`folder` is created if needed; it must be empty when the load begins."""
        self.folder = Path(folder)

    def snapshot(self) -> KnowledgeGraph:
        """Raises StoreEmpty: an import has no earlier content."""
        raise StoreEmpty(f"{self.folder} is no store; import its files, then open the database")

    def remember_quarantine(self, path: Path) -> None:
        """Does nothing: no store exists yet that could remember it."""

    def begin_load(self, schema: DomainSchema, *, replace: bool, source_digest: str) -> ImportFilesLoad:
        """See `GraphStore.begin_load`. Raises StoreError for a folder that is not empty."""
        if replace:
            raise StoreError("import files make a whole new database, so there is nothing that a load could replace")
        for kind, spec in schema.nodes.items():
            for field in spec.fields:
                if field != field.strip() or not field.isprintable() or _UNREADABLE.intersection(field):
                    raise StoreError(
                        f"nodes.{kind}.fields: Neo4j's importer can make no property of the name {field!r} (colons,"
                        " brackets, line breaks, blanks at an end); give the field another name, and say its `column`"
                    )
        return ImportFilesLoad(ImportDirectory(self.folder), schema)

    def arguments(self, database: str = "neo4j") -> list[str]:
        """The arguments of `neo4j-admin`, to run in the folder while the server is stopped. All content of the database
        is replaced."""
        return ["database", "import", "full", database, "--overwrite-destination", f"@{ARGUMENTS}"]
