"""Group a file's triples by subject in bounded memory, through a temporary table on disk."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from kg.rows import Position
from kg.sources.records import BadRecord, Reason


@dataclass(frozen=True, slots=True)
class Triple:
    """One statement: `language` is the tag of a literal, "" without one; `line` its line in the file."""

    subject: str
    predicate: str
    object: str
    is_iri: bool
    language: str
    line: int


class TripleSpool:
    """Triples in a temporary SQLite file, deleted by `close`. Nothing in it needs to survive a crash."""

    def __init__(self, triples: Iterable[Triple | BadRecord]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="whypath-")
        self._database = sqlite3.connect(Path(self._folder.name) / "triples.sqlite", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE triples (s TEXT, p TEXT, o TEXT, iri INTEGER, language TEXT, line INTEGER) STRICT"
        )
        self._database.execute("CREATE TABLE bad (file TEXT, line INTEGER, reason TEXT, detail TEXT, raw TEXT) STRICT")
        self._database.execute("BEGIN")
        try:
            self._fill(triples)
        except BaseException:
            self.close()
            raise

    def _fill(self, triples: Iterable[Triple | BadRecord]) -> None:
        for triple in triples:
            if isinstance(triple, BadRecord):
                place, about = triple.position, (str(triple.reason), triple.detail, triple.raw)
                self._database.execute("INSERT INTO bad VALUES (?, ?, ?, ?, ?)", (place.file, place.line, *about))
            else:
                row = (triple.subject, triple.predicate, triple.object, triple.is_iri, triple.language, triple.line)
                self._database.execute("INSERT INTO triples VALUES (?, ?, ?, ?, ?, ?)", row)
        self._database.execute("CREATE INDEX by_subject ON triples (s)")
        self._database.execute("COMMIT")

    def __len__(self) -> int:
        return self._database.execute("SELECT count(*) FROM triples").fetchone()[0]

    def bad(self) -> Iterator[BadRecord]:
        """Bad records in the order of the file."""
        for file, line, reason, detail, raw in self._database.execute("SELECT * FROM bad ORDER BY rowid"):
            yield BadRecord(Position(file, line), Reason(reason), detail, raw)

    def triples(self) -> Iterator[Triple]:
        """All triples in the order of the file."""
        yield from self._select("ORDER BY rowid")

    def subjects(self) -> Iterator[tuple[str, list[Triple]]]:
        """Each subject with its triples, subjects in code-point order."""
        for subject, group in groupby(self._select("ORDER BY s, rowid"), key=attrgetter("subject")):
            yield subject, list(group)

    def predicates(self) -> tuple[str, ...]:
        """The distinct predicates, sorted."""
        return tuple(p for (p,) in self._database.execute("SELECT DISTINCT p FROM triples ORDER BY p"))

    def close(self) -> None:
        """Delete the file."""
        self._database.close()
        self._folder.cleanup()

    def _select(self, order: str) -> Iterator[Triple]:
        for s, p, o, iri, language, line in self._database.execute(
            f"SELECT s, p, o, iri, language, line FROM triples {order}"
        ):
            yield Triple(s, p, o, bool(iri), language, line)
