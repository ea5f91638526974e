"""`python -m tests.corpus FOLDER` writes every shape to a folder of its own, for looking at."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.corpus import SHAPES


def main() -> None:
    """Write the shapes."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.corpus FOLDER")
    for shape in SHAPES:
        folder = Path(sys.argv[1]) / shape.name
        folder.mkdir(parents=True, exist_ok=True)
        shape.write(folder)
        print(f"{folder}: {' '.join(shape.inputs)}")


if __name__ == "__main__":
    main()
