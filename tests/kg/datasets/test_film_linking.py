"""Linking films by title and year: each rule on its own, and the whole against the tables of verdicts made by hand."""

from __future__ import annotations

import csv
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from kg.datasets.movielens import DemoSources, Link, Links, Rule, link_films
from kg.datasets.movielens.sources import MovieLensFilm, WikidataFilm

DATA = Path(__file__).parents[3] / "docs" / "data"


def movielens(title: str, year: int | None, *genres: str, id: str = "1") -> MovieLensFilm:
    return MovieLensFilm(id, title, year, genres)


def wikidata(title: str, year: int, *genres: str, id: str = "Q1") -> WikidataFilm:
    return WikidataFilm(id, "tt1", title, year, None, genres, (), (), (), (), (), 0, 0)


@pytest.mark.parametrize(
    ("film", "year", "other", "other_year", "rule"),
    [
        ("Usual Suspects, The", 1995, "The Usual Suspects", 1995, Rule.EXACT),
        ("Heathers", 1989, "Heathers", 1988, Rule.YEAR),
        ("Postino, Il", 1994, "Il Postino: The Postman", 1994, Rule.SUBTITLE),
        ("Star Wars", 1977, "Star Wars: Episode IV – A New Hope", 1977, Rule.SUBTITLE),
        ("Return of the Jedi", 1983, "Star Wars: Episode VI – Return of the Jedi", 1983, Rule.SUBTITLE),
        ("Star Trek: The Wrath of Khan", 1982, "Star Trek II: The Wrath of Khan", 1982, Rule.SUBTITLE),
        ("Kids in the Hall: Brain Candy", 1996, "Brain Candy", 1996, Rule.SUBTITLE),
        ("Queen Margot (Reine Margot, La)", 1994, "La Reine Margot", 1994, Rule.ALTERNATIVE),
        ("Twelve Monkeys", 1995, "12 Monkeys", 1995, Rule.LOOSE),
        ("Jungle Book, The", 1994, "Rudyard Kipling's The Jungle Book", 1994, Rule.OWNER),
        ("Robert A. Heinlein's The Puppet Masters", 1994, "The Puppet Masters", 1994, Rule.OWNER),
        ("U.S. Marshalls", 1998, "U.S. Marshals", 1998, Rule.SPELLING),
        ("Waking Ned Devine", 1998, "Waking Ned", 1998, Rule.BEGINNING),
        ("Captain Horatio Hornblower", 1951, "Captain Horatio Hornblower R.N.", 1951, Rule.BEGINNING),
    ],
)
def test_each_rule_links(film: str, year: int, other: str, other_year: int, rule: Rule) -> None:
    links = link_films([movielens(film, year)], [wikidata(other, other_year), wikidata("Unrelated", year, id="Q2")])
    assert [(link.wikidata.id, link.rule) for link in links.links] == [("Q1", rule)]


@pytest.mark.parametrize(
    ("film", "other"),
    [
        (movielens("Nothing to Lose", 1994), wikidata("Nothing to Lose", 1997)),
        (movielens("Fear, The", 1995), wikidata("Fear", 1996)),
        (movielens("Wonderland", 1997, "Documentary"), wikidata("Wonderland", 1999, "Drama")),
        (movielens("Wonderland", 1997, "Drama"), wikidata("Wonderland", 1999, "Documentary")),
        (movielens("Twisted", 1996), wikidata("Twister", 1996)),
        (movielens("Fausto", 1993), wikidata("Faust", 1994)),
        (movielens("Gilligan's Island: The Movie", 1998), wikidata("Rugrats: The Movie", 1998)),
        (movielens("unknown", None), wikidata("unknown", 1995)),
        (movielens("Lassie", 1994), wikidata("Lassie 2", 1994)),
        (movielens("Puppet Master 4", 1993), wikidata("The Puppetmaster", 1993)),
        (movielens("Apple Dumpling Gang Rides Again, The", 1980), wikidata("The Apple", 1980)),
        (
            movielens("Butterfly (La Lengua de las Mariposas)", 2000, "Drama"),
            wikidata("Butterfly", 2000, "Documentary"),
        ),
    ],
)
def test_namesakes_and_neighbours_are_not_linked(film: MovieLensFilm, other: WikidataFilm) -> None:
    assert link_films([film], [other]).links == ()


def test_the_nearest_year_wins() -> None:
    hamlets = [wikidata("Hamlet", year, id=f"Q{year}") for year in (1990, 1996, 1998, 2000)]
    assert link_films([movielens("Hamlet", 1997)], hamlets[::3]).links == ()
    assert link_films([movielens("Hamlet", 1996)], hamlets).links[0].wikidata.id == "Q1996"


def test_genres_break_a_tie_and_without_them_it_is_refused() -> None:
    film = movielens("Boys, Les", 1997, "Comedy")
    drama, comedy = wikidata("Les Boys", 1996, "Drama", id="Q1"), wikidata("Les Boys", 1998, "Comedy", id="Q2")
    assert link_films([film], [drama, comedy]).links[0].wikidata is comedy
    refused = link_films([movielens("Boys, Les", 1997)], [drama, comedy])
    assert refused.links == ()
    assert refused.refused[0].candidates == (drama, comedy)


def test_a_film_is_not_given_to_another_title() -> None:
    # "The Fear" would fit "Fear" loosely, but that film is already "Fear".
    films = [movielens("Fear, The", 1996, id="1"), movielens("Fear", 1996, id="2")]
    assert [link.film.id for link in link_films(films, [wikidata("Fear", 1996)]).links] == ["2"]


