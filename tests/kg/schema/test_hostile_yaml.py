"""Descriptions that somebody has made to harm: bounded in size, written out, or an error for the reader."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.schema import DomainSchema, SchemaError
from kg.schema.description_text import MOST_BYTES
from kg.schema.yaml_nodes import MOST_DEEP
from kg.schema.yaml_text import read_yaml
from tests.kg.schema.test_domain import SHOP


def message(text: str) -> str:
    with pytest.raises(SchemaError) as caught:
        DomainSchema.from_yaml(text)
    return str(caught.value)


def nested(first: str, line: str, n: int) -> str:
    """Anchors that name the one before, ten times each."""
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{k}: &a{k} {line.replace('*', ','.join([f'*a{k - 1}'] * 10))}" for k in range(1, n)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        nested("[x]", "[*]", 12),
        nested("{x: y}", "{<<: [*]}", 12),
        nested("[x]", "[*]", 12).replace("a11:", "<<:"),
        "[" + "a," * 110_000 + "]",
        "{" + ",".join(f"k{n}: v" for n in range(60_000)) + "}",
    ],
)
def test_what_is_too_large_written_out_is_refused_before_it_is_walked(text: str) -> None:
    assert "more than 100,000 keys and values, written out" in message(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60 + "]" * 60,
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "a: &a [*a]",
        "a: &a {<<: *a}",
        "a: &a {b: [{c: *a}]}",
        "a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 5000)),
    ],
)
def test_what_is_too_deep_or_contains_itself_is_refused(text: str) -> None:
    assert f"this YAML contains itself or is nested more than {MOST_DEEP} deep" in message(text)


def test_anchors_and_merge_keys_of_a_person_are_read() -> None:
    text = "a: &a {b: 1, c: [x, y]}\nd: {<<: *a, c: z}\ne: [*a, *a]\nf: {<<: [*a, {g: h}]}"
    value, lines = read_yaml(text, "x")
    assert value["d"] == {"b": 1, "c": "z"}
    assert value["e"] == [{"b": 1, "c": ["x", "y"]}] * 2
    assert value["f"] == {"b": 1, "c": ["x", "y"], "g": "h"}
    assert lines["d", "c"] == 2


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("!!timestamp zzz", "!!timestamp"),
        ("!!timestamp 2020-01-01", "!!timestamp"),
        ("!!binary xx", "!!binary"),
        ("!!set {a}", "!!set"),
        ("!!omap [a: b]", "!!omap"),
        ("!!python/object/apply:os.system [true]", "!!python/object/apply:os.system"),
        ("!mine x", "!mine"),
        ("!<tag:example.org,2000:x> y", "tag:example.org,2000:x"),
        ("!!int abc", "!!int"),
        ("!!int ''", "!!int"),
        ("!!bool maybe", "!!bool"),
        ("!!float x", "!!float"),
        ("!!null x", "!!null"),
        ("!!str [a]", "!!str"),
        ("!!map [a]", "!!map"),
        ("!!seq {a: b}", "!!seq"),
        ("[a, !!pairs [b: c]]", "!!pairs"),
        ("{!!python/name:os.system '': a}", "!!python/name:os.system"),
    ],
)
def test_tags_but_for_those_of_the_core_are_refused_by_name_and_line(value: str, tag: str) -> None:
    assert f"line 2: the tag {tag!r} is not allowed here" in message(f"name: d\nmissing: {value}")


def test_tags_of_the_core_are_read() -> None:
    text = "[!!str 5, !!int 5, !!float 5, !!float 5.5, !!bool true, !!null null, !!seq [a], !!map {a: b}, ! x]"
    assert read_yaml(text, "x")[0] == ["5", 5, 5.0, 5.5, True, None, ["a"], {"a": "b"}, "x"]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (r'name: "a\ud800"', "line 1, name: 'a\\ud800' holds half a character"),
        (r'"\ud800": a', "holds half a character"),
        (r'name: "a\0b"', "holds a NUL character"),
        (r'nodes: {a: {source: "\ud83d\ude00.csv"}}', "line 1, nodes.a.source: '\\ud83d\\ude00.csv' holds half"),
        (r'name: "\UFFFFFFFF"', "this is not YAML"),
        (r'name: "\U00110000"', "this is not YAML"),
        ("name: " + "9" * 5000, "this is not YAML"),
        ("name: " + "x" * 20_000, "line 1, name: a text of more than 10,000 characters"),
        ("? [a, b]\n: c", "a key is a word or text"),
        ("? {a: b}\n: c", "a key is a word or text"),
        ("%YAML 1." + "9" * 5000 + "\n---\na: b", "this is not YAML"),
        ("#" + "x" * 4_000_000, "more than 4,000,000 characters"),
    ],
)
def test_texts_that_no_description_holds(wrong: str, expected: str) -> None:
    found = message(wrong)
    assert expected in found
    found.encode()  # what is said can be printed


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("%d/%m/%Y", "%d/%d", "interactions.bought.time_format: '%d/%d' is not a strptime pattern"),
        ("unitPrice: number", "unitPrice: {type: date, format: '%d/%d'}", "it has a directive twice"),
        ("unitPrice: number", "unitPrice: {type: date, format: '%Q'}", "fields.unitPrice.format: '%Q' is not a"),
        ("unitPrice: number", f"unitPrice: {{type: date, format: '%d{'x' * 300}'}}", "of more than 200 characters"),
        ("key: orderID}", "key: orderID, match: orders.x}", "via.orders: `match: orders.x` names 'orders', which is"),
        ("label: bought", "label: bought\n    timezone: Europe", "no time zone 'Europe'"),
        ("min_weight: 1", "min_weight: nan", "finite number"),
        ("min_weight: 1", "min_weight: 1e999", "finite number"),
        ('separator: ";"', r'separator: "\""', "holds neither quotation marks nor line breaks"),
        ('separator: ";"', r'separator: "\n"', "holds neither quotation marks nor line breaks"),
    ],
)
def test_values_that_no_reader_can_use(right: str, wrong: str, expected: str) -> None:
    assert right in SHOP
    assert expected in message(SHOP.replace(right, wrong, 1))


def test_linking_tables_may_follow_from_those_above_them() -> None:
    two = "via: {a: {source: a.csv, key: k}, b: {source: b.csv, key: k, match: a.x}}"
    turned = "via: {b: {source: b.csv, key: k, match: a.x}, a: {source: a.csv, key: k}}"
    domain = (
        "nodes: {i: {role: item, source: i.csv, key: k}, u: {role: user}}\n"
        "interactions: {e: {source: e.csv, columns: {user: b.u, item: i}, VIA}}"
    )
    assert DomainSchema.from_yaml(domain.replace("VIA", two)).interactions["e"].via["b"].match == "a.x"
    assert "'a', which is not joined before 'b'" in message(domain.replace("VIA", turned))


def test_an_item_map_tells_its_format() -> None:
    source = "{file: kg.tsv, format: triples, map: {file: map.dat, item: a, entity: b}}"
    text = f"nodes: {{i: {{role: item}}, u: {{role: user}}}}\nrelations: {{r: {{source: {source}, head: i, tail: i}}}}"
    assert "map: the name 'map.dat' does not say its format" in message(text)


MANY = 3000


@pytest.mark.parametrize(
    "sections",
    [
        # Each unknown name is compared with all that are known, so few are told.
        {"nodes": {f"k{n}": {"source": "x.csv", "key": "k", "lists": {"c": f"l{n}"}} for n in range(MANY)}},
        {"nodes": {f"k{n}": {} for n in range(MANY)}},
        {"nodes": {f"k{n}": {"nonsense": 1} for n in range(MANY)}},
        {"relations": {f"r{n}": {"source": "x.csv", "head": f"h{n}", "tail": f"t{n}"} for n in range(MANY)}},
        # All items times all interactions, all heads times all tails.
        {
            "nodes": {f"k{n}": {"role": "item", "source": "x.csv", "key": "k"} for n in range(MANY)},
            "interactions": {f"e{n}": {} for n in range(MANY)},
        },
        {
            "nodes": {f"k{n}": {"source": "x.csv", "key": "k"} for n in range(MANY)},
            "relations": {
                "r": {"source": "x.csv", "head": [f"k{n}" for n in range(MANY)], "tail": [f"k{n}" for n in range(MANY)]}
            },
        },
    ],
)
def test_descriptions_of_many_parts_are_refused_in_few_words(sections: dict[str, dict[str, object]]) -> None:
    nodes = {"i": {"role": "item"}, "u": {"role": "user"}, **sections.get("nodes", {})}
    with pytest.raises(SchemaError) as caught:
        DomainSchema.from_mapping({"interactions": {"e": {}}, **sections, "nodes": nodes})
    assert len(str(caught.value)) < 60_000
    assert len(caught.value.problems) <= 50


def test_a_description_is_a_regular_file_of_a_bounded_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"#" * (MOST_BYTES + 1))
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, expected in (
        ("pipe", "this is a pipe"),
        ("/dev/zero", "this is a device"),
        ("link", "this is a device"),
        ("large", "more than 4,000,000 bytes"),
        ("loop", "cannot be read"),
        ("a\0b", "cannot be read"),
        ("a\ud800", "cannot be read"),
        ("", "this is a folder"),
    ):
        with pytest.raises(SchemaError, match=expected):
            DomainSchema.read(tmp_path / name)


def test_json_that_is_nested_too_deeply_is_an_error() -> None:
    for text in ("[" * 100_000, '{"a":' * 60 + "1" + "}" * 60):
        with pytest.raises(SchemaError):
            DomainSchema.from_json(text)


words = st.sampled_from(
    ["a", "nodes", "item", "role", "source", "x.csv", "&a", "*a", "<<", "!!int", "!!timestamp", "!", "1e9", "null",
     "true", "'", '"', "\\ud800", "\\0", "\\U00110000", "|", ">-", "%YAML 1.1", "---", "...", "@", "`", "#",
     "\ufeff", "\x85"]
)  # fmt: skip
signs = st.sampled_from([":", ": ", "- ", "? ", ", ", "[", "]", "{", "}", "\n", "\n  ", "\n    ", " ", "\t", "\r\n"])


@given(st.lists(words | signs, max_size=60).map("".join))
def test_any_text_like_yaml_is_a_description_or_an_error_for_the_reader(text: str) -> None:
    with pytest.raises(SchemaError):
        DomainSchema.from_yaml(text)
