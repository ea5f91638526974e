"""The documentation against the code: the schema is current, fields are explained, links lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

import whypath
import whypath.testing
from kg.schema import DomainSchema
from tests.whypath.films import SCHEMA
from whypath.schema_file import schema_text

ROOT = Path(__file__).parents[2]
YOUR_DATA = (ROOT / "docs" / "your-data.md").read_text(encoding="utf-8")


def test_the_published_schema_is_current() -> None:
    published = (ROOT / "docs" / "domain.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run: python -m whypath.schema_file docs/domain.schema.json"


def test_every_field_of_domain_yaml_is_explained() -> None:
    schema = json.loads(schema_text())
    parts = [schema, *(part for part in schema["$defs"].values())]
    fields = {name for part in parts for name in part.get("properties", {})}
    values = {value for part in parts for value in part.get("enum", [])}
    assert [
        name for name in sorted(fields | values) if f"`{name}`" not in YOUR_DATA and f"`{name}:" not in YOUR_DATA
    ] == []


def test_the_example_is_a_valid_domain_for_us_and_for_editors() -> None:
    example = re.search(r"```yaml\n(.*?)```", YOUR_DATA, re.DOTALL)
    assert example is not None
    found = DomainSchema.from_yaml(example.group(1))
    assert found.item_kinds == ("product",)
    assert {"tags", "supplied_by", "pairs_with"} == set(found.relation_kinds)
    for text in (example.group(1), SCHEMA):
        jsonschema.validate(yaml.safe_load(text), json.loads(schema_text()))


def test_every_public_name_is_in_the_reference() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.md"))
    listed = set(re.findall(r"^::: ([\w.]+)$", pages, re.MULTILINE))
    public = {f"{module.__name__}.{name}" for module in (whypath, whypath.testing) for name in module.__all__}
    assert sorted(public - listed) == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_pages_outside_the_site_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
