"""Upsert a few rows by their own load in one transaction: the part that all stores share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kg.rows import NodeRow, RowLinks
from kg.stores.errors import RowsRefused
from kg.stores.protocol import LoadWriter, UpsertReport, WriteReport

_SHOWN = 5


def upserted(writer: LoadWriter, nodes: Sequence[NodeRow], links: Mapping[str, Sequence[RowLinks]]) -> UpsertReport:
    """Write the rows and finish the load. Raises RowsRefused, on which the caller must undo its transaction."""
    reports = [writer.write_nodes(nodes), *(writer.write_links(name, rows) for name, rows in links.items())]
    reasons = [refusal.reason for report in reports for refusal in report.refused]
    if reasons:
        more = f"; and {len(reasons) - _SHOWN:,} more" if len(reasons) > _SHOWN else ""
        raise RowsRefused(f"nothing was written: {'; '.join(reasons[:_SHOWN])}{more}")
    return UpsertReport(reports[0], sum(reports[1:], WriteReport()), writer.finish().state)


def load_in_the_way(place: str, by: str, *, is_alive: bool) -> str:
    """Why nothing can be upserted now."""
    if is_alive:
        return f"{place}: another process is loading into it ({by}); wait until it has ended"
    return f"{place}: a load was interrupted ({by}); run it again"


def other_schema(place: str) -> str:
    """The error where rows were checked by a schema that is no longer the store's."""
    return f"{place}: the domain description has changed since the rows were checked; try again"
