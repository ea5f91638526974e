"""Ways in which the files of a folder go bad, drawn anew in every run: cut, lengthened, flipped, zeroed, overwritten,
exchanged, taken away, a folder in their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st


@dataclass(frozen=True)
class Damage:
    """What happens to the `file`-th file of a folder, at a share `at` of its length; `other` is a second file."""

    kind: str
    file: int
    other: int
    at: float
    byte: int
    count: int

    def do(self, folder: Path) -> None:
        """Damage a file, in place."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            return
        path, second = files[self.file % len(files)], files[self.other % len(files)]
        content, other = path.read_bytes(), second.read_bytes()
        at = int(self.at * len(content))
        match self.kind:
            case "gone":
                path.unlink()
                return
            case "folder":
                path.unlink()
                path.mkdir()
                return
            case "exchanged":
                second.write_bytes(content)
                damaged = other
            case "cut":
                damaged = content[:at]
            case "lengthened":
                damaged = content + bytes(self.count)
            case "zeroed":
                damaged = bytes(len(content))
            case "flipped":
                damaged = content[:at] + bytes(each ^ 1 << self.byte % 8 for each in content[at : at + 1])
                damaged += content[at + 1 :]
            case "overwritten":
                damaged = content[:at] + bytes([self.byte]) * len(content[at : at + self.count])
                damaged += content[at + self.count :]
            case _:
                # What another file begins with, in the right length.
                damaged = (other + bytes(len(content)))[: len(content)]
        path.write_bytes(damaged)


KINDS = ("cut", "lengthened", "zeroed", "flipped", "overwritten", "exchanged", "gone", "folder", "another's")

DAMAGES = st.builds(
    Damage,
    kind=st.sampled_from(KINDS),
    file=st.integers(0, 999),
    other=st.integers(0, 999),
    at=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
    count=st.integers(1, 64),
)
