"""What comes of guessing: the description with its notes, and writing it where nothing is overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kg.errors import WhyPathError
from kg.schema import DomainSchema


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

    def to_yaml(self) -> str:
        """The description with the notes as comments."""
        comments = "".join(f"#   {' '.join(note.split())}\n" for note in self.notes)
        return f"# Guessed from {self.origin}; check it and change what is wrong.\n{comments}{self.schema.to_yaml()}"


def write_domain(guess: Guess, out: str | Path) -> Path:
    """Write the description; raises `GuessError` if the file is there."""
    out = Path(out)
    try:
        # Mode x creates the file or fails: nobody's description is overwritten, even between a check and the writing.
        with out.open("x", encoding="utf-8") as file:
            file.write(guess.to_yaml())
    except FileExistsError:
        raise GuessError(f"{out} is there already; remove it, or name another file with --out") from None
    except OSError as error:
        raise GuessError(f"{out}: cannot be written ({error.strerror})") from None
    return out
