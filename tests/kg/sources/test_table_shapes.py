"""Tables as programs export them: a title before the header, rows that end in a separator, triples with an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.schema import SourceSpec
from kg.sources import RawRecord, SourceError
from kg.sources.open_source import open_source
from kg.sources.records import BadRecord


def read(folder: Path, text: str, *, edges: bool = False, **spec: object) -> list[tuple[int, object]]:
    (folder / "file").write_text(text, encoding="utf-8")
    reader = open_source(SourceSpec.model_validate({"file": "file", "format": "csv", **spec}), folder, edges=edges)
    return [
        (r.position.line, dict(r.values) if isinstance(r, RawRecord) else str(r.reason))
        for r in reader
        if isinstance(r, RawRecord | BadRecord)
    ]


@pytest.mark.parametrize("quoted", [True, False])
def test_lines_before_the_header_are_passed_over(tmp_path: Path, quoted: bool) -> None:
    text = 'Export of "May\n\nuser,item\n7,1\n8\n'
    rows = read(tmp_path, text, skip=2, quoted=quoted)
    assert rows == [(4, {"user": "7", "item": "1"}), (5, "wrong column count")]


def test_more_lines_to_pass_over_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="empty"):
        read(tmp_path, "user,item\n7,1\n", skip=5)


@pytest.mark.parametrize("quoted", [True, False])
def test_rows_that_end_in_a_separator(tmp_path: Path, quoted: bool) -> None:
    rows = read(tmp_path, "user,item\n7,1,\n8,2,\n9,3\n9,3,4\n", quoted=quoted)
    assert rows[:3] == [(n, {"user": u, "item": i}) for n, u, i in ((2, "7", "1"), (3, "8", "2"), (4, "9", "3"))]
    assert rows[3] == (5, "wrong column count")


def test_one_cell_too_many_elsewhere_is_a_bad_row(tmp_path: Path) -> None:
    assert read(tmp_path, "user,item\n7,1\n8,2,\n")[1] == (3, "wrong column count")


def test_triples_without_a_header_may_repeat_an_id_in_their_first_row(tmp_path: Path) -> None:
    rows = read(tmp_path, "51 51 10280\n51 2 7\n", edges=True, format="triples", separator=" ")
    assert rows == [
        (1, {"head": "51", "relation": "51", "tail": "10280"}),
        (2, {"head": "51", "relation": "2", "tail": "7"}),
    ]


def test_triples_behind_an_index(tmp_path: Path) -> None:
    rows = read(tmp_path, "\tSubject\tPredicate\tObject\n0\ti1\thas_genre\tComedy\n", edges=True, format="triples")
    assert rows == [(2, {"column1": "0", "head": "i1", "relation": "has_genre", "tail": "Comedy"})]


def test_a_table_of_four_columns_is_no_file_of_triples(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="three columns"):
        read(tmp_path, "1\t2\t3\t4\n", edges=True, format="triples")
