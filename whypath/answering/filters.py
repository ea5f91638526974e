"""Filters on what may be recommended: ids, kinds, conditions on fields or relations, availability.

`Filters` says what is wanted in the caller's words; `Filters.apply` turns it into the mask of items of a snapshot, and
keeps what each step left, so that an empty result can say why. Filters come before the top k, so k results come back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.graph import FieldColumn, KnowledgeGraph, RelationTable
from kg.ids import Id, id_texts

Value: TypeAlias = str | int | float | bool


_TRUTH = {"true": 1.0, "yes": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "no": 0.0, "0": 0.0, "0.0": 0.0}
"""How yes and no are spelled."""


class FilterError(WhyPathError):
    """A filter that cannot be read or applied; the message says which part and what would do."""


class Comparison(StrEnum):
    """How a field's value is compared; `CONTAINS` looks for a part of a text, ignoring case."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    AT_LEAST = ">="
    AT_MOST = "<="
    MORE = ">"
    LESS = "<"
    CONTAINS = "~"


_NAME = re.compile(r"""\s*+(?:(?P<mark>["'`])(?P<quoted>[^"'`\n]++)(?P=mark)|(?P<plain>[^<>=!~"'`\n]++))\s*+""")

_SIGNS = (">=", "<=", "==", "!=", "=", "<", ">", "~")
"""In the order in which they are looked for: `year >=` alone compares with the text "="."""


def _value_in(text: str) -> str:
    """What is compared with, trimmed; of blanks alone the last; "" if there is nothing, or a line break within it.

    Not a regular expression: one that looks for the value between blanks takes a time that grows with their square.
    """
    value = text.strip() or text.replace("\n", "")[-1:]
    return "" if "\n" in value else value


