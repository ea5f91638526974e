"""JSON from anybody's file: bounded, finite, every key once; anything else is a ValueError and nothing worse."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.strict_json import read_json

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda deeper: st.lists(deeper, max_size=4) | st.dictionaries(st.text(max_size=4), deeper, max_size=4),
    max_leaves=8,
)


@given(content=PLAIN)
def test_plain_json_is_read_as_it_is(tmp_path_factory: pytest.TempPathFactory, content: object) -> None:
    path = tmp_path_factory.getbasetemp() / "plain.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    assert read_json(path) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"\xff\xfe", "utf-8"),
        (b"[NaN]", "NaN is no JSON"),
        (b"[-Infinity]", "-Infinity is no JSON"),
        (b"[1e999]", "too large"),
        (b"[" + b"9" * 5000 + b"]", "too large"),
        (b'{"a": 1, "a": 2}', "a key twice"),
        (b'["\\ud800"]', "surrogates not allowed"),
        (b'{"\\udfff": 1}', "surrogates not allowed"),
        (b"[" * 25 + b"]" * 25, "nested too deeply"),
        (b'{"a":' * 25 + b"1" + b"}" * 25, "nested too deeply"),
        (b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b" " * (17 << 20), "larger than 16 MB"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else None,
)
def test_anything_else_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_json(tmp_path / "x.json")


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("1")
    (tmp_path / "link.json").symlink_to("x.json")
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("link.json", "pipe.json", "."):
        with pytest.raises(OSError, match="no regular file"):
            read_json(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "absent.json")
