"""What no model reads is said where it is loaded."""

from __future__ import annotations

from pathlib import Path

from kg.ingest import load_domain
from kg.schema import DomainSchema, unused_by_models
from kg.stores import GraphStore
from tests.kg.ingest.conftest import store as store
from tests.kg.ingest.shop import write_shop


def schema(fields: dict[str, object], links: dict[str, str]) -> DomainSchema:
    """A domain with these fields and links of users."""
    user = {"role": "user", "source": "u.csv", "key": "id", "fields": fields, "links": links}
    item = {"role": "item", "source": "i.csv", "key": "id", "fields": {"year": "integer"}}
    city = {"source": "c.csv", "key": "id"}
    return DomainSchema.from_mapping({"nodes": {"item": item, "user": user, "city": city}})


def test_fields_that_are_to_be_used_and_relations_of_users_are_named() -> None:
    assert list(unused_by_models(schema({"plan": "text"}, {}))) == []
    fields = {"age": {"type": "integer", "use": True, "sensitive": True}, "plan": "text"}
    found = list(unused_by_models(schema(fields, {"town": "city"})))
    assert len(found) == 2
    assert "nodes.user.fields" in found[0]
    assert "(age)" in found[0]
    assert "(town)" in found[1]


def test_a_load_says_it(tmp_path: Path, store: GraphStore) -> None:
    domain = write_shop(tmp_path)
    assert not [note for note in load_domain(domain, store).warnings if "no model" in note]
    domain.write_text(domain.read_text().replace("{type: integer, sensitive: true}", "{type: integer, use: true}"))
    assert [note for note in load_domain(domain, store).warnings if "no model of this version reads fields" in note]
