"""Record a measurement: a JSON file with its figures, options, versions and machine, and a table."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.yardsticks import BESIDE
from kg.durable import file_written_whole
from whypath.cli.console import remark
from whypath.models.bundle import versions

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Record:
    """Figures of one benchmark, written after every row, so that an interrupted run keeps its rows."""

    benchmark: str
    options: dict[str, Any]
    out: Path | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    _tables: list[str] = field(default_factory=list)

    @classmethod
    def begun(cls, benchmark: str, options: dict[str, Any], out: Path | None, *, resume: bool = False) -> Record:
        """A new record; with `resume` it continues with the rows that `out` holds."""
        record = cls(benchmark, options, out)
        if resume and out is not None and out.exists():
            record.rows = json.loads(out.read_text(encoding="utf-8"))["rows"]
        return record

    def find(self, **keys: object) -> dict[str, Any] | None:
        """The row with these values, if it was measured already."""
        return next((row for row in self.rows if all(row.get(key) == value for key, value in keys.items())), None)

    def add(self, row: dict[str, Any]) -> None:
        """Add a row, and write the record."""
        self.rows.append(row)
        self.write()

    def write(self) -> None:
        """Write the record, if a file was given."""
        if self.out is None:
            return
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with file_written_whole(self.out) as file:
            file.write(lines_of(self.to_json()).encode())

    def show(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table, and write it as Markdown beside the record, in a file that ends in `.md`."""
        show_table(title, columns, rows)
        self._tables.append(markdown_table(title, columns, rows))
        if self.out is not None:
            with file_written_whole(self.out.with_suffix(".md")) as file:
                file.write("\n".join(self._tables).encode())

    def to_json(self) -> dict[str, Any]:
        """The record as plain data."""
        return {
            "benchmark": self.benchmark,
            "made": made_with(),
            "options": self.options,
            "summary": rounded(self.summary),
            "rows": rounded(self.rows),
        }


def lines_of(data: dict[str, Any]) -> str:
    """JSON with one line per key, and in its lists of rows one line per row: small, with readable differences."""

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    parts = []
    for key, value in data.items():
        by_line = isinstance(value, list) and value and isinstance(value[0], dict)
        body = "[\n  " + ",\n  ".join(map(text, value)) + "\n ]" if by_line else text(value)
        parts.append(f" {text(key)}: {body}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def made_with() -> dict[str, Any]:
    """Day, commit, versions and machine, which figures depend on beside the options."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "commit": done.stdout.strip() or None,
        "versions": versions(),
        "processors": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
    }


def rounded(value: Any) -> Any:
    """Floats with six significant digits: more digits are noise in a file that people compare."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return value


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to stdout; the first column is text, the others are figures."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    # Without a terminal the table is wide enough for all columns, so that no figure is truncated.
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table, markup=False)


def markdown_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown, its title above it."""
    heads = [list(columns), ["---", *("---:" for _ in columns[1:])]]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in [*heads, *rows]]
    return f"{title}\n\n" + "\n".join(lines) + "\n"


def difference_cell(mean: float, p: float) -> str:
    """`+.0079 (p = 0.00012)`."""
    return f"{mean:+.4f} (p = {p:.2g})"


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the module's docstring, and the options that every script has."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work",
        type=Path,
        default=ROOT / "benchmarks" / "out",
        metavar="DIR",
        help="folder for domain, store, bundles and lists (default benchmarks/out)",
    )
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="the demo's sources, where there is no network")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the record here, row by row")
    return parser


def add_bench(parser: argparse.ArgumentParser) -> None:
    """`--bench`, for scripts that need the given splits."""
    parser.add_argument(
        "--bench",
        type=Path,
        default=BESIDE,
        metavar="DIR",
        help="folder with score.py and ml100k/ (default: ../shared/bench, beside the checkout)",
    )


def options_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that figures depend on, as recorded: without paths of this machine."""
    places = {"work", "wheels", "json", "bench", "shared", "resume"}
    return {name: value for name, value in vars(arguments).items() if name not in places}


def run_script(main: Callable[[], int]) -> None:
    """Run a script; a `WhyPathError` or a failed command is reported without a traceback, with status 2."""
    from kg.errors import WhyPathError

    try:
        sys.exit(main())
    except (WhyPathError, RuntimeError) as error:
        remark(f"error: {error}")
        sys.exit(2)
