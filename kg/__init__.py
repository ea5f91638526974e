"""Knowledge graphs: schema, sources, ingest, stores, snapshots and paths.

This package knows nothing of models: imports run one way, `kg` <- `encoders` <- `fusion` <- `whypath`.
"""

from kg.errors import WhyPathError
from kg.interactions import Interactions
from kg.rows import EdgeRow, Event, NodeRow, Position

__all__ = ["EdgeRow", "Event", "Interactions", "NodeRow", "Position", "WhyPathError"]
