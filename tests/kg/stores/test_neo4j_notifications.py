"""What a server notes on queries goes to the debug log; `empty_neo4j` fails a test for a deprecation among it."""

from __future__ import annotations

import logging

import pytest
from neo4j import ManagedTransaction

from kg.checking.quarantine import Quarantine
from kg.graph_view.session import ReadSession
from kg.stores.neo4j.access import access_to
from kg.stores.neo4j.connection import Connection, rows
from tests.neo4j_server import Server, deprecations
from whypath.testing.stores.domain import films_schema

DEPRECATED = "MATCH (n) RETURN id(n)"


def levels(caplog: pytest.LogCaptureFixture) -> list[int]:
    levels = [record.levelno for record in caplog.records if "DEPRECATION" in record.getMessage()]
    caplog.clear()
    return levels


def in_a_session(transaction: ManagedTransaction) -> None:
    with ReadSession(transaction, films_schema(), Quarantine(None)) as session:
        session.one("MATCH (n) RETURN collect(id(n))")


def test_notifications_are_debug_messages_and_deprecations_are_seen(
    neo4j_server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in neo4j_server.settings().items():
        monkeypatch.setenv(name, value)
    connection = Connection(access_to(neo4j_server.uri))
    with deprecations() as noted:
        connection.read(lambda transaction: rows(transaction, DEPRECATED))
        assert levels(caplog) == [logging.DEBUG]
        connection.read_once(lambda transaction: rows(transaction, DEPRECATED))
        assert levels(caplog) == [logging.DEBUG]
        # The queries of a read of an external graph run in a thread of its session.
        connection.read(in_a_session)
        assert levels(caplog) == [logging.DEBUG]
        # Another user of the driver keeps the driver's level.
        neo4j_server.query(DEPRECATED)
        assert levels(caplog) == [logging.WARNING]
    assert len(noted) == 4
    connection.read(lambda transaction: rows(transaction, DEPRECATED))
    assert levels(caplog) == []
    connection.close()
