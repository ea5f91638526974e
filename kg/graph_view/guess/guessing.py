"""`guess_graph`: guess a first domain description from an existing graph. It only reads, by bounded queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kg.graph_view.guess.behaviour import Candidate, Step, find_behaviour, signal_in, time_of
from kg.graph_view.guess.kinds import Kinds
from kg.graph_view.guess.nodes import Key, describe_kind, key_of
from kg.graph_view.guess.profile import GraphProfile, PropertyProfile, profile_graph
from kg.schema import DomainSchema, Role
from kg.sources.guess import Guess, GuessError
from kg.sources.guess.interactions import ruled
from kg.sources.guess.opinions import how_much, says_dislike
from kg.sources.guess.signals import Signal
from kg.sources.guess.values import time_format
from kg.sources.guess.verbs import verb_for
from kg.sources.guess.words import kind_name, untaken
from kg.stores.neo4j.access import access_to
from kg.stores.neo4j.connection import Connection
from kg.stores.neo4j.names import STORE_LABEL

_MOST_HOPS = 3
"""Maximum number of relationships between an item and a kind that is a fact about it."""


def guess_graph(url: str, folder: str | Path = ".") -> Guess:
    """Guess a domain from the graph in a database. Raises `GuessError` where nothing looks like behaviour, StoreError.

    `folder`: where the description will be written; the domain is named after it.
    """
    connection = Connection(access_to(url))
    try:
        return _Guessing(profile_graph(connection), url, Path(folder)).guess()
    finally:
        connection.close()


class _Guessing:
    """The guess in progress: sections as plain data, and notes."""

    def __init__(self, profile: GraphProfile, url: str, folder: Path) -> None:
        self._profile = profile
        self._url = url
        self._folder = folder
        self._kinds = Kinds(profile)
        self._names: dict[str, str] = {}
        self._notes: list[str] = [*profile.notes, *self._kinds.notes]
        self._nodes: dict[str, Any] = {}
        self._relations: dict[str, Any] = {}
        self._interactions: dict[str, Any] = {}

    def guess(self) -> Guess:
        profile, kinds = self._profile, self._kinds
        if STORE_LABEL in profile.labels:
            raise GuessError(
                f"{self._url} holds a store that WhyPath has made, which needs no description: give"
                f" `--store {self._url}`"
            )
        if not kinds.labels:
            raise GuessError(f"{self._url}: the graph is empty")
        behaviour = find_behaviour(profile, kinds, lambda label: self._key(label) is not None)
        if not behaviour:
            counted = ", ".join(f"{name} ({label.count:,})" for name, label in list(kinds.labels.items())[:10])
            raise GuessError(
                f"{self._url}: no relationship, and no two with a node between, look like what users do with items"
                f" (labels: {counted}); write the description by hand, docs/your-data.md says how"
            )
        if not behaviour[0].is_sure:
            self._notes.append("NOTHING looks surely like behaviour; what is named below is only the likeliest")
        user, items = behaviour[0].user, list(dict.fromkeys(item for c in behaviour for item in c.items))
        used = {name for c in behaviour for name in c.types}
        betweens = {c.between for c in behaviour if c.between is not None}
        entities = self._entities(items, {user, *betweens}, used)
        for label in [*items, user, *entities]:
            self._names[label] = untaken(kind_name(label), self._names.values())
        self._describe_nodes(user, items, entities)
        for candidate in behaviour:
            self._describe_behaviour(candidate)
        self._tell_wishes_from_looks()
        self._describe_relations({user, *items, *entities}, used, user, set(items))
        self._tell_left_out({user, *items, *entities}, betweens)
        parts = urlsplit(self._url)
        database = parse_qs(parts.query).get("database", [None])[0]
        described: dict[str, Any] = {
            "name": kind_name(self._folder.resolve().name) or "domain",
            "graph": {
                "uri": self._url.partition("?")[0],
                **({"database": database} if database else {}),
            },
            "missing": [""],
            "nodes": self._nodes,
            **({"relations": self._relations} if self._relations else {}),
            "interactions": self._interactions,
        }
        schema = DomainSchema.from_mapping(described, "the guessed description")
        return Guess(schema, tuple(self._notes), f"the graph at {self._url}, to which nothing was written")

    def _tell_wishes_from_looks(self) -> None:
        """Mark interactions known only by name: one that takes something back is not a like, nor is one of having
        looked at something if users have wanted it by another.
        """
        strengths = {name: how_much(name) for name in self._interactions}
        most = max((known for known in strengths.values() if known is not None), default=0)
        for name, section in self._interactions.items():
            strength = strengths[name]
            if "positive" in section or "where" in section or strength is None or strength > 1 or strength == most:
                continue
            section["positive"] = False
            if strength == 0:
                section["excludes"] = True
            if section.get("label", "liked") == "liked":
                section["label"] = "viewed" if strength else "took back"
            why = "takes something back" if strength == 0 else "says less than others"
            self._notes.append(f"{name}: by its name it {why}: no event is positive")

    def _key(self, label: str) -> Key | None:
        return key_of(self._profile, self._kinds.labels[label])

    def _entities(self, items: list[str], others: set[str], used: set[str]) -> list[str]:
        """Kinds that relationships from items lead to, nearest first."""
        kinds: list[str] = []
        nearest = set(items)
        for _ in range(_MOST_HOPS):
            reached: set[str] = set()
            for name in self._profile.types:
                if name in used:
                    continue
                for start, end in self._kinds.pairs(name):
                    reached |= {end} if start in nearest else set()
                    reached |= {start} if end in nearest else set()
            nearest = {label for label in reached if label not in {*items, *others, *kinds} and self._key(label)}
            kinds += sorted(nearest)
        return kinds

    def _describe_nodes(self, user: str, items: list[str], entities: list[str]) -> None:
        roles = {**dict.fromkeys(items, Role.ITEM), user: Role.USER, **dict.fromkeys(entities, Role.ENTITY)}
        made: dict[str, str] = {}
        for label, role in roles.items():
            key = self._key(label)
            assert key is not None  # labels without a key were left out
            name, profile = self._names[label], self._kinds.labels[label]
            self._nodes[name], notes = describe_kind(profile, name, role, key, set(self._names.values()), made)
            named = self._nodes[name].get("label")
            shown = f", name {named}" if named else ""
            self._notes.append(f"{name}: {role.value} kind of {profile.count:,} nodes :{label}, {key.note}{shown}")
            self._notes += notes
        for kind in made:
            self._nodes.setdefault(kind, {})

    def _describe_behaviour(self, candidate: Candidate) -> None:
        last = self._profile.types[candidate.types[-1]]
        words = candidate.between if candidate.between is not None else candidate.types[0].lower()
        name = untaken(kind_name(words), self._interactions)
        section: dict[str, Any] = {"items": [self._names[item] for item in candidate.items]}
        columns: dict[str, Any] = {}
        items = "/:".join(candidate.items)
        if candidate.between is None:
            section["relationship"] = _relationship(candidate.steps[0])
            places: list[tuple[str, dict[str, PropertyProfile]]] = [("", last.properties)]
            way = f"(:{candidate.user}) {_arrow(candidate.steps[0])} (:{items})"
        else:
            first, second = candidate.steps
            section["path"] = {
                "first": _relationship(first), "node": [candidate.between], "last": _relationship(second)
            }  # fmt: skip
            places = [
                ("node.", self._kinds.labels[candidate.between].properties),
                ("first.", self._profile.types[first.type].properties),
                ("last.", last.properties),
            ]
            way = f"(:{candidate.user}) {_arrow(first)} (:{candidate.between}) {_arrow(second)} (:{items})"
        self._notes.append(f"{name}: interaction {way}, {last.count:,} relationships {last.type}")
        signal, prefix = self._columns(name, places, columns, section)
        if columns:
            section["columns"] = columns
        types = " ".join([name, *candidate.types])
        if says_dislike(candidate.types[-1]):
            section |= {"positive": False, "negative": True, "excludes": True, "label": verb_for(types, None)}
            self._notes.append(f"{name}: {candidate.types[-1]} says that a user does not like it: no event is positive")
            self._interactions[name] = section
            return
        described = ruled(section, name, signal, learnt=True, prefix=prefix, words=types)
        for section_name, described_section in described.sections.items():
            self._interactions[untaken(section_name, self._interactions)] = described_section
        self._notes += described.notes

    def _columns(
        self,
        name: str,
        places: list[tuple[str, dict[str, PropertyProfile]]],
        columns: dict[str, Any],
        section: dict[str, Any],
    ) -> tuple[Signal | None, str]:
        """Fill in the column of the time; return the property that shows preference, and its prefix."""
        for prefix, properties in places:
            time = time_of(properties)
            if time is not None:
                columns["time"] = f"{prefix}{time.name}"
                form = time_format(time)
                if form not in (None, "auto"):
                    section["time_format"] = form
                self._notes.append(f"{name}: {prefix}{time.name} is the time")
                break
        else:
            self._notes.append(f"{name}: no time was found")
        # Properties of the relationship with the item come before those of the node between.
        for prefix, properties in reversed(places):
            signal = signal_in(properties)
            if signal is not None:
                return signal, prefix
        return None, ""

    def _describe_relations(self, kept: set[str], used: set[str], user: str, items: set[str]) -> None:
        for type in self._profile.types:
            pairs = {pair for pair in self._kinds.pairs(type) if set(pair) <= kept}
            if type in used:
                continue
            between = {pair for pair in pairs if user in pair and set(pair) & items}
            if between:
                self._notes.append(
                    f"{type}: left out, as it joins users and items and does not look like behaviour; if it is, name it"
                    " under `interactions`"
                )
            pairs -= between
            heads, tails = sorted({head for head, _ in pairs}), sorted({tail for _, tail in pairs})
            if not pairs:
                continue
            groups = (
                [(heads, tails)] if len(heads) * len(tails) == len(pairs) else [([h], [t]) for h, t in sorted(pairs)]
            )
            for group_heads, group_tails in groups:
                suffix = "" if len(groups) == 1 else f"_{self._names[group_heads[0]]}_{self._names[group_tails[0]]}"
                name = untaken(kind_name(type) + suffix, {**self._relations, **self._made_relations()})
                self._relations[name] = {
                    "relationship": type,
                    "head": [self._names[label] for label in group_heads],
                    "tail": [self._names[label] for label in group_tails],
                }
            shown = "; ".join(f"{'/'.join(h)} -> {'/'.join(t)}" for h, t in groups)
            self._notes.append(f"{type}: relation of {self._profile.types[type].count:,} ({shown})")

    def _made_relations(self) -> dict[str, Any]:
        columns = [c for node in self._nodes.values() for s in ("lists", "links") for c in node.get(s, {}).values()]
        return {column["relation"]: column for column in columns}

    def _tell_left_out(self, kept: set[str], betweens: set[str]) -> None:
        for label, profile in self._kinds.labels.items():
            if label in kept:
                continue
            if label in betweens:
                why = "it is between users and items and is part of the interaction"
            elif not profile.properties or not self._key(label):
                why = "no property of it could be a key"
            else:
                why = "no relationship leads to it from items"
            self._notes.append(f"label {label} ({profile.count:,} nodes): left out, {why}")


def _relationship(step: Step) -> Any:
    return step.type if step.out else {"type": step.type, "direction": "in"}


def _arrow(step: Step) -> str:
    return f"-[:{step.type}]->" if step.out else f"<-[:{step.type}]-"
