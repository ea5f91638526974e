"""The project's texts keep to the words of CONTRIBUTING.md: none has a word of its table of words not to write."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TABLE = re.compile(r"^\| do not write \| write \|\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)
CODE = ("kg", "encoders", "fusion", "whypath", "benchmarks")
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in ("README.md", "CHANGELOG.md"))]


def unwanted() -> re.Pattern[str]:
    """The first column of the table, as whole words."""
    table = TABLE.search(CONTRIBUTING)
    assert table is not None
    phrases = [phrase for row in table.group(1).splitlines() for phrase in row.split("|")[1].strip().split(", ")]
    words = "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in phrases)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


UNWANTED = unwanted()


def texts_of_code(code: str) -> Iterator[tuple[int, str]]:
    """Docstrings, messages (strings with a blank in them) and comments, with their lines."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def prose(page: str) -> str:
    """A page of Markdown without its code."""
    return re.sub(r"`[^`]*`", "`", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL))


def faults(folder: Path) -> list[str]:
    """Where the Python files of a folder have an unwanted word."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {match.group()}"
        for path in sorted(folder.rglob("*.py"))
        for line, text in texts_of_code(path.read_text(encoding="utf-8"))
        for match in UNWANTED.finditer(text)
    ]


@pytest.mark.parametrize("folder", CODE)
def test_code_has_no_unwanted_word(folder: str) -> None:
    assert faults(ROOT / folder) == []


def test_pages_have_no_unwanted_word() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in PAGES}
    pages["CONTRIBUTING.md"] = TABLE.sub("", CONTRIBUTING)
    found = {name: [match.group() for match in UNWANTED.finditer(prose(page))] for name, page in pages.items()}
    assert {name: words for name, words in found.items() if words} == {}


def test_a_word_is_found_in_any_case_and_across_lines() -> None:
    assert UNWANTED.search("Read\nAnew")
    assert UNWANTED.search("what can\n  be had")
    assert not UNWANTED.search("a new file")


def test_docstrings_messages_and_comments_are_texts_and_names_are_not() -> None:
    code = '"""Read anew."""\ntold = f"{told} is read anew"  # anew\nkey = "anew"\n'
    assert list(texts_of_code(code)) == [(1, "Read anew."), (2, " is read anew"), (2, "# anew")]
