"""The result of guessing: a description with notes, and a function that writes it without overwriting."""

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
    """A text as one line of a comment; what YAML does not allow, such as a control character, is escaped."""
    return visible_line(" ".join(text.split()))


class GuessError(WhyPathError):
    """The files are not enough for a description, or the description cannot be written."""


@dataclass(frozen=True)
class Guess:
    """A guessed description and notes for the user on what was guessed and why.

    `outside` are folders of its files outside the description's folder: a load needs `--allow-outside` for them.
    """

    schema: DomainSchema
    notes: tuple[str, ...]
    origin: str = "the files"
    outside: tuple[Path, ...] = ()
    columns: tuple[ColumnRow, ...] = ()
    seen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Files (and their sheets) that were examined -> their columns; none where there is no row."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """The notes on unsure guesses."""
        return tuple(note for note in self.notes if note.startswith("unsure"))

    def to_yaml(self) -> str:
        """The description, with the notes and the table of columns as comments."""
        comments = "".join(f"#   {comment(note)}\n" for note in self.notes)
        if self.columns:
            lines = (visible_line(line) for line in table_lines(self.columns))
            comments += f"#\n{TABLE_TITLE}\n" + "".join(f"#   {line}\n" for line in lines)
        return f"# Guessed from {self.origin}; check it and change what is wrong.\n{comments}{self.schema.to_yaml()}"


def write_domain(guess: Guess, out: str | Path, *, force: bool = False) -> Path:
    """Write the description; raises `GuessError` if the file exists, unless `force` overwrites it in one step.

    A file that cannot be written completely does not appear.
    """
    out = Path(out)
    try:
        # Without `force` no description is overwritten, also not one that appears between a check and the writing.
        with file_written_whole(out, replace=force) as whole:
            whole.write(guess.to_yaml().encode())
    except FileExistsError:
        raise GuessError(
            f"{out} is there already; overwrite it with --force, complete it with --update, or name another --out"
        ) from None
    except OSError as error:
        raise GuessError(f"{out}: cannot be written ({error.strerror}); make room or name another --out") from None
    return out
