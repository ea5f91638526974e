"""Exchange snapshots with other libraries: `kg.exchange.networkx`, `kg.exchange.pyg` and `kg.exchange.pyg_stores`.

Each module imports the library it serves; nothing else imports these modules at start-up.
"""