@dataclass(frozen=True)
class Where:
    """A condition on a field (`year >= 1990`) or a relation (`genre == Comedy`: some fact of that name has that label).

    An item without a value for the field meets no condition on it, whatever the comparison.
    """

    name: str
    comparison: Comparison
    value: Value

    @classmethod
    def parse(cls, text: str) -> Where:
        """Read a condition as the command line has it: `year >= 1990`, `genre = Comedy`, `title ~ star`.

        A name may have blanks (`Retail Price >= 20`), and in quotation marks or backticks also signs (`"a=b" > 1`).
        """
        named = _NAME.match(text)
        rest = text[named.end() :] if named is not None else ""
        sign, value = next(
            ((sign, value) for sign in _SIGNS if rest.startswith(sign) and (value := _value_in(rest[len(sign) :]))),
            ("", ""),
        )
        name = "" if named is None else (named["quoted"] or named["plain"] or "").strip()
        if not name or not sign:
            raise FilterError(
                f"cannot read the condition {text!r}; write NAME COMPARISON VALUE, with one of >= <= > < == != ~, "
                "for example 'year >= 1990', 'genre == Comedy' or 'Retail Price < 20'; a name with signs in it stands"
                " in quotation marks"
            )
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        return cls(name, Comparison("==" if sign == "=" else sign), value)

    def mask(self, graph: KnowledgeGraph) -> NDArray[np.bool_]:
        """Which items meet the condition, bool [n_items]. Raises FilterError for an unknown name or a misfit value."""
        fields = {name for kind in graph.schema.item_kinds for name in graph.nodes(kind).fields}
        if self.name in fields:
            return self._of_field(graph.item_field(self.name))
        relations = [
            relation
            for relation in graph.relations
            if self.name in (relation.name, relation.label, relation.name.split(".")[0])
            and not relation.hidden
            and relation.head_kind in graph.schema.item_kinds
        ]
        if relations:
            found = np.zeros(graph.n_items, dtype=bool)
            for relation in relations:
                found |= self._of_relation(graph, relation)
            return found
        fields -= {
            name for kind in graph.schema.item_kinds for name, f in graph.nodes(kind).fields.items() if f.sensitive
        }
        names = sorted(fields | {relation.name for relation in graph.relations if not relation.hidden})
        raise FilterError(f"items have no field or relation {self.name!r}; there are: {', '.join(names) or 'none'}")

    def __str__(self) -> str:
        return f"{self.name} {self.comparison.value} {self.value}"

    def _of_field(self, column: FieldColumn) -> NDArray[np.bool_]:
        if column.sensitive:
            raise FilterError(f"the field {self.name!r} is marked sensitive and cannot be used in a filter")
        if column.numbers is not None:
            if self.comparison is Comparison.CONTAINS:
                raise FilterError(f"~ looks for a part of a text, and {self.name!r} is of type {column.type}")
            # A missing value is NaN, which compares as false but for !=.
            return _compared(column.numbers, self.comparison, self._number(column.type)) & ~column.missing
        assert column.codes is not None
        assert column.categories is not None
        categories = column.categories.to_list()
        meets = np.array([self._meets(text) for text in categories] + [False], dtype=bool)
        return meets[column.codes]

    def _of_relation(self, graph: KnowledgeGraph, relation: RelationTable) -> NDArray[np.bool_]:
        if self.comparison not in (Comparison.EQUAL, Comparison.NOT_EQUAL, Comparison.CONTAINS):
            raise FilterError(f"{self.name!r} is a relation; compare it with ==, != or ~, not {self.comparison.value}")
        tails = graph.nodes(relation.tail_kind)
        wanted = Comparison.EQUAL if self.comparison is Comparison.NOT_EQUAL else self.comparison
        test = replace(self, comparison=wanted)
        meets = np.array(
            [test._meets(key) or test._meets(label) for key, label in zip(tails.keys, tails.labels, strict=True)],
            dtype=bool,
        )
        has = np.zeros(len(relation.forward), dtype=bool)
        if len(relation):
            has[np.unique(relation.heads[meets[relation.tails]])] = True
            if self.comparison is Comparison.NOT_EQUAL:
                has = ~has & (relation.forward.degrees() > 0)
        found = np.zeros(graph.n_items, dtype=bool)
        start = graph.offsets[relation.head_kind]
        found[start : start + len(has)] = has
        return found

    def _meets(self, text: str) -> bool:
        value = self._spelled()
        match self.comparison:
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

    def _spelled(self) -> str:
        """The value as texts have it: a number from Python that is whole without a point, true and false in small."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, float) and self.value.is_integer():
            return str(int(self.value))
        return str(self.value)

    def _number(self, type: str) -> float:
        """The value as a numeric column of that type holds it."""
        if type == "boolean":
            number = _TRUTH.get(self._spelled().casefold())
            if number is None:
                raise FilterError(
                    f"{self.name!r} is yes or no; {self.value!r} is neither true nor false: write '{self.name} = true'"
                )
            return number
        if type == "date":
            try:
                moment = datetime.fromisoformat(str(self.value))
            except ValueError:
                raise FilterError(f"{self.name!r} is a date; write it as 1994-09-10, not {self.value!r}") from None
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        try:
            return float(self.value)
        except ValueError:
            raise FilterError(
                f"{self.name!r} is a number; {self.value!r} is none: write '{self.name} >= 1990'"
            ) from None


def where(name: str, comparison: str, value: Value) -> Where:
    """A condition from Python: `where("year", ">=", 1990)`, `where("genre", "==", "Comedy")`. Raises FilterError."""
    try:
        return Where(name, Comparison("==" if comparison == "=" else comparison), value)
    except ValueError:
        signs = " ".join(sign.value for sign in Comparison)
        raise FilterError(f"no comparison {comparison!r}; there are {signs}") from None


@dataclass(frozen=True)
class Step:
    """What a filter left: its description and the number of items after it."""

    filter: str
    left: int


@dataclass(frozen=True, eq=False)
class Allowed:
    """Result of a filter: `mask` bool [n_items], None where everything is allowed; `steps` in the order applied."""

    mask: NDArray[np.bool_] | None
    steps: tuple[Step, ...]

    def items(self) -> NDArray[np.intp] | None:
        """Allowed item indices, ascending; None for all."""
        return None if self.mask is None else np.flatnonzero(self.mask)


@dataclass(frozen=True)
class Filters:
    """What may be recommended; every part narrows it.

    `include` only these ids (None: all); `exclude` none of these ids; `kinds` only these item kinds (empty: all);
    `where` conditions that must all hold; `available` only what the domain's rule says can be had.
    """

    include: Sequence[Id] | None = None
    exclude: Sequence[Id] = ()
    kinds: Sequence[str] = ()
    where: Sequence[Where | str] = ()
    available: bool = False

    def without(self, items: Sequence[Id]) -> Filters:
        """The same filters, and none of these items."""
        return replace(self, exclude=(*id_texts(self.exclude, "`exclude`"), *items))

    def apply(self, graph: KnowledgeGraph) -> Allowed:
        """The items of `graph` that pass. Ids that the graph does not know are passed over; raises FilterError."""
        if self.include is None and not (self.exclude or self.kinds or self.where or self.available):
            return Allowed(None, (Step("all items", graph.n_items),))
        mask = np.ones(graph.n_items, dtype=bool)
        steps = [Step("all items", graph.n_items)]

        def narrow(description: str, keep: NDArray[np.bool_]) -> None:
            np.logical_and(mask, keep, out=mask)
            steps.append(Step(description, int(mask.sum())))

        if self.include is not None:
            narrow(f"include: {len(self.include)} ids", _named(graph, self.include))
        if self.kinds:
            narrow(f"kind: {', '.join(self.kinds)}", _of_kinds(graph, self.kinds))
        for condition in self.where:
            parsed = Where.parse(condition) if isinstance(condition, str) else condition
            narrow(str(parsed), parsed.mask(graph))
        if self.available:
            narrow("available only", _available(graph))
        if self.exclude:
            narrow(f"exclude: {len(self.exclude)} ids", ~_named(graph, self.exclude))
        return Allowed(mask, tuple(steps))


def _named(graph: KnowledgeGraph, ids: Sequence[Id]) -> NDArray[np.bool_]:
    mask = np.zeros(graph.n_items, dtype=bool)
    found = graph.item_indices(id_texts(ids, "`include` or `exclude`"))
    mask[found[found >= 0]] = True
    return mask


def _of_kinds(graph: KnowledgeGraph, kinds: Sequence[str]) -> NDArray[np.bool_]:
    mask = np.zeros(graph.n_items, dtype=bool)
    for kind in kinds:
        if kind not in graph.schema.item_kinds:
            raise FilterError(f"no item kind {kind!r}; the item kinds are {', '.join(graph.schema.item_kinds)}")
        start = graph.offsets[kind]
        mask[start : start + len(graph.nodes(kind))] = True
    return mask


def _available(graph: KnowledgeGraph) -> NDArray[np.bool_]:
    """Items that the domain's `available` rule lets through; a kind without a rule is always available."""
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
        mask[start : start + len(table)] = [rule.matches(value) for value in column]
    if not ruled:
        raise FilterError(
            "no item kind of this domain says which items are available; add `available: FIELD` to one in domain.yaml"
        )
    return mask


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


class FilterOptions(TypedDict, total=False):
    """Keyword arguments that filter what is listed; see `Filters`."""

    include: Sequence[Id] | None
    exclude: Sequence[Id]
    kinds: Sequence[str]
    where: Sequence[Where | str]
    available: bool
