"""Reading the two sources, and what of their format is repaired."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kg.datasets.movielens import DemoSources
from kg.datasets.movielens.sources import SourceChanged, people, read_films, read_wikidata


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Eric Darnell, Tim Johnson", ("Eric Darnell", "Tim Johnson")),
        ("Sammy Davis, Jr., Dean Martin", ("Sammy Davis, Jr.", "Dean Martin")),
        ("Albert II, Prince of Monaco, Mark Moses", ("Albert II, Prince of Monaco", "Mark Moses")),
        ("William Bentinck, 12th Earl of Portland", ("William Bentinck, 12th Earl of Portland",)),
        ("Prince, Madonna", ("Prince", "Madonna")),
        ("Jr.", ("Jr.",)),
        ("Joel Coen, Joel Coen", ("Joel Coen",)),
        ("", ()),
        (None, ()),
    ],
)
def test_commas_inside_names(cell: str | None, expected: tuple[str, ...]) -> None:
    assert people(cell) == expected


def write_items(folder: Path, *rows: str, header: str = "item_id:token\tmovie_title:token_seq\trelease_year:token\t"
                "class:token_seq") -> Path:  # fmt: skip
    path = folder / "ml-100k.item"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def test_films_are_read_and_their_years_repaired(tmp_path: Path) -> None:
    rows = read_films(
        write_items(
            tmp_path,
            "1\tToy Story\t1995\tAnimation Children's Comedy",
            "267\tunkonwn\tunkonwn\tunknown",
            "1412\tLand Before Time III: The Great Giving (1995)   \tV\tAnimation Children's",
            '5\tThe "Quoted"\t1990\tDrama',
        )
    )
    assert [(film.id, film.title, film.year) for film in rows] == [
        ("1", "Toy Story", 1995),
        ("267", "unknown", None),
        ("1412", "Land Before Time III: The Great Giving", 1995),
        ("5", 'The "Quoted"', 1990),
    ]
    assert rows[0].genres == ("Animation", "Children's", "Comedy")
    assert rows[1].genres == ()


def test_other_columns_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceChanged, match=r"expected the columns item_id, movie_title"):
        read_films(write_items(tmp_path, header="item_id:token\ttitle:token"))


def test_a_short_row_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SourceChanged, match="line 3: expected 4 columns, found 2"):
        read_films(write_items(tmp_path, "1\tToy Story\t1995\tComedy", "2\tGoldenEye"))


def test_a_database_without_films_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "movies.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (ID INTEGER)")
    connection.close()
    with pytest.raises(SourceChanged, match="not the film database"):
        read_wikidata(path)


def test_the_sources_are_what_they_should_be(demo_sources: DemoSources) -> None:
    assert [film.id for film in demo_sources.films] == [str(number) for number in range(1, 1683)]
    assert len(demo_sources.users) == 943
    assert len(demo_sources.ratings) == 100_000
    assert {rating.stars for rating in demo_sources.ratings} == {1, 2, 3, 4, 5}
    assert len({film.id for film in demo_sources.wikidata}) == len(demo_sources.wikidata) == 17_472
    assert [film.id for film in demo_sources.films if film.year is None] == ["267"]


def test_no_name_is_the_rest_of_another(demo_sources: DemoSources) -> None:
    names = {name for film in demo_sources.wikidata for name in (*film.cast, *film.directors, *film.writers)}
    assert not names & {"Jr.", "Sr.", "III", "12th Earl of Portland", ""}
