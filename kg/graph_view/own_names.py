"""What WhyPath writes into somebody else's graph under `write: true`, by names that nobody else would give.

None of it is part of the domain: reads and proposals pass over it, and counts that tell of changes leave it out.
"""

from __future__ import annotations

from kg.stores.neo4j.results import ResultNames

OWN_TYPE = "WHYPATH_EVENT"
"""From user to item, with `id`, `kind`, `time` (seconds since the epoch, UTC) and `weight`."""

OWN_CONSTRAINT = "whypath_event_id"
"""Keeps an id from being written twice."""

RESULTS = ResultNames("whypath_vector", "whypath_query_vector", "WHYPATH_RECOMMENDED")
"""Properties of items, and the type from user to item with `rank`, `score`, `bundle` and `time`."""

OWN_TYPES = frozenset({OWN_TYPE, RESULTS.recommended})
"""All relationship types."""

OWN_PROPERTIES = frozenset({RESULTS.vector, RESULTS.query_vector})
"""All properties of nodes that are somebody else's."""
