"""The table of a guess, a look at what it leads to, and completing a corrected description."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.errors import WhyPathError
from kg.ingest.preview import preview
from kg.schema import DomainSchema, columns_read
from kg.sources.guess import guess_domain
from kg.sources.guess.column_table import Sure, table_lines
from kg.sources.guess.completing import completed
from tests.corpus import SHAPES

NAMES = ["user_id", "item_id", "rating", "timestamp", "title", "genre", "note", "qty", "flag", "x y", "评分"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_column_stands_in_the_table_once(data: st.DataObject) -> None:
    names = ["user_id", "item_id", *data.draw(st.lists(st.sampled_from(NAMES[2:]), unique=True, max_size=6))]
    cells = st.sampled_from(["1", "2", "3", "5", "a", "b", "2020-01-01", "", "x,y"])
    rows = data.draw(st.lists(st.tuples(*(cells for _ in names)), min_size=3, max_size=12))
    text = io.StringIO()
    csv.writer(text).writerows([names, *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.csv"
        path.write_text(text.getvalue())
        try:
            guess = guess_domain([path], folder)
        except WhyPathError:
            return
    assert [row.column for row in guess.columns] == names
    read = {column: uses for _, found in columns_read(guess.schema) for column, uses in found.items()}
    assert {row.column for row in guess.columns if row.taken_for} == set(names) & read.keys()
    lines = "\n".join(table_lines(guess.columns))
    assert all(name in lines for name in names)


SEEN = [shape for shape in SHAPES if "--from" not in shape.inputs]


@pytest.mark.parametrize("shape", SEEN, ids=lambda shape: shape.name)
def test_all_shapes_can_be_looked_at(shape, tmp_path: Path) -> None:
    shape.write(tmp_path)
    try:
        guess = guess_domain([tmp_path / name for name in shape.inputs], tmp_path)
    except WhyPathError:
        return
    look = preview(guess.schema, tmp_path)
    assert list(look.lines())
    assert len(look.events) <= 6
    names = {(row.file, row.column) for row in guess.columns}
    assert len(names) <= len(guess.columns)
    unread = {row.column for row in guess.columns if not row.taken_for}
    comments = " ".join(guess.to_yaml().replace("\n#", " ").split())
    assert all(" ".join(name.split()) in comments for name in unread)


def test_what_is_unsure_is_marked(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(
        "user_id,item_id,c\n" + "".join(f"{n % 9},{n % 7},{n % 5 + 1}\n" for n in range(90))
    )
    guess = guess_domain([tmp_path / "e.csv"], tmp_path)
    (row,) = [row for row in guess.columns if row.column == "c"]
    assert row.sure is Sure.UNSURE
    assert guess.doubts
    assert "unsure: weight of e" in guess.to_yaml()


ITEMS = "id,title,genre\n" + "".join(f"{n},Film {n},{'ABC'[n % 3]}\n" for n in range(1, 13))
RATINGS = "user_id,film_id,stars\n" + "".join(f"u{n % 5},{n % 12 + 1},{n % 5 + 1}\n" for n in range(60))


@pytest.mark.parametrize("flow", [False, True])
def test_a_description_is_completed_and_what_is_in_it_stays(tmp_path: Path, flow: bool) -> None:
    (tmp_path / "films.csv").write_text(ITEMS)
    (tmp_path / "ratings.csv").write_text(RATINGS)
    files = [tmp_path / "films.csv", tmp_path / "ratings.csv"]
    first = guess_domain(files, tmp_path).schema
    text = first.to_yaml()
    if flow:
        links = "    links: {genre: {relation: has_genre, target: genre, label: of}} # of mine\n"
        start, end = text.index("    links:\n"), text.index("  user:")
        text = text[:start] + links + text[end:]
    text = f"# A comment.\n{text.replace('title', 'title # its name', 1)}# The end.\n"
    schema = DomainSchema.from_yaml(text)
    # A column and a file have come, and one column has gone.
    lines = [line.split(",") for line in ITEMS.splitlines()]
    makers = ["maker", *("MN"[n % 2] for n in range(12))]
    (tmp_path / "films.csv").write_text("".join(f"{a},{c},{m}\n" for (a, _, c), m in zip(lines, makers, strict=True)))
    (tmp_path / "plays.csv").write_text("user_id,film_id,minutes\n" + "u1,1,5\nu2,2,7\nu1,3,9\nu3,1,2\nu2,3,4\n")
    found = completed(text, schema, guess_domain([*files, tmp_path / "plays.csv"], tmp_path))
    now = yaml.safe_load(found.text)
    assert now["nodes"]["film"]["links"]["maker"]["target"] == "maker"
    assert now["nodes"]["maker"] == {}
    assert "play" in now["interactions"]
    (gone,) = found.gone
    assert gone.startswith("films.csv: the column 'title' is not there any more")
    # All that was there is there, in its order.
    rest = iter(found.text.splitlines())
    kept = [line for line in text.splitlines() if "links: {" not in line]
    assert all(any(line == other for other in rest) for line in kept)
    again = completed(
        found.text, DomainSchema.from_yaml(found.text), guess_domain([*files, tmp_path / "plays.csv"], tmp_path)
    )
    assert (again.text, again.added) == (found.text, ())
