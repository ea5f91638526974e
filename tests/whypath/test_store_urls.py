"""URLs on the command line: every command that takes one says in one line what is wrong, and repeats no password."""

from __future__ import annotations

from pathlib import Path

import pytest

from whypath.cli import main

COMMANDS = (
    ("load", "domain.yaml", "--store"),
    ("train", "--bundle", "new", "--store"),
    ("evaluate", "--bundle", "b", "--test", "t.tsv", "--store"),
    ("recommend", "--bundle", "b", "--user", "u", "--store"),
    ("similar", "--bundle", "b", "--item", "i", "--store"),
    ("explain", "--bundle", "b", "--user", "u", "--item", "i", "--store"),
    ("record", "--user", "u", "--item", "i", "--store"),
    ("forget", "u", "--store"),
    ("export", "--bundle", "b", "--vectors", "--to-store", "--store"),
    ("graph", "stats", "--store"),
    ("graph", "show", "n", "--store"),
    ("graph", "paths", "a", "b", "--store"),
    ("graph", "export", "--out", "g.json", "--store"),
    ("init", "--from"),
)

SECRET = "s3cr3t-of-4"
URLS = (
    f"bolt://neo4j:{SECRET}@host",
    f"bolt://neo4j:{SECRET}%40host",
    f"bolt://neo4j:{SECRET}",
    f"bolt://host?password={SECRET}",
    f"bolt://host/{SECRET}",
    f"bolt://host#{SECRET}",
    f"bolt://host:7687 {SECRET}",
    f"blot://neo4j:{SECRET}@host",
    f"bo_lt://neo4j:{SECRET}@host",
    f"b_lt:neo4j:{SECRET}@host",
    "bolt://[::1",
    "bolt://host:99999",
    "bolt://host:0",
    "bolt://",
    "bolt://ho\0st",
    "bolt://ho\x1b[31mst",
    "bolt://ho\nst",
    "bolt://\ud800",
    "bolt://a..b",
)

DOMAIN = """\
nodes:
  item: {role: item, source: items.csv, key: id}
  user: {role: user, source: users.csv, key: id}
interactions:
  bought: {source: events.csv, columns: {user: user, item: item}}
"""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_malformed_urls_are_one_line_without_what_was_typed(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("domain.yaml").write_text(DOMAIN)
    if command[0] == "init":
        Path("domain.yaml").unlink()
    for url in URLS:
        assert main([*command, url]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith("whypath: error: ")
        assert told.err.count("\n") == 1
        assert told.err.rstrip("\n").isprintable()
        assert SECRET not in told.err


@pytest.mark.parametrize("command", [("init",), ("load",)])
def test_a_url_in_place_of_a_file_is_not_repeated(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*command, f"bolt://neo4j:{SECRET}@host"])
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert "a file is expected here, not a URL" in told
    assert SECRET not in told
