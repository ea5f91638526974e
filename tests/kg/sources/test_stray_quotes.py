"""A quotation mark too many costs its own row; texts with line breaks, separators and marks come back as they are."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.schema import SourceSpec
from kg.sources import BadRecord, RawRecord, Reason, open_source
from kg.sources.quoted_rows import MOST_CHARACTERS, MOST_LINES, QuotedRows
from kg.sources.records import QuotedReader

per_test = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(folder: Path, content: str, file: str = "t.csv", **options: object) -> tuple[list[list[str]], list[BadRecord]]:
    """Cells of the good rows, and the bad rows."""
    (folder / file).write_bytes(gzip.compress(content.encode()) if file.endswith(".gz") else content.encode())
    records = [*open_source(SourceSpec.model_validate({"file": file, **options}), folder)]
    good = [[str(cell) for cell in r.values.values()] for r in records if isinstance(r, RawRecord)]
    return good, [r for r in records if isinstance(r, BadRecord)]


def told(folder: Path, file: str = "t.csv", separator: str = ",") -> tuple[tuple[str, ...], int]:
    """Warnings and lost lines of a file that is there."""
    reader = open_source(SourceSpec(file=file, separator=separator), folder)
    assert isinstance(reader, QuotedReader)
    assert all(reader)
    return reader.warnings, reader.swallowed_lines


@pytest.mark.parametrize("file", ["t.csv", "t.csv.gz"])
def test_a_mark_that_is_never_ended_costs_one_row(tmp_path: Path, file: str) -> None:
    rows = [f"u{n % 60},i{n % 40},{1 + n % 5},{n}" for n in range(3000)]
    rows[9] = rows[9].replace(",", ',"', 1)
    good, bad = read(tmp_path, "user,item,weight,time\n" + "\n".join(rows) + "\n", file)
    assert good == [row.split(",") for row in rows if '"' not in row]
    (found,) = bad
    assert (found.position.line, found.reason, found.raw) == (11, Reason.BAD_QUOTES, 'u9,"i9,5,9')
    sentence = "opens a quoted cell that does not end; the row was left out and reading continued in line 12"
    assert found.detail == sentence
    assert told(tmp_path, file) == ((f"{file}: line 11 {sentence}",), 0)


@pytest.mark.parametrize(
    ("lines", "good", "bad"),
    [
        # The next quoted cell ends it with an error.
        (['1,"a,b', "2,c,d", '3,"e, e",f'], ["2", "3"], [2]),
        # The mark at the end of a cell is missing, so the line has more cells without the one at its beginning.
        (['1,"a, a,b', "2,c,d", '3,"e",f'], ["2", "3"], [2]),
        (['1,"a, a,b', "2,c,d", "3,e,f"], ["2", "3"], [2]),
        # Two marks too many: the row between them has another width.
        (['1,a,"b', "2,c,d", '3,e",f'], ["2"], [2, 4]),
        # A mark in each line.
        (['1,"a,b', '2,"c,d', '3,"e,f'], [], [2, 3, 4]),
        # Behind other quoted cells, and with doubled marks before it.
        (['"1, ""x""","a,b', "2,c,d"], ["2"], [2]),
        # A short row behind it is a bad row of its own.
        (['1,"a,b', "2,c", "3,e,f"], ["3"], [2, 3]),
        # A text that goes over two lines behind it.
        (['1,"a,b', '2,"c\nc",d', "3,e,f"], ["2", "3"], [2]),
        # A text with line breaks in a row that has a cell too many is one bad row, as it was.
        (['1,"a\na",b,more', "2,c,d"], ["2"], [2]),
        # Where without the mark it had the right number, its end is no row either.
        (['1,"a, a\na",b,more', "2,c,d"], ["2"], [2, 3]),
        # The same with something behind the mark that ends it.
        (['1,"a\na"x,b', "2,c,d"], ["2"], [2]),
    ],
)
def test_marks_too_many(tmp_path: Path, lines: list[str], good: list[str], bad: list[int]) -> None:
    for content in ("\n".join(lines), "\n".join(lines) + "\n", "\n".join(lines).replace("\n", "\r\n") + "\r\n"):
        found, wrong = read(tmp_path, f"a,b,c\n{content}")
        assert [row[0] for row in found] == good
        assert [r.position.line for r in wrong] == bad


def test_lines_that_are_lost_are_counted_and_told(tmp_path: Path) -> None:
    good, (found,) = read(tmp_path, 'a,b,c\n1,"x\ny\nz"!,2\n3,4,5\n')
    assert good == [["3", "4", "5"]]
    assert found.raw == '1,"x\ny\nz"!,2'
    (warning,), lost = told(tmp_path)
    assert lost == 2
    assert warning.startswith("t.csv: line 2 opens a quoted cell that is wrong in line 4")
    assert warning.endswith("lines 2 to 4 were left out as one row")


def test_many_warnings_are_few_sentences(tmp_path: Path) -> None:
    read(tmp_path, "a,b\n" + '1,"2\n' * 1000)
    warnings, _ = told(tmp_path)
    assert len(warnings) == 6
    assert warnings[-1] == "t.csv: the same holds for 995 more rows"


def test_two_marks_in_one_column_are_told_from_a_text_by_the_rows_before_them(tmp_path: Path) -> None:
    rows = [f"u{n},i{n},{n}" for n in range(40)]
    rows[20], rows[30] = 'u20,"i20,20', 'u30,i30",30'
    good, bad = read(tmp_path, "a,b,c\n" + "\n".join(rows))
    assert good == [row.split(",") for row in rows if '"' not in row]
    assert [r.position.line for r in bad] == [22, 32]
    text = ["1,Heat,1995"] * 10 + ['2,"A film, long', 'and loud, with Pacino",1995']
    good, bad = read(tmp_path, "a,b,c\n" + "\n".join(text))
    assert good[-1] == ["2", "A film, long\nand loud, with Pacino", "1995"]
    assert bad == []


