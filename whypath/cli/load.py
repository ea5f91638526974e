"""Load a domain's files into a store.

Every row is checked. A bad row is left out, counted, and written to quarantine.jsonl with file, line and reason.
Loading the same files twice changes nothing; an interrupted load can be run again. A description of an external graph
in Neo4j needs no store: the graph is read again, and nothing is written to it.

A first load of tens of millions of rows into Neo4j is faster through files for its bulk importer."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from whypath.cli.arguments import add_json, path
from whypath.cli.console import one_line, print_json, progress_bars, remark

if TYPE_CHECKING:
    from pathlib import Path

    from kg.ingest import CheckReport, LoadProgress, LoadReport
    from kg.ingest import Progress as LoadCallback
    from kg.stores import LoadTarget

SUMMARY = "load a domain's files into a store"
EXAMPLES = """\
  whypath load domain.yaml --store store
  whypath load domain.yaml --store store --strict
  whypath load domain.yaml --store store --replace --quarantine bad-rows.jsonl
  whypath load domain.yaml --store store --allow-outside ../data
  whypath load domain.yaml --to-import-files import
  whypath load graph.yaml                  # an external graph in Neo4j: read it again, write nothing to it
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("domain", type=path, metavar="DOMAIN.yaml", help="the domain's description")
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        "--store", metavar="PATH-or-URL", help="the graph store: a folder, or a URL such as bolt://host:7687"
    )
    target.add_argument(
        "--to-import-files",
        metavar="DIR",
        help="write files for Neo4j's bulk importer into an empty folder, and print the command to run",
    )
    parser.add_argument("--strict", action="store_true", help="check every row first, and load nothing if one is bad")
    parser.add_argument("--replace", action="store_true", help="remove what is no longer in the files")
    parser.add_argument(
        "--quarantine", metavar="FILE", help="file for bad rows (default: quarantine.jsonl beside DOMAIN.yaml)"
    )
    parser.add_argument(
        "--allow-outside",
        action="append",
        metavar="FOLDER",
        default=[],
        help="another folder, besides that of DOMAIN.yaml, whose files the description may name; can be repeated",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load, print the report."""
    if arguments.to_import_files is not None:
        return _run_to_files(arguments)
    from kg.durable import remove_tree
    from kg.errors import WhyPathError
    from kg.opening import open_store
    from kg.schema import DomainSchema
    from kg.stores import StoreNotFound

    # Before the store: a mistake in the description should not leave an empty store behind.
    schema = DomainSchema.read(arguments.domain)
    if schema.graph is not None:
        return _read_again(arguments)
    if arguments.store is None:
        raise StoreNotFound("say where to load to: --store FOLDER, or --store bolt://HOST:PORT")
    made = _yet_to_make(arguments.store)
    store = open_store(arguments.store, create=True)
    try:
        report = _load(arguments, store)
    except WhyPathError:
        if made is not None and store.state().generation == 0:
            # An empty store would only disturb the next command.
            store.close()
            remove_tree(made)
        raise
    finally:
        store.close()
    if arguments.json:
        print_json(report_data(report))
    else:
        print(report)
    return 0


def _yet_to_make(url: str) -> Path | None:
    """The folder of an embedded store that does not exist yet; None for any other store."""
    from pathlib import Path

    from kg.opening import path_of, scheme_of

    if scheme_of(url) != "file":
        return None
    folder = Path(path_of(url))
    return None if folder.exists() else folder


def _run_to_files(arguments: argparse.Namespace) -> int:
    from kg.opening import import_files

    files = import_files(arguments.to_import_files)
    report = _load(arguments, files)
    folder, command = str(files.folder.resolve()), ["neo4j-admin", *files.arguments()]
    if arguments.json:
        print_json(report_data(report) | {"import_files": {"folder": folder, "command": command}})
    else:
        print(report)
        print(f"the files are in {folder}; while the server is stopped run, as its user,\n")
        print(f"  cd {shlex.quote(folder)} && {shlex.join(command)}\n")
        print("It replaces everything in the database neo4j. Then start the server and use it as --store; the first")
        print("command creates the constraints and indexes, which takes a while.")
    return 0


def _load(arguments: argparse.Namespace, target: LoadTarget) -> LoadReport:
    from pathlib import Path

    from kg.ingest import load_domain

    with load_progress() as progress:
        return load_domain(
            Path(arguments.domain),
            target,
            strict=arguments.strict,
            replace=arguments.replace,
            quarantine=arguments.quarantine,
            progress=progress,
            allow_outside=arguments.allow_outside,
        )


def _read_again(arguments: argparse.Namespace) -> int:
    """Read the graph of the description again, with all changes; print the report."""
    from pathlib import Path

    from kg.ingest import QUARANTINE_NAME, LoadError
    from kg.opening import open_store

    domain = Path(arguments.domain)
    if arguments.store is not None and Path(arguments.store) != domain:
        raise LoadError(
            f"{domain} describes an external graph, which is its own store: leave --store out, and"
            f" give `--store {domain}` to train and recommend"
        )
    if arguments.replace:
        raise LoadError(f"{domain} describes an external graph, which is only read: leave --replace out")
    store = open_store(domain)
    # It needs Neo4j's driver, and open_store reports it if that is missing.
    from kg.graph_view import GraphView

    assert isinstance(store, GraphView)
    try:
        with load_progress() as progress:
            report = store.read_again(
                quarantine=Path(arguments.quarantine or domain.parent / QUARANTINE_NAME),
                strict=arguments.strict,
                progress=progress,
            )
    finally:
        store.close()
    if arguments.json:
        print_json(report.to_json())
    else:
        print(report)
    return 0


def report_data(report: LoadReport) -> dict[str, object]:
    """The report of a load as plain data."""
    counts = {"nodes": report.nodes, "edges": report.edges, "events": report.events}
    finish = report.finish
    return {
        "generation": finish.state.generation,
        **{name: {"new": c.new, "changed": c.changed, "same": c.same} for name, c in counts.items()},
        "removed": {
            "nodes": finish.removed_nodes,
            "edges": finish.removed_edges + report.edges.removed,
            "events": finish.removed_events,
        },
        "corrected_events": report.events.corrected,
        "waiting_events": finish.waiting_events,
        **_read(report),
        "writing_seconds": round(report.writing_seconds, 3),
    }


def check_data(report: CheckReport) -> dict[str, object]:
    """The report of a check as plain data."""
    return {"nodes": report.nodes.new, "edges": report.edges.new, "events": report.events.new, **_read(report)}


def _read(report: CheckReport) -> dict[str, object]:
    return {
        "bad": {str(reason): count for reason, count in report.bad.items()},
        "bad_rows": report.bad_rows,
        "first_bad": [{**asdict(row), "reason": str(row.reason)} for row in report.first_bad],
        "quarantine": str(report.quarantine) if report.quarantine is not None else None,
        "repeated": report.repeated,
        "skipped": report.skipped,
        "swallowed_lines": report.swallowed_lines,
        "sources": [
            {
                "source": source.source,
                "rows": source.rows,
                "used": source.used,
                "ignored": source.ignored,
                "bad": source.bad,
                "values_left": source.values_left,
                "unread": list(source.unread),
                "not_taken": {column: dict(values) for column, values in source.left.items()},
            }
            for source in report.sources
        ],
        "warnings": list(report.warnings),
        "rows": report.rows,
        "seconds": round(report.seconds, 3),
        "rows_per_second": round(report.rows_per_second, 1),
    }


@contextmanager
def load_progress() -> Iterator[LoadCallback]:
    """Progress bars on a terminal, a line for each finished source elsewhere; both on stderr."""
    import sys

    if not sys.stderr.isatty():
        yield lambda now: remark(_line(now)) if now.done else None
        return
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]:>12,} rows"),
        TextColumn("{task.fields[rate]:>9,.0f}/s"),
        TimeElapsedColumn(),
    )
    with progress_bars(*columns) as bars:
        tasks: dict[tuple[str, str], TaskID] = {}

        def update(now: LoadProgress) -> None:
            name = (now.stage, now.source)
            if name not in tasks:
                tasks[name] = bars.add_task(one_line(f"{now.stage}: {now.source}"), total=None, rows=0, rate=0.0)
            done = 1.0 if now.done else now.fraction
            total = None if done is None else 1.0
            bars.start()
            bars.update(tasks[name], total=total, completed=done or 0.0, rows=now.rows, rate=now.rows_per_second)

        yield update


def _line(now: LoadProgress) -> str:
    return f"{now.stage}: {one_line(now.source)}, {now.rows:,} rows, {now.rows_per_second:,.0f} per second"
