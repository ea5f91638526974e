"""Guessing a domain: what is guessed of usual sets of files, and that it loads without a change."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from kg.ingest import LoadReport, load_domain
from kg.opening import open_store
from kg.schema import DomainSchema, Role
from kg.sources import SourceError
from kg.sources.guess import GuessError, guess_domain, write_domain
from tests.kg.sources.northwind import write_northwind

GENRES = ["Action", "Comedy", "Drama", "Horror"]


def loaded(folder: Path, *files: str | Path) -> tuple[DomainSchema, LoadReport, str]:
    """Guess from files in `folder`, write, and load: the schema as read back, the report, and the text."""
    guess = guess_domain([folder / f for f in files], folder)
    out = write_domain(guess, folder / "domain.yaml")
    store = open_store(folder / "store", create=True)
    report = load_domain(out, store)
    assert DomainSchema.read(out) == guess.schema == store.schema()
    store.close()
    return guess.schema, report, out.read_text()


def write_atomic(folder: Path, rng: random.Random) -> list[str]:
    """MovieLens in RecBole's atomic files, with its two odd years and a title that begins with a quote."""
    inter = {(rng.randrange(40), rng.randrange(60)) for _ in range(500)}
    (folder / "ml.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        + "".join(f"{u}\t{i}\t{rng.randint(1, 5)}\t{880_000_000 + u * 1000 + i}\n" for u, i in sorted(inter))
    )
    (folder / "ml.item").write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        + "".join(
            f"{i}\t{chr(34) if i == 5 else ''}Movie number {i}\t{'unkonwn' if i == 7 else 1950 + i}\t"
            f"{' '.join(rng.sample(GENRES, 2))}\n"
            for i in range(60)
        )
    )
    (folder / "ml.user").write_text(
        "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
        + "".join(f"{u}\t{20 + u % 30}\t{'MF'[u % 2]}\t{'abc'[u % 3]}\t{10_000 + u}\n" for u in range(40))
    )
    return ["ml.inter", "ml.item", "ml.user"]


def test_atomic_files(tmp_path: Path) -> None:
    schema, report, text = loaded(tmp_path, *write_atomic(tmp_path, random.Random(1)))
    item, user = schema.nodes["item"], schema.nodes["user"]
    assert (item.role, item.key, item.label) == (Role.ITEM, "item_id", "movie_title")
    assert item.lists["class"].target == "class"
    assert item.fields["release_year"].type == "integer"
    assert item.fields["release_year"].missing == ("unkonwn",)
    assert user.fields["age"].sensitive
    assert user.fields["gender"].sensitive
    assert not user.fields["occupation"].sensitive
    assert user.used_fields == ()
    (interaction,) = schema.interactions.values()
    assert interaction.columns is not None
    assert (interaction.columns.weight, interaction.columns.time) == ("rating", "timestamp")
    assert interaction.positive.min_weight == 4
    assert report.n_bad == 0
    assert report.events.new > 300
    assert "# Guessed from the files" in text
    assert "#   item.class holds several values" in text


def test_a_trading_company(tmp_path: Path) -> None:
    files = write_northwind(tmp_path)
    schema, report, text = loaded(tmp_path, *(f.name for f in files))
    assert schema.item_kinds == ("product",)
    assert schema.user_kinds == ("customer",)
    product = schema.nodes["product"]
    assert {c: link.target for c, link in product.links.items()} == {"supplierID": "supplier", "categoryID": "category"}
    assert product.label == "productName"
    assert product.fields["unitPrice"].type == "number"
    assert product.available is not None
    assert not product.available.equals
    assert schema.nodes["category"].text_columns == ("categoryName", "description")
    assert schema.nodes["supplier"].label == "companyName"
    (bought,) = schema.interactions.values()
    assert bought.columns is not None
    assert bought.columns.user == "orders.customerID"
    assert (bought.columns.item, bought.columns.weight, bought.columns.time) == (
        "productID",
        "quantity",
        "orders.orderDate",
    )
    assert bought.via["orders"].key == "orderID"
    assert bought.label == "bought"
    assert report.n_bad == 0
    assert report.events.new > 100
    assert "employees.csv: not used" in text


