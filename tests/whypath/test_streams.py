"""What passes to stdout and stderr, whoever writes it."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from whypath.cli import main
from whypath.cli.console import print_json
from whypath.cli.streams import passed, visible_streams

ROOT = Path(__file__).parents[2]


def test_all_that_python_prints_is_visible(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with visible_streams():
        print("a\x1b[2Jb\tc\nd\u202e")
        print("e\x9b", file=sys.stderr)
        sys.stderr.writelines(["f\r", "g\n"])
        sys.stderr.write(warnings.formatwarning("h\x07", UserWarning, "i\x1b.py", 1, ""))
        logging.lastResort.handle(logging.makeLogRecord({"msg": "j\x1b[31m", "levelno": 40}))  # type: ignore[union-attr]
    assert (sys.stdout, sys.stderr) == before
    said = capsys.readouterr()
    assert said.out == "a\\x1b[2Jb\tc\nd\\u202e\n"
    assert said.err.startswith("e\\x9b\nf\\rg\ni\\x1b.py:1: UserWarning: h\\x07\n")
    assert said.err.endswith("j\\x1b[31m\n")


def test_what_is_written_past_it_is_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    with visible_streams(), visible_streams():
        passed(sys.stdout).write("\x1b[1mours\x1b[0m")
    assert capsys.readouterr().out == "\x1b[1mours\x1b[0m"


def test_lengths_and_other_methods_are_the_stream_s_own() -> None:
    with visible_streams():
        assert sys.stdout.write("") == 0
        assert sys.stderr.write("\x1b") == 1
        assert sys.stdout.isatty() is False


def test_closed_streams_stay_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with visible_streams():
        assert sys.stdout is None


def test_a_library_s_log_and_an_error_that_nobody_caught() -> None:
    """The interpreter prints the one, logging's last resort the other, both after what the command could do."""
    code = (
        "import sys, whypath.cli as cli\n"
        "def broken(_):\n"
        "    import logging\n"
        "    logging.getLogger('lib\\x1b').warning('IRI <\\x1b]0;x\\x07> is odd')\n"
        "    raise RuntimeError('bro\\x1b[31mken \\u202e')\n"
        "parse = cli.build_parser\n"
        "def parser():\n"
        "    made = parse()\n"
        "    made.parse_args = lambda _: type('Parsed', (), {'run': staticmethod(broken)})\n"
        "    return made\n"
        "cli.build_parser = parser\n"
        "cli.main(['doctor'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode != 0
    assert rb"IRI <\x1b]0;x\x07> is odd" in done.stderr
    assert rb"bro\x1b[31mken \u202e" in done.stderr
    assert not {0x1B, 0x07} & set(done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ["load", "domain.yaml", "--store", "s", "bolt://neo4j:secret@host:7687"],
        ["doctor", "neo4j+s://host%40x?password=secret"],
        ["graph", "show", "--store", "bolt://neo4j:secret@host", "x"],
        ["load", "https://neo4j:secret@host/x"],
        ["train", "--store", "http://neo4j:secret@host", "--bundle", "x"],
        ["recommend", "--store", "no-such", "--bundle", "bolt://a:secret@b", "--user", "1"],
        ["recommend", "--store", "no-such", "--bundle", "b", "--users", "bolt://a:secret@b"],
        ["demo", "--seed", "bolt://a:secret@b"],
    ],
)
def test_no_password_of_an_address_is_told(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    said = capsys.readouterr()
    assert said.err
    assert "secret" not in said.out + said.err


def test_json_is_valid_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    with visible_streams():
        print_json([float("nan"), float("-inf"), "\x7f\u202e\ud800", "\U000e0041"])
    said = capsys.readouterr().out
    assert json.loads(said) == [None, None, "\x7f\u202e\\ud800", "\U000e0041"]
    assert said.isascii()
