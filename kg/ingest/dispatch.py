"""Read a source once for all its sections: each record goes to the sections whose `where` it fits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Protocol

from kg.checking.progress import LoadProgress, Progress
from kg.checking.quarantine import Quarantine
from kg.checking.values import RowProblem
from kg.ingest.conditions import texts_of, value_fits, wanted_values
from kg.sources import BadRecord, RawRecord, Reader

_NAMED_ROWS = 10_000
"""Number of records whose column names are noted, for a source without fixed columns."""

_EVERY = 20_000
"""Number of rows between two reports of progress."""


class Consumer(Protocol):
    """A section of the domain description that takes records."""

    @property
    def section(self) -> str: ...

    @property
    def where(self) -> Mapping[str, Sequence[str]]: ...

    def take(self, record: RawRecord) -> None:
        """Use a record; raises `RowProblem`."""
        ...

    def users_of(self, record: RawRecord) -> tuple[str, ...] | None:
        """The users that a record is about; None where it is about users that cannot be read from it."""
        ...


class Tally:
    """Counts of a load that a store cannot give: rows by section, all rows, repeats, rows that fit no section,
    items."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        """Good rows by section."""
        self.read = 0
        self.repeated = 0
        self.skipped = 0
        self.items = 0


class _Route:
    """A consumer with its conditions, in the spellings that its reader gives."""

    def __init__(self, consumer: Consumer, reader: Reader) -> None:
        self.consumer = consumer
        self.conditions = [
            (reader.resolve(column), wanted_values(wanted, reader)) for column, wanted in consumer.where.items()
        ]

    def fits(self, record: RawRecord, skip: int = 0) -> bool:
        return all(value_fits(record.values.get(column), wanted) for column, wanted in self.conditions[skip:])


class _Routes:
    """The routes of a pass. Routes are looked up by the value of their first condition, instead of trying each of, say,
    sixty relations of one triples file.
    """

    def __init__(self, consumers: Sequence[Consumer], reader: Reader) -> None:
        routes = [_Route(consumer, reader) for consumer in consumers]
        self._always = [route for route in routes if not route.conditions]
        self.by_value: dict[str, dict[str, list[_Route]]] = {}
        """Column of the first condition -> its value -> routes."""
        for route in routes:
            for column, wanted in route.conditions[:1]:
                for value in wanted:
                    self.by_value.setdefault(column, {}).setdefault(value, []).append(route)

    def fitting(self, record: RawRecord) -> Mapping[_Route, None]:
        """The routes whose conditions a record fits, each once."""
        fitting = dict.fromkeys(self._always)
        for column, table in self.by_value.items():
            for value in texts_of(record.values.get(column)):
                fitting.update((route, None) for route in table.get(value, ()) if route.fits(record, 1))
        return fitting


def first_fitting(reader: Reader, consumers: Sequence[Consumer]) -> bool:
    """Whether any of the consumers can use any record; stops at the first."""
    routes = [_Route(consumer, reader) for consumer in consumers]
    for record in reader:
        for route in routes:
            if isinstance(record, RawRecord) and route.fits(record):
                with suppress(RowProblem):
                    route.consumer.take(record)
                    return True
    return False


class Dispatcher:
    """Runs over sources. A row that its reader cannot read is reported once, however often the file is read."""

    def __init__(
        self, quarantine: Quarantine, tally: Tally, progress: Progress | None, rows: int | None = None
    ) -> None:
        """rows: maximum number of rows to read from each source; all where it is None."""
        self._rows = rows
        self._quarantine = quarantine
        self._tally = tally
        self._progress = progress
        self._told: set[str] = set()

    def run(self, stage: str, reader: Reader, consumers: Sequence[Consumer], *, quiet: bool = False) -> None:
        """One pass. With `quiet` nothing is reported or counted, for a second pass over the same rows."""
        routes, marks = _Routes(consumers, reader), self._quarantine.marks
        if not quiet:
            for column, table in routes.by_value.items():
                marks.want(reader.name, column, table)
        tell_bad = not quiet and reader.name not in self._told
        rows, started = 0, time.monotonic()
        for rows, record in enumerate(islice(reader, self._rows), 1):
            if isinstance(record, BadRecord):
                if tell_bad:
                    self._quarantine.add_bad(record, consumers[0].section if len(consumers) == 1 else stage)
            else:
                if rows <= _NAMED_ROWS and reader.columns is None:
                    marks.name(reader.name, record.values)
                fitting = routes.fitting(record)
                if not fitting and not quiet:
                    self._tally.skipped += 1
                    if len(routes.by_value) == 1:
                        (column,) = routes.by_value
                        marks.leave(reader.name, column, texts_of(record.values.get(column)))
                for route in fitting:
                    self._hand(route.consumer, record, quiet)
            if rows % _EVERY == 0:
                self._tell(stage, reader, rows, started, done=False)
        self._told.add(reader.name)
        if not quiet:
            self._tally.read += rows
            marks.read(reader.name, rows)
        self._tell(stage, reader, rows, started, done=True)

    def _hand(self, consumer: Consumer, record: RawRecord, quiet: bool) -> None:
        if not quiet:
            self._tally.rows[consumer.section] += 1
        # Marked first: its rows may be written, and refused, before it returns.
        position, marks = record.position, self._quarantine.marks
        was_used = quiet or marks.is_used(position)
        if not was_used:
            marks.use(position)
        try:
            consumer.take(record)
            if not quiet:
                self._tally.taken[consumer.section] += 1
        except RowProblem as problem:
            if not quiet:
                if not was_used:
                    marks.refuse(position)
                self._quarantine.add(record, consumer.section, problem.reason, problem.detail)

    def _tell(self, stage: str, reader: Reader, rows: int, started: float, *, done: bool) -> None:
        if self._progress is not None:
            fraction, seconds = 1.0 if done else reader.fraction(), time.monotonic() - started
            self._progress(LoadProgress(stage, reader.name, rows, fraction, done, seconds))
