"""`DomainSchema`: a whole domain description, with checks across its parts; reads and writes YAML and JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, model_validator

from kg.redacting import kind_of, quoted
from kg.schema.base import DomainModel
from kg.schema.description_text import read_description, unfit_texts
from kg.schema.errors import MOST_TOLD, SchemaError, from_validation, place_in, suggestion
from kg.schema.existing import GraphSource
from kg.schema.field_docs import described_schema
from kg.schema.interactions import InteractionKind
from kg.schema.nodes import NodeKind, Role
from kg.schema.relations import RelationKind, RelationSpec, words
from kg.schema.sensitive import sensitive_problems
from kg.schema.yaml_text import read_yaml, write_yaml

DEFAULT_MISSING = ("", "NULL", "\\N", "NA")
"""Spellings of "no value" where the domain names none: empty, SQL's NULL, MySQL's \\N, R's NA."""

_STORED: dict[str, object] = {"stored": True}
"""Validation context of a schema that was loaded before: what an earlier version accepted must still open."""

MOST_PAIRS = 100_000
"""Maximum number of pairs of kinds that a description joins."""

_KIND_NAME = re.compile(r"[^\W\d][\w-]*")
_RELATION_NAME = re.compile(r"[^\s~][^\s]*")


def _spellings(value: Any) -> Any:
    # An unquoted null in the list is the user's spelling "null", not an absent entry.
    if isinstance(value, list | tuple):
        return ["null" if v is None else str(v).lower() if isinstance(v, bool) else v for v in value]
    return value


