"""An external graph as a store: `--store domain.yaml` for a description with a `graph:` section.

Importing this package imports Neo4j's driver, so only `open_store` does it, and only when asked for such a store.
"""

from kg.graph_view.store import GraphView

__all__ = ["GraphView"]
