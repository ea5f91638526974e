"""Where the files of a description may lie and what they may be; all readers open them in one place."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kg.ingest import load_domain
from kg.opening import open_store
from kg.regular_files import NotRegular, open_regular
from kg.schema import DomainSchema, IdMap, SourceSpec
from kg.sources import SourceError, open_source, read_id_map
from kg.sources.guess import guess_domain
from kg.sources.opening import located
from kg.stores import GraphStore

FORMATS = [
    {"file": "t.csv"},
    {"file": "t.csv", "columns": ["a", "b"]},
    {"file": "t.tsv"},
    {"file": "t.item"},
    {"file": "t.jsonl"},
    {"file": "t.nt"},
    {"file": "t.ttl"},
    {"file": "t.parquet"},
    {"file": "t.kg", "format": "triples", "separator": ","},
]


def spec(options: dict[str, Any], file: str) -> SourceSpec:
    """The same format for a file of any name."""
    told = SourceSpec.model_validate(options)
    return SourceSpec.model_validate({**options, "file": file, "format": str(told.resolved_format)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A description's folder with a file of each format beside and in it."""
    for place in (tmp_path, tmp_path / "domain"):
        place.mkdir(exist_ok=True)
        for name, content in (
            ("t.csv", "a,b\n1,2\n"),
            ("t.tsv", "a\tb\n1\t2\n"),
            ("t.item", "a:token\tb:token\n1\t2\n"),
            ("t.jsonl", '{"a": 1}\n'),
            ("t.nt", "<http://a> <http://b> <http://c> .\n"),
            ("t.ttl", "<http://a> <http://b> <http://c> .\n"),
            ("t.kg", "a,r,b\n"),
        ):
            (place / name).write_text(content)
        pq.write_table(pa.table({"a": [1]}), place / "t.parquet")
    return tmp_path / "domain"


@pytest.mark.parametrize("options", FORMATS, ids=str)
def test_a_source_outside_the_folder_is_read_only_where_that_is_allowed(folder: Path, options: dict[str, Any]) -> None:
    name = options["file"]
    (folder / "inner").mkdir()
    (folder / "inner" / "link").symlink_to(folder.parent / name)
    (folder / "within").symlink_to(folder / name)
    for file in (f"../{name}", str(folder.parent / name), "inner/link", f"inner/../../{name}"):
        with pytest.raises(SourceError) as caught:
            open_source(spec(options, file), folder)
        assert file in str(caught.value)
        assert f"--allow-outside {folder.parent}" in str(caught.value)
        for allowed in (folder.parent, folder.parent / name, str(folder.parent / "domain" / "..")):
            assert any(open_source(spec(options, file), folder, allow_outside=[allowed]))
    for file in (name, f"inner/../{name}", "within", str(folder / name)):
        assert any(open_source(spec(options, file), folder))


@pytest.mark.parametrize("options", FORMATS, ids=str)
def test_what_is_no_regular_file_is_an_error_at_once(folder: Path, options: dict[str, Any]) -> None:
    os.mkfifo(folder / "pipe")
    for file, expected in (("pipe", "this is a pipe"), ("/dev/zero", "this is a device"), ("inner", "is a folder")):
        (folder / "inner").mkdir(exist_ok=True)
        with pytest.raises(SourceError, match=expected):
            list(open_source(spec(options, file), folder, allow_outside=["/dev"]))


@pytest.mark.parametrize("options", FORMATS, ids=str)
@pytest.mark.parametrize("file", ["a\0b", "a\ud800", "x" * 5000, "loop", "s3://bucket/t.parquet", "http://localhost/t"])
def test_names_that_no_file_can_have(folder: Path, options: dict[str, Any], file: str) -> None:
    (folder / "loop").symlink_to(folder / "loop")
    with pytest.raises(SourceError):
        list(open_source(spec(options, file), folder))


def test_an_address_is_a_path_for_parquet_too(folder: Path) -> None:
    place = folder / "file:" / folder.relative_to("/")
    place.mkdir(parents=True)
    pq.write_table(pa.table({"here": [1]}), place / "t.parquet")
    reader = open_source(SourceSpec(file=f"file://{folder}/t.parquet"), folder)
    assert reader.columns == ("here",)


def test_an_item_map_is_held_to_the_same_folders(folder: Path) -> None:
    id_map = IdMap(file="../t.csv", item="a", entity="b")
    with pytest.raises(SourceError, match="--allow-outside"):
        read_id_map(id_map, folder)
    assert read_id_map(id_map, folder, allow_outside=[folder.parent]) == {"2": "1"}