class DomainSchema(DomainModel):
    """A domain: node kinds, relations and interactions, and the files that they come from.

    Make one with `read`, `from_yaml`, `from_json` or `from_mapping`, which raise `SchemaError` for the reader; the
    plain constructor raises pydantic's own error.
    """

    name: str = "domain"
    """Name of the domain."""
    missing: Annotated[tuple[str, ...], BeforeValidator(_spellings)] = DEFAULT_MISSING
    """Spellings of "no value", compared with the whole cell after trimming. Over a graph only the empty text unless
    given."""
    graph: GraphSource | None = None
    """The graph that the domain is read from, in place of files."""
    nodes: dict[str, NodeKind]
    """Node kinds by name."""
    relations: dict[str, RelationSpec] = Field(default_factory=dict)
    """Relations with files of their own, by name."""
    interactions: dict[str, InteractionKind] = Field(default_factory=dict)
    """Kinds of events by name."""

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> DomainSchema:
        # No more than are reported: each may search for similar names.
        first = chain(self._name_problems(), self._role_problems(), self._origin_problems(), self._size_problems())
        problems = [*islice(first, MOST_TOLD + 1)]
        if not problems:
            self._fill_interactions()
            second = chain(
                self._reference_problems(),
                self._relation_problems(),
                self._unlabelled_problems(),
                () if info.context is _STORED else sensitive_problems(self),
            )
            problems = [*islice(second, MOST_TOLD + 1)]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _name_problems(self) -> Iterator[str]:
        for section, names in (("nodes", self.nodes), ("interactions", self.interactions)):
            for name in names:
                if not _KIND_NAME.fullmatch(name):
                    yield f"{section}.{name}: a name here is letters, digits, _ and -, and starts with a letter"

    def _role_problems(self) -> Iterator[str]:
        if not self.item_kinds:
            yield "nodes: no kind has `role: item`; say which kind WhyPath recommends"
        if len(self.user_kinds) != 1:
            kinds = ", ".join(self.user_kinds) or "none"
            yield f"nodes: exactly one kind must have `role: user`, found {kinds}"

    def _origin_problems(self) -> Iterator[str]:
        """Yield problems of a description that mixes files and a graph."""
        if self.graph is not None and "missing" not in self.model_fields_set:
            # In a graph, "no value" is an absent property.
            object.__setattr__(self, "missing", ("",))
        sections: list[tuple[str, Any, bool]] = [
            *((f"nodes.{name}", node.source, bool(node.labels)) for name, node in self.nodes.items()),
            *((f"relations.{name}", r.source, r.relationship is not None) for name, r in self.relations.items()),
            *(
                (f"interactions.{name}", i.source, i.relationship is not None or i.path is not None)
                for name, i in self.interactions.items()
            ),
        ]
        for place, source, in_graph in sections:
            if self.graph is None and in_graph:
                yield f"{place}: this is read from a graph: add `graph: {{uri: bolt://HOST:PORT}}` to the file"
            if self.graph is not None and source:
                yield (
                    f"{place}.source: the domain is read from a graph, not from files: give"
                    f" `{'labels' if place.startswith('nodes') else 'relationship'}` instead"
                )

    def _unlabelled_problems(self) -> Iterator[str]:
        """Yield problems over a graph: relationships must join kinds that have labels."""
        ends = [
            *((f"relations.{n}", (*r.head, *r.tail)) for n, r in self.relations.items() if r.relationship is not None),
            *(
                (f"interactions.{n}", (i.user, *i.items))
                for n, i in self.interactions.items()
                if i.relationship is not None or i.path is not None
            ),
        ]
        for place, kinds in ends:
            for kind in dict.fromkeys(kinds):
                if kind in self.nodes and not self.nodes[kind].labels:
                    yield f"{place}: the kind {quoted(kind)} has no `labels`, so no relationship can lead to its nodes"

    def _size_problems(self) -> Iterator[str]:
        """Yield a problem where relations between many kinds, or interactions, join too many pairs of kinds."""
        n_items = len(self.item_kinds)
        pairs = sum(len(r.head) * len(r.tail) for r in self.relations.values())
        pairs += sum(len(i.items) or n_items for i in self.interactions.values())
        if pairs > MOST_PAIRS:
            yield f"the document: its relations and interactions join {pairs:,} pairs of kinds, {MOST_PAIRS:,} at most"

    def _fill_interactions(self) -> None:
        user_kinds, item_kinds = self.user_kinds, self.item_kinds
        filled = {
            name: kind.model_copy(update={"user": kind.user or user_kinds[0], "items": kind.items or item_kinds})
            for name, kind in self.interactions.items()
        }
        object.__setattr__(self, "interactions", filled)

    def _reference_problems(self) -> Iterator[str]:
        def unknown(place: str, kind: str) -> str:
            return f"{place}: no node kind {quoted(kind)} under `nodes`{suggestion(kind, self.nodes)}"

        for name, node in self.nodes.items():
            for section, columns in (("lists", node.lists), ("links", node.links)):
                for column, link in columns.items():
                    if link.target not in self.nodes:
                        yield unknown(f"nodes.{name}.{section}.{column}.target", link.target)
        for name, relation in self.relations.items():
            for end, kinds in (("head", relation.head), ("tail", relation.tail)):
                for kind in kinds:
                    if kind not in self.nodes:
                        yield unknown(f"relations.{name}.{end}", kind)
        user_kinds, item_kinds = self.user_kinds, dict.fromkeys(self.item_kinds)
        for name, interaction in self.interactions.items():
            if interaction.user not in user_kinds:
                user = quoted(interaction.user)
                yield f"interactions.{name}.user: {user} is not the user kind {quoted(user_kinds[0])}"
            for kind in interaction.items:
                if kind not in item_kinds:
                    yield f"interactions.{name}.items: {quoted(kind)} is not an item kind{suggestion(kind, item_kinds)}"
        used = {kind for kinds in self._uses() for kind in kinds}
        for name, node in self.nodes.items():
            if not node.is_read and name not in used:
                wanted = "source: FILE" if self.graph is None else "labels: LABEL"
                yield f"nodes.{name}: no source and no relation or interaction leads to it: add `{wanted}`"

    def _uses(self) -> Iterator[tuple[str, ...]]:
        for node in self.nodes.values():
            yield tuple(link.target for link in (*node.lists.values(), *node.links.values()))
        for relation in self.relations.values():
            yield (*relation.head, *relation.tail)
        for interaction in self.interactions.values():
            yield (interaction.user, *interaction.items)

    def _relation_problems(self) -> Iterator[str]:
        wordings: dict[str, tuple[str, str | None, bool]] = {}
        for place, name, head, tail, wording in self._declared_relations():
            if not _RELATION_NAME.fullmatch(name):
                yield f"{place}: a relation's name has no spaces and does not start with ~, found {quoted(name)}"
            if head not in self.nodes or tail not in self.nodes:
                continue  # reported above
            if {self.nodes[head].role, self.nodes[tail].role} == {Role.USER, Role.ITEM}:
                yield f"{place}: this joins users and items; what users do with items belongs under `interactions`"
            if wordings.setdefault(name, wording) != wording:
                shown = quoted(name)
                yield f"{place}: the relation {shown} is described elsewhere with another label, inverse or hidden"

    def _declared_relations(self) -> Iterator[tuple[str, str, str, str, tuple[str, str | None, bool]]]:
        """(place, name, head kind, tail kind, (label, inverse, hidden)) of every relation, in the order of the file."""
        for kind, node in self.nodes.items():
            for section, columns in (("lists", node.lists), ("links", node.links)):
                for column, link in columns.items():
                    name = link.relation or column
                    wording = (link.label or words(name), link.inverse, link.hidden)
                    yield f"nodes.{kind}.{section}.{column}", name, kind, link.target, wording
        for name, relation in self.relations.items():
            wording = (relation.label or words(name), relation.inverse, relation.hidden)
            for head in relation.head:
                for tail in relation.tail:
                    yield f"relations.{name}", name, head, tail, wording

    @property
    def item_kinds(self) -> tuple[str, ...]:
        """Names of the item kinds, sorted."""
        return self._kinds_of(Role.ITEM)

    @property
    def user_kinds(self) -> tuple[str, ...]:
        """Name of the one user kind, as a tuple."""
        return self._kinds_of(Role.USER)

    @property
    def entity_kinds(self) -> tuple[str, ...]:
        """Names of the entity kinds, sorted."""
        return self._kinds_of(Role.ENTITY)

    def _kinds_of(self, role: Role) -> tuple[str, ...]:
        return tuple(sorted(name for name, node in self.nodes.items() if node.role is role))

    @cached_property
    def relation_kinds(self) -> dict[str, RelationKind]:
        """All relations by name, sorted: own sections, list columns and foreign keys.

        A relation that is declared between several pairs of kinds becomes one for each pair, `NAME.HEAD.TAIL`, with
        the same label.
        """
        wordings = {(name, head, tail): wording for _, name, head, tail, wording in self._declared_relations()}
        pairs: dict[str, int] = {}
        for name, _, _ in wordings:
            pairs[name] = pairs.get(name, 0) + 1
        kinds = {}
        for (name, head, tail), (label, inverse, hidden) in wordings.items():
            resolved = name if pairs[name] == 1 else f"{name}.{head}.{tail}"
            kinds[resolved] = RelationKind(resolved, head, tail, label, inverse, hidden)
        return dict(sorted(kinds.items()))

    def relation_name(self, name: str, head: str, tail: str) -> str:
        """Name in `relation_kinds` of a declared relation between two kinds."""
        return name if name in self.relation_kinds else f"{name}.{head}.{tail}"

    @property
    def kinds_left_out(self) -> tuple[str, ...]:
        """The interactions whose items are left out of a user's lists."""
        return tuple(kind for kind, interaction in self.interactions.items() if interaction.leaves_out)

    @property
    def digest(self) -> str:
        """Digest of the domain's meaning: kinds, fields, relations, interactions; 32 hex digits.

        It leaves out files, formats and column names, so moving the data does not change it.
        """
        meaning = {
            "nodes": {
                name: {
                    "role": node.role.value,
                    "fields": {
                        f: spec.model_dump(mode="json", include={"type", "use"})
                        for f, spec in sorted(node.fields.items())
                    },
                }
                for name, node in sorted(self.nodes.items())
            },
            "relations": [[r.name, r.head, r.tail] for r in self.relation_kinds.values()],
            "interactions": {
                name: [kind.user, sorted(kind.items), *(rule.model_dump(mode="json") for rule in kind.rules)]
                for name, kind in sorted(self.interactions.items())
            },
        }
        text = json.dumps(meaning, sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @classmethod
    def read(cls, path: str | Path) -> DomainSchema:
        """Read a `domain.yaml`; raises `SchemaError` with file, line, field and fix."""
        return cls.from_yaml(read_description(Path(path)), where=str(path))

    @classmethod
    def from_yaml(cls, text: str, where: str = "domain.yaml") -> DomainSchema:
        """Parse YAML text; `where` names it in messages. Raises `SchemaError`."""
        value, lines = read_yaml(text, where)
        return cls._validated(value, where, lines)

    @classmethod
    def from_mapping(cls, value: Any, where: str = "domain description") -> DomainSchema:
        """Check plain data (dictionaries, lists, values). Raises `SchemaError`."""
        return cls._validated(value, where, {})

    @classmethod
    def from_json(cls, text: str, where: str = "domain description") -> DomainSchema:
        """Parse what `to_json` wrote. Raises `SchemaError`."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SchemaError(where, [f"this is not JSON: {error}"]) from None
        return cls._validated(value, where, {}, context=_STORED)

    @classmethod
    def _validated(
        cls, value: Any, where: str, lines: dict[tuple[str, ...], int], context: dict[str, object] | None = None
    ) -> DomainSchema:
        unfit = unfit_texts(value)
        if unfit:
            raise SchemaError(where, [f"{place_in(path, lines)}: {problem}" for path, problem in unfit])
        if not isinstance(value, dict):
            raise SchemaError(
                where,
                # Not repeated: the value may be a URL with a password.
                [f"expected `nodes:`, `interactions:` and the like, found {kind_of(value)}"],
            )
        try:
            return cls.model_validate(value, context=context)
        except ValidationError as error:
            raised = [e for e in error.errors() if e["type"] == "value_error" and not e["loc"]]
            if raised:  # `_fits_together` names its own places, one per line
                problems = str(raised[0].get("ctx", {}).get("error")).split("\n")
                raise SchemaError(where, [_with_line(problem, lines) for problem in problems]) from None
            raise from_validation(error, cls, where, lines) from None

    def to_json(self) -> str:
        """JSON text without defaults; the same schema gives the same text."""
        return json.dumps(self._plain(), ensure_ascii=False, sort_keys=True)

    def to_yaml(self) -> str:
        """YAML text in the order of the fields, without defaults, in short forms where these are equivalent."""
        return write_yaml(_shortened(self._plain()))

    def _plain(self) -> dict[str, Any]:
        plain = self.model_dump(mode="json", exclude_defaults=True)
        # `name` is always written.
        return {"name": self.name, **plain}

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema of `domain.yaml` for editors (completion and checks while typing)."""
        schema = described_schema(cls)
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "WhyPath domain.yaml"}


