"""Spellings in the database: readable, distinct, kept for good, and never Cypher."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.schema import DomainSchema
from kg.stores.neo4j.names import Names, label_spelling, property_name, quoted, type_spelling
from whypath.testing.stores.domain import films_schema


def test_names_are_spelled_as_neo4j_users_spell_them() -> None:
    names = Names().extended(films_schema())
    assert names.labels["viewer"] == "Viewer"
    assert names.interactions == {"rating": "RATING", "view": "VIEW"}
    # One declared relation between two pairs of kinds is one type: the labels at its ends tell them apart.
    assert names.relations["genre.film.genre", "film", "genre"] == "GENRE"
    assert names.relations["genre.series.genre", "series", "genre"] == "GENRE"
    assert label_spelling("tv-show_episode") == "TvShowEpisode"
    assert type_spelling("directedBy") == type_spelling("directed-by") == "DIRECTED_BY"
    assert type_spelling("http://schema.org/musicBy") == "MUSIC_BY"
    assert type_spelling("~~~") == "RELATED"


def test_spellings_that_would_be_the_same_differ() -> None:
    schema = DomainSchema.from_mapping(
        {
            "name": "twins",
            "nodes": {
                "tv-show": {"role": "item", "source": "a.csv", "key": "id"},
                "tv_show": {"role": "item", "source": "b.csv", "key": "id"},
                "WhyPath": {},
                "WhyPathStore": {},
                "_": {},
                "user": {"role": "user", "source": "u.csv", "key": "id"},
            },
            "relations": {
                "a.b": {"source": "r.csv", "head": "tv-show", "tail": "WhyPath"},
                "a-b": {"source": "r.csv", "head": "tv-show", "tail": "WhyPath"},
                "c": {"source": "r.csv", "head": "tv-show", "tail": "WhyPathStore"},
                "seen": {"source": "r.csv", "head": "tv-show", "tail": "_"},
            },
            "interactions": {"seen": {"items": ["tv-show"]}, "Seen": {"items": ["tv-show"]}},
        }
    )
    names = Names().extended(schema)
    assert sorted(names.labels.values()) == ["Node", "TvShow", "TvShow_2", "User", "WhyPathStore_2", "WhyPath_2"]
    assert sorted(names.relations.values()) == ["A_B", "A_B_2", "C", "SEEN_3"]
    assert sorted(names.interactions.values()) == ["SEEN", "SEEN_2"]


def test_a_name_keeps_its_spelling() -> None:
    first = films_schema()
    names = Names().extended(first)
    nodes = first.model_dump(mode="json", exclude_defaults=True)["nodes"]
    more = films_schema(nodes={"FILM": {"source": "f.csv", "key": "id"}, **nodes})
    later = Names.from_json(names.to_json()).extended(more)
    assert later.labels == {**names.labels, "FILM": "FILM"}
    assert later.relations == names.relations
    assert later.kind_of(["WhyPath", "Film"]) == "film"


@given(st.text(min_size=1))
def test_no_name_is_cypher(name: str) -> None:
    for spelled in (label_spelling(name), type_spelling(name)):
        assert re.fullmatch(r"`\w+`", quoted(spelled))


@pytest.mark.parametrize("name", ["", "a`b", "a b", "\\u0060", "a-b", "x`) DETACH DELETE n //"])
def test_what_could_be_cypher_is_not_quoted(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        quoted(name)


@given(
    st.lists(
        st.sampled_from(["key", "name", "text", "_id", "_load", "year"]).flatmap(
            lambda word: st.integers(0, 3).map(lambda n: word + "_" * n)
        ),
        unique=True,
    )
)
def test_fields_have_properties_of_their_own(fields: list[str]) -> None:
    properties = [property_name(field) for field in fields]
    assert len(set(properties)) == len(fields)
    assert not {"key", "name", "text", "_id", "_load"} & set(properties)
    assert property_name("year") == "year"