def test_a_place_is_judged_by_names_alone(folder: Path) -> None:
    with pytest.raises(SourceError, match="is outside"):
        located("../absent.csv", "t", folder)
    # A folder that is only named alike is another.
    (folder.parent / "domains").mkdir()
    with pytest.raises(SourceError, match="is outside"):
        located("../domains/t.csv", "t", folder)


DOMAIN = """
nodes:
  item: {role: item, source: %s, key: a}
  user: {role: user}
relations:
  with: {source: {file: t.kg, format: triples, separator: ",", map: %s}, head: item, tail: item}
interactions:
  seen: {source: t.csv, columns: {user: o.a, item: b}, via: {o: {source: %s, key: b}}}
"""
OWN_MAP = "{file: t.csv, item: a, entity: b}"


@pytest.mark.parametrize(
    "text",
    [
        DOMAIN % ("../t.csv", OWN_MAP, "t.csv"),
        DOMAIN % ("t.csv", "{file: ../t.csv, item: a, entity: b}", "t.csv"),
        DOMAIN % ("t.csv", OWN_MAP, "../t.csv"),
        DOMAIN % ("[t.csv, {file: ../t.parquet}]", OWN_MAP, "t.csv"),
    ],
)
def test_a_load_is_held_to_the_description_s_folder(folder: Path, text: str) -> None:
    store = open_store(folder / "store", create=True)
    (folder / "domain.yaml").write_text(text)
    schema = DomainSchema.from_yaml(text)
    try:
        for source, more in ((folder / "domain.yaml", {}), (schema, {"folder": folder})):
            with pytest.raises(SourceError, match="is outside the description's folder"):
                load_domain(source, store, **more)  # pyright: ignore[reportArgumentType]
            assert store.state().generation == 0
            report = load_domain(source, store, allow_outside=[folder.parent], **more)  # pyright: ignore
            assert report.nodes.new + report.nodes.same > 0
            store.close()
            store = open_store(folder / f"store{len(more)}", create=True)
    finally:
        store.close()


def test_a_pipe_in_the_place_of_a_file_does_not_hold_a_load(folder: Path, store: GraphStore) -> None:
    (folder / "domain.yaml").write_text(DOMAIN % ("t.csv", OWN_MAP, "t.csv"))
    (folder / "t.csv").unlink()
    os.mkfifo(folder / "t.csv")
    with pytest.raises(SourceError, match="this is a pipe"):
        load_domain(folder / "domain.yaml", store)
    with pytest.raises(SourceError, match="this is a pipe"):
        guess_domain([folder / "t.csv"], folder)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path / "store", create=True)
    yield opened
    opened.close()


def test_a_guess_reads_what_it_is_given_and_says_what_a_load_needs(tmp_path: Path) -> None:
    for place in ("data", "data/deep", "more data", "own"):
        (tmp_path / place).mkdir()
    (tmp_path / "data" / "films.csv").write_text("film_id,title\n" + "".join(f"f{n},Film {n}\n" for n in range(30)))
    (tmp_path / "data" / "deep" / "users.csv").write_text("user_id\n" + "".join(f"u{n}\n" for n in range(9)))
    ratings = "user_id,film_id,rating\n" + "".join(f"u{n % 9},f{n % 30},{1 + n % 5}\n" for n in range(90))
    (tmp_path / "more data" / "ratings.csv").write_text(ratings)
    (tmp_path / "own" / "ratings.csv").symlink_to(tmp_path / "more data" / "ratings.csv")
    files = [tmp_path / "data/films.csv", tmp_path / "data/deep/users.csv", tmp_path / "own" / "ratings.csv"]
    guess = guess_domain(files, tmp_path / "own")
    assert guess.outside == (tmp_path / "data", tmp_path / "more data")
    flags = f"--allow-outside {tmp_path}/data --allow-outside '{tmp_path}/more data'"
    assert f"#   some files are not in this folder: `whypath load` needs {flags}\n" in guess.to_yaml()
    (tmp_path / "own" / "domain.yaml").write_text(guess.to_yaml())
    store = open_store(tmp_path / "store", create=True)
    with pytest.raises(SourceError, match="is outside"):
        load_domain(tmp_path / "own" / "domain.yaml", store)
    assert load_domain(tmp_path / "own" / "domain.yaml", store, allow_outside=guess.outside).n_bad == 0
    store.close()
    assert guess_domain(files, tmp_path).outside == ()


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with open_regular(tmp_path / "file") as file:
        assert file.read() == b"x"
    # The name of a socket may not be long, so it is bound from its folder.
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
    finally:
        os.chdir(before)
    os.mkfifo(tmp_path / "pipe")
    for name in ("socket", "pipe", "/dev/null"):
        with pytest.raises(NotRegular):
            open_regular(tmp_path / name)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
