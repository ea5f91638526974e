"""Cells with several values, in every syntax that a file may have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.checking.lists import list_reader
from kg.checking.values import RowProblem, keys_of
from kg.schema.nodes import ListColumn, ListSyntax

NONE = frozenset({"", "NA"})


def read(cell: Any, own: str | None = ",", **column: Any) -> list[str]:
    found = list_reader(ListColumn.model_validate({"target": "tag", **column}), own)(cell, NONE)
    return keys_of(found, "tags", NONE)


@pytest.mark.parametrize(
    ("cell", "column", "keys"),
    [
        ("a, b ,a,,NA", {}, ["a", "b"]),
        ("a|b, c", {"separator": "|"}, ["a", "b, c"]),
        ("NA", {"syntax": "json"}, []),
        ("", {"syntax": "python"}, []),
        (None, {}, []),
        (["a", None, "b", "a"], {}, ["a", "b"]),
        (12.0, {}, ["12"]),
        ("a||b", {"separator": "||"}, ["a", "b"]),
        ("[1, [2, 3]]", {"syntax": "json"}, ["1", "2", "3"]),
        (['["Films", "Comedy"]', "x"], {}, ["Films", "Comedy", "x"]),
        (["x", 2.0, None, "NA"], {}, ["x", "2"]),
        ('["Sci-Fi, loud", "Drama", null, 3]', {"syntax": "json"}, ["Sci-Fi, loud", "Drama", "3"]),
        ("[]", {"syntax": "json"}, []),
        ('"Drama"', {"syntax": "json"}, ["Drama"]),
        ("['It''s', \"b\"]", {"syntax": "python"}, ["Its", "b"]),
        ("('a',)", {"syntax": "python"}, ["a"]),
        ("{'b', 'a'}", {"syntax": "python"}, ["a", "b"]),
        ("None", {"syntax": "python"}, []),
        ("[{'id': 16, 'name': 'Comedy'}]", {"syntax": "python", "field": "name"}, ["Comedy"]),
        ('[{"id": 16, "name": "Comedy"}]', {"syntax": "json", "field": "id"}, ["16"]),
        ('{"id": 16, "name": "Comedy"}', {"syntax": "json", "field": "name"}, ["Comedy"]),
        (['{"id": 16, "name": "Comedy"}'], {"field": "name"}, ["Comedy"]),
        ("[a, b]", {"syntax": "brackets"}, ["a", "b"]),
        ("{a,\"b\",'c'}", {"syntax": "brackets"}, ["a", "b", "c"]),
        ("(a|b)", {"syntax": "brackets", "separator": "|"}, ["a", "b"]),
        ("[]", {"syntax": "brackets"}, []),
        ("a", {"syntax": "brackets"}, ["a"]),
        ("<a><b c>", {"syntax": "brackets"}, ["a", "b c"]),
        ("['Sci Fi' 'b'\n 'c, d']", {"syntax": "brackets"}, ["Sci Fi", "b", "c, d"]),
        ("[it's, 'b']", {"syntax": "brackets"}, ["it's", "b"]),
    ],
)
def test_the_values_of_a_cell(cell: object, column: dict[str, Any], keys: list[str]) -> None:
    assert read(cell, **column) == keys


def test_a_source_without_a_separator_has_one_value_in_a_text() -> None:
    assert read("a, b", None) == ["a, b"]
    assert read("a, b", None, separator=",") == ["a", "b"]


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        ("[a, b]", {"syntax": "json"}),
        ("['a'", {"syntax": "python"}),
        ("__import__('os')", {"syntax": "python"}),
        ("(" * 5000, {"syntax": "python"}),
        ("[" * 100_000, {"syntax": "json"}),
        ('[{"name": "Comedy"}]', {"syntax": "json"}),
        ('[{"title": "Comedy"}]', {"syntax": "json", "field": "name"}),
        ('["Comedy"]', {"syntax": "json", "field": "name"}),
    ],
)
def test_what_is_no_list_of_its_syntax(cell: str, column: dict[str, Any]) -> None:
    with pytest.raises(RowProblem):
        assert "{" in str(read(cell, **column))


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).map(str.strip).filter(bool)


@given(st.lists(names.filter(lambda name: name not in NONE and not name.startswith("{")), unique=True))
def test_what_python_and_json_write_is_read_again(values: list[str]) -> None:
    assert read(json.dumps(values), syntax="json") == values
    assert read(repr(values), syntax="python") == values


@given(st.text(), st.sampled_from(list(ListSyntax)))
def test_any_text_is_a_list_or_a_problem(cell: str, syntax: ListSyntax) -> None:
    try:
        assert all(read(cell, syntax=syntax))
    except RowProblem as problem:
        assert problem.detail  # noqa: PT017
