"""WhyPath's own relationship type in somebody else's graph, under `write: true`."""

from __future__ import annotations

OWN_TYPE = "WHYPATH_EVENT"
"""From user to item, with `id`, `kind`, `time` (seconds since the epoch, UTC) and `weight`."""

OWN_CONSTRAINT = "whypath_event_id"
"""Keeps an id from being written twice."""
