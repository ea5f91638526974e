"""`load_domain`: load the sources of a domain description into a store, with a check of each row.

Three stages, each a pass over its sources in bounded memory: nodes; relations (their own files, and the columns of node
files, which are read again when all nodes are known); events. A load keeps in memory hashes of keys, a few batches of
rows, and item maps; linking tables and grouped RDF use temporary files.

After a kill the store holds whole batches, as batches are transactions, and its mark says that the load is not
complete. Running the load again writes the same rows and reaches the same state.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from kg.checking.progress import Progress, SectionReport
from kg.checking.quarantine import Quarantine
from kg.graph import KnowledgeGraph
from kg.ingest.consumers import EventConsumer, LinkConsumer, NodeConsumer, RelationConsumer
from kg.ingest.dispatch import Consumer, Dispatcher, Tally, first_fitting
from kg.ingest.edge_rows import EdgeBuilder
from kg.ingest.event_rows import EventBuilder
from kg.ingest.known_nodes import KnownNodes
from kg.ingest.linking import read_linking_table
from kg.ingest.lookup import LookupTable
from kg.ingest.node_rows import NodeBuilder
from kg.ingest.report import CheckReport, LoadError, LoadReport, StrictError
from kg.ingest.source_pool import SourcePool
from kg.ingest.source_report import source_reports
from kg.ingest.writing import Batches, Nowhere, RowSink
from kg.key_index import KeyIndex
from kg.schema import DomainSchema, SourceSpec, unused_by_models
from kg.sources import Reader
from kg.stores import FinishReport, LoadTarget, StoreEmpty, StoreLoading

QUARANTINE_NAME = "quarantine.jsonl"
"""Name of the quarantine file beside `domain.yaml` by default."""


def load_domain(
    domain: str | Path | DomainSchema,
    store: LoadTarget,
    *,
    strict: bool = False,
    replace: bool = False,
    quarantine: str | Path | None = None,
    progress: Progress | None = None,
    tables: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    allow_outside: Sequence[str | Path] = (),
) -> LoadReport:
    """Load a domain into a store.

    `domain` is the path of a `domain.yaml`, or a schema (whose files are then relative to `folder`, by default the
    working directory). `tables` are data frames, Arrow tables, networkx graphs or lists of mappings that sources name
    with `table:`. Files must be in the folder of the `domain.yaml` (in `folder` if given) or in one of the folders
    `allow_outside`, after resolving links; a description that names any other file is a `SourceError`.

    Rows are upserted; `replace` removes what the source no longer has. Bad rows are left out, counted in the report and
    written to `quarantine` (by default `quarantine.jsonl` beside `domain.yaml`; nowhere for a schema without that
    path). With `strict` a validation pass comes first, and any bad row is a `StrictError` before anything is written.

    Raises `SchemaError`, `SourceError` (a source as a whole cannot be read), `LoadError`, and the store's errors.
    """
    started = time.monotonic()
    schema, base, described = _described(domain, folder)
    path = Path(quarantine) if quarantine is not None else None
    if path is None and described is not None:
        path = described.parent / QUARANTINE_NAME
    with SourcePool(schema, base, tables or {}, allow_outside) as pool:
        _protect(path, (*pool.files(), *([described] if described is not None else [])))
        plan = _plan(schema, pool)
        if replace and not _has_items(plan):
            raise LoadError(
                "the source has no usable item, so replacing would remove all items; nothing was changed. Correct the "
                "source, or load without --replace to see what is wrong with its rows"
            )
        existing = None if replace else partial(_existing, store)
        if strict:
            with Quarantine(path) as quarantined:
                known = KnownNodes(schema, existing)
                _Run(plan, known, Nowhere(), quarantined, progress, checking=True).run()
                if quarantined.total:
                    raise StrictError(quarantined, _published(quarantined, store))
        digest = pool.digest()
        with Quarantine(path) as quarantined:
            with store.begin_load(schema, replace=replace, source_digest=digest) as writer:
                run = _Run(plan, KnownNodes(schema, existing), writer, quarantined, progress, checking=False)
                run.run()
                finishing = time.monotonic()
                finish = writer.finish()
            ended = time.monotonic()
            return run.report(finish, _published(quarantined, store), ended - started, ended - finishing)


def check_domain(
    domain: str | Path | DomainSchema,
    *,
    quarantine: str | Path | None = None,
    progress: Progress | None = None,
    tables: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    allow_outside: Sequence[str | Path] = (),
) -> CheckReport:
    """Read and check a domain as `load_domain` does into an empty store, without one; nothing is written.

    Bad rows go to `quarantine` only where it is given; no store remembers that file. Raises `SchemaError`,
    `SourceError`, `LoadError`.
    """
    started = time.monotonic()
    schema, base, described = _described(domain, folder)
    path = Path(quarantine) if quarantine is not None else None
    with SourcePool(schema, base, tables or {}, allow_outside) as pool:
        _protect(path, (*pool.files(), *([described] if described is not None else [])))
        with Quarantine(path) as quarantined:
            run = _Run(_plan(schema, pool), KnownNodes(schema, None), Nowhere(), quarantined, progress, checking=True)
            run.run()
            return run.read(quarantined.publish(), time.monotonic() - started)


def look_at(
    schema: DomainSchema, folder: Path, sink: RowSink, *, rows: int, allow_outside: Sequence[str | Path] = ()
) -> None:
    """Read at most `rows` rows of each source as a load does, into any sink. Raises `SourceError`."""
    with SourcePool(schema, folder, {}, allow_outside) as pool, Quarantine(None) as nobody:
        known = KnownNodes(schema, None)
        _Run(_plan(schema, pool), known, sink, nobody, None, checking=True, rows=rows).run()


def _described(domain: str | Path | DomainSchema, folder: str | Path | None) -> tuple[DomainSchema, Path, Path | None]:
    """The schema, the folder of its files, and the path of the description, if any. Raises LoadError for a graph."""
    if isinstance(domain, DomainSchema):
        schema, base, described = domain, Path(folder or "."), None
    else:
        described = Path(domain)
        schema, base = DomainSchema.read(described), Path(folder) if folder is not None else described.parent
    if schema.graph is not None:
        raise LoadError(
            f"{described or schema.name}: the domain is in a graph already ({schema.graph.uri}), so there are no files"
            " to load; open the description itself as the store"
        )
    return schema, base, described


def _published(quarantine: Quarantine, store: LoadTarget) -> Path | None:
    """Put the quarantine file in its place, after the store has noted where: it may name users."""
    if quarantine.path is not None and quarantine.total:
        store.remember_quarantine(quarantine.path)
    return quarantine.publish()


def _existing(store: LoadTarget) -> KnowledgeGraph | None:
    try:
        return store.snapshot()
    except (StoreEmpty, StoreLoading):
        return None


def _protect(quarantine: Path | None, read: tuple[Path, ...]) -> None:
    """Refuse a quarantine file that would overwrite a source."""
    if quarantine is None:
        return
    for path in read:
        if path.resolve() == quarantine.resolve():
            raise LoadError(f"{quarantine}: the load reads this file; name another one for the bad rows")


@dataclass(frozen=True)
class _Pass:
    """Sections that are read from one source in one pass."""

    reader: Reader
    nodes: tuple[NodeBuilder, ...] = ()
    relations: tuple[EdgeBuilder, ...] = ()


@dataclass(frozen=True)
class _Plan:
    """What to read, in order. The constructor opens every source and checks every column."""

    schema: DomainSchema
    pool: SourcePool
    nodes: tuple[_Pass, ...]
    relations: tuple[_Pass, ...]
    interactions: tuple[str, ...]


def _plan(schema: DomainSchema, pool: SourcePool) -> _Plan:
    nodes: dict[str, tuple[Reader, list[NodeBuilder]]] = {}
    for kind, node in schema.nodes.items():
        for spec in node.source:
            reader = pool.reader(spec, edges=False)
            builder = NodeBuilder(schema, kind, spec, reader)
            _check(pool, reader, builder)
            nodes.setdefault(_source_id(spec), (reader, []))[1].append(builder)
    relations: dict[str, tuple[Reader, list[EdgeBuilder]]] = {}
    for name, relation in schema.relations.items():
        for spec in relation.source:
            reader = pool.reader(spec, edges=True)
            builder = EdgeBuilder(schema, name, spec, reader, pool.id_map(spec))
            _check(pool, reader, builder)
            relations.setdefault(_source_id(spec), (reader, []))[1].append(builder)
    for kind, interaction in schema.interactions.items():
        for spec in interaction.source:
            builder = _event_builder(schema, pool, kind, spec, {})
            _check(pool, pool.reader(spec, edges=True), builder)
        for table in interaction.via.values():
            pool.reader(table.source, edges=False).resolve(table.key)
    return _Plan(
        schema,
        pool,
        tuple(_Pass(reader, nodes=tuple(builders)) for reader, builders in nodes.values()),
        tuple(_Pass(reader, relations=tuple(builders)) for reader, builders in relations.values()),
        tuple(kind for kind, interaction in schema.interactions.items() if interaction.source),
    )


def _has_items(plan: _Plan) -> bool:
    """Whether an item kind has a usable row; kinds that are created from events count as having one."""
    items = [kind for kind in plan.schema.item_kinds if plan.schema.nodes[kind].source]
    if len(items) < len(plan.schema.item_kinds):
        return True
    with Quarantine(None) as nobody:
        batches, tally, known = Batches(Nowhere(), nobody), Tally(), KnownNodes(plan.schema, None)
        for work in plan.nodes:
            consumers = [NodeConsumer(b, known, batches, tally) for b in work.nodes if b.kind in items]
            if consumers and first_fitting(work.reader, consumers):
                return True
    return False


def _check(pool: SourcePool, reader: Reader, builder: NodeBuilder | EdgeBuilder | EventBuilder) -> None:
    for column in builder.where:
        reader.resolve(column)
    pool.check_columns(reader, builder.required, builder.section)


def _source_id(spec: SourceSpec) -> str:
    return spec.model_dump_json()


def _event_builder(
    schema: DomainSchema, pool: SourcePool, kind: str, spec: SourceSpec, tables: Mapping[str, LookupTable]
) -> EventBuilder:
    linking = {name: pool.reader(t.source, edges=False) for name, t in schema.interactions[kind].via.items()}
    return EventBuilder(schema, kind, spec, pool.reader(spec, edges=True), linking, tables)


class _Run:
    """One run over the plan: into a store, or only to check."""

    def __init__(
        self,
        plan: _Plan,
        known: KnownNodes,
        sink: RowSink,
        quarantine: Quarantine,
        progress: Progress | None,
        *,
        checking: bool,
        rows: int | None = None,
    ) -> None:
        """rows: maximum number of rows to read from each source; all where it is None."""
        self._plan = plan
        self._known = known
        self._quarantine = quarantine
        self._checking = checking
        self.tally = Tally()
        for work in plan.nodes:
            for builder in work.nodes:
                quarantine.withhold(work.reader.name, builder.sensitive)
        self._dispatcher = Dispatcher(quarantine, self.tally, progress, rows)
        self._batches = Batches(sink, quarantine)
        self._told_tables: set[str] = set()

    def run(self) -> None:
        """Run all stages, in order."""
        schema, known, batches = self._plan.schema, self._known, self._batches
        for work in self._plan.nodes:
            consumers = [NodeConsumer(b, known, batches, self.tally) for b in work.nodes]
            self._pass("nodes", work.reader, consumers)
        batches.flush()
        for work in self._plan.nodes:
            linked = [b for b in work.nodes if b.has_links]
            if linked:
                consumers = [LinkConsumer(b, schema, known, batches, self._quarantine) for b in linked]
                self._pass("relations", work.reader, consumers, again=True)
        for work in self._plan.relations:
            self._pass("relations", work.reader, [RelationConsumer(b, schema, known, batches) for b in work.relations])
        batches.flush()
        self._events()
        batches.flush()
        self.tally.items = sum(known.count(kind) for kind in schema.item_kinds)

    def read(self, quarantine: Path | None, seconds: float) -> CheckReport:
        """The counts of the rows that were read."""
        by_section = self._quarantine.by_section
        sections = {**dict.fromkeys(self.tally.rows), **dict.fromkeys(by_section)}
        sources = source_reports(self._plan.schema, self._plan.pool, self._quarantine.marks)
        return CheckReport(
            sections=tuple(SectionReport(name, self.tally.rows[name], by_section[name]) for name in sections),
            sources=sources,
            nodes=self._batches.nodes,
            edges=self._batches.edges,
            events=self._batches.events,
            bad=dict(self._quarantine.counts),
            first_bad=tuple(self._quarantine.first),
            quarantine=quarantine,
            repeated=self.tally.repeated,
            skipped=self.tally.skipped,
            warnings=tuple(self._warnings()),
            rows=self.tally.read,
            seconds=seconds,
            swallowed_lines=self._plan.pool.swallowed_lines(),
        )

    def report(
        self, finish: FinishReport, quarantine: Path | None, seconds: float, finishing_seconds: float
    ) -> LoadReport:
        """The report of a load."""
        read = self.read(quarantine, seconds)
        counts = {field.name: getattr(read, field.name) for field in fields(read)}
        return LoadReport(**counts, finish=finish, writing_seconds=self._batches.seconds + finishing_seconds)

    def _events(self) -> None:
        schema, pool = self._plan.schema, self._plan.pool
        event_ids = KeyIndex()
        by_source: dict[str, list[tuple[str, SourceSpec]]] = {}
        for kind in self._plan.interactions:
            for spec in schema.interactions[kind].source:
                by_source.setdefault(_source_id(spec), []).append((kind, spec))
        for group in by_source.values():
            with ExitStack() as open_tables:
                consumers = []
                for kind, spec in group:
                    tables = dict(self._linking_tables(kind, open_tables))
                    builder = _event_builder(schema, pool, kind, spec, tables)
                    consumers.append(
                        EventConsumer(builder, self._known, self._batches, self.tally, event_ids, self._quarantine)
                    )
                self._pass("events", pool.reader(group[0][1], edges=True), consumers)

    def _linking_tables(self, kind: str, open_tables: ExitStack) -> Iterator[tuple[str, LookupTable]]:
        schema, pool = self._plan.schema, self._plan.pool
        for name, table in schema.interactions[kind].via.items():
            missing = table.source.missing if table.source.missing is not None else schema.missing
            section = f"interactions.{kind}.via.{name}"
            tell = self._quarantine if table.source.name not in self._told_tables else None
            self._told_tables.add(table.source.name)
            reader = pool.reader(table.source, edges=False)
            self._quarantine.identify(section, reader.name, lambda _: None)
            rows = read_linking_table(table, reader, frozenset(missing), tell, section)
            open_tables.callback(rows.close)
            yield name, rows

    def _pass(self, stage: str, reader: Reader, consumers: list[Any], *, again: bool = False) -> None:
        taking: list[Consumer] = consumers
        for consumer in taking:
            self._quarantine.identify(consumer.section, reader.name, consumer.users_of)
        self._dispatcher.run("checking" if self._checking else stage, reader, taking, quiet=again)

    def _warnings(self) -> Iterator[str]:
        schema = self._plan.schema
        yield from unused_by_models(schema)
        yield from self._plan.pool.warnings()
        if not self.tally.items:
            yield "the source has no item"
        for section, rows in self.tally.rows.items():
            if rows and not self.tally.taken[section]:
                yield f"{section}: every one of its {rows:,} rows is bad; check its columns"
        for section, where in (
            *((f"nodes.{k}", n.where) for k, n in schema.nodes.items() if n.source),
            *((f"relations.{k}", r.where) for k, r in schema.relations.items()),
            *((f"interactions.{k}", i.where) for k, i in schema.interactions.items() if i.source),
        ):
            if not self.tally.rows[section]:
                condition = " fits its `where`" if where else " is in its source"
                yield f"{section}: no row{condition}"
