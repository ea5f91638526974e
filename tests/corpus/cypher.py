"""Statements of Cypher, one a line, that make a graph."""

from __future__ import annotations

from tests.corpus.render import at

FILE = "graph.cypher"
"""The file with the statements."""


def value_of(value: object) -> str:
    """A value as Cypher spells it; a text such as `datetime('…')` is taken for a call."""
    if isinstance(value, str):
        return value if value.startswith(("datetime(", "date(")) else "'" + value.replace("'", "\\'") + "'"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(value_of, value)) + "]"
    return str(value)


def properties(**values: object) -> str:
    """A map of properties."""
    return "{" + ", ".join(f"{name}: {value_of(v)}" for name, v in values.items()) + "}"


def node(labels: str, **values: object) -> str:
    """A statement that makes a node; several labels have colons between."""
    return f"CREATE (:{labels} {properties(**values)});\n"


def joined(
    head: str, head_key: str, one: object, type_: str, tail: str, tail_key: str, other: object, **values: object
) -> str:
    """A statement that joins the `head` whose `head_key` is `one` to the `tail` whose `tail_key` is `other`."""
    told = f" {properties(**values)}" if values else ""
    return (
        f"MATCH (a:{head} {properties(**{head_key: one})}), (b:{tail} {properties(**{tail_key: other})})"
        f" CREATE (a)-[:{type_}{told}]->(b);\n"
    )


def moment(time: int) -> str:
    """A time as a call."""
    return f"datetime('{at(time, '%Y-%m-%dT%H:%M:%SZ')}')"
