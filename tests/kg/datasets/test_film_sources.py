"""Reading the sources of the film domains, their codes, and the repair of their format."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kg.datasets.movielens import DemoSources
from kg.datasets.movielens.releases import FILMS_1M, FILMS_100K
from kg.datasets.movielens.sources import (
    MovieLensFilm,
    MovieLensUser,
    Ratings,
    SourceChanged,
    people,
    read_films,
    read_ratings,
    read_users,
    read_wikidata,
)


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
        ),
        FILMS_100K,
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
        read_films(write_items(tmp_path, header="item_id:token\ttitle:token"), FILMS_100K)


def test_a_short_row_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SourceChanged, match="line 3: expected 4 columns, found 2"):
        read_films(write_items(tmp_path, "1\tToy Story\t1995\tComedy", "2\tGoldenEye"), FILMS_100K)


def write_rows(path: Path, *rows: str) -> Path:
    path.write_bytes("".join(f"{row}\r\n" for row in rows).encode())
    return path


USERS = "user_id:token\tage:float\tgender:token\toccupation:float\tzip_code:token"


def test_codes_of_users_become_the_words_of_the_release(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "ml-1m.user", USERS, "1m_1\t1\tF\t10\t48067", "1m_2\t56\tM\t0\t01234-5678")
    assert read_users(path, FILMS_1M) == [
        MovieLensUser("1", "Under 18", "F", "K-12 student", "48067"),
        MovieLensUser("2", "56+", "M", "other or not specified", "01234-5678"),
    ]


@pytest.mark.parametrize(("age", "occupation", "message"), [("2", "0", "age '2'"), ("1", "21", "occupation '21'")])
def test_an_unknown_code_is_an_error(tmp_path: Path, age: str, occupation: str, message: str) -> None:
    path = write_rows(tmp_path / "ml-1m.user", USERS, f"1m_1\t{age}\tF\t{occupation}\t48067")
    with pytest.raises(SourceChanged, match=message):
        read_users(path, FILMS_1M)


def test_films_and_ratings_of_the_larger_release(tmp_path: Path) -> None:
    films = write_rows(
        tmp_path / "ml-1m.item",
        "item_id:token\tmovie_title:token\trelease_year:float\tgenre:token",
        "Big (1988)\tBig\t1988\tComedy Fantasy",
    )
    ratings = write_rows(
        tmp_path / "ml-1m.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float",
        "1m_1\tBig (1988)\t4\t978302039",
        "1m_11\tBig (1988)\t5\t978302040",
    )
    assert read_films(films, FILMS_1M) == [MovieLensFilm("Big (1988)", "Big", 1988, ("Comedy", "Fantasy"))]
    read = read_ratings(ratings, FILMS_1M)
    assert read == Ratings(("1", "11"), ("Big (1988)", "Big (1988)"), (4, 5), (978302039, 978302040))
    # A million ratings share the strings of a few thousand ids.
    assert read.items[0] is read.items[1]


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
    assert set(demo_sources.ratings.stars) == {1, 2, 3, 4, 5}
    assert len({film.id for film in demo_sources.wikidata}) == len(demo_sources.wikidata) == 17_472
    assert [film.id for film in demo_sources.films if film.year is None] == ["267"]


def test_the_larger_release_is_what_it_should_be(films_1m_sources: DemoSources) -> None:
    films, users, ratings = films_1m_sources.films, films_1m_sources.users, films_1m_sources.ratings
    assert all(film.id == f"{film.title} ({film.year})" for film in films)
    assert len({film.id for film in films}) == len(films) == 3_883
    assert [user.id for user in users] == [str(number) for number in range(1, 6_041)]
    assert {user.age for user in users} == set(FILMS_1M.ages.values())
    assert {user.occupation for user in users} == set(FILMS_1M.occupations.values())
    assert len(ratings) == 1_000_209
    assert set(ratings.users) == {user.id for user in users}
    assert len(set(ratings.items)) == 3_706
    assert set(ratings.items) <= {film.id for film in films}
    assert set(ratings.stars) == {1, 2, 3, 4, 5}


def test_no_name_is_the_rest_of_another(demo_sources: DemoSources) -> None:
    names = {name for film in demo_sources.wikidata for name in (*film.cast, *film.directors, *film.writers)}
    assert not names & {"Jr.", "Sr.", "III", "12th Earl of Portland", ""}
