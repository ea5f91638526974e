"""Malformed input: each sort goes to quarantine with its reason, the rest loads; `strict` stops before it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.ingest import LoadError, QuarantineError, StrictError, load_domain
from kg.schema import DomainSchema
from kg.stores import GraphStore, StoreEmpty
from tests.kg.ingest.shop import FILES, load_shop, with_row, write_shop

FILM = "9,T,,2000,1,01/02/2003,yes,s1,X"
"""A good row of films.csv."""

MALFORMED: list[tuple[str, str | bytes, str, str]] = [
    ("films", FILM.replace("9", "", 1), "missing key", "no value in the key column 'id'"),
    ("films", FILM.replace("9", "NULL", 1), "missing key", "'id'"),
    ("films", FILM.replace("2000", "MM"), "unparsable number", "year: 'MM' is not an integer"),
    ("films", FILM.replace("2000", "1.5"), "unparsable number", "year: '1.5' is not an integer"),
    ("films", FILM.replace("2000", "9" * 25), "unparsable number", "not an integer of 64 bits"),
    ("films", FILM.replace(",1,", ",1_000,"), "unparsable number", "price: '1_000' is not a finite number"),
    ("films", FILM.replace(",1,", ",inf,"), "unparsable number", "price: 'inf' is not a finite number"),
    (
        "films",
        FILM.replace("01/02/2003", "2003-02-01"),
        "unparsable time",
        "seen: '2003-02-01' is not a date like %d/%m/%Y",
    ),
    ("films", FILM.replace("01/02/2003", "31/02/2003"), "unparsable time", "'31/02/2003'"),
    ("films", FILM.replace("yes", "perhaps"), "unparsable boolean", "stock: 'perhaps' is neither true nor false"),
    ("films", FILM + ",more", "wrong column count", "10 cells where the header has 9"),
    ("films", "9,T", "wrong column count", "2 cells where the header has 9"),
    ("films", b"9,T\xff,,2000,1,01/02/2003,yes,s1,X", "bad UTF-8", "bytes that are not UTF-8"),
    ("films", FILM.replace("T", '"T"x'), "bad quotes", "must be doubled"),
    ("films", FILM.replace("T", '"T'), "bad quotes", "opens a quoted cell that does not end"),
    ("films", FILM.replace("T", "T\0"), "value of the wrong shape", "title: text with a NUL character"),
    ("films", FILM.replace("9", "1", 1), "same key with other content", "the film '1' is in an earlier row"),
    ("films", FILM.replace("s1", "s9"), "unknown end", "studio: there is no studio 's9'"),
    ("sequels", "1\t77", "unknown end", "there is no film '77'"),
    ("sequels", "1\t", "missing key", "'second'"),
    ("sequels", "2\t2", "relation of a node to itself", "sequel leads from film '2' to itself"),
    ("ratings", "r9,ann,77,5,1", "unknown end", "there is no film '77'"),
    ("ratings", "r9,eve,1,5,1", "unknown end", "there is no user 'eve'"),
    ("ratings", "r9,,1,5,1", "missing key", "'user'"),
    ("ratings", "r9,ann,,5,1", "missing key", "'film'"),
    ("ratings", "r9,ann,1,five,1", "unparsable number", "stars: 'five'"),
    ("ratings", "r9,ann,1,1e16,1", "unparsable number", "stars: 1e+16 is beyond 1e+15"),
    ("ratings", "r9,ann,1,-1e300,1", "unparsable number", "stars: -1e+300 is beyond 1e+15"),
    ("ratings", "r9,ann,1,5,yesterday", "unparsable time", "at: 'yesterday' is not a unix time or ISO 8601"),
    ("ratings", "r9,ann,1,5,1577934245000000", "unparsable time", "beyond the year 9999; set `time_format: unix_us`"),
    ("ratings", "r1,ann,1,4,100", "same key with other content", "the event 'r1' is in an earlier row"),
    ("users", "ann,34", "same key with other content", "the user 'ann'"),
    ("studios", "s3\tA\tB", "wrong column count", "3 cells where the header has 2"),
]


def spoilt(table: str, row: str | bytes) -> dict[str, str | bytes]:
    """A table with a bad row before its last row and one at its end."""
    name = next(n for n in FILES if n.startswith(table))
    raw = row.encode() if isinstance(row, str) else row
    return {table: FILES[name].encode() + raw + b"\n"}


@pytest.mark.parametrize(("table", "row", "reason", "detail"), MALFORMED)
def test_a_bad_row_is_quarantined_and_the_rest_loads(
    tmp_path: Path, store: GraphStore, table: str, row: str | bytes, reason: str, detail: str
) -> None:
    report = load_shop(tmp_path, store, spoilt(table, row))
    assert {str(r): n for r, n in report.bad.items()} == {reason: 1}
    assert report.quarantine is not None
    assert report.quarantine == tmp_path / "quarantine.jsonl"
    (line,) = (json.loads(text) for text in report.quarantine.read_text().splitlines())
    name = next(n for n in FILES if n.startswith(table))
    assert (line["file"], line["line"], line["reason"]) == (name, FILES[name].count("\n") + 1, reason)
    assert detail in line["detail"]
    assert line["raw"]
    assert str(report.first_bad[0]).startswith(f"{name}, line {line['line']}")
    # The node of a bad link stands; everything else of the bad row is absent.
    assert report.nodes.new == 9 + (2 if "s9" in str(row) else 0)
    assert (report.edges.new, report.events.new) == (6 + (1 if "s9" in str(row) else 0), 4)
    assert store.state().loading is None


@pytest.mark.parametrize(("table", "row", "reason", "detail"), MALFORMED[::4])
def test_strict_fails_before_the_first_write(
    tmp_path: Path, store: GraphStore, table: str, row: str | bytes, reason: str, detail: str
) -> None:
    with pytest.raises(StrictError) as caught:
        load_shop(tmp_path, store, spoilt(table, row), strict=True)
    assert f"1 × {reason}" in str(caught.value)
    assert detail in str(caught.value)
    assert store.state().loading is None
    assert store.state().generation == 0
    with pytest.raises(StoreEmpty):
        store.schema()
    assert reason in (tmp_path / "quarantine.jsonl").read_text()


def test_strict_passes_what_is_good_and_what_the_store_already_has(tmp_path: Path, store: GraphStore) -> None:
    load_shop(tmp_path, store, strict=True)
    only_new = {"films": FILES["films.csv"].splitlines()[0] + "\n4,New,,,,,,,\n"}
    report = load_shop(tmp_path, store, only_new, strict=True)
    assert (report.nodes.new, report.n_bad) == (1, 0)
    with pytest.raises(StrictError, match="there is no film '1'"):
        load_shop(tmp_path, store, only_new, strict=True, replace=True)


def test_equal_repeats_of_a_key_are_no_mistake(tmp_path: Path, store: GraphStore) -> None:
    again = {t: with_row(t, FILES[f"{t}.csv"].splitlines()[-1]) for t in ("films", "users", "ratings")}
    report = load_shop(tmp_path, store, again)
    assert report.n_bad == 0
    assert report.repeated == 3


def test_a_bad_row_is_told_once_however_often_its_file_is_read(tmp_path: Path, store: GraphStore) -> None:
    # films.csv is read for nodes and again for their links.
    report = load_shop(tmp_path, store, {"films": with_row("films", "1,2", "5,T,,x,1,,,s1,A|B", "6,T,,,,,,s9|s8,")})
    assert [b.line for b in report.first_bad] == [5, 6, 7]


def test_an_event_of_a_bad_item_is_bad_too(tmp_path: Path, store: GraphStore) -> None:
    films = FILES["films.csv"].replace("2009", "soon")
    report = load_shop(tmp_path, store, {"films": films})
    assert [str(b.reason) for b in report.first_bad] == ["unparsable number", "unknown end"]


def test_the_quarantine_of_an_earlier_load_does_not_outlive_a_clean_one(tmp_path: Path, store: GraphStore) -> None:
    load_shop(tmp_path, store, spoilt("users", "ann,34"))
    assert (tmp_path / "quarantine.jsonl").read_text()
    report = load_shop(tmp_path, store)
    assert report.quarantine is None
    assert (tmp_path / "quarantine.jsonl").read_text() == ""


def test_the_quarantine_goes_where_it_may(tmp_path: Path, store: GraphStore) -> None:
    domain = write_shop(tmp_path, users=with_row("users", "ann,34"))
    for read in ("films.csv", "domain.yaml"):
        before = (tmp_path / read).read_text()
        with pytest.raises(LoadError, match="the load reads this file"):
            load_domain(domain, store, quarantine=tmp_path / read)
        assert (tmp_path / read).read_text() == before
    with pytest.raises(QuarantineError, match="bad rows cannot be written there"):
        load_domain(domain, store, quarantine=tmp_path / "absent" / "q.jsonl")
    assert store.state().loading is None
    report = load_domain(domain, store, quarantine=tmp_path / "other.jsonl")
    assert report.quarantine == tmp_path / "other.jsonl"
    assert sorted(p.name for p in tmp_path.iterdir() if "quarantine" in p.name or ".part" in p.name) == []


def test_a_section_without_a_good_row_is_warned_of(tmp_path: Path, store: GraphStore) -> None:
    report = load_shop(tmp_path, store, {"sequels": "first\tsecond\n8\t9\n", "ratings": "nr,user,film,stars,at\n"})
    assert report.warnings == (
        "relations.sequel: every one of its 1 rows is bad; check its columns",
        "interactions.rated: no row is in its source",
    )
    assert "1 bad rows were left out" in str(report)


TRIPLES = {
    "nodes": {
        "artist": {"role": "item", "source": "artists.csv", "key": "id"},
        "thing": {},
        "user": {"role": "user"},
    },
    "relations": {
        "plays": {"source": {"file": "kg.tsv", "format": "triples"}, "head": "artist", "tail": "thing",
                  "where": {"relation": "plays"}},
        "with": {"source": {"file": "kg.tsv", "format": "triples"}, "head": "artist", "tail": ["artist", "thing"],
                 "where": {"relation": "with"}},
        "in": {"source": {"file": "kg.tsv", "format": "triples"}, "head": "thing", "tail": "thing",
               "where": {"relation": "in"}},
    },
    "interactions": {"heard": {}},
}  # fmt: skip


def write_triples(folder: Path, *triples: str) -> None:
    (folder / "artists.csv").write_text("id\na\nb\n")
    (folder / "kg.tsv").write_text("head\trelation\ttail\n" + "".join(t.replace(" ", "\t") + "\n" for t in triples))


def test_a_role_that_contradicts_itself(tmp_path: Path, store: GraphStore) -> None:
    write_triples(
        tmp_path, "a plays rock", "a with b", "b with c", "a plays b", "a in rock", "rock plays pop", "c in d"
    )
    report = load_domain(DomainSchema.from_mapping(TRIPLES), store, folder=tmp_path)
    assert [(b.line, str(b.reason)) for b in report.first_bad] == [
        (5, "contradicting role"), (6, "contradicting role"), (7, "contradicting role"),
    ]  # fmt: skip
    assert "'b' is of the kind artist (item) and cannot be a thing too" in report.first_bad[0].detail
    names = {r.name: len(r.heads) for r in store.snapshot().relations}
    assert names == {"plays": 1, "with.artist.artist": 1, "with.artist.thing": 1, "in": 1}


def test_different_namespaces_may_share_spellings(tmp_path: Path, store: GraphStore) -> None:
    write_triples(tmp_path, "a plays b")
    nodes = {**TRIPLES["nodes"], "thing": {"namespace": "things"}}
    report = load_domain(DomainSchema.from_mapping({**TRIPLES, "nodes": nodes}), store, folder=tmp_path)
    assert report.n_bad == 0
    assert store.snapshot().nodes("thing").keys.to_list() == ["b"]


def test_kinds_of_one_said_namespace_share_no_key(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "genres.csv").write_text("id\nx\nrock\n")
    (tmp_path / "moods.csv").write_text("id\nx\ncalm\n")
    (tmp_path / "artists.csv").write_text("id\nrock\n")
    named = {"key": "id", "namespace": "words"}
    schema = DomainSchema.from_mapping(
        {
            "nodes": {
                "artist": {"role": "item", "source": "artists.csv", "key": "id"},
                "genre": {"source": "genres.csv", **named},
                "mood": {"source": "moods.csv", **named},
                "user": {"role": "user"},
            },
            "interactions": {"heard": {}},
        }
    )
    report = load_domain(schema, store, folder=tmp_path)
    assert [(b.file, b.line, str(b.reason)) for b in report.first_bad] == [("moods.csv", 2, "contradicting role")]


def test_an_item_map_keeps_two_id_spaces_apart(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "artists.csv").write_text("id\n1\n2\n")
    (tmp_path / "map.csv").write_text("item,entity\n1,m.1\n2,m.2\n")
    (tmp_path / "kg.tsv").write_text("m.1\twith\tm.2\nm.1\twith\t2\nm.1\tplays\tm.2\n9\tplays\t8\n")
    relations = {
        name: {
            **relation,
            "source": {**relation["source"], "map": {"file": "map.csv", "item": "item", "entity": "entity"}},
        }
        for name, relation in TRIPLES["relations"].items()
        if name != "in"
    }
    schema = DomainSchema.from_mapping({**TRIPLES, "relations": relations})
    report = load_domain(schema, store, folder=tmp_path)
    graph = store.snapshot()
    # The entity "2" is not the item "2".
    assert graph.nodes("thing").keys.to_list() == ["2"]
    assert [(b.line, str(b.reason)) for b in report.first_bad] == [(3, "contradicting role"), (4, "contradicting role")]
    assert "is the item '2' by the item map" in report.first_bad[0].detail
    assert "is not an item by the item map" in report.first_bad[1].detail


def test_an_unreadable_list_costs_its_relations_alone(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "films.csv").write_text('id;tags\n1;["a", "b"]\n2;[a\n', encoding="utf-8")
    schema = DomainSchema.from_mapping(
        {
            "nodes": {
                "film": {
                    "role": "item",
                    "source": {"file": "films.csv", "separator": ";", "quoted": False},
                    "key": "id",
                    "lists": {"tags": {"target": "tag", "syntax": "json"}},
                },
                "tag": {},
                "user": {"role": "user"},
            },
            "interactions": {"seen": {}},
        }
    )
    report = load_domain(schema, store, folder=tmp_path)
    assert store.snapshot().item_ids.to_list() == ["1", "2"]
    assert store.snapshot().nodes("tag").keys.to_list() == ["a", "b"]
    assert report.n_bad == 1
    assert "is not a JSON list" in report.first_bad[0].detail
