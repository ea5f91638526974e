"""Descriptions of files with odd names and columns, and of files that are links: what is written can be loaded."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import WhyPathError
from kg.ingest.preview import preview
from kg.schema import DomainSchema
from kg.schema.yaml_text import read_yaml, write_yaml
from kg.sources.guess import GuessError, guess_domain, write_domain

ROWS = "user_id,item_id,rating{}\nu1,i1,5{}\nu1,i2,1{}\nu2,i1,4{}\n"
PLAIN = ROWS.format("", "", "", "")


def written(folder: Path, *names: str) -> DomainSchema:
    """The description of files, read back from the file that it is written to, after a look at the first rows."""
    folder.mkdir(exist_ok=True)
    guess = guess_domain([folder / name for name in names], folder)
    schema = DomainSchema.read(write_domain(guess, folder / "domain.yaml", force=True))
    assert schema == guess.schema
    assert preview(schema, folder, guess.outside).events
    return schema


@pytest.mark.parametrize("odd", ["\x1b[31m", "\x01", "\x7f", "\x85", "\u2028", "\ufffe", "\u202e", "# ", "\xa0"])
def test_odd_characters_in_names(tmp_path: Path, odd: str) -> None:
    (tmp_path / f"r{odd}x.csv").write_text(ROWS.format(f",a{odd}b", ",x", ",y", ",x"))
    schema = written(tmp_path, f"r{odd}x.csv")
    assert schema.interactions.popitem()[1].source[0].file == f"r{odd}x.csv"
    (tmp_path / f"f{odd}.csv").write_text(f"item_id,title,gen{odd}re\ni1,A,X\ni2,B,Y\ni3,C,X\ni4,D,Y\n")
    written(tmp_path, f"r{odd}x.csv", f"f{odd}.csv")


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner)))
def test_any_text_is_written_as_it_is_read(value: object) -> None:
    for on_one_line in (False, True):
        for whole in ({"k": value}, [value]):
            text = write_yaml(whole, on_one_line=on_one_line)
            assert read_yaml(text, "here")[0] == whole
            assert not (on_one_line and "\n" in text)


def test_a_link_is_read_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "blob").write_text(PLAIN)
    (tmp_path / "ratings.csv").symlink_to("blob")
    assert written(tmp_path, "ratings.csv").interactions["rating"].source[0].file == "ratings.csv"
    (tmp_path / "b.tsv").write_text(PLAIN)
    (tmp_path / "c.csv").symlink_to("b.tsv")
    assert written(tmp_path, "c.csv").interactions["c"].source[0].file == "c.csv"


def test_a_link_to_a_nameless_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "3f2a9c").write_text(PLAIN)
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "ratings.csv").symlink_to("../blobs/3f2a9c")
    written(tmp_path / "snapshot", "ratings.csv")
    guess = guess_domain([tmp_path / "snapshot" / "ratings.csv"], tmp_path / "snapshot")
    assert guess.outside == ((tmp_path / "blobs").resolve(),)
    (tmp_path / "data").symlink_to("blobs")
    (tmp_path / "blobs" / "r.csv").write_text(PLAIN)
    assert written(tmp_path, "data/r.csv").interactions["r"].source[0].file == "blobs/r.csv"


def test_a_loop_of_links_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "folder").symlink_to("folder")
    for name in ("loop.csv", "folder/r.csv"):
        with pytest.raises(WhyPathError, match="loop"):
            guess_domain([tmp_path / name], tmp_path)


def test_a_description_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(PLAIN)
    out = tmp_path / "domain.yaml"
    found = subprocess.run(
        [sys.executable, "-m", "whypath", "init", "ratings.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        check=False,
    )
    assert found.returncode == 2
    assert "domain.yaml: cannot be written" in found.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.csv"]
    guess = guess_domain([tmp_path / "ratings.csv"], tmp_path)
    write_domain(guess, out)
    out.write_text("mine")
    with pytest.raises(GuessError, match="is there already"):
        write_domain(guess, out)
    assert out.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["domain.yaml", "ratings.csv"]


def test_a_new_description_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ratings.csv").write_text(PLAIN)
    guess = guess_domain([tmp_path / "ratings.csv"], tmp_path)

    def refused(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr("os.link", refused)
    out = write_domain(guess, tmp_path / "domain.yaml")
    assert DomainSchema.read(out) == guess.schema
    with pytest.raises(GuessError, match="is there already"):
        write_domain(guess, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["domain.yaml", "ratings.csv"]
