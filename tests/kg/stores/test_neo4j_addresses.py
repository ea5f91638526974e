"""Where a Neo4j is and who asks: URLs, environment, `.env` files; no password in anything that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.stores import StoreError, open_store
from kg.stores.neo4j.address import Address, BadAddress, Credentials, address_of, credentials_of, read_settings
from kg.stores.neo4j.connection import check_version
from kg.stores.opening import NEO4J_SCHEMES

SECRET = "s3cr3t!"


@pytest.mark.parametrize("scheme", NEO4J_SCHEMES)
def test_every_scheme_of_the_driver(scheme: str) -> None:
    address = address_of(f"{scheme}://host:7687", {})
    assert address == Address(f"{scheme}://host:7687", None)
    assert address_of(address.url, {}) == address


def test_the_database_is_in_the_url_or_the_environment() -> None:
    assert address_of("bolt://host?database=films", {}).database == "films"
    assert address_of("bolt://host", {"NEO4J_DATABASE": "films"}).database == "films"
    both = address_of("bolt://host?database=books", {"NEO4J_DATABASE": "films"})
    assert both.database == "books"
    assert both.url == "bolt://host?database=books"
    assert address_of("bolt://[::1]:7687", {}).uri == "bolt://[::1]:7687"


def test_the_word_alone_is_the_server_of_the_environment() -> None:
    assert address_of("neo4j", {"NEO4J_URI": "neo4j+s://abc.example.org"}).uri == "neo4j+s://abc.example.org"
    with pytest.raises(BadAddress, match="NEO4J_URI"):
        address_of("neo4j", {})


@pytest.mark.parametrize(
    "url",
    [
        f"bolt://neo4j:{SECRET}@host:7687",
        f"neo4j+s://:{SECRET}@host",
        f"bolt://{SECRET}@h",
        f"bolt:neo4j:{SECRET}@h",
        f"bolt://neo4j:/{SECRET}@h",
        f"bolt://neo4j:{SECRET}/more@h",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadAddress, match="NEO4J_PASSWORD") as caught:
        open_store(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url", ["bolt://", "bolt://host/films", "bolt://host?db=films", "bolt://host:port", "bolt://h#x"]
)
def test_other_urls_say_how_to_write_one(url: str) -> None:
    with pytest.raises(BadAddress, match="write"):
        address_of(url, {})


def test_credentials_come_from_the_environment_first(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\n"
        "export NEO4J_URI='bolt://from-file:7687'\n"
        'NEO4J_USERNAME="somebody"\n'
        f"NEO4J_PASSWORD={SECRET}=\n"
        "OTHER=x\n"
        "NEO4J_DATABASE=\n"
    )
    settings = read_settings({}, tmp_path)
    assert settings["NEO4J_URI"] == "bolt://from-file:7687"
    assert credentials_of(settings) == Credentials("somebody", f"{SECRET}=")
    assert "OTHER" not in settings
    assert "NEO4J_DATABASE" not in settings
    (tmp_path / "password").write_text("from its own file\n")
    own = {"NEO4J_PASSWORD_FILE": str(tmp_path / "password"), "NEO4J_URI": "bolt://from-environment"}
    settings = read_settings(own, tmp_path)
    assert settings["NEO4J_URI"] == "bolt://from-environment"
    # The password of the file belongs to another server than the environment's password file.
    assert credentials_of(settings) == Credentials("somebody", "from its own file")


def test_without_a_password_nobody_asks(tmp_path: Path) -> None:
    assert credentials_of(read_settings({}, tmp_path)) is None
    assert credentials_of({"NEO4J_PASSWORD": SECRET}) == Credentials("neo4j", SECRET)


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadAddress, match=r"NEO4J_PASSWORD_FILE .*nowhere"):
        credentials_of({"NEO4J_PASSWORD_FILE": str(tmp_path / "nowhere")})
    (tmp_path / ".env").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BadAddress, match=r"\.env cannot be read"):
        read_settings({}, tmp_path)


@pytest.mark.parametrize("agent", ["Neo4j/4.4.30", "Neo4j/5.9.0", "Neo4j/5.22.0"])
def test_servers_that_are_too_old_are_refused(agent: str) -> None:
    with pytest.raises(StoreError, match=r"5\.23 or later"):
        check_version("bolt://host", agent)


@pytest.mark.parametrize("agent", ["Neo4j/5.23.0", "Neo4j/5.26.30", "Neo4j/2025.10.1", "Neo4j/5.27-aura", "Other/1.0"])
def test_other_servers_are_tried(agent: str) -> None:
    check_version("bolt://host", agent)


def test_credentials_are_not_shown() -> None:
    assert SECRET not in repr(Credentials("neo4j", SECRET))


@pytest.mark.parametrize("scheme", NEO4J_SCHEMES)
def test_a_server_that_is_not_there(scheme: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", SECRET)
    # Port 9 is discard: nothing listens there.
    with pytest.raises(StoreError, match="is the server running") as caught:
        open_store(f"{scheme}://127.0.0.1:9")
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
