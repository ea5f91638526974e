"""Completing a corrected description: tables that have come, kinds with names of the person's own, what is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import WhyPathError
from kg.ingest.preview import preview
from kg.schema import DomainSchema
from kg.schema.yaml_text import read_yaml
from kg.sources.guess import GuessError, guess_domain
from kg.sources.guess.completing import Completed, completed
from kg.sources.guess.yaml_edits import Append, Exchange, PutIn, edited
from tests.corpus import SHAPES
from whypath.cli import main

RATINGS = "user_id,item_id,rating\n" + "".join(f"u{n % 6},i{n % 8},{n % 5 + 1}\n" for n in range(40))
ITEMS = "item_id,title,genre\n" + "".join(f"i{n},Film {n},{'AB'[n % 2]}\n" for n in range(8))
USERS = "user_id,age,city\n" + "".join(f"u{n},{20 + n},{'XY'[n % 2]}\n" for n in range(6))
CAST = "item_id,actor\n" + "".join(f"i{n % 8},{'PQR'[n % 3]}\n" for n in range(16))
LIKES = "user_id,item_id\n" + "".join(f"u{n % 6},i{(3 * n) % 8}\n" for n in range(18))


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = ""

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.path / f"{name}.csv").write_text(text)

    def describe(self, *names: str, change: Callable[[str], str] = lambda text: text) -> None:
        guess = guess_domain([self.path / f"{name}.csv" for name in names], self.path)
        self.text = change(guess.to_yaml())

    def update(self, *names: str) -> Completed:
        """Complete, with the files given; what comes of it can be loaded and has everything."""
        guess = guess_domain([self.path / f"{name}.csv" for name in names], self.path)
        found = completed(self.text, DomainSchema.from_yaml(self.text), guess)
        if not found.gone:
            assert preview(DomainSchema.from_yaml(found.text), self.path).events
        again = completed(found.text, DomainSchema.from_yaml(found.text), guess)
        assert (again.text, again.added) == (found.text, ())
        assert set(again.left) <= set(found.left)
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    found = Folder(tmp_path)
    found.write(ratings=RATINGS, items=ITEMS, users=USERS, cast=CAST, likes=LIKES)
    return found


def commented(text: str) -> str:
    return text.replace("source: ratings.csv", "source: ratings.csv # mine").replace("role: user", "role: user # them")


def in_braces(text: str) -> str:
    text = text.replace("  user:\n    role: user\n", "  user: {role: user} # them\n")
    return text.replace(
        "    role: item\n    source: ratings.csv\n    key: item_id\n",
        "    {role: item, source: ratings.csv, key: item_id}\n",
    )


@pytest.mark.parametrize("change", [str, commented, in_braces])
def test_tables_come_to_kinds_that_had_none(folder: Folder, change: Callable[[str], str]) -> None:
    folder.describe("ratings", change=change)
    found = folder.update("ratings", "items", "users")
    nodes = yaml.safe_load(found.text)["nodes"]
    assert nodes["item"] | {"source": "items.csv", "key": "item_id", "label": "title"} == nodes["item"]
    assert nodes["item"]["links"]["genre"]["target"] == "genre"
    assert nodes["user"] | {"source": "users.csv", "key": "user_id"} == nodes["user"]
    assert nodes["user"]["fields"]["age"]["sensitive"]
    assert (found.gone, found.left) == ((), ())
    assert found.text.count("# mine") == folder.text.count("# mine")
    assert found.text.count("# them") == folder.text.count("# them")


def renamed(text: str) -> str:
    text = text.replace("  item:\n", "  novel:\n").replace("items: item\n", "items: novel\n")
    return text.replace("  user:\n", "  reader:\n").replace("user: user\n", "user: reader\n")


def test_kinds_keep_the_names_that_they_were_given(folder: Folder) -> None:
    folder.describe("ratings", change=renamed)
    found = folder.update("ratings", "items", "users", "cast", "likes")
    now = yaml.safe_load(found.text)
    assert set(now["nodes"]) == {"novel", "reader", "genre", "actor"}
    assert now["nodes"]["novel"]["source"] == "items.csv"
    assert now["nodes"]["reader"]["source"] == "users.csv"
    assert (now["relations"]["has_actor"]["head"], now["relations"]["has_actor"]["tail"]) == ("novel", "actor")
    assert (now["interactions"]["like"]["user"], now["interactions"]["like"]["items"]) == ("reader", "novel")


def test_a_kind_of_values_gets_its_table_and_keeps_its_name(folder: Folder) -> None:
    def change(text: str) -> str:
        return text.replace("target: genre", "target: style").replace("  genre: {}", "  style: {} # a word")

    folder.describe("ratings", "items", change=change)
    folder.write(genres="genre,founded\nA,1900\nB,1910\n")
    found = folder.update("ratings", "items", "genres")
    assert yaml.safe_load(found.text)["nodes"]["style"]["source"] == "genres.csv"
    assert "style: # a word\n" in found.text


def test_columns_of_events_are_taken_up(folder: Folder) -> None:
    folder.write(ratings=LIKES)
    folder.describe("ratings")
    rows = [f"{line},{n % 5 + 1},{1672909200 + 60 * n}\n" for n, line in enumerate(LIKES.splitlines()[1:])]
    folder.write(ratings="user_id,item_id,rating,ts\n" + "".join(rows))
    found = folder.update("ratings")
    events = yaml.safe_load(found.text)["interactions"]["rating"]
    assert events["columns"] == {"user": "user_id", "item": "item_id", "weight": "rating", "time": "ts"}
    assert events["positive"] == {"min_weight": 4}
    assert found.left == ()


def test_another_file_of_the_same_events_is_taken_up(folder: Folder) -> None:
    for source in (
        "ratings_2020.csv",
        "[ratings_2020.csv]",
        "\n    - ratings_2020.csv # old",
        "\n      file: ratings_2020.csv",
    ):
        folder.write(ratings_2020=RATINGS, ratings_2021=RATINGS)
        folder.describe("ratings_2020", "items")
        folder.text = folder.text.replace("source: ratings_2020.csv", f"source: {source}".replace(": \n", ":\n"))
        found = folder.update("ratings_2020", "ratings_2021", "items")
        (events,) = DomainSchema.from_yaml(found.text).interactions.values()
        assert [spec.file for spec in events.source] == ["ratings_2020.csv", "ratings_2021.csv"]
        assert ("# old" in found.text) == ("# old" in folder.text)


def test_a_column_that_was_renamed_is_told_with_the_one_in_its_place(folder: Folder) -> None:
    folder.describe("ratings")
    folder.write(ratings=RATINGS.replace("rating", "stars", 1))
    found = folder.update("ratings")
    assert found.added == ()
    (line,) = found.gone
    assert "'rating' is not there any more" in line
    assert "'stars' seems to be in its place" in line
    assert "interactions.rating.columns.weight" in line


def test_what_is_not_taken_up_is_told(folder: Folder) -> None:
    folder.describe("ratings", "items")
    folder.write(empty="item_id,x\n", other="a,b\n1,x y z\n2,w v\n")
    lines = [f"{line},{word}\n" for line, word in zip(ITEMS.splitlines(), ["http", *"abcdefgh"], strict=True)]
    folder.write(items="".join(line if n == 0 else line[:-2] + f"http://x.org/{n}\n" for n, line in enumerate(lines)))
    found = folder.update("ratings", "items", "empty", "other")
    told = "\n".join(found.left)
    assert "empty.csv is not read: there is no row in it" in told
    assert "other.csv is not read: " in told
    assert "items.csv: not added: http" in told


def test_what_a_person_took_out_does_not_come_back(folder: Folder) -> None:
    def change(text: str) -> str:
        start = text.index("    links:\n")
        return text[:start] + text[text.index("  user:\n") :].replace("  genre: {}\n", "")

    folder.describe("ratings", "items", change=change)
    found = folder.update("ratings", "items")
    assert (found.text, found.added, found.left) == (folder.text, (), ())


def test_a_table_that_lacks_what_is_read_is_told(folder: Folder) -> None:
    first, *rows = RATINGS.splitlines()
    folder.write(ratings="\n".join([f"{first},shelf", *(f"{row},s{n % 3}" for n, row in enumerate(rows))]) + "\n")
    folder.describe("ratings", change=lambda text: text.replace("key: item_id", "key: item_id\n    label: shelf", 1))
    found = folder.update("ratings", "items")
    (line,) = found.left
    assert "items.csv is not read: item reads shelf from ratings.csv" in line


def test_the_command_reads_the_files_of_the_description_as_well(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.path)
    assert main(["init", "ratings.csv"]) == 0
    domain = folder.path / "domain.yaml"
    domain.write_bytes(domain.read_bytes().replace(b"\n", b"\r\n"))
    for name, added in (("items", "items.csv"), ("cast", "has_actor"), ("users", "users.csv"), ("likes", "like")):
        capsys.readouterr()
        assert main(["init", f"{name}.csv", "--update", "domain.yaml"]) == 0
        assert added in capsys.readouterr().out
    assert domain.read_bytes().count(b"\n") == domain.read_bytes().count(b"\r\n")
    assert main(["check", "domain.yaml"]) == 0
    (folder.path / "ratings.csv").write_text(RATINGS.replace("rating", "stars", 1))
    capsys.readouterr()
    assert main(["init", "ratings.csv", "--update", "domain.yaml"]) == 0
    told = capsys.readouterr().err
    assert "'stars' seems to be in its place" in told
    assert "everything" not in told


SEEN = [shape for shape in SHAPES if "--from" not in shape.inputs and len(shape.inputs) > 1]


@pytest.mark.parametrize("shape", SEEN, ids=lambda shape: shape.name)
def test_a_file_that_comes_last_is_taken_up_or_told(shape: Any, tmp_path: Path) -> None:
    shape.write(tmp_path)
    files = [tmp_path / name for name in shape.inputs]
    try:
        whole, part = guess_domain(files, tmp_path), guess_domain(files[:-1], tmp_path)
    except WhyPathError:
        return
    same = completed(whole.to_yaml(), whole.schema, whole)
    assert (same.text, same.added, same.gone) == (whole.to_yaml(), (), ())
    found = completed(part.to_yaml(), part.schema, whole)
    assert found.added or found.left or whole.seen == part.seen
    assert preview(DomainSchema.from_yaml(found.text), tmp_path, whole.outside).events


def test_aliases_are_no_place_to_put_in() -> None:
    with pytest.raises(GuessError, match="aliases"):
        edited("a: &x {k: 1}\nb: *x\n", [PutIn(("b",), {"n": 2})])


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
values = st.recursive(words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))


@given(
    st.dictionaries(words, st.dictionaries(words, values, max_size=3), min_size=1, max_size=3), words, values, st.data()
)
def test_edits_say_what_was_meant(
    data: dict[str, dict[str, object]], name: str, value: object, draw: st.DataObject
) -> None:
    key = draw.draw(st.sampled_from(sorted(data)))
    text = "# first\n" + yaml.safe_dump(
        data, allow_unicode=False, default_flow_style=draw.draw(st.sampled_from([None, True, False]))
    )
    if read_yaml(text, "x")[0] != data or name in data[key]:
        return
    now = edited(text, [PutIn((key,), {name: value})])
    assert read_yaml(now, "x")[0][key][name] == value
    assert now.startswith("# first\n")
    again = edited(now, [Exchange((key, name), "other"), Append((key, name), "more")])
    assert read_yaml(again, "x")[0][key][name] == ["other", "more"]
