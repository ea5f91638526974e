"""Read and write the node `:WhyPathStore`: counters, spellings, the mark of a load, and the turn of writers.

Every write transaction of WhyPath first locks this node, so writers take turns: numbers of events come in the order of
their commits, a reader never sees a later event without the earlier ones, and no two writers can deadlock.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from neo4j import ManagedTransaction

from kg.schema import DomainSchema
from kg.stores.neo4j.connection import rows
from kg.stores.neo4j.names import STORE_LABEL, Names
from kg.stores.snapshots import Moved

FORMAT_VERSION = 2
"""Incremented when older code cannot read the layout."""

LEASE_SECONDS = 30.0
"""A load whose lease was not renewed for this time, by the server's clock, counts as interrupted."""

_STORE = f"(s:{STORE_LABEL} {{id: 1}})"


@dataclass(frozen=True, slots=True)
class Counters:
    """`last_event`, `last_node` and `last_load` are the highest numbers ever given, also in a load in progress;
    `complete_load` is the last load that has finished, `schema` that load's. `batch` is the number of the last batch
    that the last load has written. `id` permanently names the store.
    """

    id: str
    generation: int
    event_generation: int
    last_event: int
    last_node: int
    last_load: int
    complete_load: int
    batch: int
    schema: str | None
    names: Names


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a load; `changed` tells whether rows differ from the last complete generation's, `alive` whether the
    loading process has renewed its lease lately.
    """

    since: float
    source_digest: str
    replace: bool
    host: str
    process: int
    schema: str
    changed: bool
    alive: bool

    @property
    def by(self) -> str:
        """The loading process, for messages."""
        return f"process {self.process} on {self.host}"


def first_state(store_id: str) -> dict[str, Any]:
    """Properties of a new store's node, beside its `id`."""
    return {
        "format": FORMAT_VERSION,
        "store": store_id,
        "turn": 0,
        "generation": 0,
        "event_generation": 0,
        "last_event": 0,
        "last_node": 0,
        "last_load": 0,
        "complete_load": 0,
        "names": Names().to_json(),
    }


def create_state(transaction: ManagedTransaction, store_id: str) -> None:
    """Create the node if it does not exist."""
    rows(transaction, f"MERGE {_STORE} ON CREATE SET s += $start", start=first_state(store_id))


def lacks_layout(transaction: ManagedTransaction) -> bool:
    """Whether the database was imported, and its constraints and indexes have not been created yet."""
    return bool(rows(transaction, f"MATCH {_STORE} WHERE s.without_layout RETURN 1"))


def stored_format(transaction: ManagedTransaction) -> int | None:
    """Version of the layout; None if there is no store."""
    records = rows(transaction, f"MATCH {_STORE} RETURN s.format")
    return records[0][0] if records else None


def read_state(transaction: ManagedTransaction) -> tuple[Counters, Mark | None]:
    """Counters and mark. Raises Moved if the node is gone."""
    records = rows(transaction, f"MATCH {_STORE} RETURN properties(s), timestamp()")
    if not records:
        raise Moved
    values, now = records[0]
    counters = Counters(
        id=values["store"],
        generation=values["generation"],
        event_generation=values["event_generation"],
        last_event=values["last_event"],
        last_node=values["last_node"],
        last_load=values["last_load"],
        complete_load=values["complete_load"],
        batch=values.get("batch", 0),
        schema=values.get("schema"),
        names=names_of(values["names"]),
    )
    if "mark" not in values:
        return counters, None
    mark = json.loads(values["mark"])
    heard = now - values["mark_heard"] < LEASE_SECONDS * 1000
    alive = heard and not _is_dead(mark["host"], mark["process"])
    return counters, Mark(**mark, changed=values["mark_changed"], alive=alive)


def take_turn(transaction: ManagedTransaction) -> tuple[Counters, Mark | None]:
    """Wait until no other process of WhyPath writes, and block them until the end of the transaction."""
    rows(transaction, f"MATCH {_STORE} SET s.turn = s.turn + 1")
    # Read by another statement, which sees what the former holder has committed.
    return read_state(transaction)


def set_state(transaction: ManagedTransaction, **values: Any) -> None:
    """Set properties of the node; None removes one."""
    rows(transaction, f"MATCH {_STORE} SET s += $values", values=values)


def write_mark(
    transaction: ManagedTransaction, *, source_digest: str, replace: bool, schema: str, changed: bool
) -> None:
    """Set the mark for this process, replacing any other."""
    mark = {
        "since": time.time(),
        "source_digest": source_digest,
        "replace": replace,
        "host": socket.gethostname(),
        "process": os.getpid(),
        "schema": schema,
    }
    rows(
        transaction,
        f"MATCH {_STORE} SET s.mark = $mark, s.mark_changed = $changed, s.mark_heard = timestamp()",
        mark=json.dumps(mark),
        changed=changed,
    )


def hear(transaction: ManagedTransaction, load: int, *, alive: bool) -> None:
    """Renew the lease of a load, or end it; nothing happens when another load has begun since."""
    rows(
        transaction,
        f"MATCH {_STORE} WHERE s.last_load = $load AND s.mark IS NOT NULL"
        " SET s.mark_heard = CASE WHEN $alive THEN timestamp() ELSE 0 END",
        load=load,
        alive=alive,
    )


def clear_mark(transaction: ManagedTransaction) -> None:
    """Remove the mark."""
    set_state(transaction, mark=None, mark_heard=None, mark_changed=None)


def note_batch(transaction: ManagedTransaction, batch: int, changes: Mapping[str, Any]) -> None:
    """Note that a batch of the load with the mark is written, with other changed properties of the node. It also renews
    the lease."""
    rows(
        transaction,
        f"MATCH {_STORE} SET s += $values, s.mark_heard = timestamp()",
        values={**changes, "batch": batch},
    )


@lru_cache(maxsize=8)
def schema_of(text: str) -> DomainSchema:
    """Parse the store's text of a schema."""
    return DomainSchema.from_json(text)


@lru_cache(maxsize=8)
def names_of(text: str) -> Names:
    """Parse the store's text of spellings."""
    return Names.from_json(text)


def _is_dead(host: str, process: int) -> bool:
    """Whether a process of this machine is known to have ended, so that its lease need not run out."""
    if host != socket.gethostname() or os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