def write_movielens_small(folder: Path, rng: random.Random) -> list[str]:
    """ratings.csv, movies.csv, tags.csv and links.csv of the MovieLens downloads."""
    movies = range(1, 50)
    (folder / "movies.csv").write_text(
        "movieId,title,genres\n"
        + "".join(f'{m},"Movie {m}, The ({1950 + m})",{"|".join(rng.sample(GENRES, 2))}\n' for m in movies)
    )
    pairs = sorted({(rng.randrange(1, 30), rng.choice(movies)) for _ in range(400)})
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n"
        + "".join(f"{u},{m},{rng.randint(1, 10) / 2},{964_982_703 + m}\n" for u, m in pairs)
    )
    (folder / "tags.csv").write_text(
        "userId,movieId,tag,timestamp\n" + "".join(f"{u},{m},funny,{1_445_714_994 + u}\n" for u, m in pairs[:50:3])
    )
    (folder / "links.csv").write_text(
        "movieId,imdbId,tmdbId\n" + "".join(f"{m},{114_000 + m},{800 + m}\n" for m in movies)
    )
    return ["links.csv", "movies.csv", "ratings.csv", "tags.csv"]


def test_ratings_and_movies(tmp_path: Path) -> None:
    schema, report, text = loaded(tmp_path, *write_movielens_small(tmp_path, random.Random(2)))
    assert schema.item_kinds == ("movie",)
    movie = schema.nodes["movie"]
    assert (movie.key, movie.label) == ("movieId", "title")
    assert movie.lists["genres"].separator == "|"
    assert schema.nodes[schema.user_kinds[0]].source == ()
    rating = schema.interactions["rating"]
    assert rating.positive.min_weight == 4
    # What users called a film says what it is about.
    tags = schema.relations["has_tag"]
    assert (tags.columns.head, tags.columns.tail) == ("movieId", "tag")
    assert set(schema.interactions) == {"rating"}
    assert report.n_bad == 0
    assert "links.csv: not used; movieId leads to items, but nothing beside it recurs (imdbId, tmdbId)" in text


@pytest.mark.parametrize("header", [True, False])
def test_triples_with_a_file_of_events(tmp_path: Path, header: bool) -> None:
    rng = random.Random(3)
    (tmp_path / "train.tsv").write_text(
        "user\titem\n"
        + "".join(f"{u}\thttp://x.org/resource/A_{rng.randrange(30)}\n" for u in range(90) for _ in range(3))
    )
    triples = [f"http://x.org/resource/A_{n}\tdbo:genre\thttp://x.org/resource/G{n % 4}" for n in range(30)]
    triples += [f"http://x.org/resource/A_{n}\tdbo:associatedBand\thttp://x.org/resource/A_{n + 1}" for n in range(40)]
    (tmp_path / "triples.tsv.gz").write_bytes(
        gzip.compress(("head\trelation\ttail\n" * header + "\n".join(triples) + "\n").encode())
    )
    schema, report, _ = loaded(tmp_path, "train.tsv", "triples.tsv.gz")
    assert schema.item_kinds == ("item",)
    assert {(r.head, r.tail, r.label) for r in schema.relation_kinds.values()} == {
        ("item", "entity", "genre"), ("item", "item", "associated band"), ("item", "entity", "associated band"),
        ("entity", "item", "associated band"), ("entity", "entity", "associated band"),
    }  # fmt: skip
    assert report.n_bad == 0
    assert report.edges.new == 70


