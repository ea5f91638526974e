"""Measure both stores: loading, a cold snapshot, appending; beside the Neo4j server alone.

The demo domain and a synthetic one are loaded into the embedded store and into Neo4j. In the same run the same content
is loaded into other databases of the same server by its LOAD CSV and by its importer, and read as bare columns by the
same driver. Every load has its own server, started with an empty database; both kinds of loading make constraints first
and can be repeated without duplicates.

Times on a busy machine are unreliable. So processor time, of client and server together, is reported beside them, and
figures to be compared are measured one after the other."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.commands import WHYPATH as COMMAND
from benchmarks.commands import Workspace
from benchmarks.records import Record, options_of, parser_of, run_script
from benchmarks.running import Measured, run
from benchmarks.store_peers import Table, create_constraints, import_tables, load_csv, write_tables
from benchmarks.store_server import LocalServer, add_server, launcher_of, server
from kg.datasets.synthetic import SyntheticSettings, write
from kg.opening import open_store
from whypath.cli.console import remark

EXAMPLES = """\
examples:
  python -m benchmarks.store --json benchmarks/results/store.json
  python -m benchmarks.store --interactions 20000 --triples 20000 --domains synthetic --work benchmarks/out/small
"""

CSV, WHYPATH, IMPORTER = "LOAD CSV", "whypath load, Neo4j", "neo4j-admin database import"
FILES, IMPORTED = "whypath load --to-import-files", "the same files, imported"
EMBEDDED, BARE, SNAPSHOT = "whypath load, embedded", "bare columns", "snapshot"
BARE_KEYS, VIEW = "bare columns, keys", "snapshot, external graph"
READS = {"bare": BARE, "read": f"{SNAPSHOT}, Neo4j", "bare-keys": BARE_KEYS, "view": VIEW}
USER_EVENTS, ITEM_TRIPLES = 20, 10
"""Of the synthetic domain, on average."""
REPEATS = {"demo": 3, "synthetic": 1}
"""A small domain's load takes about as long as the warm-up of a new server, which varies."""


