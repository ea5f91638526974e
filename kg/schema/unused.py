"""List the data of a description that is loaded, shown and exported, but read by no model of this version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kg.schema.domain import DomainSchema


def unused_by_models(schema: DomainSchema) -> Iterator[str]:
    """Yield a sentence for each part that a user may expect a model to learn from, and none does yet."""
    for kind, node in schema.nodes.items():
        wanted = [name for name, field in node.fields.items() if field.use]
        if wanted:
            yield (
                f"nodes.{kind}.fields: no model of this version reads fields, so `use: true` ({', '.join(wanted)})"
                " has no effect yet; filters and exports do read them"
            )
    users = set(schema.user_kinds)
    beside = [name for name, relation in schema.relation_kinds.items() if users & {relation.head, relation.tail}]
    if beside:
        yield (
            f"relations with users at an end ({', '.join(beside)}) are loaded, and no model of this version reads them"
        )
