"""The names that titles are compared under."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.datasets.movielens.titles import exact_key, loose_key, names, one_slip_apart, readable, uninverted


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Usual Suspects, The", "The Usual Suspects"),
        ("American in Paris, An", "An American in Paris"),
        ("Boot, Das", "Das Boot"),
        ("Enfer, L'", "L'Enfer"),
        ("Misérables, Les", "Les Misérables"),
        ("Paris, Texas", "Paris, Texas"),
        ("Sex, Lies, and Videotape", "Sex, Lies, and Videotape"),
        ("I, Worst of All", "I, Worst of All"),
        ("  Two   spaces, The ", "The Two spaces"),
    ],
)
def test_articles_at_the_end_are_put_in_front(title: str, expected: str) -> None:
    assert uninverted(title) == expected


def test_readable_titles_keep_their_alternatives() -> None:
    martin = "Return of Martin Guerre, The (Retour de Martin Guerre, Le)"
    assert readable(martin) == "The Return of Martin Guerre (Le Retour de Martin Guerre)"
    assert readable("Seven (Se7en)") == "Seven (Se7en)"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Usual Suspects, The", "The Usual Suspects"),
        ("M*A*S*H", "MASH"),
        ("8 1/2", "8½"),
        ("Nénette et Boni", "Nenette et Boni"),
        ("Face/Off", "Face Off"),
        ("In & Out", "In and Out"),
        ("Romeo and Juliet", "Romeo + Juliet"),
        ("Cleopatra’s Second Husband", "Cleopatra's second husband"),
        ("Smilla's Sense of Snow", "SMILLA'S SENSE OF SNOW"),
    ],
)
def test_spelling_plays_no_part_in_exact_names(a: str, b: str) -> None:
    assert names(a).main == names(b).main


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Waking Ned Devine", ("wakingned",)),
        (
            "Captain Horatio Hornblower R.N.",
            ("captainhoratio", "captainhoratiohornblower", "captainhoratiohornblowerr"),
        ),
        ("The Apple Dumpling", ()),
        ("Puppet Master 4", ()),
        ("Halloween", ()),
    ],
)
def test_beginnings_have_two_words_and_do_not_end_before_a_number(title: str, expected: tuple[str, ...]) -> None:
    assert names(title).beginnings == expected


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Twelve Monkeys", "12 Monkeys"),
        ("Endless Summer 2, The", "The Endless Summer II"),
        ("Sixth Man, The", "The 6th Man"),
        ("Sunset Blvd.", "Sunset Boulevard"),
        ("Nelly & Monsieur Arnaud", "Nelly and Mr. Arnaud"),
        ("Godfather: Part II, The", "The Godfather 2"),
        ("Night Flier", "The Night Flier"),
    ],
)
def test_loose_names_forgive_numbers_articles_and_abbreviations(a: str, b: str) -> None:
    assert exact_key(uninverted(a)) != exact_key(uninverted(b))
    assert loose_key(uninverted(a)) == loose_key(uninverted(b))


@pytest.mark.parametrize(
    ("a", "b"),
    [("Rocky II", "Rocky III"), ("Jaws", "Jaws 2"), ("Die Hard", "Hard"), ("As Good As It Gets", "Good It Gets")],
)
def test_loose_names_keep_films_apart(a: str, b: str) -> None:
    assert loose_key(a) != loose_key(b)


def test_parts_of_a_long_name() -> None:
    star_wars = names("Star Wars: Episode IV – A New Hope")
    assert (star_wars.lead, star_wars.subtitle) == ("starwars", "newhope")
    bomb = names("Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb")
    assert bomb.lead == "drstrangelove"
    assert names("Titanic").lead == names("Titanic").subtitle == ""
    assert names("William Shakespeare's Romeo and Juliet").unowned == "romeojuliet"
    # One word before the "'s" is part of the title.
    assert names("Rosemary's Baby").unowned == ""


def test_alternatives_are_names_too() -> None:
    assert names("Manon of the Spring (Manon des sources)").alternatives == ("manondessources",)
    assert names("Hate (Haine, La)").alternatives == ("lahaine",)


@pytest.mark.parametrize(
    ("a", "b", "near"),
    [
        ("usmarshalls", "usmarshals", True),
        ("threecoloursred", "threecolorsred", True),
        ("funeral", "funerals", True),
        ("twister", "twisted", False),
        ("faust", "fausto", False),
        ("policestory3", "policestory4", False),
        ("policestory", "policestory2", False),
        ("sameexactname", "sameexactname", False),
        ("abcdefghijklm", "abcdefghiXYlm", False),
        ("kaleidoscopic", "kaleidoscopik", True),
    ],
)
def test_one_slip(a: str, b: str, near: bool) -> None:
    assert one_slip_apart(a, b) is near
    assert one_slip_apart(b, a) is near


@given(st.text(alphabet="abcdefg", min_size=7, max_size=14), st.data())
def test_a_letter_put_in_is_one_slip(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name)))
    assert one_slip_apart(name, name[:at] + "z" + name[at:])
    assert not one_slip_apart(name, name[:at] + "zz" + name[at:])


@given(st.text())
def test_every_text_has_names_and_they_are_stable(title: str) -> None:
    found = names(title)
    assert found == names(title)
    assert found.main == exact_key(found.main)
    assert all(key == key.casefold() and " " not in key for key in (found.main, *found.loose))
