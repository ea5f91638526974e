"""Tables of the embedded store.

One integer id space for nodes of all kinds; names of kinds, relations and interactions are interned in `name`. STRICT
tables, because without it text slips into a REAL column. Edges are WITHOUT ROWID under their natural key, with the
reverse index, which is half the size and a hundred times as fast on paths as a table of texts.

Columns `load` and `born` hold numbers of loads: `load` is the last one that named the row (0 for a row that no load
ever named: appended events, users that only events name), `born` the one that made an event (0 for appended ones).
"""

from __future__ import annotations

from kg.stores.sqlite import FileFormat

_STATEMENTS = (
    """CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        generation INTEGER NOT NULL,
        event_generation INTEGER NOT NULL, -- number of the last appended event, and of the last event at each finish
        last_event INTEGER NOT NULL,       -- highest event number ever given, also to events of a load in progress
        last_load INTEGER NOT NULL,        -- number of the last load that has begun
        complete_load INTEGER NOT NULL,    -- number of the last load that has finished
        schema TEXT                        -- of the last complete load, JSON
    ) STRICT""",
    """CREATE TABLE loading (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        since REAL NOT NULL,
        source_digest TEXT NOT NULL,
        replace INTEGER NOT NULL,
        by TEXT NOT NULL,
        schema TEXT NOT NULL,
        changed INTEGER NOT NULL -- whether the rows differ from the last complete generation's
    ) STRICT""",
    "CREATE TABLE name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """CREATE TABLE node (
        id INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        key TEXT NOT NULL,
        label TEXT NOT NULL,
        text TEXT NOT NULL,
        fields TEXT NOT NULL, -- JSON object of the known fields
        load INTEGER NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX node_by_key ON node (kind, key)",
    """CREATE TABLE edge (
        relation INTEGER NOT NULL,
        head INTEGER NOT NULL,
        tail INTEGER NOT NULL,
        load INTEGER NOT NULL,
        filed INTEGER NOT NULL, -- whether a file of relations has named it, and not only a row of its head
        PRIMARY KEY (relation, head, tail)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX edge_by_tail ON edge (relation, tail, head)",
    """CREATE TABLE event (
        number INTEGER PRIMARY KEY, -- order of arrival, never given twice
        id BLOB NOT NULL UNIQUE,
        kind INTEGER NOT NULL,
        user INTEGER NOT NULL,
        item INTEGER NOT NULL,
        time REAL,
        weight REAL,
        born INTEGER NOT NULL,
        load INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX event_by_user ON event (user)",
    "CREATE INDEX event_by_item ON event (item)",
    # Users deleted by the generation given, whose traces in older cached snapshots are not yet known to be gone.
    "CREATE TABLE forgotten (user TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "INSERT INTO state VALUES (1, 0, 0, 0, 0, 0, NULL)",
)

STORE_FORMAT = FileFormat(
    name="a store",
    application_id=0x57685061,  # "WhPa"
    version=2,
    statements=_STATEMENTS,
    advice="load the domain into a new directory",
)
"""The file that `whypath load` creates in a directory."""
