"""Passwords in addresses are not told, and descriptions do not repeat what may be one."""

from __future__ import annotations

import pytest

from kg.graph_view.values import without_zone
from kg.redacting import quoted, without_credentials
from kg.schema import DomainSchema, SchemaError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at bolt://neo4j:secret@host:7687, say", "at bolt://*** say"),
        ("https://u:secret@index/simple https://index/simple", "https://*** https://index/simple"),
        ("bolt://u%3Asecret%40host", "bolt://***"),
        ("'bolt://u:secret@host'", "'bolt://***'"),
        ("write bolt://HOST:PORT; ann@example.org", "write bolt://HOST:PORT; ann@example.org"),
    ],
)
def test_urls_with_credentials(text: str, told: str) -> None:
    assert without_credentials(text) == told


@pytest.mark.parametrize("value", ["bolt://h:secret", "user:secret@host", ["bolt://secret"], "x" * 70 + "://secret"])
def test_what_may_be_an_address_is_not_repeated(value: object) -> None:
    assert "secret" not in quoted(value)


@pytest.mark.parametrize(
    "text",
    [
        "bolt://neo4j:secret@host:7687",
        "just a secret",
        "[secret]",
        "nodes: bolt://secret",
        "nodes: {a: bolt://neo4j:secret@host}",
        "nodes: {item: {role: 'bolt://secret'}}",
        "'bolt://secret': {}",
        "name: x\ninteractions: {a: {columns: 'neo4j:secret@host'}}",
        "nodes: {item: {source: 'a\\0bolt://secret'}}",
        "nodes: {item: {fields: {year: 'bolt://secret'}}}",
    ],
)
def test_a_description_that_is_an_address_is_not_repeated(text: str) -> None:
    with pytest.raises(SchemaError) as caught:
        DomainSchema.from_yaml(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("2024-05-01T12:00+02:00[Europe/Berlin]", "2024-05-01T12:00+02:00"),
        ("a[b][c]", "a[b]"),
        ("a[[c]", "a"),
        ("a]", "a]"),
        ("]]", "]]"),
        ("[]", ""),
        ("[a]b", "[a]b"),
        (5, 5),
    ],
)
def test_zones_are_taken_off(value: object, kept: object) -> None:
    assert without_zone(value) == kept


def test_brackets_without_an_end_are_gone_through_once() -> None:
    # By a pattern that begins anew at each bracket a million of them take hours.
    text = "[" * 1_000_000 + "]]"
    assert without_zone(text) == text
