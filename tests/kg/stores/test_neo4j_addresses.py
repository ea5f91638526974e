"""URLs of stores in Neo4j, and settings of a server: environment, `.env`, password files; what may not be read."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from kg.neo4j_url import NEO4J_SCHEMES
from kg.opening import open_store
from kg.stores import StoreError
from kg.stores.neo4j.access import access_to
from kg.stores.neo4j.address import Access, Address, BadAddress, Credentials
from kg.stores.neo4j.connection import check_version
from kg.stores.neo4j.settings import LARGEST_FILE, read_settings

SECRET = "s3cr3t!"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the environment nor the working folder says anything of a server."""
    for name in [name for name in os.environ if name.startswith("NEO4J_")]:
        monkeypatch.delenv(name)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def write_env(**variables: str) -> None:
    """The `.env` of the working folder."""
    Path(".env").write_text("".join(f"NEO4J_{name}={value}\n" for name, value in variables.items()))


@pytest.mark.parametrize("scheme", NEO4J_SCHEMES)
def test_every_scheme_of_the_driver(scheme: str) -> None:
    access = access_to(f"{scheme}://host:7687")
    assert access == Access(Address(f"{scheme}://host:7687", None), None)
    assert access_to(access.address.url) == access


def test_the_database_is_in_the_url_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert access_to("bolt://host?database=films").address.database == "films"
    monkeypatch.setenv("NEO4J_DATABASE", "films")
    assert access_to("bolt://host").address.database == "films"
    both = access_to("bolt://host?database=books").address
    assert both.database == "books"
    assert both.url == "bolt://host?database=books"
    assert access_to("bolt://[::1]:7687").address.uri == "bolt://[::1]:7687"
    monkeypatch.setenv("NEO4J_DATABASE", "a/b c&d")
    assert access_to(access_to("bolt://host").address.url).address.database == "a/b c&d"
    monkeypatch.setenv("NEO4J_DATABASE", "films\x1b[31m")
    with pytest.raises(BadAddress, match="NEO4J_DATABASE in the environment is no name of a database"):
        access_to("bolt://host")


