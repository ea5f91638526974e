"""Models of interactions: their source, columns, linking tables, and the rules for likes and dislikes."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, field_validator, model_validator

from kg.redacting import quoted
from kg.schema.base import Conditions, DomainModel, Names, short_for
from kg.schema.existing import PATH_PLACES, PathSpec, Relationship
from kg.schema.nodes import SeveralValues
from kg.schema.sources import Source, Sources
from kg.schema.time_patterns import check_pattern

EXCEL = "excel"
"""Time format of Excel's day numbers: 43709.5 is noon of 1 September 2019."""

TIME_FORMATS = ("auto", "unix", "unix_ms", "unix_us", "unix_ns", "iso", EXCEL)
"""Named time formats; any other is a strptime pattern."""


class EventColumns(DomainModel):
    """Columns of an interaction's file; `TABLE.COLUMN` for a column of a table under `via`.

    Over a graph: properties of the relationship, or of a path's parts as `first.`, `node.` and `last.PROPERTY`.
    """

    user: str = ""
    """Column with the user's key; over a graph it is the relationship's end."""
    item: str = ""
    """Column with the item's key; over a graph it is the relationship's end."""
    weight: str | None = None
    """Column with a number: stars, quantity, seconds watched."""
    time: str | None = None
    """Column with the time."""
    id: str | None = None
    """Column with an id of the event; a digest of its content where there is none."""
    item_kind: str | None = None
    """Column that names the item's kind, where there are several."""


class LinkingTable(DomainModel):
    """A linking table between user and item: `orders` between customers and order lines."""

    source: Source
    """Its file."""
    key: str
    """Its key column; unique."""
    match: str | None = None
    """Column of the interaction's file (or `TABLE.COLUMN` of an earlier linking table) that holds the key; the name of
    the key column where not given."""