def test_numeric_triples_and_an_item_map(tmp_path: Path) -> None:
    (tmp_path / "x.inter").write_text(
        "user_id:token\titem_id:token\n" + "".join(f"{u}\t{u % 9 + n}\n" for u in range(50) for n in range(3))
    )
    (tmp_path / "x.link").write_text("item_id:token\tentity_id:token\n" + "".join(f"{i}\tm.{i}\n" for i in range(11)))
    (tmp_path / "x.kg").write_text(
        "head_id:token\trelation_id:token\ttail_id:token\n"
        + "".join(f"m.{i}\tfilm.genre\t{i % 3}\n" for i in range(11))
    )
    schema, report, _ = loaded(tmp_path, "x.inter", "x.link", "x.kg")
    (source,) = schema.relations["film.genre"].source
    assert source.map is not None
    assert (source.map.item, source.map.entity) == ("item_id", "entity_id")
    assert report.n_bad == 0
    assert report.edges.new == 11


def test_other_forms_of_tables(tmp_path: Path) -> None:
    rng = random.Random(4)
    pd.DataFrame(
        {
            "sku": [f"p{n}" for n in range(40)],
            "name": [f"Thing {n}" for n in range(40)],
            "colours": [rng.sample(["red", "blue", "green"], 2) for _ in range(40)],
            "brand": [rng.choice(["Acme", "Apex"]) for _ in range(40)],
            "launched": pd.date_range("2020-01-01", periods=40),
        }
    ).to_parquet(tmp_path / "products.parquet")
    with (tmp_path / "purchases.jsonl").open("w") as file:
        for n in range(200):
            event = {"event_id": f"e{n}", "customer": {"id": rng.randrange(20)}, "sku": f"p{rng.randrange(40)}"}
            file.write(
                json.dumps(event | {"at": f"2021-03-0{rng.randint(1, 9)}T10:00:00Z", "qty": rng.randint(1, 3)}) + "\n"
            )
    schema, report, _ = loaded(tmp_path, "products.parquet", "purchases.jsonl")
    product = schema.nodes["product"]
    assert product.lists["colours"].target == "colour"
    assert product.links["brand"].target == "brand"
    assert product.fields["launched"].type == "date"
    (purchase,) = schema.interactions.values()
    assert purchase.columns is not None
    assert (purchase.columns.user, purchase.columns.id, purchase.columns.time) == ("customer.id", "event_id", "at")
    assert report.n_bad == 0
    assert report.events.new == 200


@pytest.mark.parametrize(
    ("name", "row", "encoding"),
    [("u.data", "{u}\t{i}\t{r}\t{t}", "utf-8"), ("ratings.dat", "{u}::{i}::{r}::{t}", "latin-1")],
)
def test_files_without_a_header(tmp_path: Path, name: str, row: str, encoding: str) -> None:
    rng = random.Random(5)
    lines = {(rng.randrange(1, 30), rng.randrange(1, 30)) for _ in range(300)}
    (tmp_path / name).write_text(
        "".join(row.format(u=u, i=i, r=rng.randint(1, 5), t=978_300_760 + u) + "\n" for u, i in sorted(lines)), encoding
    )
    schema, report, text = loaded(tmp_path, name)
    (kind,) = schema.interactions.values()
    assert kind.columns is not None
    assert (kind.columns.user, kind.columns.item, kind.columns.weight) == ("user", "item", "rating")
    assert "no header line" in text
    assert (report.n_bad, report.events.new) == (0, len(lines))


