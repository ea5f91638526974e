"""Ways in which the files of a folder go bad, drawn anew in every run: cut, lengthened, flipped, zeroed, overwritten,
exchanged, taken away, a folder in their place.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[int]], int]


@st.composite
def damages(draw: Draw, folder: Path) -> bool:
    """Damage a file of a folder, in place, or two; whether anything is different now."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[draw(st.integers(0, len(files) - 1))]
    content = path.read_bytes()
    match draw(st.integers(0, 8)):
        case 0:
            damaged = content[: draw(st.integers(0, max(0, len(content) - 1)))]
        case 1:
            damaged = content + bytes(draw(st.integers(1, 4096)))
        case 2 if content:
            at = draw(st.integers(0, len(content) - 1))
            damaged = content[:at] + bytes([content[at] ^ (1 << draw(st.integers(0, 7)))]) + content[at + 1 :]
        case 3:
            damaged = bytes(len(content))
        case 4 if content:
            at = draw(st.integers(0, len(content) - 1))
            run = bytes([draw(st.integers(0, 255))]) * draw(st.integers(1, 64))
            damaged = (content[:at] + run + content[at + len(run) :])[: len(content)]
        case 5:
            other = files[draw(st.integers(0, len(files) - 1))]
            damaged = other.read_bytes()
            other.write_bytes(content)
        case 6:
            path.unlink()
            return True
        case 7:
            path.unlink()
            path.mkdir()
            return True
        case _:
            # What another file begins with, in the right length.
            other = files[draw(st.integers(0, len(files) - 1))].read_bytes()
            damaged = (other + bytes(len(content)))[: len(content)]
    path.write_bytes(damaged)
    return damaged != content
