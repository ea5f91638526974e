"""Readable names out of IRIs, and short forms written out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.sources.iris import expanded, is_iri, readable_name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("http://dbpedia.org/resource/AC/DC", "AC/DC"),
        ("http://dbpedia.org/resource/+44_(band)", "+44 (band)"),
        ("http://dbpedia.org/resource/B%C3%A9la_Fleck", "Béla Fleck"),
        ("http://example.org/things#Hard_rock", "Hard rock"),
        ("http://example.org/a/b/", "b"),
        ("urn:isbn:0451450523", "0451450523"),
        ("http://example.org/%FF", "\N{REPLACEMENT CHARACTER}"),
        ("http://example.org/", "example.org"),
        ("Quentin_Tarantino", "Quentin_Tarantino"),
        ("50% off", "50% off"),
        ("a: b", "a: b"),
    ],
)
def test_readable_names(key: str, name: str) -> None:
    assert readable_name(key) == name


@given(st.text(min_size=1).map(str.strip).filter(bool))
def test_a_name_is_never_empty(text: str) -> None:
    assert readable_name(text)
    assert readable_name(f"http://x.org/{text}")


def test_short_forms() -> None:
    assert expanded("rdfs:label", {}) == "http://www.w3.org/2000/01/rdf-schema#label"
    assert expanded("x:a", {"x": "http://x.org/"}) == "http://x.org/a"
    assert expanded("<http://x.org/a>", {}) == "http://x.org/a"
    assert expanded("http://x.org/a", {"http": "no"}) == "http://x.org/a"
    assert expanded("unknown:a", {}) == "unknown:a"
    assert is_iri("https://x.org/a")
    assert not is_iri("dbo:genre")
