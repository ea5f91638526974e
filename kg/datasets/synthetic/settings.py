"""Settings of a synthetic domain."""

from __future__ import annotations

from dataclasses import dataclass

_RELATION_KINDS = ("maker", "topic", "place", "style", "series", "award")


@dataclass(frozen=True, slots=True)
class SyntheticSettings:
    """Sizes and shapes of a synthetic domain. The same settings always give the same domain."""

    users: int = 1_000
    items: int = 500
    entities: int = 200
    """Number of entities over all relations, in equal parts."""
    relations: int = 3
    """Number of relations from items, each to its own kind of entity."""
    facts_per_item: float = 6.0
    """Mean number of triples per item, over all relations; at least one per relation."""
    events_per_user: float = 20.0
    """Mean number of events per user; slightly less where the preferred entities have too few items."""
    likes: int = 3
    """Number of entities that a user prefers."""
    strength: float = 0.7
    """Share of a user's events that are drawn from the items of the preferred entities; the rest follow popularity
    alone."""
    activity_exponent: float = 2.5
    """Exponent of the power law of events per user: P(n) ~ n^-exponent; over 2, so that the mean exists."""
    popularity_exponent: float = 0.8
    """Zipf exponent of the items: the item of rank r is drawn in proportion to r^-exponent."""
    entity_exponent: float = 0.9
    """Zipf exponent of the entities of a relation."""
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("users", "items", "relations", "likes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but at least 1 is needed")
        if self.entities < self.relations:
            raise ValueError(f"{self.entities} entities are too few for {self.relations} relations")
        if self.facts_per_item < self.relations:
            raise ValueError(
                f"facts_per_item is {self.facts_per_item}: every relation gives at least one, so {self.relations}"
            )
        if self.events_per_user < 1:
            raise ValueError(f"events_per_user is {self.events_per_user}, but at least 1 is needed")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength is {self.strength}, but it is a share between 0 and 1")
        if self.activity_exponent <= 2:
            raise ValueError(f"activity_exponent is {self.activity_exponent}: at 2 or less the mean is infinite")

    @property
    def entity_kinds(self) -> tuple[str, ...]:
        """The kind of entity of every relation."""
        return tuple(
            _RELATION_KINDS[at] if at < len(_RELATION_KINDS) else f"kind{at + 1}" for at in range(self.relations)
        )

    @property
    def relation_names(self) -> tuple[str, ...]:
        """The names of the relations: `has_maker` and so on."""
        return tuple(f"has_{kind}" for kind in self.entity_kinds)

    @property
    def entity_offsets(self) -> tuple[int, ...]:
        """First entity of every relation, and the number of entities at the end (length relations + 1)."""
        return tuple(self.entities * at // self.relations for at in range(self.relations + 1))