def test_relations_from_a_table_between_items_and_people(tmp_path: Path) -> None:
    rng = random.Random(6)
    films = [f"f{n}" for n in range(30)]
    (tmp_path / "films.csv").write_text("film_id,title\n" + "".join(f"{f},Film {f}\n" for f in films))
    (tmp_path / "actors.csv").write_text("actor_id,name\n" + "".join(f"a{n},Actor {n}\n" for n in range(12)))
    pairs = sorted({(rng.choice(films), f"a{rng.randrange(12)}") for _ in range(80)})
    (tmp_path / "film_actor.csv").write_text("film_id,actor_id\n" + "".join(f"{f},{a}\n" for f, a in pairs))
    (tmp_path / "film_mood.csv").write_text(
        "film_id,mood\n" + "".join(f"{f},{m}\n" for f in films for m in rng.sample(["calm", "dark", "wild"], 2))
    )
    (tmp_path / "views.csv").write_text(
        "viewer;film_id;date\n" + "".join(f"v{n % 9};{films[n % 30]};0{n % 9 + 1}.03.2021\n" for n in range(99))
    )
    schema, report, _ = loaded(tmp_path, "films.csv", "actors.csv", "film_actor.csv", "film_mood.csv", "views.csv")
    assert schema.nodes["actor"].label == "name"
    assert {(r.head, r.tail) for r in schema.relation_kinds.values()} == {("film", "actor"), ("film", "mood")}
    (view,) = schema.interactions.values()
    assert view.time_format == "%d.%m.%Y"
    assert view.label == "viewed"
    assert (report.n_bad, report.edges.new) == (0, len(pairs) + 60)


def test_what_cannot_be_guessed_is_told(tmp_path: Path) -> None:
    with pytest.raises(GuessError, match="no files given"):
        guess_domain([])
    (tmp_path / "films.csv").write_text("id,title\n1,Heat\n2,Ronin\n")
    with pytest.raises(GuessError, match="no file shows users and items together"):
        guess_domain([tmp_path / "films.csv"])
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("a,b\n")
    (tmp_path / "array.json").write_text("[]")
    for name in ("empty.csv", "header.csv", "array.json", "absent.csv"):
        with pytest.raises(SourceError):
            guess_domain([tmp_path / name])


def test_a_description_is_never_overwritten(tmp_path: Path) -> None:
    guess = guess_domain([tmp_path / f for f in write_movielens_small(tmp_path, random.Random(2))], tmp_path)
    out = tmp_path / "domain.yaml"
    out.write_text("mine")
    with pytest.raises(GuessError, match="is there already"):
        write_domain(guess, out)
    assert out.read_text() == "mine"
    with pytest.raises(GuessError, match="cannot be written"):
        write_domain(guess, tmp_path / "absent" / "domain.yaml")


