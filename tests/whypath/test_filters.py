"""Filters: what each condition lets through, what a reader is told, that nothing sensitive can be asked for."""

from __future__ import annotations

import gc
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from tests.whypath.films import films, schema
from whypath import Filters, Where, where
from whypath.answering import item_masks
from whypath.answering.conditions import Comparison, FilterError
from whypath.answering.item_masks import kept_mask


@pytest.fixture(scope="module")
def graph() -> KnowledgeGraph:
    return films()


def left(graph: KnowledgeGraph, **parts) -> set[str]:
    items = Filters(**parts).apply(graph).items()
    assert items is not None
    return set(graph.item_ids.take(items))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("year >= 1962", {"007", "f1", "f2"}),
        ("year > 1962", {"f1", "f2"}),
        ("year <= 1960", {"f3", "b1"}),
        ("year<1960", {"b1"}),
        ("year = 1994", {"f2"}),
        ("year != 1994", {"007", "f1", "f3", "b1"}),
        ("released >= 1992-09-02", {"f1", "f2"}),
        ("colour == yes", {"007", "f1", "f2"}),
        ("colour == false", {"f3"}),
        ("rating == r", {"f1", "f2"}),
        ("rating != R", {"007"}),
        ("rating < B", {"007"}),
        ("rating ~ r", {"f1", "f2"}),
        ("genre == comedy", {"f2"}),
        ("genre != Crime", {"007", "f3"}),
        ("director ~ tarantino", {"f1", "f2"}),
        ("director == 'Alfred Hitchcock'", {"f3"}),
    ],
)
def test_conditions(graph: KnowledgeGraph, condition: str, expected: set[str]) -> None:
    assert left(graph, where=[condition]) == expected


def test_an_item_without_the_value_meets_no_condition(graph: KnowledgeGraph) -> None:
    either = left(graph, where=["year >= 0"]) | left(graph, where=["year < 0"]) | left(graph, where=["year != 1"])
    assert "f4" not in either


def test_typed_conditions_and_texts_say_the_same(graph: KnowledgeGraph) -> None:
    assert where("year", ">=", 1990) == Where("year", Comparison.AT_LEAST, 1990)
    assert left(graph, where=[where("year", ">=", 1990)]) == left(graph, where=["year >= 1990"])
    assert str(Where.parse("year>=1990")) == "year >= 1990"


def test_parts_narrow_together_and_each_step_is_told(graph: KnowledgeGraph) -> None:
    found = Filters(
        include=["f1", "f2", "f3", "?"], kinds=["film"], where=["year > 1961"], exclude=["f2"], available=True
    )
    allowed = found.apply(graph)
    assert [(step.filter, step.left) for step in allowed.steps] == [
        ("all items", 6),
        ("include: 4 ids", 3),
        ("kind: film", 3),
        ("year > 1961", 2),
        ("available only", 1),
        ("exclude: 1 ids", 1),
    ]
    assert left(graph, include=["f1", "f2", "f3"], available=True, where=["year > 1961"]) == {"f1"}


def test_available_only_uses_the_domains_rule_and_kinds_without_one_stay(graph: KnowledgeGraph) -> None:
    # f2 is discontinued, f4 says nothing; books have no rule.
    assert left(graph, available=True) == {"007", "f1", "f3", "b1"}


def test_no_filter_allows_everything(graph: KnowledgeGraph) -> None:
    allowed = Filters().apply(graph)
    assert allowed.mask is None
    assert allowed.items() is None
    assert [step.left for step in allowed.steps] == [6]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"where": ["year"]}, "cannot read the condition 'year'"),
        ({"where": ["year >= soon"]}, "'year' is a number; 'soon' is not"),
        ({"where": ["released > soon"]}, "'released' is a date"),
        ({"where": ["colour == blue"]}, "neither true nor false"),
        ({"where": ["year ~ 19"]}, "finds a part of a text"),
        ({"where": ["genre > A"]}, "'genre' is a relation"),
        ({"where": ["yaer > 1"]}, "no field or relation 'yaer'; there are: .*genre.*year"),
        ({"where": ["secret == 1"]}, "marked sensitive"),
        ({"where": ["note == n"]}, "no field or relation 'note'"),
        ({"kinds": ["flim"]}, "no item kind 'flim'; the item kinds are book, film"),
    ],
)
def test_what_cannot_be_applied_is_said(graph: KnowledgeGraph, parts: dict, reason: str) -> None:
    with pytest.raises(FilterError, match=reason):
        Filters(**parts).apply(graph)


