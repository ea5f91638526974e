"""Choose the labels that are node kinds: one label per sort of node, where nodes have several."""

from __future__ import annotations

from collections import Counter

from kg.graph_view.guess.profile import GraphProfile, LabelProfile
from kg.sources.guess.words import is_item_name, is_user_name

_ALWAYS = 0.99
"""Share of a label's nodes that must also have another label, for the first to be a part of the second."""


class Kinds:
    """The labels that become kinds, the most specific ones if that matters; `notes` list what was left out and why."""

    def __init__(self, profile: GraphProfile) -> None:
        self._profile = profile
        self.notes: list[str] = []
        labels = dict(profile.labels)
        parts = {whole: self._parts(whole, labels) for whole in labels}
        for whole, inner in sorted(parts.items()):
            if len(inner) > 1 and self._joins_different(whole, inner):
                labels.pop(whole)
                self.notes.append(f"label {whole}: left out, as it is on nodes of several kinds ({', '.join(inner)})")
        for whole, inner in sorted(parts.items()):
            for part in inner if whole in labels else ():
                if part in labels and (part != whole):
                    labels.pop(part)
                    self.notes.append(f"label {part}: left out, as each of its nodes is a {whole} too")
        self.labels: dict[str, LabelProfile] = labels

    def _parts(self, whole: str, labels: dict[str, LabelProfile]) -> list[str]:
        """Labels whose nodes all have the label `whole` as well."""
        parts = []
        for label, profile in sorted(labels.items()):
            if label == whole or not profile.sampled:
                continue
            both = sum(count for names, count in profile.together.items() if whole in names)
            same = labels[whole].count == profile.count
            if both >= _ALWAYS * profile.sampled and (not same or _rank(whole) < _rank(label)):
                parts.append(label)
        return parts

    def _joins_different(self, whole: str, inner: list[str]) -> bool:
        """Whether a label only groups kinds that relationships join, or that have no key in common."""
        for type_ in self._profile.types.values():
            for start, end in type_.ends:
                if whole in start and whole in end:
                    first, second = start & set(inner), end & set(inner)
                    if first and second and not first & second:
                        return True
        covered = sum(self._profile.labels[part].count for part in inner)
        shared = [
            name
            for name, property in self._profile.labels[whole].properties.items()
            if property.column.is_unique and not property.column.times and not property.is_point
        ]
        return covered >= _ALWAYS * self._profile.labels[whole].count and not shared

    def of(self, labels: frozenset[str]) -> str | None:
        """The kind's label of a node with these labels: the rarest of them."""
        kinds = [label for label in labels if label in self.labels]
        return min(kinds, key=lambda label: (self.labels[label].count, label), default=None)

    def pairs(self, type: str) -> Counter[tuple[str, str]]:
        """Labels of the kinds at the ends of a type's relationships in the sample."""
        counts: Counter[tuple[str, str]] = Counter()
        for (start, end), count in self._profile.types[type].ends.items():
            first, second = self.of(start), self.of(end)
            if first is not None and second is not None:
                counts[first, second] += count
        return counts


def _rank(label: str) -> tuple[bool, str]:
    """Of two labels on exactly the same nodes the lower rank is kept: the one named like users or items."""
    return not (is_user_name(label) or is_item_name(label)), label
