"""Who gets the credentials: the server in NEO4J_URI of the same place, or of a URL that was typed; nobody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from kg.opening import open_store
from kg.stores import StoreDenied, StoreError
from kg.stores.neo4j import access as access_module
from kg.stores.neo4j.access import _decided, access_to, is_trusted
from kg.stores.neo4j.address import Address, BadAddress, Credentials
from kg.stores.neo4j.settings import Settings
from tests.bolt_listener import BoltListener

OWN, OTHER = "of-the-environment", "of-the-file"
DOMAIN = """\
name: shop
graph: {{uri: '{uri}'}}
nodes:
  item: {{role: item, labels: Item, key: id}}
  user: {{role: user, labels: User, key: id}}
interactions:
  bought: {{relationship: BOUGHT}}
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A working folder, and an environment that says nothing of a server."""
    for name in [name for name in os.environ if name.startswith("NEO4J_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def set_environment(patch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        patch.setenv(f"NEO4J_{name}", value)


def write_env(**variables: str) -> None:
    Path(".env").write_text("".join(f"NEO4J_{name}={value}\n" for name, value in variables.items()))


def describe(uri: str) -> None:
    Path("domain.yaml").write_text(DOMAIN.format(uri=uri))


def attempt(store: str) -> str:
    """What a connection ends with; the listener denies everybody."""
    with pytest.raises(StoreError) as caught:
        open_store(store).snapshot()
    assert OWN not in str(caught.value)
    assert OTHER not in str(caught.value)
    return "denied" if isinstance(caught.value, StoreDenied) else str(caught.value)


@pytest.mark.parametrize("store", ["neo4j", "domain.yaml"])
@pytest.mark.parametrize("uri", ["own", "neo4j"])
def test_a_file_of_the_working_folder_does_not_get_the_password_of_the_environment(
    store: str, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BoltListener() as listener:
        set_environment(monkeypatch, PASSWORD=OWN)
        write_env(URI=listener.uri)
        describe(listener.uri if uri == "own" else uri)
        said = attempt(store)
    assert "NEO4J_PASSWORD is in the environment, and NEO4J_URI is in " in said
    assert f"set NEO4J_URI={listener.uri} in the environment too" in said
    assert not listener.heard


@pytest.mark.parametrize("store", ["neo4j", "domain.yaml"])
def test_a_server_of_the_environment_does_not_get_the_password_of_a_file(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BoltListener() as listener:
        set_environment(monkeypatch, URI=listener.uri)
        write_env(PASSWORD=OTHER)
        describe(listener.uri)
        said = attempt(store)
    assert "NEO4J_PASSWORD is in " in said
    assert "NEO4J_URI is in the environment" in said
    assert "set NEO4J_PASSWORD in the environment too, or take it out of " in said
    assert not listener.heard


def test_a_description_alone_names_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with BoltListener() as listener, BoltListener() as trusted:
        describe(listener.uri)
        assert f"set NEO4J_URI={listener.uri}" in attempt("domain.yaml")
        set_environment(monkeypatch, PASSWORD=OWN)
        assert "NEO4J_URI names no server" in attempt("domain.yaml")
        set_environment(monkeypatch, URI=trusted.uri)
        write_env(URI=trusted.uri, PASSWORD=OTHER)
        said = attempt("domain.yaml")
    assert said.startswith("domain.yaml: the graph is at ")
    assert f"{trusted.uri} in the environment and {trusted.uri} in " in said
    assert not listener.heard
    assert not trusted.heard


def test_a_typed_url_gets_the_password_of_either_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with BoltListener() as listener:
        set_environment(monkeypatch, PASSWORD=OWN)
        assert attempt(listener.uri) == "denied"
    assert listener.was_told(OWN)
    monkeypatch.delenv("NEO4J_PASSWORD")
    with BoltListener() as listener:
        write_env(PASSWORD=OTHER)
        assert attempt(listener.uri) == "denied"
    assert listener.was_told(OTHER)
    # Also where NEO4J_URI names another server, or this one beside no password.
    set_environment(monkeypatch, PASSWORD=OWN)
    with BoltListener() as listener:
        write_env(URI=listener.uri)
        assert attempt(listener.uri) == "denied"
    assert listener.was_told(OWN)


@pytest.mark.parametrize("store", ["neo4j", "domain.yaml"])
def test_the_pair_of_the_environment_wins_as_a_whole(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with BoltListener() as own, BoltListener() as other:
        set_environment(monkeypatch, URI=own.uri, PASSWORD=OWN)
        write_env(URI=other.uri, PASSWORD=OTHER, USERNAME="somebody")
        describe("neo4j")
        assert attempt(store) == "denied"
    assert own.was_told(OWN)
    assert not own.was_told(OTHER)
    assert not own.was_told("somebody")
    assert not other.heard


def test_a_described_server_gets_the_credentials_of_the_place_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with BoltListener() as own, BoltListener() as other:
        set_environment(monkeypatch, URI=own.uri, PASSWORD=OWN)
        write_env(URI=other.uri, PASSWORD=OTHER, USERNAME="somebody")
        describe(own.uri.replace("bolt", "neo4j"))
        assert attempt("domain.yaml") == "denied"
        describe(other.uri)
        assert attempt("domain.yaml") == "denied"
    assert own.was_told(OWN)
    assert not own.was_told(OTHER)
    assert other.was_told(OTHER)
    assert other.was_told("somebody")
    assert not other.was_told(OWN)


@pytest.mark.parametrize(
    ("trusted", "described", "is_same"),
    [
        ("bolt://db.example.org", "bolt://DB.Example.org:7687", True),
        ("bolt://DB.example.org:7687", "neo4j://db.example.org", True),
        ("bolt://[::1]:7687", "bolt://[::1]", True),
        ("bolt://db.example.org", "bolt+s://db.example.org", True),
        ("neo4j+ssc://db.example.org", "bolt+s://db.example.org", True),
        ("neo4j+s://db.example.org", "bolt+s://db.example.org", True),
        ("bolt+s://db.example.org", "bolt://db.example.org", False),
        ("bolt+s://db.example.org", "neo4j+ssc://db.example.org", False),
        ("neo4j+ssc://db.example.org", "neo4j://db.example.org", False),
        ("bolt://db.example.org:7688", "bolt://db.example.org", False),
        ("bolt://db.example.org", "bolt://db.example.org.", False),
        ("bolt://db.example.org", "bolt://db.example.org.evil.example", False),
        ("bolt://localhost", "bolt://127.0.0.1", False),
    ],
)
def test_which_described_server_is_the_trusted_one(
    trusted: str, described: str, is_same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, URI=trusted, PASSWORD=OWN)
    assert is_trusted(described) == is_same
    if is_same:
        found = access_to(described, described_in="domain.yaml")
        assert found.credentials == Credentials("neo4j", OWN)
        assert found.address.uri.partition("://")[0] == described.partition("://")[0]
    else:
        with pytest.raises(BadAddress, match=r"domain\.yaml: the graph is "):
            access_to(described, described_in="domain.yaml")


def test_less_protection_than_the_trusted_server_has_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, URI="neo4j+s://host:7688", PASSWORD=OWN)
    with pytest.raises(
        BadAddress, match=r"protects less .*\(neo4j\+s://host:7688\); write `uri: neo4j\+s://host:7688`"
    ):
        access_to("bolt://HOST:7688", described_in="domain.yaml")
    # The file's own pair asks for no encryption, and may go over any line.
    write_env(URI="bolt://host:7688", PASSWORD=OTHER)
    assert access_to("bolt://host:7688", described_in="d").credentials == Credentials("neo4j", OTHER)


def test_a_user_or_a_database_elsewhere_is_not_mixed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, URI="bolt://host", PASSWORD=OWN)
    for name in ("USERNAME", "DATABASE"):
        write_env(**{name: "films"})
        for url in ("neo4j", "bolt://host", "bolt://elsewhere"):
            with pytest.raises(
                BadAddress, match=f"NEO4J_{name} is in .*, and NEO4J_(URI|PASSWORD) is in the environment"
            ):
                access_to(url)
    # What the URL itself says needs no place.
    assert access_to("bolt://host?database=books").address.database == "books"
    assert access_to("neo4j", database="books").address.database == "books"
    # What belongs to another server, or is whole, is passed over.
    write_env(URI="bolt://other", DATABASE="films", USERNAME="somebody")
    assert access_to("neo4j").address == Address("bolt://host", None)
    write_env(USERNAME="somebody", PASSWORD=OTHER)
    assert access_to("neo4j").credentials == Credentials("neo4j", OWN)


def test_a_malformed_server_is_said_where_it_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, URI=f"bolt://neo4j:{OWN}")
    with pytest.raises(BadAddress, match="NEO4J_URI in the environment: the port") as caught:
        access_to("neo4j")
    assert OWN not in str(caught.value)
    with pytest.raises(BadAddress, match="NEO4J_URI names no server"):
        access_to("bolt://host", described_in="d")
    assert access_to("bolt://host").credentials is None


URLS = ("bolt://a", "bolt+s://a", "neo4j://b", "bolt+ssc://b:7687")
SAID = st.fixed_dictionaries(
    {},
    optional={
        "NEO4J_URI": st.sampled_from((*URLS, "bolt://x:y")),
        "NEO4J_USERNAME": st.just("user"),
        "NEO4J_PASSWORD": st.just("password"),
        "NEO4J_DATABASE": st.just("database"),
    },
)


@given(
    environment=SAID,
    file=SAID,
    url=st.sampled_from(("neo4j", *URLS)),
    is_described=st.booleans(),
)
def test_what_a_connection_is_made_of_is_never_mixed(
    environment: dict[str, str], file: dict[str, str], url: str, is_described: bool
) -> None:
    def of(place: str, variables: dict[str, str]) -> Settings:
        return Settings(place, {k: v if k == "NEO4J_URI" else f"{v} of {place}" for k, v in variables.items()})

    places = {"environment": of("environment", environment), "file": of("file", file)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access_module, "read_settings", lambda: tuple(places.values()))
        try:
            found = access_to(url, described_in="a description" if is_described else None)
        except BadAddress:
            reject()
    target, settings = _decided(url, tuple(places.values()), None, "a description" if is_described else None)
    values = [found.address.database, *(vars(found.credentials).values() if found.credentials else ())]
    assert {value.rpartition(" of ")[2] for value in values if value and " of " in value} <= {settings.place}
    assert target.uri == found.address.uri
    if is_described or url == "neo4j":
        server = settings.server
        assert server is not None
        assert (server.place, server.protection <= target.protection) == (target.place, True)
    elif environment.get("NEO4J_PASSWORD") or file.get("NEO4J_PASSWORD"):
        assert found.credentials is not None
