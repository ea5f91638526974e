"""Describe a node kind from the columns of a table or the properties of a label: name, text, fields, lists and
links."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kg.schema import Role
from kg.sources.guess.column_uses import Candidate, Surroundings, Use, doubt, uses_of
from kg.sources.guess.list_forms import ListForm, list_form
from kg.sources.guess.profile import ColumnProfile
from kg.sources.guess.signals import UNSURE
from kg.sources.guess.values import label_column
from kg.sources.guess.words import PERSON_NAMES, is_sensitive, kind_name, named_like, plain

_AVAILABLE = {
    "available": True,
    "instock": True,
    "active": True,
    "isactive": True,
    "discontinued": False,
    "deleted": False,
}
"""Names of boolean columns that say whether an item is available -> the value that means it is."""


@dataclass
class KindSection:
    """A node kind being described.

    `made` collects the kinds that come from values, kind -> the relation's column, for all kinds of a description;
    `taken` are names that no such kind may have.
    """

    kind: str
    node: dict[str, Any]
    notes: list[str]
    made: dict[str, str]
    taken: Collection[str]

    def describe(
        self, columns: Sequence[ColumnProfile], nameable: Sequence[ColumnProfile], around: Surroundings
    ) -> None:
        """Assign a use to each column. `nameable` are the columns that may hold the readable name.

        Columns of items and entities with recurring values become relations, so that they connect; those of users
        stay fields.
        """
        label = self._label(nameable, around.role)
        if label is not None:
            self.node["label"] = label.name
        rest = [c for c in columns if c is not label]
        uses = {c.name: uses_of(c, around) for c in rest}
        texts = [c.name for c in rest if uses[c.name][0].use is Use.TEXT]
        if texts:
            self.node["text"] = [*([label.name] if label is not None else []), *texts]
        others = [c for c in rest if c.name not in texts]
        forms = [list_form(c, blanks=around.blanks) for c in others]
        usual = next((form.separator for form in forms if form is not None and form.separator is not None), None)
        if usual is not None:
            # The separator of one column is accepted for others too, even where few cells have it.
            around = replace(around, usual=usual)
            uses |= {c.name: uses_of(c, around) for c in others}
        for column in rest:
            self._take(column, uses[column.name], around.role)

    def _label(self, columns: Sequence[ColumnProfile], role: Role) -> ColumnProfile | None:
        if role is not Role.USER:
            return label_column(columns, self.kind)
        label = label_column([c for c in columns if not is_sensitive(c.name)], self.kind)
        return label if label is not None and named_like(label.name, PERSON_NAMES) else None

    def _take(self, column: ColumnProfile, uses: Sequence[Candidate], role: Role) -> None:
        best, other = uses[0], doubt(list(uses))
        where = f"{self.kind}.{column.name}"
        instead = f"; it may be {other.use} as well" if other is not None else ""
        unsure = UNSURE if other is not None else ""
        if best.use is Use.LIST:
            self._relate("lists", column, best.form)
            self.notes.append(f"{unsure}{where} holds several values: each becomes a relation{instead}")
        elif best.use is Use.OWN_LIST:
            self._relate("lists", column, best.form, to=self.kind)
            self.notes.append(f"{unsure}{where} leads to others of {self.kind}{instead}")
        elif best.use is Use.OWN_LINK:
            self._relate("links", column, None, to=self.kind)
            self.notes.append(f"{unsure}{where} leads to another {self.kind}{instead}")
        elif best.use in (Use.LINK, Use.CODE):
            self._relate("links", column, None)
            recurring = "values" if best.use is Use.LINK else "codes"
            self.notes.append(
                f"{unsure}{where} has {len(column.values)} recurring {recurring}: each becomes a node{instead}"
            )
        elif best.use is Use.FIELD and best.field is not None:
            self._field(column, best.field, role)
        elif best.use is Use.TEXT and other is not None:
            self.notes.append(f"{unsure}{where} is read as text{instead}")

    def _field(self, column: ColumnProfile, described: dict[str, Any], role: Role) -> None:
        where = f"{self.kind}.{column.name}"
        if role is Role.ITEM and described["type"] == "boolean" and plain(column.name) in _AVAILABLE:
            equals = _AVAILABLE[plain(column.name)]
            self.node["available"] = column.name if equals else {"field": column.name, "equals": False}
            self.notes.append(f"{where} says which items are available (`available`)")
        short = described["type"] if set(described) == {"type"} else described
        self.node.setdefault("fields", {})[column.name] = short
        if "missing" in described:
            self.notes.append(f"{where} is a number but for {', '.join(described['missing'])}: read as no value")
        if "sensitive" in described:
            self.notes.append(f"{where} is marked sensitive: never shown")

    def _relate(self, section: str, column: ColumnProfile, form: ListForm | None, to: str | None = None) -> None:
        """`to` is the kind whose keys the values are; None for a kind that is made of them."""
        target = kind_name(column.name)
        while target in self.taken and to is None:
            target += "_value"
        if to is None:
            self.made.setdefault(target, column.name)
        words = target.replace("_", " ")
        described: dict[str, Any] = {
            "target": to or target,
            "relation": f"has_{target}" if to is None else target,
            "label": f"has {words}" if to is None else words,
        }
        if form is not None:
            described |= form.described
        self.node.setdefault(section, {})[column.name] = described