def test_nothing_tells_what_stands_in_a_sensitive_field(graph: KnowledgeGraph) -> None:
    with pytest.raises(FilterError) as unknown:
        Filters(where=["yaer > 1"]).apply(graph)
    assert "secret" not in str(unknown.value)
    # A description that an earlier version took: it is stored, and may say so.
    described = json.loads(schema().to_json())
    described["nodes"]["film"]["available"] = {"field": "secret", "equals": 1}
    node = NodeRow("film", "f", "F", fields={"secret": 1})
    probed = KnowledgeGraph.from_rows(DomainSchema.from_json(json.dumps(described)), [node])
    with pytest.raises(FilterError, match="marked sensitive"):
        Filters(available=True).apply(probed)


def test_unknown_comparison() -> None:
    with pytest.raises(FilterError, match="no comparison '=>'"):
        where("year", "=>", 1)


def parsed(text: str) -> tuple[str, str, str] | None:
    """Name, comparison and value of a condition; None where it cannot be read."""
    try:
        found = Where.parse(text)
    except FilterError:
        return None
    return found.name, found.comparison.value, str(found.value)


@given(st.text(st.sampled_from("ab1 \t\n\r\x1c\u2028=<>!~'\""), max_size=12))
@example("a >=")
@example("a b>=1")
@example("'a=b' = 1")
@example("a >= \n ")
@example("a = b\nc")
@example("a == '")
def test_a_condition_is_what_one_regular_expression_would_read(text: str) -> None:
    name_in = r"(?:([\"'`])([^\"'`\n]+)\1|([^<>=!~\"'`\n]+?))"
    match = re.fullmatch(rf"\s*{name_in}\s*(>=|<=|==|!=|=|<|>|~)\s*(.+?)\s*", text)
    if match is None or not (name := (match[2] or match[3]).strip()):
        assert parsed(text) is None
        return
    sign, value = match[4], match[5]
    value = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
    assert parsed(text) == (name, "==" if sign == "=" else sign, value)


def test_names_have_blanks_and_signs() -> None:
    assert parsed("Retail Price >= 20") == ("Retail Price", ">=", "20")
    assert parsed(' "a <= b"  = c d ') == ("a <= b", "==", "c d")
    assert parsed("`price (EUR)` < 5") == ("price (EUR)", "<", "5")
    assert parsed("价格 > 3") == ("价格", ">", "3")


def test_typed_values_say_what_texts_say(graph: KnowledgeGraph) -> None:
    for value in (1994, 1994.0, "1994", "1994.0"):
        assert left(graph, where=[where("year", "==", value)]) == {"f2"}
    for value in (True, 1, 1.0, "True", "yes"):
        assert left(graph, where=[where("colour", "==", value)]) == {"007", "f1", "f2"}
    with pytest.raises(FilterError, match="write 'colour = true'"):
        left(graph, where=[where("colour", "==", "maybe")])
    with pytest.raises(FilterError, match="write 'year >= 1990'"):
        left(graph, where=[where("year", "==", "long ago")])


def test_a_text_for_a_list_of_ids_is_told(graph: KnowledgeGraph) -> None:
    with pytest.raises(WhyPathError, match=r"write \['12'\] for one"):
        Filters(include="12").apply(graph)


def test_a_long_condition_takes_a_time_that_grows_with_its_length() -> None:
    """With the square of it, these would take days."""
    blanks = " " * 2_000_000
    assert parsed(f"{blanks}a{blanks}={blanks}b{blanks}") == ("a", "==", "b")
    for text in (f"a ={blanks}b\nc", f"{blanks}a{blanks}b", blanks, f"a{blanks}\n", f"a = b{blanks}\n{blanks}c"):
        assert parsed(text) is None


TEXTS = st.sampled_from(
    ["", "a", "A", "b", "ab", "Straße", "STRASSE", "İ", "i", "K", "k", "ǆ", "é", "É", "10", "9", "true", "🎬"]
)
SMALL = DomainSchema.from_mapping(
    {
        "name": "small",
        "nodes": {
            "thing": {
                "role": "item",
                "source": "t.csv",
                "key": "id",
                "fields": {"colour": "categorical", "size": "number", "since": "date", "left": "integer"},
                "available": {"field": "left", "equals": 2},
            },
            "tag": {"source": "g.csv", "key": "id"},
            "user": {"role": "user"},
        },
        "relations": {"has": {"head": "thing", "tail": "tag", "source": "h.csv"}},
        "interactions": {"liked": {"source": "l.csv", "columns": {"user": "u", "item": "i"}}},
    }
)


def small(
    colours: list[str | None], tags: list[list[int]], labels: list[str], left: list[int | None]
) -> KnowledgeGraph:
    """Things with colours and numbers left, and tags by number."""
    nodes = [NodeRow("tag", f"t{number}", label) for number, label in enumerate(labels)]
    edges = []
    for number, colour in enumerate(colours):
        fields = {"colour": colour, "left": left[number % len(left)]}
        nodes.append(NodeRow("thing", str(number), "", fields={k: v for k, v in fields.items() if v is not None}))
        chosen = {tag for tag in tags[number % len(tags)] if tag < len(labels)}
        edges += [EdgeRow("has", str(number), f"t{tag}") for tag in chosen]
    return KnowledgeGraph.from_rows(SMALL, nodes, edges)


