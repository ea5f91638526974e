"""The quarantine file: whose it is, what is written over, and that it tells nothing that may not be shown."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from kg.checking.quarantine import Quarantine
from kg.durable import PartialFile
from kg.ingest import QuarantineError, load_domain
from kg.opening import open_store
from kg.quarantine_files import is_quarantine, remove_user, rows_about
from kg.rows import Position
from kg.sources import BadRecord, RawRecord, Reason
from kg.stores import GraphStore
from tests.kg.ingest.shop import FILES, load_shop, write_shop


def bad_shop(**more: str) -> dict[str, str]:
    """The shop's files with rows that cannot be used, most of them about a user."""
    return {
        "users": FILES["users.csv"] + "eve,secret years\nmallory,34,too,many\n,51\n",
        "ratings": FILES["ratings.csv"] + "r8,eve,77,5,1\nr9,bob,77,5,1\nx,carol,1,5,1,2,3\n",
        "sequels": FILES["sequels.tsv"] + "1\teve\n",
        **more,
    }


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_it_is_its_owners_alone(tmp_path: Path, store: GraphStore) -> None:
    report = load_shop(tmp_path, store, bad_shop())
    assert report.quarantine is not None
    assert stat.S_IMODE(report.quarantine.stat().st_mode) == 0o600


def test_every_row_says_whom_it_is_about_and_nothing_sensitive(tmp_path: Path, store: GraphStore) -> None:
    report = load_shop(tmp_path, store, bad_shop())
    assert report.quarantine is not None
    lines = lines_of(report.quarantine)
    about = [(line["section"], line["users"]) for line in lines]
    assert sorted(about, key=str) == sorted(
        [
            ("nodes.user", ["eve"]),
            ("nodes.user", None),  # too many cells: nobody knows which is the key
            ("nodes.user", None),  # no key at all
            ("interactions.rated", ["eve"]),
            ("interactions.rated", ["bob"]),
            ("interactions.rated", None),
            ("relations.sequel", []),
        ],
        key=str,
    )
    text = report.quarantine.read_text()
    # The age is sensitive, so neither the cell nor a row that may hold it is kept.
    for secret in ("secret years", "34", "51"):
        assert secret not in text
    assert "carol" in text
    assert "secret years" not in str(report.first_bad)


def test_a_user_behind_a_linking_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "domain.yaml").write_text(
        """
nodes:
  item: {role: item, source: items.csv, key: id}
  user: {role: user}
interactions:
  bought:
    source: lines.csv
    via: {orders: {source: orders.csv, key: order}}
    columns: {user: orders.customer, item: item}
"""
    )
    (tmp_path / "items.csv").write_text("id\na\n")
    (tmp_path / "orders.csv").write_text("order,customer\no1,ann\no2,bob\no1,carol\n")
    (tmp_path / "lines.csv").write_text("order,item\no1,a\no2,b\no9,a\n")
    store = open_store(tmp_path / "store", create=True)
    load_domain(tmp_path / "domain.yaml", store)
    path = tmp_path / "quarantine.jsonl"
    assert [(line["file"], line["line"], line["users"]) for line in lines_of(path)] == [
        ("orders.csv", 4, None),
        ("lines.csv", 3, ["bob"]),
        ("lines.csv", 4, None),
    ]
    assert store.delete_user("carol").quarantined == 1
    report = store.delete_user("bob")
    assert (report.found, report.quarantined) == (True, 1)
    assert len(lines_of(path)) == 1
    store.close()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("content", [b"SQLite format 3\0", b"precious notes\n", b"{}\n", b'[{"file": 1}]', b"\xff\xfe"])
def test_a_file_of_another_sort_is_never_written_over(
    tmp_path: Path, store: GraphStore, content: bytes, strict: bool
) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)
    with pytest.raises(QuarantineError, match="is not a quarantine file"):
        load_domain(write_shop(tmp_path), store, quarantine=other, strict=strict)
    assert other.read_bytes() == content
    assert store.state().generation == 0
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(QuarantineError):
        load_domain(write_shop(tmp_path), store, quarantine=folder)


def test_the_stores_own_file_is_never_written_over(tmp_path: Path) -> None:
    domain = write_shop(tmp_path)
    store = open_store(tmp_path / "store", create=True)
    load_domain(domain, store)
    with pytest.raises(QuarantineError):
        load_domain(domain, store, quarantine=tmp_path / "store" / "store.sqlite")
    assert store.snapshot().n_items == 3
    store.close()


def test_one_of_an_earlier_load_is_replaced_also_when_it_is_empty(tmp_path: Path, store: GraphStore) -> None:
    report = load_shop(tmp_path, store, bad_shop())
    path = tmp_path / "quarantine.jsonl"
    assert report.quarantine == path
    assert is_quarantine(path)
    assert load_shop(tmp_path, store).quarantine is None
    assert path.read_bytes() == b""
    assert load_shop(tmp_path, store, bad_shop()).quarantine == path


def test_links_that_somebody_has_put_there_are_not_followed(tmp_path: Path, store: GraphStore) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    (tmp_path / "quarantine.jsonl").symlink_to(victim)
    load_shop(tmp_path, store, bad_shop())
    assert victim.read_text() == ""
    assert not (tmp_path / "quarantine.jsonl").is_symlink()


def test_forgetting_a_user_takes_their_rows_out(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", create=True)
    load_shop(tmp_path, store, bad_shop())
    path = tmp_path / "quarantine.jsonl"
    before = lines_of(path)
    report = store.delete_user("eve")
    # Eve is no user of the store: her rows were all bad. The store knows of her only by its quarantine.
    assert (report.found, report.quarantined, report.remaining, report.unreached) == (True, 2, 0, ())
    assert lines_of(path) == [line for line in before if line["users"] != ["eve"]]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "eve" not in json.dumps([line for line in lines_of(path) if line["section"] != "relations.sequel"])
    moved = path.rename(tmp_path / "elsewhere.jsonl")
    report = store.delete_user("bob")
    assert report.quarantined == 0
    assert report.unreached == (f"{path} (it is not there any more)",)
    assert "could not be reached" in str(report)
    moved.write_text("something else")
    moved.rename(path)
    assert store.delete_user("ann").unreached == (f"{path} (it is another file now)",)
    store.close()


def test_rows_of_earlier_versions_go_by_every_mention(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    row = {"file": "f", "line": 1, "section": "s", "reason": "r", "detail": "there is no film '4'"}
    texts = ['{"user": "42"}', '{"user": "4"}', "r1,4,2", "r1,444,2"]
    path.write_text("".join(json.dumps({**row, "detail": "d", "raw": text}) + "\n" for text in texts) + "cut off 4")
    assert rows_about(path, "4") == 3
    assert remove_user(path, "4") == 3
    assert rows_about(path, "4") == 0
    assert [json.loads(line)["raw"] for line in path.read_text().splitlines()] == [texts[0], texts[3]]
    assert remove_user(path, "(.*") == 0


def test_a_kill_leaves_no_file_that_a_later_load_does_not_clear(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    PartialFile(path)  # never published, as by a process that was killed: its lock goes with it
    with Quarantine(path) as found:
        found.add(RawRecord(Position("f", 1), {"a": "b"}), "s", Reason.BAD_VALUE, "d")
        found.add_bad(BadRecord(Position("f", 2), Reason.BAD_UTF8, "d", "raw"), "s")
        assert found.publish() == path
    assert [each.name for each in tmp_path.iterdir()] == ["quarantine.jsonl"]
    assert [line["raw"] for line in lines_of(path)] == ['{"a": "b"}', "raw"]
