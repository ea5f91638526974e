"""What comes of guessing: the description with its notes, and writing it where nothing is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kg.durable import file_written_whole
from kg.errors import WhyPathError
from kg.schema import DomainSchema
from kg.sources.guess.column_table import ColumnRow, table_lines
from kg.visible import visible_line

TABLE_TITLE = "# What each column was taken for:"
"""The line above the table of columns in the comments of a description."""


def comment(text: str) -> str:
    """A text as one line of a comment; what has no place in YAML, such as a control character, is an escape there."""
    return visible_line(" ".join(text.split()))


class GuessError(WhyPathError):
    """The files do not say enough for a description, or the description cannot be written."""


@dataclass(frozen=True)
class Guess:
    """A guessed description and, in sentences for the reader, what was guessed and why.

    `outside` are folders with files of it that are not in the description's own: a load must be told to read there.
    """

    schema: DomainSchema
    notes: tuple[str, ...]
    origin: str = "the files"
    outside: tuple[Path, ...] = ()
    columns: tuple[ColumnRow, ...] = ()
    seen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Files (and sheets of them) that were looked at -> their columns; none where there is no row."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """The notes that say what is unsure."""
        return tuple(note for note in self.notes if note.startswith("unsure"))

    def to_yaml(self) -> str:
        """The description, with the notes and the table of columns as comments."""
        comments = "".join(f"#   {comment(note)}\n" for note in self.notes)
        if self.columns:
            lines = (visible_line(line) for line in table_lines(self.columns))
            comments += f"#\n{TABLE_TITLE}\n" + "".join(f"#   {line}\n" for line in lines)
        return f"# Guessed from {self.origin}; check it and change what is wrong.\n{comments}{self.schema.to_yaml()}"


def write_domain(guess: Guess, out: str | Path, *, force: bool = False) -> Path:
    """Write the description; raises `GuessError` if the file is there, unless `force` overwrites it in one step.

    A file that cannot be written to its end is not there.
    """
    out = Path(out)
    try:
        # Without `force` nobody's description is overwritten, even between a check and the writing.
        with file_written_whole(out, replace=force) as whole:
            whole.write(guess.to_yaml().encode())
    except FileExistsError:
        raise GuessError(
            f"{out} is there already; overwrite it with --force, complete it with --update, or name another --out"
        ) from None
    except OSError as error:
        raise GuessError(f"{out}: cannot be written ({error.strerror}); make room or name another --out") from None
    return out
