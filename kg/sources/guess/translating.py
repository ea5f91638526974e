"""Translate the sections of a guess to the names of a description: the same kinds get the description's names, and new
sections get names that it does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kg.schema import DomainSchema
from kg.schema.yaml_text import read_yaml
from kg.sources.guess.words import untaken


class Names:
    """The guess as plain data with the description's kinds: `translated`, section -> name -> value.

    Kinds have the names of the description there, relations and interactions those of the guess.
    """

    def __init__(self, ours: DomainSchema, theirs: DomainSchema, kinds: Mapping[str, str]) -> None:
        """`kinds`: names of node kinds of the guess -> of the description, for those that are the same."""
        self._ours = ours
        taken = {*ours.nodes}
        self._kinds = dict(kinds)
        for name in theirs.nodes:
            if name not in self._kinds:
                self._kinds[name] = untaken(name, taken)
                taken.add(self._kinds[name])
        linked = [link for node in ours.nodes.values() for link in (*node.lists.items(), *node.links.items())]
        self._relations = {*ours.relations, *(link.relation or column for column, link in linked)}
        data, _ = read_yaml(theirs.to_yaml(), "the guess")
        self.translated: dict[str, dict[str, Any]] = {
            "nodes": {self._kinds[name]: self._node(value) for name, value in data["nodes"].items()},
            "relations": {n: self._ends(v, ("head", "tail")) for n, v in data.get("relations", {}).items()},
            "interactions": {n: self._ends(v, ("user", "items")) for n, v in data.get("interactions", {}).items()},
        }

    def kind(self, name: str) -> str:
        """The description's name for a node kind of the guess."""
        return self._kinds[name]

    def new(self, section: str, name: str) -> str:
        """The name for a new relation or interaction of the guess."""
        return untaken(name, self._relations if section == "relations" else self._ours.interactions)

    def led_to(self, value: Any) -> set[str]:
        """Names of node kinds that entries lead to."""
        if not isinstance(value, dict):
            return set()
        kinds: set[str] = set()
        for key, entry in value.items():
            if key in ("target", "head", "tail", "user", "items"):
                kinds |= {entry} if isinstance(entry, str) else set(entry) if isinstance(entry, list) else set()
            if key not in ("columns", "fields"):
                kinds |= self.led_to(entry)
        return kinds

    def _node(self, value: dict[str, Any] | None) -> dict[str, Any]:
        translated = dict(value or {})
        for part in ("lists", "links"):
            if part in translated:
                translated[part] = {c: self._link(c, link) for c, link in translated[part].items()}
        return translated

    def _link(self, column: str, link: Any) -> dict[str, Any]:
        link = {"target": link} if isinstance(link, str) else link
        # Two relations of one name would need the same words.
        relation = self.new("relations", link.get("relation", column))
        return {**link, "target": self._kinds[link["target"]], "relation": relation}

    def _ends(self, value: dict[str, Any], ends: tuple[str, ...]) -> dict[str, Any]:
        translated = dict(value)
        for end in ends:
            if end in translated:
                kinds = translated[end]
                translated[end] = (
                    self._kinds[kinds] if isinstance(kinds, str) else [self._kinds[kind] for kind in kinds]
                )
        return translated
