"""A sensitive column is read as a sensitive field and as nothing that is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kg.schema import DomainSchema, SchemaError

PEOPLE = {"role": "user", "source": "people.csv", "key": "id"}
SECRET = {"type": "text", "sensitive": True}


def described(people: dict[str, Any], **sections: Any) -> dict[str, Any]:
    items = {"role": "item", "source": "items.csv", "key": "id"}
    nodes = {"item": items, "person": {**PEOPLE, **people}, "group": {}, **sections.pop("nodes", {})}
    links = {"links": {"team": "group"}} | {name: value for name, value in people.items() if name == "links"}
    nodes["person"] |= links
    return {"nodes": nodes, **sections}


SHOWN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("key", {"fields": {"id": SECRET}}, {}),
    ("label", {"fields": {"name": SECRET}, "label": "name"}, {}),
    ("label", {"fields": {"anything": {**SECRET, "column": "name"}}, "label": "name"}, {}),
    ("text", {"fields": {"about": SECRET}, "text": ["about"]}, {}),
    ("links.team", {"fields": {"team": SECRET}, "links": {"team": "group"}}, {}),
    ("lists.teams", {"fields": {"teams": SECRET}, "lists": {"teams": "group"}}, {}),
    ("fields.open", {"fields": {"age": SECRET, "open": {"type": "text", "column": "age"}}}, {}),
    (
        "nodes.group.key",
        {"fields": {"team": SECRET}, "links": {"other": "group"}},
        {"nodes": {"group": {"source": "./people.csv", "key": "team"}}},
    ),
    (
        "relations.belongs",
        {"fields": {"team": SECRET}, "links": {"other": "group"}},
        {
            "relations": {
                "belongs": {
                    "source": "people.csv",
                    "head": "person",
                    "tail": "group",
                    "columns": {"head": "id", "tail": "team"},
                }
            }
        },
    ),
    (
        "interactions.chose",
        {"fields": {"first": SECRET}},
        {"interactions": {"chose": {"source": "people.csv", "columns": {"user": "id", "item": "first"}}}},
    ),
    (
        "interactions.bought",
        {"fields": {"spent": SECRET}},
        {
            "interactions": {
                "bought": {
                    "source": "lines.csv",
                    "via": {"people": {"source": "people.csv", "key": "id"}},
                    "columns": {"user": "people.id", "item": "item", "weight": "people.spent"},
                }
            }
        },
    ),
]


@pytest.mark.parametrize(("place", "people", "sections"), SHOWN, ids=[place for place, *_ in SHOWN])
def test_a_sensitive_column_that_is_shown_elsewhere_is_refused(
    place: str, people: dict[str, Any], sections: dict[str, Any]
) -> None:
    text = described(people, **sections)
    with pytest.raises(SchemaError) as refused:
        DomainSchema.from_mapping(text)
    assert place in str(refused.value)
    assert "sensitive" in str(refused.value)
    assert "nodes.person.fields." in str(refused.value)


def test_a_store_that_took_such_a_description_can_still_be_opened() -> None:
    text = json.dumps(described({"fields": {"name": SECRET}, "label": "name"}))
    stored = DomainSchema.from_json(text)
    assert DomainSchema.from_json(stored.to_json()) == stored
    assert stored.nodes["person"].label == "name"
    assert stored.nodes["person"].fields["name"].sensitive


def test_labels_of_a_graph_are_columns_of_one_place() -> None:
    text = {
        "graph": {"uri": "bolt://localhost"},
        "nodes": {
            "item": {"role": "item", "labels": "Item", "key": "id"},
            "person": {"role": "user", "labels": ["Person", "Member"], "key": "id", "fields": {"name": SECRET}},
            "member": {"labels": "Member", "key": "id", "label": "name"},
        },
    }
    with pytest.raises(SchemaError, match=r"nodes\.member\.label"):
        DomainSchema.from_mapping(text)


def test_what_can_be_had_is_not_told_by_a_sensitive_field() -> None:
    text = described({})
    text["nodes"]["item"] |= {"fields": {"banned": {"type": "boolean", "sensitive": True}}, "available": "banned"}
    with pytest.raises(SchemaError, match=r"nodes\.item\.available.*'banned' is sensitive"):
        DomainSchema.from_mapping(text)


def test_another_file_with_a_column_of_that_name_is_not_concerned() -> None:
    text = described({"fields": {"name": SECRET}})
    text["nodes"]["item"] |= {"label": "name"}
    assert DomainSchema.from_mapping(text).nodes["person"].fields["name"].sensitive
