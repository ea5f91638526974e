"""Report a load: progress while it runs, counts when it is done, an error when it cannot be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kg.checking.progress import SHORTEST_SECONDS, SectionReport
from kg.checking.quarantine import BadRow, Quarantine
from kg.errors import WhyPathError
from kg.ingest.source_report import SourceReport
from kg.sources import Reason
from kg.stores import FinishReport, WriteReport

_SHOWN_ROWS = 3
"""Number of bad rows that a report shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What was read. `nodes`, `edges` and `events`: in a check, what the sources have, as new; in a load, what was new,
    changed or the same in the store, and what rows removed that they had given before.

    `bad` counts by reason what was left out, rows and single values of rows; all of it is in the file `quarantine`, the
    first in `first_bad`. `repeated` rows had the content of an earlier row, `skipped` rows matched no `where`.
    `warnings` are sentences for the user. `rows` were read from all sources in `seconds`; `sources` has a report of
    each. `swallowed_lines` were lost with bad rows before them, whose quotes do not end; `warnings` name these rows.
    """

    sections: tuple[SectionReport, ...]
    sources: tuple[SourceReport, ...]
    nodes: WriteReport
    edges: WriteReport
    events: WriteReport
    bad: Mapping[Reason, int]
    first_bad: tuple[BadRow, ...]
    quarantine: Path | None
    repeated: int
    skipped: int
    warnings: tuple[str, ...]
    rows: int
    seconds: float
    swallowed_lines: int = 0

    @property
    def rows_per_second(self) -> float:
        """Rows per second."""
        return self.rows / max(self.seconds, SHORTEST_SECONDS)

    @property
    def n_bad(self) -> int:
        """Number of rows and single values that were left out."""
        return sum(self.bad.values())

    @property
    def bad_rows(self) -> int:
        """Number of rows that were left out as a whole."""
        return sum(source.bad for source in self.sources)

    def _told(self) -> Iterator[str]:
        """The lines that loads and checks share."""
        if self.repeated:
            yield f"  {self.repeated:,} rows repeated an earlier one"
        if self.skipped:
            yield f"  {self.skipped:,} rows matched no `where` and were passed over"
        if self.n_bad:
            where = f", see {self.quarantine}" if self.quarantine else ""
            values = self.n_bad - self.bad_rows
            counts = [f"{self.bad_rows:,} bad rows"] if self.bad_rows else []
            counts += [f"{values:,} values of rows that are used"] if values else []
            yield f"  {' and '.join(counts)} were left out{where}"
            yield from (f"    {count:>9,} {reason}" for reason, count in sorted(self.bad.items(), key=lambda c: -c[1]))
            yield from (f"    {row}" for row in self.first_bad[:_SHOWN_ROWS])
            if len(self.first_bad) > _SHOWN_ROWS:
                yield "    …"
        if self.swallowed_lines:
            yield f"  {self.swallowed_lines:,} more lines were lost with bad rows whose quotes do not end"
        for source in self.sources:
            yield from (f"  {line}" for line in source.lines())
        yield from (f"  note: {warning}" for warning in self.warnings)

    def __str__(self) -> str:
        counted = ", ".join(
            f"{written.new:,} {name}"
            for name, written in (("nodes", self.nodes), ("relations", self.edges), ("events", self.events))
        )
        return "\n".join([f"checked {self.rows:,} rows in {self.seconds:.1f} s: {counted}", *self._told()])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport(CheckReport):
    """The report of a load; `writing_seconds` of its seconds were spent in the store, the others on reading."""

    finish: FinishReport
    writing_seconds: float

    @property
    def removed(self) -> dict[str, int]:
        """Number of removed nodes, relations and events, which their rows or a replacing load no longer name."""
        return {
            "nodes": self.finish.removed_nodes,
            "relations": self.finish.removed_edges + self.edges.removed,
            "events": self.finish.removed_events,
        }

    def __str__(self) -> str:
        lines = [
            f"loaded {self.rows:,} rows in {self.seconds:.1f} s, {self.rows_per_second:,.0f} rows a second"
            f" (writing took {self.writing_seconds:.1f} s; generation {self.finish.state.generation})"
        ]
        for name, written in (("nodes", self.nodes), ("relations", self.edges), ("events", self.events)):
            lines.append(
                f"  {name:<10}{written.new:>11,} new {written.changed:>10,} changed {written.same:>11,} the same"
                + (f" {self.removed[name]:>10,} removed" if any(self.removed.values()) else "")
            )
        if self.events.corrected:
            lines.append(
                f"  {self.events.corrected:,} rows gave an earlier event of the same user, item and time another"
                " weight; the last one stands"
            )
        if self.finish.waiting_events:
            lines.append(f"  recorded events kept until a load brings their item back: {self.finish.waiting_events:,}")
        return "\n".join([*lines, *self._told()])


class LoadError(WhyPathError):
    """A load cannot be done, or must not be completed."""


class StrictError(LoadError):
    """A strict load found bad rows before it wrote anything; `counts` by reason, `first_bad` the first of them."""

    def __init__(self, quarantine: Quarantine, file: Path | None) -> None:
        self.counts: Mapping[Reason, int] = dict(quarantine.counts)
        self.first_bad = tuple(quarantine.first)
        counted = ", ".join(f"{count:,} × {reason}" for reason, count in quarantine.counts.most_common())
        first = "".join(f"\n  {row}" for row in self.first_bad)
        rest = f"\nall of them are in {file}" if file else ""
        super().__init__(
            f"{quarantine.total:,} bad rows, nothing was loaded ({counted}):{first}{rest}\n"
            "mend them, or load without --strict to leave them out"
        )