def test_titles_of_two_years_are_two_films() -> None:
    german, belgian = "Promise, The (Versprechen, Das)", "Promise, The (La Promesse)"
    films = [movielens(german, 1994, id="1"), movielens(belgian, 1996, id="2")]
    others = [wikidata("The Promise", 1994, id="Q1")]
    assert [link.film.id for link in link_films(films, others).links] == ["1"]
    both = link_films(films, [*others, wikidata("La Promesse", 1996, id="Q2")]).links
    assert [(link.wikidata.id, link.rule) for link in both] == [("Q1", Rule.EXACT), ("Q2", Rule.ALTERNATIVE)]


def test_a_documentary_may_have_another_genre_in_the_same_year() -> None:
    film, other = (
        movielens("Barenaked in America", 1999, "Documentary"),
        wikidata("Barenaked in America", 1999, "Music"),
    )
    assert len(link_films([film], [other]).links) == 1


def test_one_film_under_two_ids_is_linked_twice() -> None:
    films = [movielens("Chasing Amy", 1997, id="246"), movielens("Chasing Amy", 1997, id="268")]
    assert [link.film.id for link in link_films(films, [wikidata("Chasing Amy", 1997)]).links] == ["246", "268"]


@dataclass(frozen=True)
class Judged:
    """A release with its links and the table of verdicts."""

    sources: DemoSources
    links: Links
    verdicts: list[dict[str, str]]
    judged_share: float
    """Share of the links that the table has at least."""
    covered_share: float
    """Share of the ratings that are on linked films at least."""

    def pair(self, link: Link) -> tuple[str, str]:
        """The link as the table names it: by the film's place in MovieLens's file, and the number in Wikidata."""
        return self.place(link.film), link.wikidata.id

    def place(self, film: MovieLensFilm) -> str:
        return str(self.sources.films.index(film) + 1)

    def pairs(self, verdict: str) -> dict[tuple[str, str], dict[str, str]]:
        rows = [row for row in self.verdicts if row["verdict"] == verdict]
        return {(row["movielens"], row["wikidata_id"]): row for row in rows}


def read_verdicts(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


TABLES = ("movielens-links.tsv", "movielens-1m-links.tsv")


@pytest.fixture(scope="module", params=TABLES)
def judged(request: pytest.FixtureRequest) -> Judged:
    if request.param == TABLES[0]:
        fixtures, shares = ("demo_sources", "demo_links"), (0.995, 0.965)
    else:
        fixtures, shares = ("films_1m_sources", "films_1m_links"), (0.18, 0.97)
    sources, links = map(request.getfixturevalue, fixtures)
    return Judged(sources, links, read_verdicts(request.param), *shares)


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_hold_nothing_but_ids_and_verdicts(name: str) -> None:
    rows = read_verdicts(name)
    assert set(rows[0]) == {"movielens", "wikidata_id", "imdb_id", "matched", "verdict", "sample", "note"}
    assert {row["verdict"] for row in rows} == {"right", "wrong"}
    assert all(row["movielens"].isdigit() for row in rows)
    pairs = [(row["movielens"], row["wikidata_id"]) for row in rows]
    assert len(set(pairs)) == len(pairs)


def test_every_link_agrees_with_the_verdicts(judged: Judged) -> None:
    right, wrong = judged.pairs("right"), judged.pairs("wrong")
    made = {judged.pair(link): link for link in judged.links.links}
    assert not made.keys() & wrong.keys()
    unjudged = [pair for pair, link in made.items() if pair not in right and link.rule is not Rule.EXACT]
    assert not unjudged, f"not judged by hand yet: {unjudged}"
    assert sum(pair in right for pair in made) >= judged.judged_share * len(made)
    assert all(right[pair]["matched"] == link.rule for pair, link in made.items() if pair in right)
    assert all(right[pair]["imdb_id"] == link.wikidata.imdb for pair, link in made.items() if pair in right)


def test_the_random_two_hundred_were_judged(judged: Judged) -> None:
    linked = {link.film.id: judged.place(link.film) for link in judged.links.links}
    ids = sorted(linked, key=lambda id: (int(id) if id.isdigit() else 0, id))
    drawn = {linked[id] for id in random.Random(200).sample(ids, 200)}
    assert drawn == {row["movielens"] for row in judged.verdicts if row["sample"] == "yes"}


def test_enough_of_the_ratings_are_on_linked_films(judged: Judged) -> None:
    rated = judged.sources.ratings.items
    linked = {link.film.id for link in judged.links.links}
    share = sum(item in linked for item in rated) / len(rated)
    assert share >= judged.covered_share
    exact = {link.film.id for link in judged.links.links if link.rule is Rule.EXACT}
    assert sum(item in exact for item in rated) / len(rated) < share


def test_the_order_of_the_tables_plays_no_part(judged: Judged) -> None:
    shuffle = random.Random(3)
    films, others = list(judged.sources.films), list(judged.sources.wikidata)
    shuffle.shuffle(films)
    shuffle.shuffle(others)
    again = link_films(films, others)
    assert {(link.film.id, link.wikidata.id, link.rule) for link in again.links} == {
        (link.film.id, link.wikidata.id, link.rule) for link in judged.links.links
    }


def test_two_ids_share_a_film_only_under_one_title(judged: Judged) -> None:
    titles: dict[str, set[str]] = {}
    for link in judged.links.links:
        titles.setdefault(link.wikidata.id, set()).add(link.film.title)
    shared = Counter(len(names) for names in titles.values())
    # "Bewegte Mann, Der" has a second entry, "Maybe, Maybe Not (Bewegte Mann, Der)".
    assert shared[2] == 1
    assert max(shared) == 2
