"""A domain description: what it resolves to, and that it survives YAML and JSON."""

from __future__ import annotations

from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from kg.schema import AvailableRule, DomainSchema, EventRule, RelationKind, SchemaError, SourceFormat

SHOP = """
name: shop
nodes:
  customer:
    role: user
    source: customers.csv
    key: customerID
    label: companyName
    fields:
      age: {type: integer, sensitive: true}
      city: {type: categorical, use: true}
  product:
    role: item
    source: {file: products.txt, format: csv, separator: ";"}
    key: productID
    label: productName
    text: [productName, description]
    fields: {unitPrice: number, discontinued: boolean}
    links:
      supplierID: supplier
      categoryID: {target: category, relation: in_category, label: in the category, inverse: has}
    lists: {tags: {target: tag, separator: "|", hidden: true}}
    available: {field: discontinued, equals: false}
  supplier: {source: suppliers.csv, key: supplierID}
  category: {source: [a.csv, b.csv.gz], key: categoryID}
  tag: {}
relations:
  goes_with:
    source: {file: pairs.tsv, format: triples}
    head: product
    tail: [product, tag]
    where: {relation: with}
interactions:
  bought:
    source: order_details.csv
    via: {orders: {source: orders.csv, key: orderID}}
    columns: {user: orders.customerID, item: productID, time: orders.orderDate, weight: quantity}
    time_format: "%d/%m/%Y"
    positive: {min_weight: 1}
    label: bought
  looked: {positive: false}
"""


@pytest.fixture
def shop() -> DomainSchema:
    return DomainSchema.from_yaml(SHOP)


def test_kinds_come_sorted_by_role(shop: DomainSchema) -> None:
    assert shop.item_kinds == ("product",)
    assert shop.user_kinds == ("customer",)
    assert shop.entity_kinds == ("category", "supplier", "tag")


def test_all_relations_are_in_one_place(shop: DomainSchema) -> None:
    assert shop.relation_kinds == {
        "goes_with.product.product": RelationKind("goes_with.product.product", "product", "product", "goes with"),
        "goes_with.product.tag": RelationKind("goes_with.product.tag", "product", "tag", "goes with"),
        "in_category": RelationKind("in_category", "product", "category", "in the category", "has"),
        "supplierID": RelationKind("supplierID", "product", "supplier", "supplierID"),
        "tags": RelationKind("tags", "product", "tag", "tags", None, hidden=True),
    }
    assert shop.relation_name("goes_with", "product", "tag") == "goes_with.product.tag"
    assert shop.relation_name("in_category", "product", "category") == "in_category"


def test_short_forms_mean_the_long_ones(shop: DomainSchema) -> None:
    product = shop.nodes["product"]
    assert product.fields["unitPrice"].type == "number"
    assert [s.file for s in shop.nodes["category"].source] == ["a.csv", "b.csv.gz"]
    assert product.source[0].resolved_format is SourceFormat.CSV
    assert product.links["supplierID"].target == "supplier"
    assert shop.interactions["looked"].positive.always is False


def test_interactions_know_their_kinds(shop: DomainSchema) -> None:
    assert shop.interactions["bought"].user == "customer"
    assert shop.interactions["bought"].items == ("product",)


def test_user_attributes_are_used_only_where_asked_for(shop: DomainSchema) -> None:
    assert shop.nodes["customer"].used_fields == ("city",)
    assert shop.nodes["product"].used_fields == ("discontinued", "unitPrice")


def test_text_is_the_label_unless_said(shop: DomainSchema) -> None:
    assert shop.nodes["customer"].text_columns == ("companyName",)
    assert shop.nodes["supplier"].text_columns == ()
    assert shop.nodes["product"].text_columns == ("productName", "description")


def test_availability(shop: DomainSchema) -> None:
    rule = shop.nodes["product"].available
    assert rule is not None
    assert [rule.matches(v) for v in (False, True, None)] == [True, False, False]
    assert AvailableRule(field="stock").matches(True)


