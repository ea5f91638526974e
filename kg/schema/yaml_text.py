"""Read and write YAML: every value keeps its line, and only `true` and `false` are booleans.

PyYAML follows YAML 1.1, where `NO`, `on` and `y` are booleans, `NULL` is nothing, `2020-01-01` is a date and a repeated
key silently wins. In a domain description these are column names, spellings and mistakes, so this reader follows the
core schema of YAML 1.2, except that only `null`, `~` and an empty value mean nothing.
"""

from __future__ import annotations

import re
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import yaml

from kg.redacting import quoted
from kg.schema.errors import SchemaError
from kg.schema.yaml_nodes import MOST_PLACES, TOO_DEEP, TOO_LARGE, check_nodes

MOST_CHARACTERS = 4_000_000
"""Maximum length of a description."""


class _TooMany(Exception):
    """The text has too many nodes for a description."""


class _Loader(yaml.SafeLoader):
    """A safe loader with the resolvers below and none of YAML 1.1's."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._nodes += 1
        if self._nodes > MOST_PLACES:
            raise _TooMany
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {}


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|false|False)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?$|^[-+]?[0-9]+[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])

_PATTERNS = {
    tag: [pattern for _, pattern in group]
    for tag, group in groupby(sorted(set(chain(*_Loader.yaml_implicit_resolvers.values())), key=str), itemgetter(0))
}
"""Tags of values that are not texts -> pattern of such a value."""


def read_yaml(text: str, where: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    """Parse YAML; returns the value, and the 1-based line of every place by its path of keys.

    Raises `SchemaError` for YAML that does not parse, for a key given twice, for tags that are not of the core schema,
    and for what is too large with aliases and merge keys expanded.
    """
    if len(text) > MOST_CHARACTERS:
        raise SchemaError(where, [f"more than {MOST_CHARACTERS:,} characters; a description is not that long"])
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"#x{ord(text[error.position]):04x}"
        raise SchemaError(where, [f"line {line}: the character {character} is not allowed in YAML"]) from None
    try:
        root = loader.get_single_node()
        if root is None:
            return None, {}
        check_nodes(root, where, _PATTERNS)
        lines: dict[tuple[str, ...], int] = {}
        _collect_lines(root, (), lines, where)
        return loader.construct_document(root), lines
    except SchemaError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark is not None else ""
        raise SchemaError(where, [f"{line}this is not YAML: {error.problem or error.context}"]) from None
    except RecursionError:
        raise SchemaError(where, [TOO_DEEP]) from None
    except _TooMany:
        raise SchemaError(where, [f"line {loader.line + 1}: {TOO_LARGE}"]) from None
    except Exception as error:  # the parser raises others, such as for an escape beyond Unicode
        raise SchemaError(where, [f"line {loader.line + 1}: this is not YAML: {error}"]) from None
    finally:
        loader.dispose()


def _collect_lines(node: yaml.Node, path: tuple[str, ...], lines: dict[tuple[str, ...], int], where: str) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in seen and name != "<<":
                place = ".".join((*path, name))
                raise SchemaError(
                    where, [f"line {line}, {place}: {quoted(name)} is here twice, first in line {seen[name]}"]
                )
            seen[name] = line
            lines[(*path, name)] = line
            _collect_lines(value, (*path, name), lines, where)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _collect_lines(value, (*path, str(position)), lines, where)


_BREAKS = frozenset("\r\n\x85\u2028\u2029")


class _Dumper(yaml.SafeDumper):
    """Lists of plain values on one line, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        items = list(sequence)
        is_plain = not any(isinstance(i, dict | list) for i in items)
        return super().represent_sequence(tag, items, flow_style=self.default_flow_style or is_plain)

    def represent_scalar(self, tag: str, value: Any, style: str | None = None) -> yaml.ScalarNode:
        # Only double quotes write a line break as an escape; elsewhere NEL is read as a line feed.
        breaks = isinstance(value, str) and not _BREAKS.isdisjoint(value)
        return super().represent_scalar(tag, value, '"' if breaks else style)


# A text that either reader would take for another type is quoted: `0E0` is a number for this reader only.
_Dumper.yaml_implicit_resolvers = {
    first: [*yaml.SafeDumper.yaml_implicit_resolvers.get(first, []), *_Loader.yaml_implicit_resolvers.get(first, [])]
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
}


def write_yaml(value: Any, *, on_one_line: bool = False) -> str:
    """YAML text of plain data, keys in the given order, readable by this reader and any other.

    `on_one_line`: in braces and brackets, without line feeds.
    """
    style, width = (True, MOST_CHARACTERS) if on_one_line else (False, 110)
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width, default_flow_style=style)
    return text.removesuffix("\n") if on_one_line else text