def test_the_word_alone_is_the_server_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadAddress, match="NEO4J_URI"):
        access_to("neo4j")
    monkeypatch.setenv("NEO4J_URI", "neo4j+s://abc.example.org?database=films")
    assert access_to("neo4j").address == Address("neo4j+s://abc.example.org", "films")
    assert access_to("neo4j", database="books").address == Address("neo4j+s://abc.example.org", "books")
    monkeypatch.setenv("NEO4J_URI", f"bolt://neo4j:{SECRET}@host")
    with pytest.raises(BadAddress, match=r"NEO4J_URI in the environment: .* credentials") as caught:
        access_to("neo4j")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"bolt://neo4j:{SECRET}@host:7687",
        f"neo4j+s://:{SECRET}@host",
        f"bolt://{SECRET}@h",
        f"bolt:neo4j:{SECRET}@h",
        f"bolt://neo4j:/{SECRET}@h",
        f"bolt://neo4j:{SECRET}/more@h",
        f"bolt://neo4j:{SECRET}%40host",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadAddress, match="NEO4J_PASSWORD") as caught:
        open_store(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_file_of_the_working_folder(tmp_path: Path) -> None:
    Path(".env").write_text(
        "# a comment\n"
        "export NEO4J_URI='bolt://from-file:7687'\n"
        'NEO4J_USERNAME="somebody"\n'
        f"NEO4J_PASSWORD={SECRET}=\r\n"
        "OTHER=x\n"
        "NEO4J_DATABASE=\n"
    )
    assert access_to("neo4j") == Access(Address("bolt://from-file:7687", None), Credentials("somebody", f"{SECRET}="))
    environment, file = read_settings({"NEO4J_PASSWORD": "", "NEO4J_URI": "bolt://h", "HOME": "/root"}, tmp_path)
    assert environment.variables == {"NEO4J_URI": "bolt://h"}
    assert file.variables == {}


def test_without_a_password_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert access_to("bolt://host").credentials is None
    monkeypatch.setenv("NEO4J_PASSWORD", SECRET)
    assert access_to("bolt://host").credentials == Credentials("neo4j", SECRET)


def test_a_password_file_of_the_environment_lies_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(BadAddress, match=r"NEO4J_PASSWORD_FILE .*nowhere.* cannot be read: FileNotFoundError"):
        access_to("bolt://host")
    (tmp_path / "password").write_text(f"{SECRET}\r\n")
    (tmp_path / "link").symlink_to(tmp_path / "password")
    monkeypatch.setenv("NEO4J_PASSWORD_FILE", str(tmp_path / "link"))
    assert access_to("bolt://host").credentials == Credentials("neo4j", SECRET)
    # As `<(a program that knows the password)` makes one.
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setenv("NEO4J_PASSWORD_FILE", str(tmp_path / "fifo"))
    writing = threading.Thread(target=(tmp_path / "fifo").write_text, args=(f"{SECRET}\n",))
    writing.start()
    assert access_to("bolt://host").credentials == Credentials("neo4j", SECRET)
    writing.join()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "cannot be read: UnicodeDecodeError"),
        (b"x" * (LARGEST_FILE + 1), "cannot be read: it has more than 65,536 bytes"),
        (b"-----BEGIN\nPRIVATE KEY\n", "has more than one line"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_what_is_no_password_file(content: bytes, said: str, in_file: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("password").write_bytes(content)
    if in_file:
        write_env(URI="bolt://host", PASSWORD_FILE="password")
    else:
        monkeypatch.setenv("NEO4J_PASSWORD_FILE", "password")
    with pytest.raises(BadAddress, match=r"NEO4J_PASSWORD_FILE \(password\) in ") as caught:
        access_to("bolt://host")
    assert said in str(caught.value)
    assert "PRIVATE" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_password_file_that_the_working_folder_names_lies_in_it(tmp_path: Path) -> None:
    """Else a stranger's `.env` would have any file of the user sent to the server that it names."""
    outside = tmp_path / "id_rsa"
    outside.write_text(SECRET)
    Path("inside").mkdir()
    Path("inside/password").write_text(SECRET)
    Path("link").symlink_to(outside)
    Path("folder").symlink_to(tmp_path)
    Path("password").write_text("beside\n")
    for name in (str(outside), "../id_rsa", "link", "folder/id_rsa", "inside/password", "inside/../../id_rsa", ".."):
        write_env(URI="bolt://host", PASSWORD_FILE=name)
        with pytest.raises(BadAddress, match="may name only a file in its own folder"):
            access_to("neo4j")
    for name in ("password", "./password", "inside/../password", str(Path("password").resolve())):
        write_env(URI="bolt://host", PASSWORD_FILE=name)
        assert access_to("neo4j").credentials == Credentials("neo4j", "beside")
    os.mkfifo("fifo")
    write_env(URI="bolt://host", PASSWORD_FILE="fifo")
    with pytest.raises(BadAddress, match="no regular file"):
        access_to("neo4j")
    for name in ("pass\0word", "inside", "absent"):
        write_env(URI="bolt://host", PASSWORD_FILE=name)
        with pytest.raises(BadAddress, match=r"NEO4J_PASSWORD_FILE .* cannot be read"):
            access_to("neo4j")


def test_a_settings_file_is_regular_and_small() -> None:
    file = Path(".env")
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BadAddress, match=r"\.env cannot be read: UnicodeDecodeError"):
        access_to("bolt://host")
    file.write_text("#" * (LARGEST_FILE + 1))
    with pytest.raises(BadAddress, match=r"\.env cannot be read: it has more than 65,536 bytes"):
        access_to("bolt://host")
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(BadAddress, match=r"\.env cannot be read: it is no regular file"):
        access_to("bolt://host")
    file.unlink()
    file.symlink_to("/dev/zero")
    with pytest.raises(BadAddress, match=r"\.env cannot be read: it is no regular file"):
        access_to("bolt://host")
    file.unlink()
    file.mkdir()  # a virtual environment
    assert access_to("bolt://host").credentials is None


def test_credentials_that_are_no_text_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", f"{SECRET}\udcff")
    with pytest.raises(BadAddress, match="must be UTF-8") as caught:
        access_to("bolt://host")
    assert SECRET not in repr(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("agent", ["Neo4j/4.4.30", "Neo4j/5.9.0", "Neo4j/5.22.0"])
def test_servers_that_are_too_old_are_refused(agent: str) -> None:
    with pytest.raises(StoreError, match=r"5\.23 or later"):
        check_version("bolt://host", agent)


@pytest.mark.parametrize("agent", ["Neo4j/5.23.0", "Neo4j/5.26.30", "Neo4j/2025.10.1", "Neo4j/5.27-aura", "Other/1.0"])
def test_other_servers_are_tried(agent: str) -> None:
    check_version("bolt://host", agent)


def test_credentials_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", SECRET)
    assert SECRET not in repr(access_to("bolt://host"))
    assert SECRET not in repr(read_settings())


@pytest.mark.parametrize("scheme", NEO4J_SCHEMES)
def test_a_server_that_is_not_there(scheme: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", SECRET)
    # Port 9 is discard: nothing listens there.
    with pytest.raises(StoreError, match="is the server running") as caught:
        open_store(f"{scheme}://127.0.0.1:9")
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