def test_round_trips(shop: DomainSchema) -> None:
    assert DomainSchema.from_yaml(shop.to_yaml()) == shop
    assert DomainSchema.from_json(shop.to_json()) == shop
    assert DomainSchema.from_json(shop.to_json()).to_json() == shop.to_json()
    # Any other YAML reader sees the same.
    assert DomainSchema.from_mapping(yaml.safe_load(shop.to_yaml())) == shop


def test_digest_is_of_the_meaning_not_of_the_files(shop: DomainSchema) -> None:
    moved = DomainSchema.from_yaml(SHOP.replace("suppliers.csv", "elsewhere/s.csv").replace("%d/%m/%Y", "%Y"))
    assert moved.digest == shop.digest
    for change in (
        ("min_weight: 1", "min_weight: 2"),
        ("unitPrice: number", "unitPrice: integer"),
        ("  tag: {}", "  tag: {role: item}"),
    ):
        assert DomainSchema.from_yaml(SHOP.replace(*change)).digest != shop.digest


def test_json_schema_accepts_what_the_models_accept() -> None:
    schema = DomainSchema.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert not list(validator.iter_errors(yaml.safe_load(SHOP)))
    wrong = yaml.safe_load(SHOP)
    wrong["nodes"]["product"]["lable"] = "x"
    assert list(validator.iter_errors(wrong))
    assert "description" in schema["$defs"]["NodeKind"]["properties"]["label"]


def test_words_that_yaml_would_turn_into_something_else() -> None:
    text = SHOP.replace("name: shop", 'name: on\nmissing: [NULL, NO, null, ~, "", 0, n, 2020-01-01, true]')
    assert DomainSchema.from_yaml(text).missing == ("NULL", "NO", "null", "null", "", "0", "n", "2020-01-01", "true")
    assert DomainSchema.from_yaml(text).name == "on"


WEIGHTS = np.array([1, 3.5, 4, 5, np.nan], dtype=np.float32)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [1, 1, 1, 1, 1]),
        ({"always": True}, [1, 1, 1, 1, 1]),
        ({"always": False}, [0, 0, 0, 0, 0]),
        ({"min_weight": 4}, [0, 0, 1, 1, 0]),
        ({"min_weight": 3.5, "max_weight": 4}, [0, 1, 1, 0, 0]),
        ({"weights": [1, 5]}, [1, 0, 0, 1, 0]),
        ({"min_weight": 4, "unweighted": True}, [0, 0, 1, 1, 1]),
    ],
)
def test_positive_rules(rule: dict[str, object], expected: list[int]) -> None:
    assert EventRule.model_validate(rule).matches(WEIGHTS).tolist() == [bool(e) for e in expected]


@given(st.floats(-1e6, 1e6, width=32))
def test_a_weight_reaches_itself_as_threshold(weight: float) -> None:
    weights = np.array([weight], dtype=np.float32)
    # As typed: the shortest decimal that means this float32, which is seldom the same float64.
    typed = float(np.format_float_positional(weights[0], unique=True))
    assert EventRule(min_weight=typed).matches(weights).all()


names = st.text(st.characters(whitelist_categories=["Ll", "Lu", "Nd"], whitelist_characters="_-"), min_size=1).filter(
    lambda n: n[0].isalpha()
)
any_text = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1)


@given(
    kinds=st.lists(names, min_size=2, max_size=5, unique=True),
    columns=st.lists(any_text, min_size=3, max_size=6, unique=True),
    missing=st.lists(any_text, max_size=3),
)
@example(kinds=["A", "B"], columns=["0", "1", "2"], missing=["0E0", "1e5", "NO", "2020-01-01", "~", "0x1F"])
def test_any_names_survive_yaml(kinds: list[str], columns: list[str], missing: list[str]) -> None:
    item, user, *others = kinds
    key, label, *fields = columns
    schema = DomainSchema.from_mapping(
        {
            "name": label,
            "missing": missing,
            "nodes": {
                item: {"role": "item", "source": {"file": f"{key}.csv"}, "key": key, "label": label,
                       "fields": dict.fromkeys(fields, "text"), "where": {key: [label]}},
                user: {"role": "user"},
                **{kind: {"source": "x.csv", "key": key} for kind in others},
            },
            "interactions": {item: {"positive": {"min_weight": 4}}},
        }
    )  # fmt: skip
    assert DomainSchema.from_yaml(schema.to_yaml()) == schema
    assert DomainSchema.from_json(schema.to_json()) == schema


