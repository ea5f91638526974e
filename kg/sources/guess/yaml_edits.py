"""Edit the text of a description and leave everything else unchanged: comments, order and the user's style.

The text is changed at the place of a value and parsed again; an edit whose result differs from what was meant, as may
happen with aliases or merge keys, is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from kg.schema.errors import SchemaError
from kg.schema.yaml_text import read_yaml, write_yaml
from kg.sources.guess.guessed import GuessError

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class PutIn:
    """Add entries at the end of the mapping at a path, which is created if missing."""

    path: Path
    entries: dict[str, Any]


@dataclass(frozen=True)
class Exchange:
    """Replace the value at a path."""

    path: Path
    value: Any


@dataclass(frozen=True)
class Append:
    """Append a value to the list at a path; a single value there becomes the first of a list."""

    path: Path
    value: Any


Edit: TypeAlias = PutIn | Exchange | Append


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Apply the edits in order and return the text. Raises `GuessError` where its form does not allow them."""
    if text and not text.endswith("\n"):
        text += "\n"
    wanted, _ = read_yaml(text, "the description")
    result = None
    # A value may be at another place than its path: at an alias, under a merge key.
    with suppress(yaml.YAMLError, SchemaError, StopIteration, AttributeError, TypeError, ValueError):
        for edit in edits:
            wanted = _changed(wanted, edit)
            text = _applied(text, edit)
        result, _ = read_yaml(text, "the completed description")
    if result is None or result != wanted:
        raise GuessError(
            "the description is written in a form (such as aliases or merge keys) that cannot be completed in its "
            f"place; put in by hand:\n{''.join(_told(edit) for edit in edits)}"
        )
    return text


def _told(edit: Edit) -> str:
    value = edit.entries if isinstance(edit, PutIn) else edit.value
    return f"  {'.'.join(edit.path)}: {write_yaml(value, on_one_line=True)}\n"


def _changed(data: Any, edit: Edit) -> Any:
    """The plain data after an edit."""
    data = at = _own_copy(data)
    last = edit.path if isinstance(edit, PutIn) else edit.path[:-1]
    for key in last:
        if at.get(key) is None:
            at[key] = {}
        at = at[key]
    if isinstance(edit, PutIn):
        at.update(edit.entries)
    elif isinstance(edit, Exchange):
        at[edit.path[-1]] = edit.value
    else:
        value = at[edit.path[-1]]
        at[edit.path[-1]] = [*(value if isinstance(value, list) else [value]), edit.value]
    return data


def _own_copy(data: Any) -> Any:
    """A copy in which no object occurs twice, as the value of an alias does."""
    if isinstance(data, dict):
        return {key: _own_copy(value) for key, value in data.items()}
    return [_own_copy(value) for value in data] if isinstance(data, list) else data


def _applied(text: str, edit: Edit) -> str:
    if isinstance(edit, PutIn):
        return _put_in(text, edit.path, edit.entries)
    node = _node(text, edit.path)
    start, end = node.start_mark.index, _end(text, node)
    if isinstance(edit, Exchange):
        if isinstance(node, yaml.SequenceNode) and not text[text.rfind("\n", 0, start) + 1 : start].strip():
            # A list may have the indentation of its key, where another value must have more.
            return f"{text[:start]} {_inline(edit.value)}{text[end:]}"
        return text[:start] + _inline(edit.value) + text[end:]
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        place = _after(text, end)
        return f"{text[:place]}{' ' * node.start_mark.column}- {_inline(edit.value)}\n{text[place:]}"
    if isinstance(node, yaml.SequenceNode):
        comma = ", " if node.value else ""
        return f"{text[: end - 1].rstrip()}{comma}{_inline(edit.value)}{text[end - 1 :]}"
    if isinstance(node, yaml.ScalarNode):
        return f"{text[:start]}[{_inline(node.value)}, {_inline(edit.value)}]{text[end:]}"
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        return f"{text[:start]}[{text[start:end]}, {_inline(edit.value)}]{text[end:]}"
    # A block becomes the first entry of a list: `- ` goes before it, its other lines are indented.
    indent = " " * node.start_mark.column
    place = _after(text, end)
    first, *others = text[start:place].splitlines(keepends=True)
    moved = "".join(f"  {line}" if line.strip() else line for line in others)
    return f"{text[:start]}- {first}{moved}{indent}- {_inline(edit.value)}\n{text[place:]}"


def _node(text: str, path: Path) -> yaml.Node:
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in path:
        node = next(value for name, value in node.value if name.value == key)
    return node


def _inline(value: Any) -> str:
    """A value in the form that is valid anywhere on a line."""
    return write_yaml([value], on_one_line=True)[1:-1]


def _put_in(text: str, path: Path, entries: dict[str, Any]) -> str:
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for depth, key in enumerate(path):
        child = next((value for name, value in node.value if name.value == key), None)
        is_empty = isinstance(child, yaml.ScalarNode) or (isinstance(child, yaml.MappingNode) and not child.value)
        if child is None:
            for missing in reversed(path[depth:]):
                entries = {missing: entries}
            break
        if is_empty:
            for missing in reversed(path[depth + 1 :]):
                entries = {missing: entries}
            return _replaced(text, node, key, child, entries)
        node = child
    if node.flow_style:
        place = node.end_mark.index - 1
        comma = ", " if node.value else ""
        return text[:place].rstrip() + comma + write_yaml(entries, on_one_line=True)[1:-1] + text[place:]
    # After the line on which the last value ends, and its comment.
    place = _after(text, _end(text, node))
    return text[:place] + _block(entries, " " * node.start_mark.column) + text[place:]


def _replaced(text: str, node: yaml.MappingNode, key: str, empty: yaml.Node, entries: dict[str, Any]) -> str:
    """Replace an empty value by entries: in the lines below, or in its braces within others."""
    name = next(name for name, value in node.value if value is empty and name.value == key)
    start = name.end_mark.index + text[name.end_mark.index :].index(":") + 1
    end = max(start, empty.end_mark.index)
    if node.flow_style:
        return f"{text[:start]} {write_yaml(entries, on_one_line=True)}{text[end:]}"
    # The rest of its line is a comment, which remains there.
    place = _after(text, end)
    rest = text[end:place].rstrip("\n").rstrip()
    return f"{text[:start]}{rest}\n{_block(entries, ' ' * (node.start_mark.column + 2))}{text[place:]}"


def _after(text: str, end: int) -> int:
    """The start of the line after a value that ends at `end`."""
    if end > 0 and text[end - 1] == "\n":  # a text of several lines
        return end
    line_end = text.find("\n", end)
    return len(text) if line_end < 0 else line_end + 1


def _end(text: str, node: yaml.Node) -> int:
    """End of the last value in a node; a block's end mark is after the comments that follow it."""
    while isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node.end_mark.index


def _block(entries: dict[str, Any], indent: str) -> str:
    return "".join(f"{indent}{line}\n" for line in write_yaml(entries).split("\n") if line)
