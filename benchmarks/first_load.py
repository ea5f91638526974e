"""Measure time and memory of a first load of tens of millions of rows through files for Neo4j's importer, by step.

A synthetic domain is checked and written by `whypath load --to-import-files`, imported, opened (the first time makes
constraints and indexes) and read into a snapshot; the same domain goes into an embedded store, and both snapshots must
be equal byte by byte."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.commands import WHYPATH
from benchmarks.records import Record, options_of, parser_of, run_script
from benchmarks.running import Measured, run
from benchmarks.store import synthetic
from benchmarks.store_server import LAUNCHER, add_server, launcher_of, server
from whypath.cli.console import remark

EXAMPLES = f"""\
examples:
  {LAUNCHER}=LAUNCHER python -m benchmarks.first_load --json benchmarks/results/first_load.json
  python -m benchmarks.first_load --server LAUNCHER --interactions 200000 --triples 200000
"""


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    parser.add_argument("--interactions", type=int, default=10_000_000, metavar="N", help="about (default 10 million)")
    parser.add_argument("--triples", type=int, default=10_000_000, metavar="N", help="about (default 10 million)")
    add_server(parser)
    parser.add_argument("--heap", default="512m", metavar="SIZE", help="of the server (default 512m)")
    arguments = parser.parse_args()
    launcher = launcher_of(arguments)
    record = Record.begun("first_load", options_of(arguments), arguments.json)
    folder = arguments.work / f"stores-{arguments.interactions}-{arguments.triples}"
    domain = synthetic(folder, arguments.interactions, arguments.triples)
    steps = Steps(record)

    files = _fresh(folder / "import-files")
    remark("== whypath load --to-import-files")
    took = run([*WHYPATH, "load", str(domain), "--to-import-files", str(files), "--json"], tell=lambda _: None)
    report = json.loads(took.output)
    rows = int(report["rows"])
    steps.add("check the rows", rows, report["seconds"] - report["writing_seconds"], took.peak_mb)
    steps.add("write the importer's files", rows, report["writing_seconds"], took.peak_mb)
    place = _fresh(folder / "server")
    with server(launcher, place / "first", ["--heap", arguments.heap]) as own:
        own.stop()
        remark("== neo4j-admin database import")
        started = time.perf_counter()
        own.administer(*report["import_files"]["command"][1:], within=Path(report["import_files"]["folder"]))
        steps.add("neo4j-admin database import", rows, time.perf_counter() - started)
        running = own.start_again(["--heap", arguments.heap])
        env = running.environment(folder / "cache")
        for step, work in (("first opening: constraints and indexes", "open"), ("snapshot, Neo4j", "read")):
            remark(f"== {step}")
            imported = _work(work, "neo4j", folder / "cache", env)
            steps.told(step, imported, running.peak_mb())
    embedded = _fresh(folder / "embedded") / "store"
    remark("== whypath load, embedded")
    steps.told("whypath load, embedded", _work("load", str(embedded), folder / "cache", {}, "--domain", str(domain)))
    read = _work("read", str(embedded), folder / "cache", {})
    steps.told("snapshot, embedded", read)
    ours, theirs = (json.loads(each.output) for each in (imported, read))
    equal = all(ours[name] == theirs[name] for name in ("digest", "events_digest"))
    record.summary["equal"] = equal
    record.show(
        f"{rows:,} rows from files to a database", ("step", "rows/s", "s", "peak MB", "server's MB"), steps.cells
    )
    if not equal:
        raise RuntimeError("the imported database and the embedded store gave different snapshots")
    return 0


class Steps:
    """Rows of the record and of the table."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.cells: list[list[str]] = []

    def add(
        self, step: str, rows: int, seconds: float, peak_mb: float | None = None, server_mb: float | None = None
    ) -> None:
        """Record one step immediately."""
        row: dict[str, Any] = {
            "row": step,
            "rows": rows,
            "seconds": seconds,
            "peak_mb": peak_mb,
            "server_mb": server_mb,
        }
        self._record.add(row)
        memory = ["" if each is None else f"{each:,.0f}" for each in (peak_mb, server_mb)]
        self.cells.append([step, f"{rows / seconds:,.0f}" if rows else "", f"{seconds:,.1f}", *memory])

    def told(self, step: str, took: Measured, server_mb: float | None = None) -> None:
        """Record the measurement of a worker."""
        said = json.loads(took.output)
        self.add(step, int(said.get("rows", 0)), said["seconds"], took.peak_mb, server_mb)


def _work(work: str, store: str, cache: Path, env: dict[str, str], *more: str) -> Measured:
    given = ["--store", store, *more] if work in ("load", "open") else ["--store", store, "--cache", str(cache), *more]
    return run([sys.executable, "-m", "benchmarks.store_workers", work, *given], tell=remark, env=env)


def _fresh(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


if __name__ == "__main__":
    run_script(main)
