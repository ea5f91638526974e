"""One user's events, from the tables of a snapshot and from its overlay."""

from __future__ import annotations

from kg.graph.building import event_columns, interaction_table
from kg.graph.event_delta import EventDelta, pieces
from kg.graph.overlay import concatenated
from kg.graph.parts import GraphParts
from kg.graph.tables import InteractionTable


def events_of_user(base: GraphParts, delta: EventDelta, user: str) -> list[InteractionTable]:
    """The user's events, one table per kind that has any; `users` is the row in the base, 0 for a new user."""
    row = base.users.keys.find(user)
    laid = delta.of_user(user) if len(delta) else []
    tables: list[InteractionTable] = []
    for table in base.events:
        table_events = table.take(table.of_user(row) if row >= 0 else slice(0, 0))
        events, items = pieces(base, laid, table.kind)
        if events:
            columns = event_columns(events, [max(row, 0)] * len(events), items)
            table_events = concatenated([table_events, interaction_table(base.schema, table.kind, columns)]).in_order()
        if len(table_events):
            tables.append(table_events)
    return tables