def _with_line(problem: str, lines: dict[tuple[str, ...], int]) -> str:
    place, colon, rest = problem.partition(": ")
    path = tuple(place.split("."))
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return f"line {lines[path[:end]]}, {place}{colon}{rest}"
    return problem


def _shortened(value: Any) -> Any:
    """Shorten: `{file: x}` becomes x, a list of one text becomes the text."""
    if isinstance(value, dict):
        return {k: _short_entry(k, _shortened(v)) for k, v in value.items()}
    if isinstance(value, list):
        return [_shortened(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


_SHORT_BY = {"available": "field", **dict.fromkeys(("relationship", "first", "last"), "type")}
_SHORT_BY |= dict.fromkeys(("positive", "negative"), "always")
"""Entry -> the key that stands for it where it is the only one."""
_PARTS_SHORT_BY = {"fields": "type", "lists": "target", "links": "target"}
"""Mapping -> the key that stands for an entry of it where it is the only one."""
_LISTS = frozenset({"head", "tail", "items", "text", "labels", "node"})


def _short_entry(key: str, value: Any) -> Any:
    if key == "source":
        return _only([_lone(s, "file") for s in (value if isinstance(value, list) else [value])])
    if key in _PARTS_SHORT_BY and isinstance(value, dict):
        return {k: _lone(v, _PARTS_SHORT_BY[key]) for k, v in value.items()}
    if key in _SHORT_BY:
        return _lone(value, _SHORT_BY[key])
    if key == "where" and isinstance(value, dict):
        return {k: _only(v) for k, v in value.items()}
    return _only(value) if key in _LISTS else value


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _lone(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, dict) and set(value) == {name} else value
