"""Compute masks of the items of a snapshot that pass one part of a filter; each part is computed once.

A mask depends on items, entities and relations only, so it is kept with the facts that snapshots share
(`KnowledgeGraph.facts`): recording an event keeps it, a load drops it.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kg.forking import not_forking
from kg.graph import FieldColumn, KnowledgeGraph, RelationTable
from kg.graph.shared_facts import SharedFacts
from kg.graph.strings import Strings
from kg.visible import without_halves
from whypath.answering.conditions import Comparison, FilterError, Where

_MOST_MASKS = 256
_MOST_CELLS = 64_000_000
"""Limits of the masks kept for one snapshot's facts: number and bytes; those used longest ago are dropped."""

_ARROW_SIGNS = {
    Comparison.EQUAL: "equal",
    Comparison.NOT_EQUAL: "not_equal",
    Comparison.AT_LEAST: "greater_equal",
    Comparison.AT_MOST: "less_equal",
    Comparison.MORE: "greater",
    Comparison.LESS: "less",
}

_IGNORING_CASE = (Comparison.EQUAL, Comparison.NOT_EQUAL, Comparison.CONTAINS)

_kept: weakref.WeakKeyDictionary[SharedFacts, OrderedDict[Hashable, NDArray[np.bool_]]] = weakref.WeakKeyDictionary()


