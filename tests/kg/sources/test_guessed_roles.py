"""Who is a user, what is an item, and what says that somebody likes it: cases in which a wrong guess does harm."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from kg.ingest import load_domain
from kg.ingest.preview import preview
from kg.opening import open_store
from kg.schema import DomainSchema
from kg.sources.guess import guess_domain


@pytest.mark.parametrize(
    ("name", "sure"),
    [
        *((name, True) for name in ("disliked", "dislikes", "thumbs_down", "downvoted", "not_interested")),
        *((name, False) for name in ("skipped", "returned", "is_blocked", "refunded")),
    ],
)
@pytest.mark.parametrize("yes", ["True", "1", "yes"])
def test_a_yes_to_a_dislike_is_no_like(tmp_path: Path, name: str, sure: bool, yes: str) -> None:
    no = {"True": "False", "1": "0", "yes": "no"}[yes]
    rows = "".join(f"u{n % 9},t{n % 20},{yes if n % 3 == 0 else no}\n" for n in range(180))
    (tmp_path / "events.csv").write_text(f"user_id,track_id,{name}\n{rows}")
    guess = guess_domain([tmp_path / "events.csv"], tmp_path)
    with closing(open_store(tmp_path / "store", create=True)) as store:
        load_domain(guess.schema, store, folder=tmp_path)
        graph = store.snapshot()
    assert 0 < len(graph.interactions()) < len(graph.interactions(positive_only=False))
    liked = graph.interactions()
    pairs = {(liked.user_ids[u], graph.item_ids[i]) for u, i in zip(liked.users, liked.items, strict=True)}
    assert pairs == {(f"u{n % 9}", f"t{n % 20}") for n in range(180) if n % 3}
    assert any(note.startswith("unsure") and name in note for note in guess.notes) is not sure


def test_what_is_no_plain_no_to_a_dislike_is_no_like(tmp_path: Path) -> None:
    said = ["yes", "no", "perhaps"]
    rows = "".join(f"u{n % 9},t{n % 20},{said[n % 3]}\n" for n in range(180))
    (tmp_path / "events.csv").write_text(f"user_id,track_id,disliked\n{rows}")
    guess = guess_domain([tmp_path / "events.csv"], tmp_path)
    liked = [each for each in guess.schema.interactions.values() if each.positive.always is not False]
    assert [tuple(each.where["disliked"]) for each in liked] == [("no",)]
    assert any(note.startswith("unsure") and "disliked" in note for note in guess.notes)


@pytest.mark.parametrize(
    ("header", "user", "item"),
    [
        ("Order ID,Customer Email,Product SKU,Qty", "Customer Email", "Product SKU"),
        ("OrderID,CustomerName,ProductName,Qty", "CustomerName", "ProductName"),
        ("transaction_id,cust_id,prod_id,qty", "cust_id", "prod_id"),
        ("Bestellnummer,E-Mail,Artikel,Menge", "E-Mail", "Artikel"),
        ("impression_id,user_id,ad_id,click", "user_id", "ad_id"),
        ("day,user,channel,minutes", "user", "channel"),
        ("row,Reviewer_Name,Hotel_Name,Score", "Reviewer_Name", "Hotel_Name"),
        ("n,user,track_name,plays", "user", "track_name"),
    ],
)
def test_columns_with_names_of_users_and_items(tmp_path: Path, header: str, user: str, item: str) -> None:
    rows = "".join(f"{n // 2},a{n % 9}@x.org,Blue Pen {n % 20},{1 + n % 5}\n" for n in range(180))
    (tmp_path / "orders.csv").write_text(f"{header}\n{rows}")
    (event,) = guess_domain([tmp_path / "orders.csv"], tmp_path).schema.interactions.values()
    assert event.columns is not None
    assert (event.columns.user, event.columns.item) == (user, item)


def test_artists_are_items_only_without_their_tracks(tmp_path: Path) -> None:
    rows = "".join(f"u{n % 9},Song {n % 40},Band {n % 8}\n" for n in range(180))
    (tmp_path / "plays.csv").write_text(f"user,track_name,artist\n{rows}")
    (event,) = guess_domain([tmp_path / "plays.csv"], tmp_path).schema.interactions.values()
    assert event.columns is not None
    assert event.columns.item == "track_name"


@pytest.mark.parametrize("column", ["product", "items", "categories"])
def test_the_words_of_a_name_are_not_several_items(tmp_path: Path, column: str) -> None:
    things = ["Blue Pen", "Red Pen", "Desk Lamp", "Red Lamp", "Desk Pen", "Blue Lamp"]
    rows = "".join(f"{'abcdef'[n % 6]},{things[n % 5]}\n" for n in range(30))
    (tmp_path / "events.csv").write_text(f"customer,{column}\n{rows}")
    schema = guess_domain([tmp_path / "events.csv"], tmp_path).schema
    (event,) = schema.interactions.values()
    assert event.several is None


def test_items_of_all_files_of_events_are_items(tmp_path: Path) -> None:
    for month in (1, 2, 3):
        rows = "".join(f"u{n % 9},p{n % 7 + 5 * month}\n" for n in range(60))
        (tmp_path / f"sales_2023_0{month}.csv").write_text(f"user_id,product_id\n{rows}")
    guess = guess_domain(sorted(tmp_path.glob("*.csv")), tmp_path)
    with closing(open_store(tmp_path / "store", create=True)) as store:
        report = load_domain(guess.schema, store, folder=tmp_path)
        assert report.n_bad == 0
        assert store.snapshot().n_items == 17


def test_events_with_each_user_once_are_no_table_of_users(tmp_path: Path) -> None:
    (tmp_path / "wishes.csv").write_text("user_id,book_id\n" + "".join(f"{n},{n % 20}\n" for n in range(15)))
    rows = "".join(f"{n % 60},{n % 30},{n % 5 + 1}\n" for n in range(480))
    (tmp_path / "ratings.csv").write_text(f"user_id,book_id,rating\n{rows}")
    guess = guess_domain([tmp_path / "wishes.csv", tmp_path / "ratings.csv"], tmp_path)
    with closing(open_store(tmp_path / "store", create=True)) as store:
        assert load_domain(guess.schema, store, folder=tmp_path).n_bad == 0
        assert len(store.snapshot().nodes("user")) == 60


def test_a_joining_table_with_a_row_an_item_is_no_table_of_items(tmp_path: Path) -> None:
    (tmp_path / "product_tags.csv").write_text("product_id,tag_id\n" + "".join(f"{n},{n % 3}\n" for n in range(30)))
    (tmp_path / "products.csv").write_text("id,name\n" + "".join(f"{n},Thing {n}\n" for n in range(30)))
    (tmp_path / "tags.csv").write_text("id,name\n0,warm\n1,cool\n2,red\n")
    rows = "".join(f"{n % 12},{n % 30}\n" for n in range(90))
    (tmp_path / "purchases.csv").write_text(f"user_id,product_id\n{rows}")
    guess = guess_domain(sorted(tmp_path.glob("*.csv")), tmp_path)
    product = guess.schema.nodes["product"]
    assert [each.file for each in product.source] == ["products.csv"]
    assert product.label == "name"
    assert any({"product", "tag"} == {*each.head, *each.tail} for each in guess.schema.relations.values())


@pytest.mark.parametrize("odd", ["-", "?", "n/a", "not rated"])
def test_what_stands_for_no_rating_costs_no_other(tmp_path: Path, odd: str) -> None:
    rows = "".join(f"{n % 12},{n % 30},{odd if n % 11 == 0 else n % 5 + 1}\n" for n in range(60))
    (tmp_path / "ratings.csv").write_text(f"user_id,book_id,rating\n{rows}")
    guess = guess_domain([tmp_path / "ratings.csv"], tmp_path)
    (event,) = guess.schema.interactions.values()
    assert event.positive.min_weight == 4
    with closing(open_store(tmp_path / "store", create=True)) as store:
        assert load_domain(guess.schema, store, folder=tmp_path).n_bad == 0


def test_a_moment_that_is_unknown_costs_no_other(tmp_path: Path) -> None:
    rows = "".join(f"{n % 12},{n % 30},{0 if n == 7 else 1_600_000_000 + n}\n" for n in range(60))
    (tmp_path / "events.csv").write_text(f"user_id,book_id,ts\n{rows}")
    (event,) = guess_domain([tmp_path / "events.csv"], tmp_path).schema.interactions.values()
    assert event.columns is not None
    assert event.columns.time == "ts"


def test_the_state_of_an_order_is_read_over_its_table(tmp_path: Path) -> None:
    states = ["delivered", "refunded", "delivered"]
    orders = "".join(f"o{n},c{n % 9},{states[n % 3]}\n" for n in range(60))
    (tmp_path / "orders.csv").write_text(f"order_id,customer_id,status\n{orders}")
    rows = [(n % 60, n % 37) for n in range(120)]
    lines = "".join(f"o{order},p{product}\n" for order, product in rows)
    (tmp_path / "order_items.csv").write_text(f"order_id,product_id\n{lines}")
    guess = guess_domain(sorted(tmp_path.glob("*.csv")), tmp_path)
    with closing(open_store(tmp_path / "store", create=True)) as store:
        assert load_domain(guess.schema, store, folder=tmp_path).n_bad == 0
        graph = store.snapshot()
    liked = graph.interactions()
    pairs = {(liked.user_ids[u], graph.item_ids[i]) for u, i in zip(liked.users, liked.items, strict=True)}
    assert pairs == {(f"c{order % 9}", f"p{product}") for order, product in rows if states[order % 3] == "delivered"}


def test_files_of_a_user_a_line_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(
        "".join(f"{n} {' '.join(str(n + k) for k in range(3 + n % 4))}\n" for n in range(20))
    )
    (tmp_path / "test.txt").write_text("".join(f"{n} {n + 9} {n + 11}\n" for n in range(20)))
    guess = guess_domain([tmp_path / "train.txt", tmp_path / "test.txt"], tmp_path)
    with closing(open_store(tmp_path / "store", create=True)) as store:
        load_domain(guess.schema, store, folder=tmp_path)
        graph = store.snapshot()
    events = graph.interactions()
    pairs = {(events.user_ids[u], graph.item_ids[i]) for u, i in zip(events.users, events.items, strict=True)}
    assert pairs == {(str(n), str(n + k)) for n in range(20) for k in (*range(3 + n % 4), 9, 11)}


def test_a_table_with_two_ids_is_known_by_the_one_that_events_use(tmp_path: Path) -> None:
    books = "".join(f"{n},{2767052 + 37 * n},Title {n}\n" for n in range(1, 31))
    (tmp_path / "books.csv").write_text(f"id,book_id,title\n{books}")
    rows = "".join(f"{n % 12},{n % 30 + 1},{n % 5 + 1}\n" for n in range(90))
    (tmp_path / "ratings.csv").write_text(f"user_id,book_id,rating\n{rows}")
    schema = guess_domain([tmp_path / "books.csv", tmp_path / "ratings.csv"], tmp_path).schema
    assert (schema.nodes["book"].key, schema.nodes["book"].label) == ("id", "title")


def test_a_table_without_a_header_is_told_by_its_first_row(tmp_path: Path) -> None:
    rows = "".join(f"N{n}\t{['sports', 'news'][n % 2]}\tThe title {n}\t[]\t[]\n" for n in range(20))
    (tmp_path / "news.tsv").write_text(rows)
    clicks = "".join(f"u{n % 7},N{n % 20}\n" for n in range(60))
    (tmp_path / "clicks.csv").write_text(f"user_id,news_id\n{clicks}")
    schema = guess_domain([tmp_path / "news.tsv", tmp_path / "clicks.csv"], tmp_path).schema
    assert schema.nodes["news"].key == "column1"
    assert schema.nodes["news"].label == "column3"


def test_a_year_of_events_is_not_read_from_the_linking_table(tmp_path: Path) -> None:
    orders = "".join(f"{n},c{n % 9}\n" for n in range(60))
    lines = "".join(f"{n // 3},p{n % 20},{1990 + n % 7}\n" for n in range(180))
    (tmp_path / "orders.csv").write_text(f"order_id,customer_id\n{orders}")
    (tmp_path / "order_items.csv").write_text(f"order_id,product_id,year\n{lines}")
    guess = guess_domain([tmp_path / "orders.csv", tmp_path / "order_items.csv"], tmp_path)
    (event,) = guess.schema.interactions.values()
    assert event.columns is not None
    assert (event.columns.user, event.columns.time) == ("orders.customer_id", "year")


@pytest.mark.parametrize(
    ("column", "marks", "likes", "dislikes"),
    [
        ("rating", "1 2 3 4 5", "4 5", "1 2"),
        ("rating", "0.5 1 1.5 2 2.5 3 3.5 4 4.5 5", "4 4.5 5", "0.5 1 1.5 2"),
        ("rating", "1 2 3 4 5 6 7 8 9 10", "8 9 10", "1 2 3 4"),
        # A 0 may stand for "not rated".
        ("rating", "0 1 2 3 4 5 6 7 8 9 10", "8 9 10", "1 2 3 4"),
        ("rating", "-1 1 2 3 4 5", "4 5", "1 2"),
        ("rating", "-1 0 1 2 3 4 5", "4 5", "1 2"),
        ("score", "-10 -6 -2 0 2 6 10", "6 10", "-10 -6"),
        ("Schulnote", "1 2 3 4 5 6", "1 2", "5 6"),
        ("vote", "-1 0 1", "1", "-1"),
        # A 0 may mean that nothing was said.
        ("liked", "0 1", "1", ""),
        ("disliked", "0 1", "0", "1"),
        ("skipped", "0 1", "0", ""),
        ("quantity", "1 2 3 4 5 6 7 8 9 10 11 12 13", "1 2 3 4 5 6 7 8 9 10 11 12 13", ""),
    ],
)
def test_low_marks_are_dislikes(tmp_path: Path, column: str, marks: str, likes: str, dislikes: str) -> None:
    cells = marks.split()
    rng = random.Random(1)
    rows = "".join(f"u{n % 17},t{n % 40},{rng.choice(cells)}\n" for n in range(680))
    (tmp_path / "events.csv").write_text(f"user_id,track_id,{column}\n{rows}")
    guess = guess_domain([tmp_path / "events.csv"], tmp_path)
    (event,) = guess.schema.interactions.values()
    weights = np.array(cells, dtype=np.float32)
    assert [cells[at] for at in np.flatnonzero(event.is_positive(weights))] == likes.split()
    assert [cells[at] for at in np.flatnonzero(event.is_negative(weights))] == dislikes.split()
    assert any("is a dislike" in note for note in guess.notes) is bool(dislikes)


@pytest.mark.parametrize(
    ("said", "dislikes"),
    [
        ("up down", "down"),
        ("👍 👎", "👎"),
        ("liked disliked", "disliked"),
        ("yes no", ""),
        ("good bad no", "bad"),
        ("up down skip", "down"),
        ("view purchase not_interested", "not_interested"),
    ],
)
def test_words_of_dislike_are_dislikes_and_a_plain_no_is_not(tmp_path: Path, said: str, dislikes: str) -> None:
    words = said.split()
    rows = "".join(f"u{n % 17},t{n % 40},{words[n * 7 % 11 % len(words)]}\n" for n in range(680))
    (tmp_path / "events.csv").write_text(f"user_id,track_id,vote\n{rows}")
    guess = guess_domain([tmp_path / "events.csv"], tmp_path)
    disliked = [each.where["vote"] for each in guess.schema.interactions.values() if each.has_dislikes]
    assert disliked == ([tuple(dislikes.split())] if dislikes else [])
    assert any("dislikes are" in note for note in guess.notes) is bool(dislikes)


def test_a_table_of_dislikes_holds_dislikes(tmp_path: Path) -> None:
    for name in ("likes", "dislikes"):
        rows = "".join(f"u{n % 17},t{n % 40 + len(name)}\n" for n in range(680))
        (tmp_path / f"{name}.csv").write_text(f"user_id,track_id\n{rows}")
    guess = guess_domain([tmp_path / "likes.csv", tmp_path / "dislikes.csv"], tmp_path)
    assert {name: (kind.positive.always, kind.has_dislikes) for name, kind in guess.schema.interactions.items()} == {
        "like": (None, False),
        "dislike": (False, True),
    }


def test_a_look_says_what_counts_as_disliked(tmp_path: Path) -> None:
    rows = "".join(f"u{n % 17},t{n % 40},{2 if n % 5 else 5}\n" for n in range(60))
    (tmp_path / "ratings.csv").write_text(f"user_id,track_id,stars\n{rows}")
    rules = "positive: {min_weight: 4}, negative: {max_weight: 2}, label: loved, negative_label: hated"
    schema = DomainSchema.from_yaml(
        "nodes: {track: {role: item}, user: {role: user}}\n"
        "interactions: {rating: {source: ratings.csv, columns: {user: user_id, item: track_id, weight: stars}, "
        f"{rules}}}}}"
    )
    told = preview(schema, tmp_path).events
    assert any("loved" in line and line.endswith("counted as liked") for line in told)
    assert any("gave 't" in line and line.endswith("counted as disliked") for line in told)
