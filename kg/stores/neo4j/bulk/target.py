"""`ImportFiles`: a folder that a domain is loaded into as files for Neo4j's bulk importer.

It takes a load as a store does. The database that the importer makes of the files is one that a load over Bolt would
have made, but for constraints and indexes, which the community edition's importer cannot make: they are made when the
database is first opened as a store.
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
"""The importer takes what such a character leads in a header for a type or an option."""


class ImportFiles:
    """A target for one load; see `LoadTarget`."""

    def __init__(self, folder: str | Path) -> None:
        """`folder` is made if it is not there; it must be empty when the load begins."""
        self.folder = Path(folder)

    def snapshot(self) -> KnowledgeGraph:
        """Raises StoreEmpty: an import begins with nothing."""
        raise StoreEmpty(f"{self.folder} is no store; import its files, then open the database")

    def remember_quarantine(self, path: Path) -> None:
        """There is no store yet that could; it knows of no file of this load."""

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
        """What to call `neo4j-admin` with, in the folder and while the server is stopped. All that the database holds
        is replaced."""
        return ["database", "import", "full", database, "--overwrite-destination", f"@{ARGUMENTS}"]
