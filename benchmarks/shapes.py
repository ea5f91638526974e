"""Count the shapes of data under `tests/corpus` that `whypath init` describes as an expert would.

Every shape is written, guessed and loaded, and the result is compared with that of an expert's description. The script
counts the shapes that are right without a change, those in which a dislike silently became a like, and those with
columns that are neither read nor named.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.corpus import THEMES
from tests.corpus.checking import Verdict, judged


def main() -> int:
    """Judge all shapes, or the named ones, and print a table by theme."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help="only these")
    parser.add_argument("--json", metavar="OUT", help="write the verdicts here")
    arguments = parser.parse_args()
    verdicts: dict[str, list[Verdict]] = defaultdict(list)
    for theme in THEMES:
        for shape in theme.SHAPES:
            # Graphs need a server; tests with a server judge them.
            if "--from" in shape.inputs or (arguments.shapes and shape.name not in arguments.shapes):
                continue
            with tempfile.TemporaryDirectory() as folder:
                verdict = judged(shape, Path(folder))
            verdicts[theme.__name__.rpartition(".")[2]].append(verdict)
            if not verdict.is_right:
                print(f"{shape.name}: {'; '.join([*verdict.faults, *verdict.unnamed])[:300]}", file=sys.stderr)
    table = Table("theme", "shapes", "right", "silent dislikes", "unnamed columns", title="What init makes of data")
    for name, found in [*verdicts.items(), ("all", [v for each in verdicts.values() for v in each])]:
        counts = (
            len(found),
            sum(v.is_right for v in found),
            sum(v.silent_dislikes > 0 for v in found),
            sum(bool(v.unnamed) for v in found),
        )
        table.add_row(name, *map(str, counts))
    Console(width=100).print(table)
    if arguments.json is not None:
        rows = [
            {"theme": t, "shape": v.shape, "right": v.is_right, "faults": v.faults}
            for t, vs in verdicts.items()
            for v in vs
        ]
        Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
