"""Names that WhyPath uses in an external graph under `write: true`, unlikely to be used by others.

Such elements are not part of the domain: reads and guesses skip them, and counts that show changes leave them out.
"""

from __future__ import annotations

from kg.stores.neo4j.results import ResultNames

OWN_TYPE = "WHYPATH_EVENT"
"""Type of events, from user to item, with `id`, `kind`, `time` (seconds since the epoch, UTC) and `weight`."""

OWN_CONSTRAINT = "whypath_event_id"
"""Constraint that keeps an id from being written twice."""

RESULTS = ResultNames("whypath_vector", "whypath_query_vector", "WHYPATH_RECOMMENDED")
"""Properties of items, and the type from user to item with `rank`, `score`, `bundle` and `time`."""

OWN_TYPES = frozenset({OWN_TYPE, RESULTS.recommended})
"""All relationship types."""

OWN_PROPERTIES = frozenset({RESULTS.vector, RESULTS.query_vector})
"""All properties that WhyPath writes to nodes of the graph."""
