"""What the kill tests run in processes of their own: loading, appending and deleting until they are killed.

Every operation that has returned is acknowledged through a pipe: what was acknowledged must be found afterwards.
"""

from __future__ import annotations

from multiprocessing.connection import Connection

from kg.opening import open_store
from kg.rows import EdgeRow, Event, NodeRow
from whypath.testing.stores.domain import films_schema

BATCH = 80


def nodes(version: int) -> list[NodeRow]:
    """Nodes of a version of the domain: of each version some are changed and some are its own."""
    first = 50 * (version - 1)
    films = [NodeRow("film", f"f{n}", f"Film {n}, {n % 5 and version}") for n in range(first, first + 250)]
    people = [NodeRow("person", f"p{n}", f"Person {n}") for n in range(first, first + 100)]
    viewers = [NodeRow("viewer", f"v{n}", f"Viewer {n}", "", {"age": n + version}) for n in range(first, first + 60)]
    return films + people + viewers


def edges(version: int) -> list[EdgeRow]:
    """Edges of a version."""
    first = 50 * (version - 1)
    return [
        EdgeRow("director", f"f{n}", f"p{first + (n * step) % 100}")
        for n in range(first, first + 250)
        for step in (1, 7)
    ]


def events(version: int) -> list[Event]:
    """Events of a version; every third is on an item of all versions."""
    first = 50 * (version - 1)
    return [
        Event.of(f"u{n % 70}", f"f{first + n % 250}", "film", "rating", time=float(n), weight=n % 5 + 1.0)
        for n in range(first, first + 300)
    ]


BATCHES = sum(-(-len(rows) // BATCH) for rows in (nodes(1), edges(1), events(1)))
"""Messages of a whole load."""


def load(directory: str, version: int, replace: bool, acknowledged: Connection | None = None) -> None:
    """Load a version of the domain in small batches, with a message after each of them."""

    def tell(batch: int) -> None:
        if acknowledged is not None:
            acknowledged.send(batch)

    store = open_store(directory, create=True)
    with store.begin_load(films_schema(), replace=replace, source_digest=str(version)) as writer:
        rows = nodes(version)
        for start in range(0, len(rows), BATCH):
            writer.write_nodes(rows[start : start + BATCH])
            tell(start)
        pairs = edges(version)
        for start in range(0, len(pairs), BATCH):
            writer.write_edges("director", pairs[start : start + BATCH])
            tell(start)
        happened = events(version)
        for start in range(0, len(happened), BATCH):
            writer.write_events(happened[start : start + BATCH])
            tell(start)
        writer.finish()
    store.close()


def append(directory: str, round: int, acknowledged: Connection) -> None:
    """Append events, one or several at a time, delete users now and then, read snapshots, and say what is done."""
    store = open_store(directory)
    for number in range(1_000_000):
        size = 1 + number % 5
        batch = [
            Event.of(
                f"r{round}-{number % 4}",
                f"f{number % 250}",
                "film",
                "view",
                time=float(number),
                id=f"{round}-{number}-{n}",
            )
            for n in range(size)
        ]
        store.append_events(batch)
        acknowledged.send(("appended", [event.id for event in batch]))
        if number % 9 == 8:
            user = f"r{round}-{number % 4}"
            acknowledged.send(("deleting", user))
            report = store.delete_user(user)
            acknowledged.send(("deleted", user, report.remaining))
        if number % 7 == 6:
            store.snapshot()