def test_paths_are_relative_to_where_the_description_will_be(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    files = [tmp_path / "data" / f for f in write_movielens_small(tmp_path / "data", random.Random(2))]
    guess = guess_domain(files, tmp_path)
    assert guess.schema.nodes["movie"].source[0].file == "data/movies.csv"


def test_rdf_with_a_file_of_events(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text(
        "listener,artist\n"
        + "".join(f"{u},http://x.org/resource/A{(u + n) % 9}\n" for u in range(30) for n in range(3))
    )
    (tmp_path / "facts.nt").write_text(
        "".join(
            f"<http://x.org/resource/A{n}> <http://x.org/ontology/genre> <http://x.org/resource/G{n % 2}> .\n"
            f'<http://x.org/resource/A{n}> <http://x.org/ontology/motto> "words {n}" .\n'
            for n in range(9)
        )
    )
    schema, report, text = loaded(tmp_path, "plays.csv", "facts.nt")
    assert [(r.name, r.head, r.tail) for r in schema.relation_kinds.values()] == [("genre", "artist", "entity")]
    assert "motto has texts at its end" in text
    assert (report.n_bad, report.edges.new, report.skipped) == (0, 9, 9)


def test_quoting_separators_and_encodings_are_seen(tmp_path: Path) -> None:
    rng = random.Random(7)
    (tmp_path / "items.csv").write_bytes(
        b"item_id;name;country\n"
        + "".join(f"{n};Café {n};{rng.choice(['Perú', 'Chile'])}\n" for n in range(30)).encode("latin-1")
    )
    (tmp_path / "events.tsv").write_text(
        "user_id\titem_id\tcreated\n"
        + "".join(f'"u{n % 7}"\t"{n % 30}"\t"2021-01-01T00:00:{n % 60:02d}"\n' for n in range(90))
    )
    schema, report, text = loaded(tmp_path, "items.csv", "events.tsv")
    (source,) = schema.nodes["item"].source
    assert (source.separator, source.encoding) == (";", "latin-1")
    assert "read as latin-1" in text
    (event,) = schema.interactions.values()
    assert event.source[0].quoted
    assert (report.n_bad, report.events.new) == (0, 90)


def test_tables_that_are_only_named_for_their_role(tmp_path: Path) -> None:
    """`films.tsv` with a bare `id`, and `item` in the ratings; user ids are item ids too."""
    rng = random.Random(3)
    names = [f"Person {n}" for n in range(120)]
    films = ["id\ttitle\tcast\tdirectors"]
    for film in range(1, 61):
        directors = rng.sample(names, 2 if film % 10 == 0 else 1)
        films.append(f"{film}\tFilm number {film}\t{'|'.join(rng.sample(names, 12))}\t{'|'.join(directors)}")
    (tmp_path / "films.tsv").write_text("\n".join(films) + "\n")
    (tmp_path / "users.tsv").write_text("id\tage\n" + "".join(f"{user}\t{user + 20}\n" for user in range(1, 31)))
    met = {(rng.randint(1, 30), rng.randint(1, 60)) for _ in range(300)}
    ratings = "".join(f"{user}\t{film}\t{rng.randint(1, 5)}\n" for user, film in sorted(met))
    (tmp_path / "ratings.tsv").write_text("user\titem\trating\n" + ratings)
    schema, report, _ = loaded(tmp_path, "films.tsv", "users.tsv", "ratings.tsv")
    film = schema.nodes["film"]
    assert (film.role, film.key, film.label, film.text) == (Role.ITEM, "id", "title", None)
    assert {name: part.separator for name, part in film.lists.items()} == {"cast": "|", "directors": "|"}
    assert not report.bad


def test_long_cells_and_many_columns(tmp_path: Path) -> None:
    """With the square of a cell's length, this one would take an hour."""
    ratings = "".join(f"u{n % 9},i{n % 30},{n % 5}\n" for n in range(90))
    (tmp_path / "long.csv").write_text(f"user,item,rating\n{ratings}u1,i1,{'1' * 120_000}x\n")
    assert "user: users are all keys with an event" in guess_domain([tmp_path / "long.csv"], tmp_path).notes
    (tmp_path / "wide.csv").write_text(",".join(f"c{n}" for n in range(10_001)) + "\n")
    (tmp_path / "wide.jsonl").write_text("".join(json.dumps({f"c{n}": 1}) + "\n" for n in range(10_001)))
    for name in ("wide.csv", "wide.jsonl"):
        with pytest.raises(SourceError, match="more than 10,000 columns"):
            guess_domain([tmp_path / name], tmp_path)


def test_a_mark_too_many_is_told_before_the_load(tmp_path: Path) -> None:
    ratings = [f"u{n % 9},i{n % 30},{n % 5}" for n in range(900)]
    ratings[500] = ratings[500].replace(",", ',"', 1)
    (tmp_path / "t.csv").write_text("user,item,rating\n" + "\n".join(ratings))
    notes = guess_domain([tmp_path / "t.csv"], tmp_path).notes
    assert any("line 502 opens a quoted cell that does not end" in note for note in notes)


def test_rdf_and_an_item_map(tmp_path: Path) -> None:
    (tmp_path / "x.inter").write_text(
        "user_id:token\titem_id:token\n" + "".join(f"{u}\t{u % 9 + n}\n" for u in range(50) for n in range(3))
    )
    (tmp_path / "x.link").write_text(
        "item_id:token\tentity_id:token\n" + "".join(f"{i}\thttp://example.org/film/{i}\n" for i in range(11))
    )
    (tmp_path / "x.nt").write_text(
        "".join(
            f"<http://example.org/film/{i}> <http://example.org/p/genre> <http://example.org/genre/{i % 3}> .\n"
            for i in range(11)
        )
    )
    schema, report, _ = loaded(tmp_path, "x.inter", "x.link", "x.nt")
    (source,) = schema.relations["genre"].source
    assert source.map is not None
    assert report.n_bad == 0
    assert report.edges.new == 11


def test_percents_and_numbers_beyond_64_bits_cost_no_row(tmp_path: Path) -> None:
    rng = random.Random(4)
    (tmp_path / "items.csv").write_text(
        "item_id,title,discount,barcode\n"
        + "".join(f"{n},Thing {n},{n % 7 * 10}%,{10**24 + n % 5}\n" for n in range(40))
    )
    (tmp_path / "ratings.csv").write_text(
        "user_id,item_id,rating\n" + "".join(f"{rng.randrange(9)},{n % 40},{rng.randint(1, 5)}\n" for n in range(200))
    )
    schema, report, _ = loaded(tmp_path, "items.csv", "ratings.csv")
    assert report.n_bad == 0
    assert schema.nodes["item"].fields["discount"].type == "integer"
    assert "barcode" not in schema.nodes["item"].fields


@pytest.mark.parametrize(("column", "values"), [("variant", "ABCD"), ("part", ["1/2", "2/2"])])
def test_letters_and_fractions_are_marks_only_where_the_column_is_called_so(
    tmp_path: Path, column: str, values: Sequence[str]
) -> None:
    def described(name: str) -> DomainSchema:
        rows = "".join(f"{n % 9},{n % 20},{values[n % len(values)]}\n" for n in range(180))
        (tmp_path / "events.csv").write_text(f"user_id,item_id,{name}\n{rows}")
        return guess_domain([tmp_path / "events.csv"], tmp_path).schema

    (event,) = described(column).interactions.values()
    assert event.positive.always is None
    assert event.where == {}
    assert {kind.positive.always for kind in described("rating").interactions.values()} == {None, False}


@pytest.mark.parametrize(
    ("name", "liked", "sure"),
    [
        ("reports", True, True),
        ("likes", True, True),
        ("dislikes", False, True),
        *((name, False, False) for name in ("returns", "refunds", "cancellations", "skips", "uninstalls", "unfollows")),
    ],
)
def test_a_table_that_takes_back_is_of_no_likes(tmp_path: Path, name: str, liked: bool, sure: bool) -> None:
    rows = "".join(f"{n % 9},{n % 20}\n" for n in range(180))
    (tmp_path / f"{name}.csv").write_text(f"user_id,item_id\n{rows}")
    guess = guess_domain([tmp_path / f"{name}.csv"], tmp_path)
    (event,) = guess.schema.interactions.values()
    assert (event.positive.always is not False) is liked
    assert any("every event is positive" in note for note in guess.notes) is liked
    assert any(note.startswith("unsure") for note in guess.notes) is not sure


def test_relations_at_the_end_of_a_sorted_file_are_found(tmp_path: Path) -> None:
    rows = [f"{n % 500}\tfirst\te{n % 90}" for n in range(230_000)] + [
        f"{n % 500}\tlast\te{n % 7}" for n in range(1_000)
    ]
    (tmp_path / "kg.tsv").write_text("head\trelation\ttail\n" + "\n".join(rows) + "\n")
    events = "".join(f"{n % 40},{n % 500}\n" for n in range(2_000))
    (tmp_path / "events.csv").write_text(f"user_id,item_id\n{events}")
    guess = guess_domain([tmp_path / "kg.tsv", tmp_path / "events.csv"], tmp_path)
    assert set(guess.schema.relations) == {"first", "last"}
    assert any("kg.tsv: only its first 200,000 rows were looked at" in note for note in guess.notes)
