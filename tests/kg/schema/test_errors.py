"""Errors of a domain description: file, line, field and fix, and never a traceback of the parser's."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg.schema import DomainSchema, SchemaError
from tests.kg.schema.test_domain import SHOP


def message(text: str) -> str:
    with pytest.raises(SchemaError) as caught:
        DomainSchema.from_yaml(text, where="shop/domain.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("role: item", "role: itm",
         "line 13, nodes.product.role: 'itm' is not one of item, user, entity; did you mean 'item'?"),
        ("    label: productName", "    lable: productName",
         "nodes.product.lable: unknown field 'lable'; did you mean 'label'?"),
        ("target: category,", "target: categry,",
         "links.categoryID.target: no node kind 'categry' under `nodes`; did you mean 'category'?"),
        ("unitPrice: number", "unitPrice: nmber", "did you mean 'number'?"),
        ("key: productID", "key: [1, 2]", "nodes.product.key"),
        ("    key: productID\n", "", "nodes.product: a kind with a source needs `key: COLUMN`"),
        ("min_weight: 1", "min_weight: many", "interactions.bought.positive.min_weight"),
        ("%d/%m/%Y", "dmy", "'dmy' is no time format: use auto, unix"),
        ("role: user", "role: item", "exactly one kind must have `role: user`, found none"),
        ("role: item\n", "role: entity\n", "line 12, nodes.product: `available` is for items"),
        ("user: orders.customerID", "user: order.customerID", "'order.customerID' names no table under `via` (orders)"),
        ("field: discontinued", "field: discontinud", "`available` names the field 'discontinud'"),
        ("  tag: {}", "  tag: {key: x}", "nodes.tag: without a source there are no columns"),
        ("  tag: {}", "  tag: {}\n  lonely: {}", "nodes.lonely: no source and no relation or interaction leads to it"),
        ("  tag: {}", "  tag: {}\n  tag: {}", "line 27, nodes.tag: 'tag' is here twice, first in line 26"),
        ("products.txt, format: csv", "products.txt", "the name 'products.txt' does not say its format"),
        ("products.txt, format: csv", "products.txt, format: cvs", "did you mean 'csv'?"),
        ('separator: ";"', 'separator: "::", quoted: true', "cannot be quoted"),
        ("head: product", "head: customer", "what users do with items belongs under `interactions`"),
        ("relation: in_category", "relation: in category", "a relation's name has no spaces"),
        ("relation: in_category", "relation: supplierID", "is described elsewhere with another label"),
        ("weight: quantity", "id: x", "add `weight: COLUMN` to `columns`"),
        ("name: shop", "name: [shop", "line 3: this is not YAML"),
        ("name: shop", "name: sh\0p", "line 2: the character #x0000 is not allowed in YAML"),
        ("name: shop", "name: &a [*a]", "this YAML contains itself"),
        ("nodes:", "noodles:", "unknown field 'noodles'; did you mean 'nodes'?"),
        ("nodes:", "nodes: 5\nrest:", "expected fields"),
        ("label: bought", "label: bought\n    timezone: Mars/Base", "no time zone 'Mars/Base'"),
        ("label: bought", "label: bought\n    items: prodct", "'prodct' is not an item kind; did you mean 'product'?"),
        ("  product:", "  5product:", "nodes.5product: a name here is letters"),
        ("positive: false", "positive: {always: true, min_weight: 3}", "either `always` or conditions"),
        ("min_weight: 1}", "min_weight: 3, max_weight: 1}", "no weight is from 3 to 1"),
        ("positive: false", "negative: true", "`positive` is every event unless given"),
        ("min_weight: 1}", "min_weight: 1}\n    negative: {max_weight: 3}", "both match the weight 1: an event cannot"),
        ("positive: false", "positive: {weights: [2], unweighted: true}, negative: {max_weight: 0, unweighted: true}",
         "both match an event without a weight"),
        ("positive: {min_weight: 1}", "negative: {max_weigth: 1}", "did you mean 'max_weight'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place_and_fix(right: str, wrong: str, expected: str) -> None:
    assert right in SHOP
    found = message(SHOP.replace(right, wrong, 1))
    assert found.startswith("shop/domain.yaml: ")
    assert expected in found


def test_a_domain_without_items() -> None:
    assert "no kind has `role: item`" in message("nodes: {person: {role: user}}")


def test_all_problems_are_told_at_once() -> None:
    found = message(SHOP.replace("role: item", "role: itm").replace("unitPrice: number", "unitPrice: nmber"))
    assert "2 problems" in found
    assert "'itm'" in found
    assert "'nmber'" in found


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "domain.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(SchemaError, match="not UTF-8 text"):
        DomainSchema.read(tmp_path / "domain.yaml")


def test_a_source_is_a_file_or_a_table() -> None:
    for source in ({}, {"file": "a.csv", "table": "a"}, {"table": "a", "format": "csv"}, {"file": "a.csv", "map": {}}):
        with pytest.raises(SchemaError):
            DomainSchema.from_mapping({"nodes": {"a": {"role": "item", "key": "k", "source": source}}})


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["name", "missing", "nodes", "relations", "interactions"]), plain))
@example({"nodes": {"a": {"source": [{"file": 5}, []]}}})
@example({"nodes": {"a": {"fields": {"x": {"type": None}}, "where": {"a": {"b": 1}}}}})
def test_nonsense_is_an_error_for_the_reader(value: dict[str, object]) -> None:
    # Whatever else it raised would fail this test.
    with contextlib.suppress(SchemaError):
        assert DomainSchema.from_mapping(value).item_kinds


@given(st.text(alphabet="abc:-{}[]&*!|>'\"#\n ,?%@`~\t"))
def test_any_text_is_a_description_or_an_error_for_the_reader(text: str) -> None:
    with pytest.raises(SchemaError):
        DomainSchema.from_yaml(text)
