"""The prepared demo domain: its tables, its description, and that it is written whole."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from kg.datasets.movielens import DemoFilesExist, DemoReport, DemoSources, prepare
from kg.datasets.movielens.tables import RELATIONS, FilmRow, write_domain
from kg.schema import DomainSchema, Role
from kg.tsv_cells import text_of_cell


@pytest.fixture(scope="module")
def prepared(demo_sources: DemoSources, tmp_path_factory: pytest.TempPathFactory) -> DemoReport:
    return prepare(tmp_path_factory.mktemp("demo"))


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


def test_the_description_comes_last_and_no_file_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_domain(tmp_path / "demo", [FilmRow("1", "Toy Story", 1995)], [], [])
    assert list((tmp_path / "demo").iterdir()) == []


def test_a_separator_inside_a_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="directors of film 1"):
        write_domain(tmp_path, [FilmRow("1", "Toy Story", 1995, directors=("A|B",))], [], [])


def test_an_unknown_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'movielens' or 'full'"):
        prepare(tmp_path, catalogue="everything")  # pyright: ignore[reportArgumentType]
