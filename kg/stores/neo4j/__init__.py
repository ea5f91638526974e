"""The Neo4j store, over the official driver (extra `neo4j`): `Neo4jStore.open("bolt://host:7687")`.

Importing this package imports the driver, so only `open_store` does it, and only when asked for such a store.
"""

from kg.stores.neo4j.store import Neo4jStore

__all__ = ["Neo4jStore"]