def test_the_constructors_error_is_for_the_reader_in_every_form(tmp_path) -> None:
    for make in (
        lambda: DomainSchema.from_json("{"),
        lambda: DomainSchema.from_json("[]"),
        lambda: DomainSchema.from_mapping(None),
        lambda: DomainSchema.from_yaml(""),
        lambda: DomainSchema.read(tmp_path),
        lambda: DomainSchema.read(tmp_path / "absent.yaml"),
    ):
        with pytest.raises(SchemaError):
            make()


def _can_hold(rule: dict[str, Any]) -> bool:
    return rule.get("min_weight", -3) <= rule.get("max_weight", 3)


rules = st.one_of(
    st.booleans().map(lambda always: {"always": always}),
    st.fixed_dictionaries(
        {},
        optional={
            "min_weight": st.integers(-3, 3),
            "max_weight": st.integers(-3, 3),
            "weights": st.lists(st.integers(-3, 3), min_size=1, max_size=3),
            "unweighted": st.booleans(),
        },
    ).filter(_can_hold),
)
EVERY_WEIGHT = np.array([*np.arange(-5, 5, 0.5), np.inf, -np.inf, np.nan], dtype=np.float32)


@given(rules, rules)
def test_rules_for_likes_and_dislikes_hold_for_different_events(
    positive: dict[str, object], negative: dict[str, object]
) -> None:
    one, other = EventRule.model_validate(positive), EventRule.model_validate(negative)
    both = one.matches(EVERY_WEIGHT) & other.matches(EVERY_WEIGHT)
    common = one.common_weight(other)
    assert (common is not None) == both.any()
    if common is not None:
        assert one.matches(np.array([common], dtype=np.float32)).all()
        assert other.matches(np.array([common], dtype=np.float32)).all()
    kind = {"items": "film", "positive": positive, "negative": negative}
    described = {"nodes": {"film": {"role": "item"}, "user": {"role": "user"}}, "interactions": {"rating": kind}}
    if common is not None:
        with pytest.raises(SchemaError, match="`positive`"):
            DomainSchema.from_mapping(described)
        return
    rating = DomainSchema.from_mapping(described).interactions["rating"]
    likes, dislikes = rating.is_positive(EVERY_WEIGHT), rating.is_negative(EVERY_WEIGHT)
    assert not (likes & dislikes).any()
    np.testing.assert_array_equal(likes, one.matches(EVERY_WEIGHT))
    np.testing.assert_array_equal(dislikes, other.matches(EVERY_WEIGHT))
    assert rating.has_dislikes or not dislikes.any()


def test_dislikes_are_part_of_the_meaning_and_leave_their_items_out() -> None:
    rated = SHOP.replace("{min_weight: 1}", "{min_weight: 4}\n    negative: {max_weight: 2}")
    schema = DomainSchema.from_yaml(rated)
    assert schema.digest != DomainSchema.from_yaml(SHOP.replace("min_weight: 1", "min_weight: 4")).digest
    assert DomainSchema.from_yaml(schema.to_yaml()) == schema
    assert schema.interactions["bought"].is_negative(WEIGHTS).tolist() == [True, False, False, False, False]
    assert "looked" not in schema.kinds_left_out
    skipped = DomainSchema.from_yaml(SHOP.replace("positive: false", "positive: false, negative: true"))
    assert skipped.interactions["looked"].negative.always is True
    assert "looked" in skipped.kinds_left_out