simple = st.sampled_from(["1", "22", "u1", "Heat", "1.5", "é"])


@per_test
@given(data=st.data(), width=st.integers(1, 4), n=st.integers(1, 30))
def test_a_mark_anywhere_costs_at_most_its_row(tmp_path: Path, data: st.DataObject, width: int, n: int) -> None:
    rows = data.draw(st.lists(st.lists(simple, min_size=width, max_size=width), min_size=n, max_size=n))
    lines = [",".join(row) for row in rows]
    row = data.draw(st.integers(0, n - 1))
    place = data.draw(st.integers(0, len(lines[row])))
    lines[row] = f'{lines[row][:place]}"{lines[row][place:]}'
    header = ",".join(f"c{number}" for number in range(width))
    good, bad = read(tmp_path, "\n".join([header, *lines]))
    others = rows[:row] + rows[row + 1 :]
    assert others in (good, good[:row] + good[row + 1 :])
    assert len(good) + len(bad) == n


@per_test
@given(data=st.data(), width=st.integers(2, 4))
def test_two_marks_anywhere_cost_at_most_their_rows(tmp_path: Path, data: st.DataObject, width: int) -> None:
    rows = [[f"{n}{column}" for column in range(width)] for n in range(30)]
    lines = [",".join(row) for row in rows]
    touched = data.draw(st.lists(st.integers(8, 29), min_size=2, max_size=2, unique=True))
    for row in touched:
        place = data.draw(st.integers(0, len(lines[row])))
        lines[row] = f'{lines[row][:place]}"{lines[row][place:]}'
    header = ",".join(f"c{number}" for number in range(width))
    good, bad = read(tmp_path, "\n".join([header, *lines]))
    assert [row for row in good if '"' not in "".join(row)] == [r for n, r in enumerate(rows) if n not in touched]
    assert len(good) + len(bad) == len(rows)


prose = st.lists(
    st.sampled_from(["fine", "film", ",", ";", "\t", '"', '""', "\n", "\r\n", "\r", " ", "5", "1999", "é", "\n\n"]),
    max_size=30,
).map("".join)


@per_test
@given(
    texts=st.lists(st.tuples(prose, prose), min_size=1, max_size=30),
    separator=st.sampled_from([",", ";", "\t"]),
    # A line break of another kind is quoted by the csv module only where all is.
    written_by=st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
)
def test_texts_of_any_kind_come_back(
    tmp_path: Path, texts: list[tuple[str, str]], separator: str, written_by: tuple[str, Literal[0, 1]]
) -> None:
    ending, quoting = written_by
    rows = [[str(number), first, str(number % 5), second] for number, (first, second) in enumerate(texts)]
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, lineterminator=ending, quoting=quoting)
    writer.writerows([["id", "text", "stars", "more"], *rows])
    assert read(tmp_path, written.getvalue(), separator=separator) == (rows, [])
    assert told(tmp_path, separator=separator) == ((), 0)


def test_a_text_may_go_on_for_a_hundred_lines(tmp_path: Path) -> None:
    longest = "\n".join(["and so on"] * (MOST_LINES + 1))
    good, bad = read(tmp_path, f'a,b\n1,"{longest}"\n2,x\n')
    assert (good, bad) == ([["1", longest], ["2", "x"]], [])
    good, bad = read(tmp_path, f'a,b\n1,"{longest}\n"\n2,x\n')
    assert good == [["2", "x"]]
    assert bad[0].position.line == 2


def test_a_text_may_go_on_for_64_kilobytes(tmp_path: Path) -> None:
    line = "y" * (MOST_CHARACTERS - 2)
    good, bad = read(tmp_path, f'a,b\n1,"x\n{line}"\n2,x\n')
    assert (len(good), bad) == (2, [])
    good, bad = read(tmp_path, f'a,b\n1,"x\n{line}yyy"\n2,x\n')
    assert good == [["2", "x"]]


class Counting(QuotedRows):
    """Counts the lines that go to the parser."""

    fed = 0

    def _fed(self) -> Iterator[str]:
        for line in super()._fed():
            self.fed += 1
            yield line


@pytest.mark.parametrize(
    "line",
    ['1,"2', 'b","d', '1,"""', '1,"', '"', '1,2,"3', f'b{"z" * 600}","d', '"1","2', '1,"2"3'],
)
def test_lines_made_to_be_read_again_take_a_time_that_grows_with_their_number(line: str) -> None:
    n = 2000
    rows = Counting(io.StringIO(f"{line}\n" * n), "t.csv", ",", 2)
    assert sum(1 for _ in rows) > 0
    assert rows.fed <= (MOST_LINES + 2) * n


def test_triples_in_quotes(tmp_path: Path) -> None:
    triples = [f"a{n},r,b{n}" for n in range(200)]
    triples[50] = 'a50,"r,b50'
    (tmp_path / "kg.csv").write_text("head,relation,tail\n" + "\n".join(triples))
    reader = open_source(SourceSpec.model_validate({"file": "kg.csv", "format": "triples"}), tmp_path, edges=True)
    assert sum(isinstance(r, RawRecord) for r in reader) == 199
    assert isinstance(reader, QuotedReader)
    assert "line 52 opens a quoted cell" in reader.warnings[0]
