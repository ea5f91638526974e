"""What a load and a check tell of each source: rows used, ignored and bad, columns and values that nothing reads."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from kg.checking.row_marks import RowMarks
from kg.ingest import SourceReport, check_domain, load_domain
from kg.rows import Position
from kg.schema import DomainSchema
from kg.stores import GraphStore

SHOP = {
    "name": "shop",
    "nodes": {
        "item": {
            "role": "item",
            "source": "items.csv",
            "key": "id",
            "lists": {"also": {"target": "item", "relation": "also_bought", "separator": "|"}},
        },
        "mood": {},
        "user": {"role": "user"},
    },
    "relations": {
        "has_mood": {"head": "item", "tail": "mood", "source": "kg.tsv", "where": {"relation": "has_mood"}},
    },
    "interactions": {
        "buy": {"source": "events.jsonl", "columns": {"user": "who", "item": "what"}, "where": {"event": "buy"}},
    },
}
FILES = {
    "items.csv": "id,also,colour\na,999|b,red\nb,998,blue\n,a,green\n",
    "kg.tsv": "head\trelation\ttail\na\thas_mood\tcalm\nb\thas_size\tL\na\thas_size\tM\na\tmade_in\tOslo\n",
    "events.jsonl": '{"who": "u", "what": "a", "event": "buy"}\n{"who": "u", "what": "b", "event": "view", "page": 3}\n'
    '{"who": "u", "what": "zzz", "event": "buy"}\n',
}


def write(folder: Path) -> DomainSchema:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return DomainSchema.from_mapping(SHOP, "the shop")


def check_sources(sources: tuple[SourceReport, ...]) -> None:
    items, triples, events = sources
    assert (items.source, items.rows, items.used, items.ignored, items.bad) == ("items.csv", 3, 2, 0, 1)
    # 999 and 998 are no items: two values, of rows that are used.
    assert (items.values_left, items.unread) == (2, ("colour",))
    assert (triples.rows, triples.used, triples.ignored, triples.bad) == (4, 1, 3, 0)
    assert triples.left == {"relation": {"has_size": 2, "made_in": 1}}
    assert (events.rows, events.used, events.ignored, events.bad) == (3, 1, 1, 1)
    assert (events.unread, events.left) == (("page",), {"event": {"view": 1}})


def test_a_load_tells_of_each_source(tmp_path: Path, store: GraphStore) -> None:
    report = load_domain(write(tmp_path), store, folder=tmp_path, quarantine=tmp_path / "bad.jsonl")
    check_sources(report.sources)
    assert (report.n_bad, report.bad_rows) == (4, 2)
    told = str(report)
    assert f"2 bad rows and 2 values of rows that are used were left out, see {tmp_path / 'bad.jsonl'}" in told
    assert "items.csv: 3 rows, 2 used, 1 bad, 2 values of used rows left out" in told
    assert "not read: colour" in told
    assert "no section takes up these of relation: has_size (2), made_in (1)" in told
    assert "items.csv, line 4 (nodes.item): " in told
    assert not any("every one" in warning for warning in report.warnings)


def test_a_check_tells_the_same_without_a_store(tmp_path: Path) -> None:
    report = check_domain(write(tmp_path), folder=tmp_path)
    check_sources(report.sources)
    assert (report.nodes.new, report.edges.new, report.events.new) == (4, 2, 1)
    assert str(report).startswith("checked 10 rows in ")
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["use", "bad", "refuse"]), st.integers(1, 70))))
def test_rows_are_marked_as_sets_would(steps: list[tuple[str, int]]) -> None:
    marks, used, bad = RowMarks(), set(), set()
    for step, line in steps:
        getattr(marks, step)(Position("f", line))
        used = used | {line} if step == "use" else used - {line} if step == "refuse" else used
        bad |= {line} if step == "bad" else set()
        assert marks.is_used(Position("f", line)) == (line in used)
    assert (marks.used("f"), marks.bad_rows("f")) == (len(used), len(bad - used))
