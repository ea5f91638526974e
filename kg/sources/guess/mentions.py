"""Find the columns that a user has seen in a description: those that it reads, and those that its comments name.

A column that a user has decided not to read must not be added again, nor reported as new.
"""

from __future__ import annotations

import posixpath
import re

from kg.schema import DomainSchema, SourceFormat, SourceSpec, columns_read
from kg.sources.guess.guessed import TABLE_TITLE, comment


def place_of(spec: SourceSpec) -> str:
    """Identity of a source, however its path is written: the path in its shortest form, with the sheet."""
    path = posixpath.normpath(spec.file or "")
    return path if spec.sheet is None else f"{path} [{spec.sheet}]"


def path_of(place: str) -> str:
    """The file of a place, without the sheet."""
    return place.rpartition(" [")[0] if place.endswith("]") and " [" in place else place


def title_of(place: str) -> str:
    """Name of a place in the table of columns: without its folders."""
    return posixpath.basename(place)


class Mentions:
    """The columns that a description mentions, in its sections and in its comments."""

    def __init__(self, text: str, schema: DomainSchema) -> None:
        self._text = text
        self.read: dict[str, set[str]] = {}
        """Place -> columns that are read there."""
        self.unnamed: set[str] = set()
        """Places without column names in the file: without a header, triples, RDF."""
        for spec, columns in columns_read(schema):
            self.read.setdefault(place_of(spec), set()).update(columns)
            is_table = spec.resolved_format not in (SourceFormat.RDF, SourceFormat.TRIPLES, SourceFormat.TABLE)
            if spec.columns is not None or not is_table:
                self.unnamed.add(place_of(spec))
        self._used, self._not_used, self._remarks = _comments(text)

    def knows(self, place: str, column: str) -> bool:
        """Whether a column of a place is read, or was seen by the author of the description."""
        name, title = comment(column), comment(title_of(place))
        if column in self.read.get(place, ()):
            return True
        if title not in self._used:
            return _stands_in(column, self._text) or _stands_in(name, self._text)
        if any(line.startswith(f"{name} ") for line in self._used[title]):
            return True
        return _stands_in(name, self._not_used[title]) or _stands_in(column, self._remarks)

    def names(self, value: str) -> bool:
        """Whether a value is anywhere in the text."""
        return _stands_in(value, self._text)


def _comments(text: str) -> tuple[dict[str, list[str]], dict[str, str], str]:
    """Parse the comments: from the table of columns the lines of used columns and the names of others, by file; and the
    rest."""
    used: dict[str, list[str]] = {}
    not_used: dict[str, str] = {}
    lines = text.splitlines()
    head = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    title = None
    is_list = False
    table = lines.index(TABLE_TITLE) + 1 if TABLE_TITLE in lines[:head] else head
    for line in lines[table:head]:
        if line.startswith("#   ") and not line.startswith("#    "):
            title = line.removeprefix("#   ")
            used.setdefault(title, [])
            not_used.setdefault(title, "")
            is_list = False
        elif title is not None and line.startswith("#     "):
            entry = line.removeprefix("#     ")
            is_list = entry.startswith("not read: ") or (is_list and entry.startswith("  "))
            if is_list:
                not_used[title] += f" {entry.strip().removeprefix('not read: ')}"
            else:
                used[title].append(entry)
        else:
            title = None
    remarks = "\n".join(line.partition("#")[2] for line in lines[head:])
    return used, not_used, remarks


def _stands_in(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