def holds(text: str, sign: str, value: str) -> bool:
    """What a comparison of two texts means."""
    same, by_order = (text.casefold(), value.casefold()), (text, value)
    return {
        "==": same[0] == same[1],
        "!=": same[0] != same[1],
        "~": same[1] in same[0],
        ">=": by_order[0] >= by_order[1],
        "<=": by_order[0] <= by_order[1],
        ">": by_order[0] > by_order[1],
        "<": by_order[0] < by_order[1],
    }[sign]


@given(
    colours=st.lists(st.none() | TEXTS, min_size=1, max_size=8),
    labels=st.lists(TEXTS, max_size=4),
    tags=st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=8),
    left_over=st.lists(st.none() | st.integers(0, 3), min_size=1, max_size=8),
    sign=st.sampled_from(["==", "!=", "~", ">=", "<=", ">", "<"]),
    value=TEXTS.filter(bool) | st.just("\udce9"),
)
def test_conditions_on_texts_mean_what_python_says(
    colours: list[str | None],
    labels: list[str],
    tags: list[list[int]],
    left_over: list[int | None],
    sign: str,
    value: str,
) -> None:
    graph = small(colours, tags, labels, left_over)
    known = {str(number): colour for number, colour in enumerate(colours) if colour}
    expected = {item for item, colour in known.items() if holds(colour, sign, value)}
    # An empty colour may count as missing: the graph says which are there.
    there = {graph.item_ids[row] for row in range(graph.n_items) if graph.fields_of(row).get("colour")}
    assert left(graph, where=[where("colour", sign, value)]) & there == expected & there
    assert left(graph, available=True) == {
        str(number) for number in range(len(colours)) if left_over[number % len(left_over)] == 2
    }
    if sign not in ("==", "!=", "~"):
        return
    meeting = {}
    for number in range(len(colours)):
        texts = [(f"t{tag}", labels[tag]) for tag in tags[number % len(tags)] if tag < len(labels)]
        wanted = "==" if sign == "!=" else sign
        some = any(holds(key, wanted, value) or holds(label, wanted, value) for key, label in texts)
        meeting[str(number)] = bool(texts) and some != (sign == "!=")
    assert left(graph, where=[where("has", sign, value)]) == {item for item, is_met in meeting.items() if is_met}


def test_what_was_worked_out_is_kept_while_the_facts_stay(graph: KnowledgeGraph) -> None:
    condition = Where.parse("genre == Crime")

    def fresh() -> np.ndarray:
        raise AssertionError("it is kept")

    first = left(graph, where=[condition], available=True)
    part = ("where", str, condition)
    kept = kept_mask(graph, part, fresh)
    assert not kept.flags.writeable
    later = graph.overlay([Event.of("somebody", "f1", "film", "rating", weight=5.0)], event_generation=9)
    assert kept_mask(later, part, fresh) is kept
    assert left(later, where=[condition], available=True) == first
    with pytest.raises(AssertionError, match="it is kept"):
        kept_mask(films(), part, fresh)


def test_values_that_are_equal_in_python_are_told_apart(graph: KnowledgeGraph) -> None:
    assert left(graph, where=[where("rating", "==", 1)]) == left(graph, where=[where("rating", "==", True)]) == set()
    with pytest.raises(FilterError, match="'colour' is yes or no"):
        left(graph, where=[where("colour", "==", 2)])
    assert left(graph, where=[where("year", ">", 1961.5)]) == {"007", "f1", "f2"}


def test_only_so_many_masks_are_kept(graph: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_masks, "_MOST_MASKS", 3)
    own = films()
    for year in range(1950, 1960):
        left(own, where=[f"year > {year}"])
    assert len(item_masks._kept[own.facts]) == 3
    before = len(item_masks._kept)
    del own
    gc.collect()
    assert len(item_masks._kept) < before


def test_many_threads_filter_at_once() -> None:
    own = films()
    conditions = [f"year > {year}" for year in range(1900, 2000)]
    expected = [left(own, where=[condition]) for condition in conditions]
    other = films()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(lambda condition: left(other, where=[condition]), conditions)) == expected


@pytest.mark.parametrize("value", [None, [1], 10**400, float("nan"), "nan"])
def test_a_value_that_nothing_compares_with_is_refused(graph: KnowledgeGraph, value: Any) -> None:
    with pytest.raises(FilterError, match="'year'"):
        left(graph, where=[where("year", ">=", value)])


@pytest.mark.parametrize("parts", [{"kinds": "film"}, {"where": "year > 1"}, {"where": where("year", ">", 1)}])
def test_one_text_is_no_list(parts: dict[str, Any]) -> None:
    with pytest.raises(FilterError, match=r"is a list; write \["):
        Filters(**parts)
