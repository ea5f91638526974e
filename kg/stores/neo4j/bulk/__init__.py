"""Write a load as header and data files for `neo4j-admin database import full`, without a server."""

from kg.stores.neo4j.bulk.target import ImportFiles

__all__ = ["ImportFiles"]
