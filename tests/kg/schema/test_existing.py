"""`domain.yaml` over a graph: what it may say, and the errors for what it may not."""

from __future__ import annotations

import json
import traceback

import jsonschema
import pytest
import yaml

from kg.schema import Direction, DomainSchema, SchemaError
from whypath.schema_file import schema_text

SHOP = """\
graph: {uri: bolt://localhost:7687, database: shop, write: true}
nodes:
  product: {role: item, labels: [Product, Thing], key: sku, label: title, fields: {price: number}, lists: {tags: tag}}
  customer: {role: user, labels: Customer, key: email}
  maker: {labels: Maker, key: name}
  tag: {}
relations:
  made_by: {relationship: {type: MADE, direction: in}, head: product, tail: maker}
interactions:
  rating: {relationship: RATED, columns: {weight: stars}, positive: {min_weight: 4}}
  purchase:
    path: {first: PLACED, node: Order, last: CONTAINS}
    columns: {time: node.at, weight: last.quantity}
    where: {node.status: paid}
"""


def test_a_domain_over_a_graph() -> None:
    found = DomainSchema.from_yaml(SHOP)
    assert found.graph is not None
    assert (found.graph.uri, found.graph.database) == ("bolt://localhost:7687", "shop")
    assert found.nodes["product"].labels == ("Product", "Thing")
    relationship = found.relations["made_by"].relationship
    assert relationship is not None
    assert (relationship.type, relationship.direction) == ("MADE", Direction.IN)
    path = found.interactions["purchase"].path
    assert path is not None
    assert (path.first.type, path.node, path.last.direction) == ("PLACED", ("Order",), Direction.OUT)
    # A graph says "no value" by having none; NA may be a key or a country.
    assert found.missing == ("",)
    assert DomainSchema.from_yaml(found.to_yaml()) == found
    assert DomainSchema.from_json(found.to_json()) == found
    jsonschema.validate(yaml.safe_load(SHOP), json.loads(schema_text()))


def test_the_graph_has_no_part_in_what_the_domain_means() -> None:
    elsewhere = SHOP.replace("localhost", "elsewhere").replace("Maker", "Company").replace("PLACED", "DID")
    assert DomainSchema.from_yaml(SHOP).digest == DomainSchema.from_yaml(elsewhere).digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("bolt://localhost:7687", "http://localhost:7474", "line 1, graph.uri: this is not the URL of a Neo4j"),
        ("bolt://localhost:7687", "bolt://me:secret@host", "line 1, graph.uri: credentials do not belong here"),
        ("bolt://localhost:7687", "bolt://me%3Asecret%40host", "line 1, graph.uri: credentials do not belong here"),
        ("bolt://localhost:7687", "bolt://me:secret", "the port of this bolt:// URL is not a number"),
        ("bolt://localhost:7687", "bolt://host/secret", "URL does not consist of a host and a port; write bolt://"),
        ("bolt://localhost:7687", "'bolt://host?password=secret'", "has a query other than ?database=NAME"),
        ("bolt://localhost:7687", "'bolt://host?database=secret'", "and the database's name under `database`"),
        ("bolt://localhost:7687", "'blot://me:secret'", "as it begins with none of neo4j://"),
        ("bolt://localhost:7687", "{bolt: secret}", "line 1, graph.uri: this is not a URL; write bolt://HOST:PORT"),
        ("{uri: bolt://localhost:7687, database: shop, write: true}", "bolt://secret", "line 1, graph: expected field"),
        ("database: shop", 'database: "secret\\n"', "line 1, graph.database: no database has such a name"),
        ("write: true", "writes: true", "unknown field 'writes'; did you mean 'write'?"),
        ("direction: in", "direction: inn", "'inn' is not one of out, in; did you mean 'in'?"),
        ("labels: Maker, ", "labels: Maker, source: m.csv, ", "give `source` or `labels`"),
        ("labels: Maker, ", "source: m.csv, ", "nodes.maker.source: the domain is read from a graph, not from files"),
        (", key: email", "", "nodes.customer: a kind with `labels` needs `key: PROPERTY`"),
        ("relationship: {type: MADE, direction: in}, ", "", "relations.made_by: a relation comes from a file or from"),
        ("weight: stars", "weight: stars, user: email", "over a graph the ends say user, item and its kind"),
        ("time: node.at", "time: at", "'at': say where on the path it is: `first.at`"),
        ("where: {node.status", "where: {status", "'status': say where on the path it is"),
        ("rating: {", "rating: {path: {first: A, node: B, last: C}, ", "give only one of"),
        ("maker: {labels: Maker, key: name}", "maker: {}", "relations.made_by: the kind 'maker' has no `labels`"),
        ("graph: {uri: bolt://localhost:7687, database: shop, write: true}\n", "", "add `graph: {uri: bolt://HOST:PORT}`"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_place_and_fix(old: str, new: str, said: str) -> None:
    assert SHOP.count(old) == 1
    with pytest.raises(SchemaError) as caught:
        DomainSchema.from_yaml(SHOP.replace(old, new))
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    assert "secret" not in str(caught.value.__context__)
