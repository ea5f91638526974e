"""A description that a person has corrected, completed by what has come since: new files, and new columns of its files.

What the person wrote stays as it is, comments and order included: text is only put in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from kg.schema import DomainSchema, SourceSpec, columns_read
from kg.schema.files import file_names
from kg.sources.guess.guessed import Guess

_SECTIONS = ("nodes", "relations", "interactions")
_OF_NODES = ("fields", "lists", "links")


@dataclass(frozen=True)
class Completed:
    """The completed text; `added` and `gone` say what was put in, and which columns are no longer there."""

    text: str
    added: tuple[str, ...]
    gone: tuple[str, ...]


def completed(text: str, schema: DomainSchema, guess: Guess) -> Completed:
    """The text of a description with what a new guess over all files has besides.

    `schema` is what the text says. A column is new if its name stands nowhere in the text, also not as one that is not
    read: what a person took out does not come back. Raises `SchemaError` where the result would be none.
    """
    ours = yaml.safe_load(text)
    theirs = yaml.safe_load(guess.schema.to_yaml())
    files = {spec.name for spec, _ in columns_read(schema)} | set(file_names(schema)) - _with_sheets(schema)
    added: list[str] = []
    insertions: list[tuple[tuple[str, ...], dict[str, Any]]] = []
    for section in _SECTIONS:
        new = {}
        for name, value in (theirs.get(section) or {}).items():
            own = (ours.get(section) or {}).get(name)
            sources = _files(value)
            if own is None and (not sources or sources.isdisjoint(files)):
                if sources or section == "nodes":
                    new[name] = value
            elif own is not None and section == "nodes":
                for part, entries in _new_columns(text, own, value):
                    insertions.append(((section, name, part), entries))
                    added.append(f"{name}: {', '.join(entries)} under {part}")
        new = {name: value for name, value in new.items() if _is_needed(name, value, new, insertions)}
        if new:
            insertions.insert(0, ((section,), new))
            added += [f"{section}: {name}" for name in new]
    for path, entries in insertions:
        text = _put_in(text, path, entries)
    DomainSchema.from_yaml(text, where="the completed description")
    return Completed(text, tuple(added), tuple(_gone(schema, guess)))


def _is_needed(name: str, value: dict[str, Any], new: dict[str, Any], insertions: Sequence[Any]) -> bool:
    """Whether a section that has no file of its own is one that something new leads to."""
    if _files(value):
        return True
    led_to = [new, *(entries for _, entries in insertions)]
    named = re.compile(rf"'target': '{re.escape(name)}'|'(?:items|user|head|tail)': '{re.escape(name)}'")
    return any(named.search(str(each)) for each in led_to)


def _files(value: Any) -> set[str]:
    """The files that a section names, with their sheets, and without where these do not matter."""
    if not isinstance(value, dict) or "source" not in value:
        return set()
    sources = value["source"] if isinstance(value["source"], list) else [value["source"]]
    specs = [SourceSpec.model_validate({"file": each} if isinstance(each, str) else each) for each in sources]
    return {spec.name for spec in specs} | {spec.file or "" for spec in specs}


def _with_sheets(schema: DomainSchema) -> set[str]:
    """Workbooks of which the description names sheets: others may have come since."""
    return {spec.file or "" for spec, _ in columns_read(schema) if spec.sheet is not None}


def _new_columns(text: str, own: dict[str, Any], value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if _files(own).isdisjoint(_files(value)):
        return
    for part in _OF_NODES:
        entries = {column: entry for column, entry in (value.get(part) or {}).items() if not _stands_in(column, text)}
        if entries:
            yield part, entries


def _stands_in(column: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", text) is not None


def _gone(schema: DomainSchema, guess: Guess) -> Iterator[str]:
    """Columns that the description reads and the files do not have."""
    there: dict[str, set[str]] = {}
    for row in guess.columns:
        there.setdefault(row.file, set()).add(row.column)
    told: set[str] = set()
    for spec, uses in columns_read(schema):
        name = spec.name.rsplit("/", 1)[-1]
        for column in uses:
            line = f"{name}: the column {column!r} is not there any more"
            is_column = column not in ("relation", "relation_id")
            if name in there and column not in there[name] and is_column and line not in told:
                told.add(line)
                yield line


def _put_in(text: str, path: tuple[str, ...], entries: dict[str, Any]) -> str:
    """The text with entries put at the end of the mapping at a path, which is made where it is not there."""
    node: yaml.Node = yaml.compose(text, Loader=yaml.SafeLoader)
    for depth, key in enumerate(path):
        assert isinstance(node, yaml.MappingNode)
        found = next((value for name, value in node.value if name.value == key), None)
        is_empty = isinstance(found, yaml.ScalarNode) or (isinstance(found, yaml.MappingNode) and not found.value)
        if found is None:
            for missing in reversed(path[depth:]):
                entries = {missing: entries}
            break
        if is_empty:
            return _replaced(text, node, key, found, entries)
        node = found
    assert isinstance(node, yaml.MappingNode)
    if node.flow_style:
        place = node.end_mark.index - 1
        inner = yaml.safe_dump(entries, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000)
        comma = ", " if node.value else ""
        return text[:place].rstrip() + comma + inner.strip()[1:-1] + text[place:]
    indent = " " * node.start_mark.column
    block = _block(entries, indent)
    place = _end(node)
    # Behind the line on which the last value ends, with the comment that may stand there.
    line_end = text.find("\n", place)
    if line_end < 0:
        return f"{text}\n{block}"
    return text[: line_end + 1] + block + text[line_end + 1 :]


def _replaced(text: str, node: yaml.MappingNode, key: str, empty: yaml.Node, entries: dict[str, Any]) -> str:
    """The text with an empty value replaced by entries."""
    name = next(name for name, value in node.value if value is empty)
    inner = yaml.safe_dump(entries, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000).strip()
    start = name.end_mark.index + text[name.end_mark.index :].index(":") + 1
    return f"{text[:start]} {inner}{text[max(start, empty.end_mark.index) :]}"


def _end(node: yaml.Node) -> int:
    """Where the last value in a node ends; a block's own mark stands behind the comments that follow it."""
    while isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node.end_mark.index


def _block(entries: dict[str, Any], indent: str) -> str:
    lines = yaml.safe_dump(entries, allow_unicode=True, sort_keys=False, width=10_000).splitlines()
    return "".join(f"{indent}{line}\n" for line in lines)
