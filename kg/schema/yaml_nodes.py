"""Check the size, depth and tags of a description's YAML before its values are built.

A few hundred characters can expand to any number of values, through aliases and merge keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from kg.redacting import quoted
from kg.schema.errors import SchemaError

MOST_PLACES = 100_000
"""Maximum number of keys and values of a description, aliases expanded."""

MOST_DEEP = 50
"""Maximum depth of nested lists and mappings; a description needs less than ten."""

TOO_LARGE = f"more than {MOST_PLACES:,} keys and values, written out; a description is not that large"
TOO_DEEP = f"this YAML contains itself or is nested more than {MOST_DEEP} deep"

_CORE = "tag:yaml.org,2002:"
_TEXTS = (f"{_CORE}str", f"{_CORE}merge")


def check_nodes(root: yaml.Node, where: str, patterns: Mapping[str, Sequence[re.Pattern[str]]]) -> None:
    """Raise `SchemaError` for a document that is too large or too deep, contains itself, or has a tag that is not of
    the core schema or whose value does not fit its entry in `patterns` (tag -> pattern of its values).

    Takes time that depends on the length of the text, not on its expansion.
    """
    sizes: dict[int, tuple[int, int]] = {}
    within: set[int] = set()
    # A node is visited twice: before its children, and after, when their sizes are known.
    coming = [(root, False)]
    while coming:
        node, is_known = coming.pop()
        held = _held(node)
        if is_known:
            within.discard(id(node))
            parts = [sizes[id(part)] for part in held]
            size, depth = 1 + sum(s for s, _ in parts), 1 + max((d for _, d in parts), default=0)
            if size > MOST_PLACES or depth > MOST_DEEP:
                raise SchemaError(where, [f"line {_line(node)}: {TOO_LARGE if size > MOST_PLACES else TOO_DEEP}"])
            sizes[id(node)] = size, depth
        elif id(node) in within:
            raise SchemaError(where, [f"line {_line(node)}: {TOO_DEEP}"])
        elif id(node) not in sizes:
            _check_node(node, where, patterns)
            within.add(id(node))
            coming.append((node, True))
            coming += [(part, False) for part in held]


def _held(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _check_node(node: yaml.Node, where: str, patterns: Mapping[str, Sequence[re.Pattern[str]]]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise SchemaError(where, [f"line {_line(key)}: a key is a word or text, not a list or mapping"])
        fits = node.tag == f"{_CORE}map"
    elif isinstance(node, yaml.SequenceNode):
        fits = node.tag == f"{_CORE}seq"
    else:
        looks = [*patterns.get(node.tag, ()), *(patterns[f"{_CORE}int"] if node.tag == f"{_CORE}float" else ())]
        fits = node.tag in _TEXTS or any(look.fullmatch(node.value) for look in looks)
    if not fits:
        tag = node.tag.replace(_CORE, "!!")
        raise SchemaError(where, [f"line {_line(node)}: the tag {quoted(tag)} is not allowed here; leave it out"])


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