def kept_mask(graph: KnowledgeGraph, part: Hashable, compute: Callable[[], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return the mask bool [n_items], read-only, of a part of a filter: a kept one, or that of `compute`.

    Safe to use from many threads; several that need a new mask at once may each compute it.
    """
    with not_forking():
        masks = _kept.setdefault(graph.facts, OrderedDict())
        known = masks.get(part)
        if known is not None:
            masks.move_to_end(part)
            return known
    found = compute()
    found.setflags(write=False)
    most = max(1, min(_MOST_MASKS, _MOST_CELLS // max(graph.n_items, 1)))
    with not_forking():
        masks[part] = found
        while len(masks) > most:
            masks.popitem(last=False)
    return found


def named_items(graph: KnowledgeGraph, ids: tuple[str, ...]) -> NDArray[np.bool_]:
    """Items with these ids; unknown ids are ignored."""
    mask = np.zeros(graph.n_items, dtype=bool)
    found = graph.item_indices(ids)
    mask[found[found >= 0]] = True
    return mask


def items_of_kinds(graph: KnowledgeGraph, kinds: tuple[str, ...]) -> NDArray[np.bool_]:
    """Items of these kinds. Raises FilterError."""
    mask = np.zeros(graph.n_items, dtype=bool)
    for kind in kinds:
        if kind not in graph.schema.item_kinds:
            raise FilterError(f"no item kind {kind!r}; the item kinds are {', '.join(graph.schema.item_kinds)}")
        start = graph.offsets[kind]
        mask[start : start + len(graph.nodes(kind))] = True
    return mask


def available_items(graph: KnowledgeGraph) -> NDArray[np.bool_]:
    """Items that are available by the domain's rule; a kind without a rule is always available.

    Raises FilterError.
    """
    mask = np.ones(graph.n_items, dtype=bool)
    ruled = False
    for kind in graph.schema.item_kinds:
        rule = graph.schema.nodes[kind].available
        if rule is None:
            continue
        ruled = True
        table = graph.nodes(kind)
        column = table.fields[rule.field]
        if column.sensitive:
            raise FilterError(
                f"the field {rule.field!r}, by which {kind} is available or not, is marked sensitive and cannot be"
                " used in a filter; name another field under `available` in domain.yaml"
            )
        start = graph.offsets[kind]
        # Each distinct value is compared once.
        values = column.codes if column.numbers is None else column.numbers
        assert values is not None
        _, first, which = np.unique(values, return_index=True, return_inverse=True)
        meets = np.array([rule.matches(value) for value in column.take(first)], dtype=bool)
        mask[start : start + len(table)] = meets[which]
    if not ruled:
        raise FilterError(
            "no item kind of this domain says which items are available; add `available: FIELD` to one in domain.yaml"
        )
    return mask


def items_where(graph: KnowledgeGraph, condition: Where) -> NDArray[np.bool_]:
    """Items that meet a condition. Raises FilterError for an unknown name or a value that does not fit."""
    fields = {name for kind in graph.schema.item_kinds for name in graph.nodes(kind).fields}
    if condition.name in fields:
        return _of_field(graph.item_field(condition.name), condition)
    relations = [
        relation
        for relation in graph.relations
        if condition.name in (relation.name, relation.label, relation.name.split(".")[0])
        and not relation.hidden
        and relation.head_kind in graph.schema.item_kinds
    ]
    if relations:
        found = np.zeros(graph.n_items, dtype=bool)
        for relation in relations:
            found |= _of_relation(graph, relation, condition)
        return found
    fields -= {name for kind in graph.schema.item_kinds for name, f in graph.nodes(kind).fields.items() if f.sensitive}
    names = sorted(fields | {relation.name for relation in graph.relations if not relation.hidden})
    raise FilterError(f"items have no field or relation {condition.name!r}; there are: {', '.join(names) or 'none'}")


def _of_field(column: FieldColumn, condition: Where) -> NDArray[np.bool_]:
    if column.sensitive:
        raise FilterError(f"the field {condition.name!r} is marked sensitive and cannot be used in a filter")
    if column.numbers is not None:
        if condition.comparison is Comparison.CONTAINS:
            raise FilterError(f"~ finds a part of a text, but {condition.name!r} is of type {column.type}")
        # A missing value is NaN, which compares as false except with !=.
        return _compared(column.numbers, condition.comparison, condition.number(column.type)) & ~column.missing
    assert column.codes is not None
    assert column.categories is not None
    return np.append(_texts_meet(column.categories, condition), False)[column.codes]


def _of_relation(graph: KnowledgeGraph, relation: RelationTable, condition: Where) -> NDArray[np.bool_]:
    if condition.comparison not in _IGNORING_CASE:
        raise FilterError(
            f"{condition.name!r} is a relation; compare it with ==, != or ~, not {condition.comparison.value}"
        )
    tails = graph.nodes(relation.tail_kind)
    is_other = condition.comparison is Comparison.NOT_EQUAL
    wanted = replace(condition, comparison=Comparison.EQUAL) if is_other else condition
    meets = _texts_meet(tails.keys, wanted) | _texts_meet(tails.labels, wanted)
    has = np.zeros(len(relation.forward), dtype=bool)
    if len(relation):
        has[relation.heads[meets[relation.tails]]] = True
        if is_other:
            has = ~has & (relation.forward.degrees() > 0)
    found = np.zeros(graph.n_items, dtype=bool)
    start = graph.offsets[relation.head_kind]
    found[start : start + len(has)] = has
    return found


def _texts_meet(texts: Strings, condition: Where) -> NDArray[np.bool_]:
    """Whether each text meets a condition, bool [n]."""
    value = condition.spelled()
    folded, comparison = value.casefold(), condition.comparison
    if without_halves(value) != value:
        # No column of text has a lone surrogate, and Arrow accepts none.
        return np.array([_meets(text, comparison, value) for text in texts], dtype=bool)
    array = texts.array
    if comparison not in _IGNORING_CASE:
        # Both order texts by code point.
        return _mask(pc.call_function(_ARROW_SIGNS[comparison], [array, pa.scalar(value, array.type)]))
    lower = pc.call_function("ascii_lower", [array])
    if comparison is Comparison.CONTAINS:
        found = _mask(pc.call_function("match_substring", [lower], pc.MatchSubstringOptions(folded)))
    else:
        found = _mask(pc.call_function(_ARROW_SIGNS[comparison], [lower, pa.scalar(folded, array.type)]))
    # Arrow folds the case of ASCII as Python does, but that of other letters differently.
    for place in np.flatnonzero(~_mask(pc.call_function("string_is_ascii", [array]))).tolist():
        found[place] = _meets(texts[place], comparison, value)
    return found


def _mask(array: pa.Array) -> NDArray[np.bool_]:
    return array.to_numpy(zero_copy_only=False).astype(bool)


def _meets(text: str, comparison: Comparison, value: str) -> bool:
    match comparison:
        case Comparison.EQUAL:
            return text.casefold() == value.casefold()
        case Comparison.NOT_EQUAL:
            return text.casefold() != value.casefold()
        case Comparison.CONTAINS:
            return value.casefold() in text.casefold()
        case Comparison.AT_LEAST:
            return text >= value
        case Comparison.AT_MOST:
            return text <= value
        case Comparison.MORE:
            return text > value
        case Comparison.LESS:
            return text < value


def _compared(numbers: NDArray[np.float64], comparison: Comparison, value: float) -> NDArray[np.bool_]:
    match comparison:
        case Comparison.EQUAL:
            return numbers == value
        case Comparison.NOT_EQUAL:
            return numbers != value
        case Comparison.AT_LEAST:
            return numbers >= value
        case Comparison.AT_MOST:
            return numbers <= value
        case Comparison.MORE:
            return numbers > value
        case _:
            return numbers < value
