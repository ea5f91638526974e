"""Build Cypher for an external graph: quoted names, values in plain types, conditions as parameters.

Results are booleans, numbers, texts and lists of these: the server converts dates, times and points to text, since the
driver converts them to objects at a tenth of the speed, and some (the year 10000) not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kg.schema import Direction, RelationshipSpec
from kg.stores.errors import StoreError
from kg.stores.neo4j.names import spelled

_PLAIN = "BOOLEAN | INTEGER | FLOAT | STRING"


def token(name: str) -> str:
    """A name of the domain description as Cypher. Raises StoreError for one that cannot be written."""
    try:
        return spelled(name)
    except ValueError as error:
        raise StoreError(f"in the domain description, {error}") from None


def labelled(variable: str, labels: Sequence[str]) -> str:
    """A node with all of these labels."""
    return variable + "".join(f":{token(label)}" for label in labels)


def arrow(spec: RelationshipSpec, variable: str = "", *, reverse: bool = False) -> str:
    """A relationship of a type, from its first end to its second; `reverse` from the second to the first."""
    inner = f"[{variable}:{token(spec.type)}]"
    points_right = (spec.direction is Direction.OUT) is not reverse
    return f"-{inner}->" if points_right else f"<-{inner}-"


def plain(variable: str, property: str) -> str:
    """A property in plain types; null where there is none, or where its type has no text."""
    value = f"{variable}.{token(property)}"
    return (
        f"CASE WHEN {value} IS :: {_PLAIN} THEN {value}"
        f" WHEN {value} IS :: LIST<ANY> THEN [x IN {value} | CASE WHEN x IS :: {_PLAIN} THEN x"
        f" ELSE toStringOrNull(x) END] ELSE toStringOrNull({value}) END"
    )


class Conditions:
    """`where` of a section as Cypher, with its values as parameters."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self._texts: list[str] = []

    def add(self, variable: str, where: Mapping[str, Sequence[str]]) -> Conditions:
        """Further conditions: a property must have one of the values, or a list with one of them."""
        self._texts += self._of(variable, where)
        return self

    def without(self, variable: str, labels: Sequence[str], where: Mapping[str, Sequence[str]]) -> Conditions:
        """A further condition: the node must not have all of these labels and fit these conditions."""
        self._texts.append(f"NOT ({' AND '.join([labelled(variable, labels), *self._of(variable, where)])})")
        return self

    def _of(self, variable: str, where: Mapping[str, Sequence[str]]) -> list[str]:
        conditions: list[str] = []
        for property, wanted in where.items():
            name = f"where{len(self.parameters)}"
            # A number 3 may be 3.0 in the graph.
            self.parameters[name] = [*wanted, *(f"{value}.0" for value in wanted)]
            value = f"{variable}.{token(property)}"
            conditions.append(
                f"any(x IN CASE WHEN {value} IS :: LIST<ANY> THEN {value} ELSE [{value}] END"
                f" WHERE toStringOrNull(x) IN ${name})"
            )
        return conditions

    def clause(self, start: str) -> str:
        """The conditions after `WHERE` or `AND`; empty where there are none."""
        return f" {start} {' AND '.join(self._texts)}" if self._texts else ""
