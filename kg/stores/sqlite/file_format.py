"""The format of an SQLite file: the mark in its header, the version of its tables, and how they are created."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import cache

from kg.stores.errors import StoreDamaged
from kg.stores.sqlite.structure import Structure, made_by, structure_problem

OLDEST_SQLITE = (3, 37, 0)
"""The first version with STRICT tables."""


@dataclass(frozen=True)
class FileFormat:
    """A kind of file: `name` for messages; `application_id` is in the file's header, so that another program's database
    is recognised as such; `version` is raised when the tables change in a way that older code cannot read.

    `advice` says what to do about a file that is missing, damaged or of another version.
    """

    name: str
    application_id: int
    version: int
    statements: tuple[str, ...]
    advice: str

    def create(self, connection: sqlite3.Connection) -> None:
        """Create all tables, inside the caller's transaction."""
        for statement in self.statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {self.application_id}")
        connection.execute(f"PRAGMA user_version = {self.version}")

    def check(self, connection: sqlite3.Connection, place: str) -> None:
        """Raise StoreDamaged unless the file is one that this code reads."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != self.application_id:
            raise StoreDamaged(f"{place} is an SQLite database of another program, not {self.name}; {self.advice}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != self.version:
            raise StoreDamaged(
                f"{place} has format {version}, this version of WhyPath reads {self.version};"
                f" use the version that made it, or {self.advice}"
            )
        problem = structure_problem(connection, _structure(self))
        if problem is not None:
            raise StoreDamaged(f"{place} is damaged: {problem}; restore a copy, or {self.advice}")


@cache
def _structure(file_format: FileFormat) -> Structure:
    return made_by(file_format.statements)


def is_blank(connection: sqlite3.Connection) -> bool:
    """Whether the file has no table yet (new, or its making was interrupted)."""
    return connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
