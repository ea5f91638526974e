"""`image: COLUMN` on a node kind: the value is kept as a text field, and is a content of the items."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from kg.graph import item_contents
from kg.ingest import load_domain
from kg.schema import DomainSchema, SchemaError
from kg.stores.embedded import EmbeddedStore

FILMS = "id,title,poster\na,Alien,posters/a.jpg\nb,Brazil,\nc,Cube,https://films.example/c.png\n"


def described(**film: object) -> DomainSchema:
    kind = {"role": "item", "source": "films.csv", "key": "id", "label": "title", **film}
    liked = {"source": "likes.csv", "columns": {"user": "user", "item": "film"}}
    return DomainSchema.from_mapping(
        {"nodes": {"film": kind, "user": {"role": "user"}}, "interactions": {"liked": liked}}, "the films"
    )


@pytest.mark.parametrize("fields", [{}, {"picture": {"type": "text", "column": "poster"}}])
def test_the_place_of_a_picture_is_kept_and_read_by_name(tmp_path: Path, fields: dict[str, object]) -> None:
    (tmp_path / "films.csv").write_text(FILMS)
    (tmp_path / "likes.csv").write_text("user,film\nu,a\n")
    schema = described(image="poster", fields=fields)
    with closing(EmbeddedStore.open(tmp_path / "store", create=True)) as store:
        load_domain(schema, store, folder=tmp_path)
        graph = store.snapshot()
    assert item_contents(graph, "image") == ["posters/a.jpg", "", "https://films.example/c.png"]
    assert item_contents(graph, "text") == ["Alien", "Brazil", "Cube"]
    name = "picture" if fields else "poster"
    assert graph.fields_of(0)[name] == "posters/a.jpg"
    assert DomainSchema.from_yaml(schema.to_yaml()) == schema
    with pytest.raises(ValueError, match="no content 'smell'"):
        item_contents(graph, "smell")


def test_items_without_an_image_column_have_none(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text(FILMS)
    (tmp_path / "likes.csv").write_text("user,film\nu,a\n")
    with closing(EmbeddedStore.open(tmp_path / "store", create=True)) as store:
        load_domain(described(), store, folder=tmp_path)
        assert item_contents(store.snapshot(), "image") == ["", "", ""]


def test_an_image_column_and_a_field_of_its_name_are_one_column() -> None:
    with pytest.raises(SchemaError, match="`image: poster` and the field 'poster' are different columns"):
        described(image="poster", fields={"poster": {"type": "text", "column": "other"}})
    with pytest.raises(SchemaError, match="without a source there are no columns"):
        DomainSchema.from_mapping({"nodes": {"film": {"role": "item", "image": "poster"}}}, "the films")