@dataclass
class Measurement:
    """Measurements on one domain; each is added to the record immediately."""

    name: str
    domain: Path
    folder: Path
    launcher: str
    options: list[str]
    record: Record
    rows: list[dict[str, Any]] = field(default_factory=list)

    def run(self, repeats: int, reads: int, appends: int) -> None:
        """Everything, once a repeat."""
        for repeat in range(repeats):
            embedded = self._embedded(repeat, appends)
            content = write_tables(open_store(embedded).snapshot(), self._fresh("tables"))
            # The order of what is compared alternates, since the load of the machine changes.
            if repeat % 2:
                self._neo4j(repeat, reads, appends)
            self._csv(repeat, content, embedded)
            if self._importer(repeat, content):
                self._import_files(repeat)
            if not repeat % 2:
                self._neo4j(repeat, reads, appends)

    def _fresh(self, name: str) -> Path:
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def _embedded(self, repeat: int, appends: int) -> str:
        store = self.folder / "embedded"
        shutil.rmtree(store, ignore_errors=True)
        self._keep(EMBEDDED, repeat, self._work("load", str(store), "--domain", str(self.domain)))
        cache = str(store / "snapshots")
        self._keep(f"{SNAPSHOT}, embedded", repeat, self._work("read", str(store), "--cache", cache))
        # Not into the databases that other stores are compared with.
        other = self.folder / "embedded-appended"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(store, other)
        self._small(repeat, "embedded", str(other), {}, appends)
        return str(store)

    def _csv(self, repeat: int, tables: list[Table], embedded: str) -> None:
        with server(self.launcher, self._fresh("server") / "csv", self.options) as own:
            for table in tables:
                shutil.copy(self.folder / "tables" / table.file, own.import_folder)
            remark(f"== {self.name}: {CSV}")
            # For both, processor time includes the constraints, seconds do not.
            before = own.cpu_seconds()
            with own.driver() as driver:
                create_constraints(driver, open_store(embedded).schema())
            seconds = load_csv(own, tables)
            parts: dict[str, dict[str, float]] = {}
            for table in tables:
                part = parts.setdefault(table.part, {"rows": 0, "seconds": 0.0})
                part["rows"] += table.rows
                part["seconds"] += seconds[table.name]
            told = {"rows": sum(table.rows for table in tables), "writing": sum(seconds.values()), "parts": parts}
            self._keep(CSV, repeat, None, told, own, before)

    def _importer(self, repeat: int, tables: list[Table]) -> bool:
        """Whether the importer is there."""
        with server(self.launcher, self._fresh("server") / "importer", self.options) as own:
            own.stop()
            remark(f"== {self.name}: {IMPORTER}")
            try:
                seconds = import_tables(own, tables, self.folder / "tables")
            except RuntimeError as error:
                remark(f"left out: {error}")
                return False
        self._keep(IMPORTER, repeat, None, {"rows": sum(table.rows for table in tables), "writing": seconds})
        return True

    def _import_files(self, repeat: int) -> None:
        files = self._fresh("import-files")
        remark(f"== {self.name}: {FILES}")
        command = [*COMMAND, "load", str(self.domain), "--to-import-files", str(files), "--json"]
        took = run(command, tell=lambda _: None)
        report = json.loads(took.output)
        written = {"rows": report["rows"], "writing": report["writing_seconds"]}
        checking = report["seconds"] - report["writing_seconds"]
        self._keep(FILES, repeat, replace(took, output=json.dumps({**written, "checking": checking})))
        with server(self.launcher, self._fresh("server") / "files", self.options) as own:
            own.stop()
            started = time.perf_counter()
            own.administer(*report["import_files"]["command"][1:], within=Path(report["import_files"]["folder"]))
            seconds = time.perf_counter() - started
        self._keep(IMPORTED, repeat, None, {"rows": report["rows"], "writing": seconds})

    def _neo4j(self, repeat: int, reads: int, appends: int) -> None:
        with server(self.launcher, self._fresh("server") / "whypath", self.options) as own:
            cache = self.folder / "cache"
            shutil.rmtree(cache, ignore_errors=True)
            env = own.environment(cache)
            before = own.cpu_seconds()
            self._keep(
                WHYPATH, repeat, self._work("load", "neo4j", "--domain", str(self.domain), env=env), None, own, before
            )
            for at in range(reads):
                # The first read of a new server takes longest, and warms it up for the others.
                for work in READS if (repeat + at) % 2 == 0 else reversed(READS):
                    before = own.cpu_seconds()
                    took = self._work(work, "neo4j", "--cache", str(cache), env=env)
                    self._keep(READS[work], repeat, took, None, own, before)
            self._small(repeat, "Neo4j", "neo4j", env, appends)

    def _small(self, repeat: int, kind: str, store: str, env: dict[str, str], times: int) -> None:
        self._keep(f"append, {kind}", repeat, self._work("append", store, "--times", str(times), env=env))

    def _work(self, work: str, store: str, *more: str, env: dict[str, str] | None = None) -> Measured:
        remark(f"== {self.name}: {work}, {store if store == 'neo4j' else 'embedded'}")
        command = [sys.executable, "-m", "benchmarks.store_workers", work, "--store", store, *more]
        return run(command, tell=remark, env=env)

    def _keep(
        self,
        what: str,
        repeat: int,
        took: Measured | None,
        told: dict[str, Any] | None = None,
        own: LocalServer | None = None,
        before: float = 0.0,
    ) -> None:
        row: dict[str, Any] = {"domain": self.name, "what": what, "repeat": repeat, "machine_load": os.getloadavg()[0]}
        if took is not None:
            row |= {**json.loads(took.output), "peak_mb": took.peak_mb, "client_cpu": took.cpu_seconds}
        row |= told or {}
        if own is not None:
            row |= {"server_cpu": own.cpu_seconds() - before, "server_peak_mb": own.peak_mb()}
        self.rows.append(row)
        self.record.add(row)

    def median(self, what: str, key: str) -> float | None:
        """Of all repeats."""
        found = [row[key] for row in self.rows if row["what"] == what and row.get(key) is not None]
        return median(found) if found else None

    def rate(self, what: str, key: str) -> float | None:
        """Rows per second."""
        rows, seconds = self.median(what, "rows"), self.median(what, key)
        return rows / seconds if rows and seconds else None

    def ratios(self) -> dict[str, float]:
        """Rates relative to those they are compared with; over 1 is faster."""
        found = {
            "loading / LOAD CSV": (self.rate(WHYPATH, "writing"), self.rate(CSV, "writing")),
            "loading / LOAD CSV, server's processor time": (
                self.rate(WHYPATH, "server_cpu"),
                self.rate(CSV, "server_cpu"),
            ),
            "importing our files / the importer's own": (
                self.rate(IMPORTED, "writing"),
                self.rate(IMPORTER, "writing"),
            ),
            "snapshot / bare columns": (self.rate(f"{SNAPSHOT}, Neo4j", "seconds"), self.rate(BARE, "seconds")),
            "snapshot / bare columns, processor time": (self._read_cpu(f"{SNAPSHOT}, Neo4j"), self._read_cpu(BARE)),
            "external graph / bare columns with keys": (
                self.rate(VIEW, "seconds"),
                self.rate(BARE_KEYS, "seconds"),
            ),
        }
        return {name: own / peer for name, (own, peer) in found.items() if own and peer}

    def _read_cpu(self, what: str) -> float | None:
        client, on_server = self.median(what, "client_cpu"), self.median(what, "server_cpu")
        return None if client is None or on_server is None else 1 / (client + on_server)


