"""URLs of a Neo4j: what they say, what is none, and that no error repeats what a person has typed into one."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.neo4j_url import NEO4J_SCHEMES, MalformedUrl, Neo4jUrl

PLACES = (
    "bolt://neo4j:{}@host:7687",
    "bolt://{}@host",
    "bolt://neo4j:{}%40host",
    "bolt://neo4j:{}",
    "bolt://neo4j:{}:7687",
    "bolt://host:7687{}",
    "bolt://host:{}/",
    "bolt://host:7687/{}",
    "bolt://host/{}?database=films",
    "bolt://host?password={}",
    "bolt://host?{}",
    "bolt://host?database=films&password={}",
    "bolt://host?database=films;password={}",
    "bolt://host#{}",
    "bolt://host:7687 {}",
    "bolt: //neo4j:{}@host",
    "bolt:neo4j:{}@host",
    "bolt:{}",
    "bolt+x://neo4j:{}@host",
    "blot://neo4j:{}@host",
    "{}://host",
    "neo4j:{}@host:7687",
    "bolt://[{}",
    "bolt://[::1]{}",
    "bolt://[::1%{}",
)
"""Where a person may put a password."""


@given(
    secret=st.text(min_size=4, max_size=30) | st.text(alphabet="0123456789:/?#@%[]&= ab", min_size=4),
    place=st.sampled_from(PLACES),
)
def test_no_error_repeats_a_secret(secret: str, place: str) -> None:
    error = None
    try:
        found = Neo4jUrl.parse(place.format(secret))
        # Then it is what should stand there: the number of a port, or more of the host's name or of the database's.
        assert found.port is None or 0 < found.port < 65536
    except MalformedUrl as raised:
        error = raised
    if error is not None:
        said = f"{error} {error.problem} {error!r}"
        assert secret not in said or any(secret in text for text in fixed_texts())
        # Another error with the text in it would be shown by a traceback.
        assert error.__context__ is error.__cause__ is None


@cache
def fixed_texts() -> frozenset[str]:
    """What errors say of URLs without a secret."""
    found: set[str] = set()
    for scheme in NEO4J_SCHEMES:
        for url, _ in MALFORMED:
            with pytest.raises(MalformedUrl) as caught:
                Neo4jUrl.parse(url.replace("bolt", scheme))
            found |= {f"{caught.value} {caught.value.problem} {caught.value!r}"}
    return frozenset(found)


@given(text=st.text() | st.text(alphabet="bolt+s:/?#@[]%database=0123456789.-~é\0\n\ud800"))
def test_any_text_is_a_url_or_one_kind_of_error(text: str) -> None:
    for url in (text, f"bolt://{text}", f"neo4j+s://host{text}"):
        try:
            found = Neo4jUrl.parse(url)
        except MalformedUrl:
            continue
        assert found.uri.isprintable()
        assert Neo4jUrl.parse(found.uri) == Neo4jUrl(found.scheme, found.host, found.port, None)


@pytest.mark.parametrize("scheme", NEO4J_SCHEMES)
def test_every_scheme_of_the_driver(scheme: str) -> None:
    assert Neo4jUrl.parse(f"{scheme.upper()}://Host.Example.org:17687/?database=films") == Neo4jUrl(
        scheme, "host.example.org", 17687, "films"
    )
    assert Neo4jUrl.parse(f"{scheme}://host").uri == f"{scheme}://host"


def test_ports_and_addresses() -> None:
    assert Neo4jUrl.parse("bolt://h").place == Neo4jUrl.parse("neo4j+s://H:7687").place == ("h", 7687)
    assert Neo4jUrl.parse("bolt://[::1]:7688").uri == "bolt://[::1]:7688"
    assert Neo4jUrl.parse("bolt://under_score:1").port == 1
    assert Neo4jUrl.parse("bolt://h:").port is None
    assert Neo4jUrl.parse("bolt://h?database=a%20%26b").database == "a &b"
    assert Neo4jUrl.parse("bolt://h?database=").database is None


def test_protection_grows_from_plain_to_checked() -> None:
    found = [Neo4jUrl.parse(f"{scheme}://h").protection for scheme in ("bolt", "neo4j", "bolt+ssc", "neo4j+ssc")]
    assert [*found, Neo4jUrl.parse("bolt+s://h").protection] == [0, 0, 1, 1, 2]


MALFORMED = [
    ("bolt://", "no host"),
    ("bolt://:7687", "no host"),
    ("bolt://[::1", "does not consist of a host and a port"),
    ("bolt://::1", "does not consist of a host and a port"),
    ("bolt://[host]", "no host"),
    ("bolt://a..b", "no host"),
    (f"bolt://{'a' * 64}.org", "no host"),
    (f"bolt://{'a.' * 200}org", "no host"),
    ("bolt://h\0", "no host"),
    ("bolt://h\n", "no host"),
    ("bolt://h\x1b[31m", "does not consist of"),
    ("bolt://\ud800", "no host"),
    (" bolt://h", "begins with none of"),
    ("bolt://h:0", "not a number from 1 to 65535"),
    ("bolt://h:65536", "not a number from 1 to 65535"),
    ("bolt://h:-1", "not a number from 1 to 65535"),
    ("bolt://h:7６87", "not a number from 1 to 65535"),
    ("bolt://h:port", "not a number from 1 to 65535"),
    ("bolt://h/films", "does not consist of"),
    ("bolt://h#films", "does not consist of"),
    ("bolt://h?db=films", "other than ?database=NAME"),
    ("bolt://h?database=a&database=b", "other than ?database=NAME"),
    ("bolt://h?database=%00", "other than ?database=NAME"),
    ("bolt://h?database=%ff", "other than ?database=NAME"),
    ("h:7687", "begins with none of"),
    ("bolt:h", "begins with none of"),
    ("bolt://neo4j@h", "credentials"),
    ("", "begins with none of"),
]


@pytest.mark.parametrize(("url", "said"), MALFORMED)
def test_what_is_no_url_says_why_and_how_to_write_one(url: str, said: str) -> None:
    with pytest.raises(MalformedUrl, match="write SCHEME://HOST:PORT") as caught:
        Neo4jUrl.parse(url)
    assert said in str(caught.value)