class EventRule(DomainModel):
    """A rule for events by their weight: those that mean the user liked the item, or those that mean a dislike; all
    conditions given must hold."""

    always: bool | None = None
    """True: every event; false: none (such as views that are kept but not learned from)."""
    min_weight: float | None = None
    """At least this weight."""
    max_weight: float | None = None
    """At most this weight."""
    weights: tuple[float, ...] | None = None
    """One of these weights."""
    unweighted: bool = False
    """Whether an event without a weight counts, where there are conditions on weights."""

    @model_validator(mode="after")
    def _one_rule(self) -> EventRule:
        if self.always is not None and self.needs_weight:
            raise ValueError("give either `always` or conditions on the weight")
        if self.min_weight is not None and self.max_weight is not None and self.min_weight > self.max_weight:
            raise ValueError(f"no weight is from {self.min_weight:g} to {self.max_weight:g}")
        return self

    @property
    def needs_weight(self) -> bool:
        """Whether the rule looks at weights."""
        return self.min_weight is not None or self.max_weight is not None or self.weights is not None

    @property
    def is_given(self) -> bool:
        """Whether any condition is given."""
        return self.always is not None or self.needs_weight

    def matches(self, weights: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Mask [n] of the events that the rule is for; `weights` float32 [n], NaN where there is none. Compared in
        float32."""
        if not self.needs_weight:
            return np.full(len(weights), self.always is not False)
        weights = np.asarray(weights, dtype=np.float32)
        known = ~np.isnan(weights)
        matching = known.copy()
        # NaN compares as false without a warning for >= and <=; `known` keeps `weights` honest too.
        if self.min_weight is not None:
            matching &= weights >= np.float32(self.min_weight)
        if self.max_weight is not None:
            matching &= weights <= np.float32(self.max_weight)
        if self.weights is not None:
            matching &= np.isin(weights, np.asarray(self.weights, dtype=np.float32))
        return matching | ~known if self.unweighted else matching

    def common_weight(self, other: EventRule) -> float | None:
        """A weight that both rules match, NaN for an event without one; None if there is no such event."""
        # What two rules have in common is empty, or holds one of their bounds or an end of the line.
        bounds = [bound for rule in (self, other) for bound in (rule.min_weight, rule.max_weight) if bound is not None]
        listed = [weight for rule in (self, other) for weight in rule.weights or ()]
        tried = np.array([*listed, *bounds, np.nan, -np.inf, np.inf], dtype=np.float32)
        both = tried[self.matches(tried) & other.matches(tried)]
        return float(both[0]) if len(both) else None


Rule: TypeAlias = Annotated[
    EventRule, BeforeValidator(short_for("always", bool), json_schema_input_type=bool | EventRule)
]


class InteractionKind(DomainModel):
    """One interaction: ratings, purchases, plays."""

    source: Sources = ()
    """File or files; none where events are only recorded at run time."""
    relationship: Relationship | None = None
    """Instead of a source, over a graph: the relationship type between user and item."""
    path: PathSpec | None = None
    """Instead of a source, over a graph: two relationships with a node between, such as an order."""
    columns: EventColumns | None = None
    """Names of the columns, or over a graph of the properties."""
    several: SeveralValues | None = None
    """How a cell with several items (a history, a basket) is written. Each item is an event
    with the row's user, time and weight."""
    user: str = ""
    """Node kind of the users; the domain's one user kind where not given."""
    items: Names = ()
    """Node kind or kinds of the items; the domain's item kinds where not given."""
    via: dict[str, LinkingTable] = Field(default_factory=dict)
    """Linking tables by name, in the order in which they are joined."""
    where: Conditions = Field(default_factory=dict)
    """Only the rows that have these values: `where: {event: purchase}`."""
    time_format: str = "auto"
    """unix, unix_ms, unix_us, unix_ns, iso, excel (day numbers), a strptime pattern, or auto: numbers are unix seconds,
    texts ISO 8601."""
    timezone: str = "UTC"
    """Time zone of times that name none, such as `Europe/Berlin`."""
    positive: Rule = EventRule()
    """What counts as positive: every event unless given, for example `{min_weight: 4}`."""
    negative: Rule = EventRule(always=False)
    """What counts as a dislike: no event unless given, for example `{max_weight: 2}`. Events that neither rule is for
    are neutral: kept, and not learned from."""
    excludes: bool | None = None
    """Whether an item that a user has an event of this kind on is left out of the user's lists. Default: no with
    `positive: false` and without `negative` (a user who viewed an item may still want it), else yes, also for events
    that neither rule is for."""
    label: str = "liked"
    """Words for paths: "you liked ..."; `bought`, `played`."""
    negative_label: str = "disliked"
    """The same for dislikes: "you disliked ..."; `skipped`, `sent back`."""

    @field_validator("time_format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value in TIME_FORMATS:
            return value
        if "%" not in value:
            raise ValueError(
                f"{quoted(value)} is no time format: use {', '.join(TIME_FORMATS)} or a strptime pattern such as"
                " %d/%m/%Y"
            )
        return check_pattern(value)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value != "UTC":  # which needs no time zone database
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError):  # the last one for a folder of zones, such as Europe
                raise ValueError(f"no time zone {quoted(value)}: use a name such as UTC or Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _fits(self) -> InteractionKind:
        origins = [self.source, self.relationship, self.path]
        if sum(map(bool, origins)) > 1:
            raise ValueError("give only one of `source`, `relationship` and `path`")
        if self.source and (self.columns is None or not (self.columns.user and self.columns.item)):
            raise ValueError("a source needs `columns: {user: COLUMN, item: COLUMN}`")
        if not any(origins) and self.columns is not None:
            raise ValueError("`columns` without a source: add `source: FILE`")
        if not self.source:
            self._fits_a_graph()
        columns = self.columns
        if self.several is not None and (not self.source or (columns is not None and columns.id is not None)):
            raise ValueError("`several` is for the items in a cell of a file whose rows have no `id`")
        self._tables_follow()
        if columns is not None:
            self._columns_fit(columns)
        self._rules_differ()
        return self

    def _rules_differ(self) -> None:
        """Check that no event is positive and negative at once: neither could silently win."""
        common = self.positive.common_weight(self.negative)
        if common is None:
            return
        if not self.positive.is_given:
            raise ValueError(
                "`positive` is every event unless given, and `negative` some of them: give both, for example"
                " `positive: {min_weight: 4}`, or `positive: false` where no event is a like"
            )
        what = "an event without a weight" if np.isnan(common) else f"the weight {common:g}"
        raise ValueError(f"`positive` and `negative` both match {what}: an event cannot be a like and a dislike")

    def _tables_follow(self) -> None:
        """Check that each linking table follows from the interaction's own columns or from a table above it."""
        joined: set[str] = set()
        for name, linking in self.via.items():
            table, dot, _ = (linking.match or "").partition(".")
            if dot and table in self.via and table not in joined:
                raise ValueError(
                    f"via.{name}: `match: {linking.match}` names {quoted(table)}, which is not joined before"
                    f" {quoted(name)}: a table follows from the interaction's own columns or from those of a table"
                    " above it"
                )
            joined.add(name)

    def _columns_fit(self, columns: EventColumns) -> None:
        for name, rule in (("positive", self.positive), ("negative", self.negative)):
            if rule.needs_weight and columns.weight is None:
                raise ValueError(f"`{name}` looks at weights: add `weight: COLUMN` to `columns`")
        for used in filter(None, (columns.user, columns.item, columns.weight, columns.time, columns.id)):
            table, dot, _ = used.partition(".")
            if dot and self.via and table not in self.via:
                raise ValueError(f"{quoted(used)} names no table under `via` ({', '.join(self.via)})")

    def _fits_a_graph(self) -> None:
        if self.via:
            raise ValueError("`via` is for files; over a graph the node between users and items belongs under `path`")
        columns = self.columns
        if columns is not None and (columns.user or columns.item or columns.item_kind):
            raise ValueError("over a graph the ends say user, item and its kind: drop them from `columns`")
        if self.path is None:
            return
        named = [columns.time, columns.weight, columns.id] if columns is not None else []
        for column in filter(None, (*named, *self.where)):
            place, dot, rest = column.partition(".")
            if place not in PATH_PLACES or not dot or not rest:
                raise ValueError(
                    f"{quoted(column)}: say where on the path it is: `first.{column}` (the first relationship),"
                    f" `node.{column}` (the node between) or `last.{column}` (the last relationship)"
                )

    @property
    def leaves_out(self) -> bool:
        """Whether items with an event of this kind are left out of the user's lists."""
        if self.excludes is not None:
            return self.excludes
        return self.positive.always is not False or self.has_dislikes

    def is_positive(self, weights: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Mask [n] of the positive events; `weights` float32 [n], NaN where there is none."""
        return self.positive.matches(weights)

    def is_negative(self, weights: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Mask [n] of the dislikes, as `is_positive`."""
        return self.negative.matches(weights)

    @property
    def has_dislikes(self) -> bool:
        """Whether an event of this kind can be a dislike."""
        return self.negative.always is not False

    @property
    def rules(self) -> tuple[EventRule, ...]:
        """The rules that tell likes and, if there can be any, dislikes."""
        return (self.positive, self.negative) if self.has_dislikes else (self.positive,)