def synthetic(folder: Path, interactions: int, triples: int) -> Path:
    """A synthetic domain of about the given size."""
    domain = folder / "domain" / "domain.yaml"
    if not domain.exists():
        items = max(10, triples // ITEM_TRIPLES)
        settings = SyntheticSettings(
            users=max(10, round(interactions / USER_EVENTS)),
            items=items,
            entities=max(6, items // 3),
            facts_per_item=float(ITEM_TRIPLES),
            events_per_user=float(USER_EVENTS),
        )
        write(domain.parent, settings, progress=remark)
    return domain


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    parser.add_argument("--interactions", type=int, default=1_000_000, metavar="N", help="of the synthetic domain")
    parser.add_argument("--triples", type=int, default=1_000_000, metavar="N", help="of the synthetic domain")
    parser.add_argument("--domains", nargs="+", choices=("demo", "synthetic"), default=["demo", "synthetic"])
    add_server(parser)
    parser.add_argument("--heap", default="512m", metavar="SIZE", help="of the servers (default 512m)")
    parser.add_argument(
        "--repeats",
        type=int,
        metavar="N",
        help="repeats of all steps, in changing order; medians are printed (default 3 for the demo domain, else 1)",
    )
    parser.add_argument("--reads", type=int, default=3, metavar="N", help="snapshots of each load (default 3)")
    parser.add_argument("--appends", type=int, default=300, metavar="N", help="single events (default 300)")
    arguments = parser.parse_args()
    launcher = launcher_of(arguments)
    record = Record.begun("store", options_of(arguments), arguments.json)
    measured = []
    for name in arguments.domains:
        if name == "demo":
            space = Workspace(arguments.work, remark)
            space.prepare(arguments.wheels)
            domain, folder = space.domain, arguments.work / "stores-demo"
        else:
            folder = arguments.work / f"stores-{arguments.interactions}-{arguments.triples}"
            domain = synthetic(folder, arguments.interactions, arguments.triples)
        one = Measurement(name, domain, folder, launcher, ["--heap", arguments.heap], record)
        one.run(arguments.repeats or REPEATS[name], arguments.reads, arguments.appends)
        measured.append(one)
        record.summary[name] = one.ratios()
        record.write()
        same_content(one)
    show(record, measured)
    return 0


def same_content(one: Measurement) -> None:
    """Raise RuntimeError unless every snapshot of both stores was the same."""
    found = {(row["digest"], row["events_digest"]) for row in one.rows if "digest" in row}
    if len(found) != 1:
        raise RuntimeError(f"{one.name}: the snapshots of the stores differ: {sorted(found)}")


def show(record: Record, measured: list[Measurement]) -> None:
    """Print the tables."""
    for one in measured:
        loads = []
        for what in (CSV, WHYPATH, IMPORTER, IMPORTED, FILES, EMBEDDED):
            if one.median(what, "rows") is not None:
                cells = [_number(one.rate(what, "writing")), _number(one.median(what, "writing"), 1)]
                cells += [_number(one.median(what, key), 1) for key in ("checking", "client_cpu", "server_cpu")]
                cells += [_number(one.median(what, key)) for key in ("peak_mb", "server_peak_mb")]
                loads.append([what, *cells])
        columns = ("loading", "rows/s", "s", "checking s", "CPU s, client", "CPU s, server", "peak MB", "server's MB")
        record.show(f"{one.name}: loading", columns, loads)
        reads = [
            [
                what,
                _number(one.rate(what, "seconds")),
                *(_number(one.median(what, key), 2) for key in ("seconds", "client_cpu", "server_cpu")),
                _number(one.median(what, "peak_mb")),
            ]
            for what in (*READS.values(), f"{SNAPSHOT}, embedded")
        ]
        record.show(
            f"{one.name}: reading everything",
            ("reading", "rows/s", "s", "CPU s, client", "CPU s, server", "peak MB"),
            reads,
        )
        calls = []
        for what in ("append, Neo4j", "append, embedded"):
            quantiles = [_milliseconds(one.median(what, key)) for key in ("p50", "p99")]
            batch, seconds = one.median(what, "batch"), one.median(what, "batch_seconds")
            calls.append([what, *quantiles, _number(batch / seconds) if batch and seconds else ""])
        record.show(f"{one.name}: calls", ("one call", "p50 ms", "p99 ms", "events/s in batches"), calls)
        record.show(
            f"{one.name}: in the same run", ("what", "ratio"), [[k, f"{v:.2f}"] for k, v in one.ratios().items()]
        )


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{1000 * value:.1f}"


if __name__ == "__main__":
    run_script(main)
