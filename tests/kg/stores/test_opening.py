"""Opening stores by path and URL, and that every store that can be opened is put to the contract."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from kg.neo4j_url import NEO4J_SCHEMES, MalformedUrl, Neo4jUrl
from kg.opening import STORES, UnknownScheme, open_store, path_of, scheme_of
from kg.stores import StoreError, StoreNotFound
from tests.kg.test_neo4j_url import MALFORMED, PLACES
from whypath.testing import EventContract, GraphStoreContract, ReadContract


def test_every_store_has_a_contract_test() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(f"{__package__}.{path.stem}")
    # A view of somebody else's graph cannot be loaded into, so it is put to the other parts of the contract.
    tested = {
        each.kind for part in (EventContract, ReadContract) for each in part.__subclasses__() if "kind" in vars(each)
    }
    loaded = {each.kind for each in GraphStoreContract.__subclasses__()}
    assert {kind.name for kind in STORES} - loaded == {"graph view"}
    tested |= loaded
    assert {kind.name for kind in STORES} == tested


def test_a_path_and_its_url_name_the_same_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "a store ü"
    open_store(directory, create=True).close()
    store = open_store(directory.as_uri())
    assert store.url == directory.as_uri()
    store.close()
    monkeypatch.chdir(tmp_path)
    for text in ("a store ü", "file:a%20store%20%C3%BC", f"file://localhost{directory.as_posix()}"):
        open_store(text).close()


def test_schemes() -> None:
    assert scheme_of("store") == scheme_of("/data/store") == scheme_of("C:\\data\\store") == "file"
    assert scheme_of("bolt://host:7687") == "bolt"
    assert scheme_of("neo4j") == "neo4j"
    assert scheme_of("./neo4j") == scheme_of("neo4j/") == "file"
    assert path_of("file:///data/s") == Path("/data/s")
    with pytest.raises(UnknownScheme, match="names no host"):
        path_of("file://data/store")


@pytest.mark.parametrize("url", ["bolt://localhost:7687", "neo4j+s://host", "neo4j"])
def test_a_store_that_is_not_installed_names_its_extra(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neo4j", None)
    with pytest.raises(UnknownScheme, match=r"whypath\[neo4j\]"):
        open_store(url)


def test_an_unknown_scheme_says_what_there_is() -> None:
    with pytest.raises(UnknownScheme, match="file:"):
        open_store("redis://host")
    with pytest.raises(UnknownScheme, match="redis") as caught:
        open_store("redis://somebody:s3cr3t@host")
    assert "s3cr3t" not in str(caught.value)


@given(
    secret=st.text(min_size=4, max_size=30),
    place=st.sampled_from(
        (
            *(place for place in PLACES if not place.startswith("{}")),
            "bo_lt://neo4j:{}@host",
            "bo_lt:neo4j:{}@host",
            "bolt :neo4j:{}@host",
            "//neo4j:{}@host",
            "//neo4j:{}@host/domain.yaml",
            "file://neo4j:{}@host/store",
            "file://{}/store",
        )
    ),
)
def test_no_error_repeats_a_secret_of_a_url(secret: str, place: str) -> None:
    url = place.format(secret)
    try:
        Neo4jUrl.parse(url)
        reject()
    except MalformedUrl:
        pass
    with pytest.raises(StoreError) as caught:
        open_store(url)
    said = f"{caught.value} {caught.value!r}"
    assert secret not in said or any(secret in text for text in fixed_texts())


@cache
def fixed_texts() -> frozenset[str]:
    """What errors say of URLs without a secret."""
    found = set[str]()
    for url in (
        *(url for url, _ in MALFORMED if ":" in url),
        "blot://h",
        "bl_ot://h",
        "us:a@h",
        "file://h",
        "\0",
        "x:y",
    ):
        for each in {url, *(url.replace("bolt", scheme) for scheme in NEO4J_SCHEMES)}:
            with pytest.raises(StoreError) as caught:
                open_store(each)
            found.add(f"{caught.value} {caught.value!r}")
    return frozenset(found)


def test_paths_that_no_system_has() -> None:
    for text in ("store\0", "\ud800", "a\0.yaml", "file:a%00b", "file://[::1"):
        with pytest.raises(UnknownScheme, match=r"NUL"):
            open_store(text)
    assert scheme_of("./a:b@c") == "file"
    with pytest.raises(StoreNotFound, match="a:b@c"):
        open_store("./a:b@c")
