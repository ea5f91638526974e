"""Every command on a domain of hostile ids, labels and files: nothing invisible on stdout or stderr, and lists that can
be read back."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kg.tsv_cells import text_of_cell, tsv_cell
from kg.visible import visible
from tests.whypath.hostile import FILE, NASTY, USERS, write_hostile_domain
from whypath.cli import COMMANDS, main


@dataclass(frozen=True)
class Hostile:
    """Where the domain, its store and a bundle lie."""

    folder: Path

    @property
    def places(self) -> list[str]:
        return ["--store", str(self.folder / "store"), "--bundle", str(self.folder / "bundle")]

    @property
    def store(self) -> list[str]:
        return self.places[:2]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    folder = tmp_path_factory.mktemp("hostile")
    domain = write_hostile_domain(folder / "domain")
    found = Hostile(folder)
    assert main(["load", str(domain), *found.store]) == 0
    assert main(["train", *found.places, "--no-text", "--only", "ease", "--min-users", "1"]) == 0
    (folder / "test.tsv").write_text("user\titem\n" + "".join(f"{tsv_cell(user)}\ti1\n" for user in USERS), newline="")
    (folder / "odd\x1b[1m.tsv").write_text("user\titem\n\x1b[2Jus\tno\x9bsuch\n")
    return found


def commands(hostile: Hostile) -> Iterator[list[str]]:
    folder = hostile.folder
    domain, copy = str(folder / "domain" / "domain.yaml"), str(folder / "copy\x1b[5m")
    yield ["--version"]
    yield ["no\x1b[31msuch"]
    yield ["load", "--store\x1b[1m", "x", "\u202ey"]
    yield ["demo", "--seed", "no\x1b[1mnumber"]
    yield ["demo", "--domain", "no\x1b[1mfilms"]
    yield [
        "init",
        str(folder / "domain" / FILE),
        str(folder / "domain" / "events.csv"),
        "--out",
        str(folder / "\x1b.yaml"),
    ]
    yield ["init", str(folder / "no\x1b[1msuch\u202e.csv"), "--out", str(folder / "other.yaml")]
    yield [
        "init",
        str(folder / "domain" / FILE),
        str(folder / "domain" / "events.csv"),
        "--update",
        str(folder / "\x1b.yaml"),
    ]
    yield ["check", domain]
    yield ["check", domain, "--quarantine", str(folder / "bad\x1b[1m.jsonl")]
    yield ["load", domain, "--store", copy]
    yield ["load", domain, "--store", copy, "--strict"]
    yield ["load", str(folder / "no\x1bsuch\udce9.yaml"), "--store", copy]
    yield ["load", domain, "--to-import-files", str(folder / "import\x1b[1m")]
    yield ["train", "--store", copy, "--bundle", str(folder / "b\x1b[1m"), "--no-text", "--only", "popularity"]
    yield ["train", "--store", copy, "--bundle", str(folder / "c"), "--only", "no\x1bsuch"]
    yield ["train", "--store", copy, "--bundle", str(folder / "t\x1b[1m"), "--no-text", "--only", "ease", "--tune", "2"]
    yield ["train", "--store", copy, "--bundle", str(folder / "b\x1b[1m"), "--update"]
    yield ["train", "--store", copy, "--bundle", str(folder / "no\x1bsuch"), "--update"]
    yield ["evaluate", *hostile.places, "--test", str(folder / "test.tsv")]
    yield ["evaluate", *hostile.places, "--test", str(folder / "odd\x1b[1m.tsv")]
    yield ["recommend", *hostile.places, "--all"]
    yield ["recommend", *hostile.places, "--all", "-k", "60", "--out", str(folder / "out\x1b[1m.tsv")]
    yield ["recommend", *hostile.places, "--user", "no\x1bone"]
    yield ["recommend", *hostile.places, "--user", "u1", "--where", "pr\x1b[1mice > 2"]
    yield ["recommend", *hostile.places, "--user", "u1", "--kind", "\x1b[1m"]
    yield ["export", *hostile.places, "--vectors", "--dimensions", "4", "--out", str(folder / "v\x1b[1m.tsv")]
    yield ["export", *hostile.places, "--recommendations", "3", "--to-store"]
    yield ["doctor"]
    yield ["graph", "stats", *hostile.store]
    for name in ("graphml", "json", "tsv", "\x1b[1m"):
        yield ["graph", "export", *hostile.store, "--interactions", "--out", str(folder / f"g\u202e.{name}")]
    for item in (*NASTY, "no\x1bsuch"):
        yield ["similar", *hostile.places, "--item", item, "-k", "60"]
        yield ["graph", "show", *hostile.store, "--", f"item:{item}"]
        yield ["graph", "paths", *hostile.store, "--interactions", "--", f"item:{item}", "i1"]
    for user in USERS:
        yield ["recommend", *hostile.places, "--user", user, "-k", "60"]
        yield ["explain", *hostile.places, f"--user={user}", f"--item={NASTY[0]}"]
        yield ["record", "--store", copy, f"--user={user}", f"--item={NASTY[0]}", "--weight", "3"]
        yield ["record", "--store", copy, f"--user={user}", "--item", "no\x1bsuch"]
    yield ["record", "--store", copy, "--events", str(folder / "odd\x1b[1m.tsv")]
    yield ["record", "--store", copy, "--events", str(folder / "test.tsv"), "--kind", "no\x1b"]
    for user in (USERS[0], "no\x1bone"):
        yield ["forget", "--store", copy, user]


WITH_JSON = {"load", "train", "evaluate", "recommend", "similar", "explain", "record", "forget", "export", "graph"}


def test_nothing_invisible_is_printed(hostile: Hostile, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tried = set()
    for arguments in commands(hostile):
        for more in ([], ["--json"]) if arguments[0] in WITH_JSON and "--" not in arguments else ([],):
            try:
                code = main([*arguments, *more])
            except SystemExit as stopped:
                code = stopped.code
            said = capfd.readouterr()
            assert code in (0, 1, 2), arguments
            for text in said:
                hidden = {
                    character for character in text if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
                }
                assert hidden <= {"\n", "\t"}, (arguments, more, text)
                assert visible(text) == text
            if more and code == 0:
                json.loads(said.out)
            tried.add(arguments[0])
    assert set(COMMANDS) <= tried


def test_lists_come_back(hostile: Hostile, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """On stdout and in files of each format: the same ids as in JSON, and the readers take them as they are."""
    assert main(["recommend", *hostile.places, "--all", "-k", "60", "--json"]) == 0
    wanted = {found["user"]: [row["item"] for row in found["items"]] for found in json.loads(capsys.readouterr().out)}
    assert set(USERS) <= set(wanted)
    assert {item.strip() for item in NASTY} <= {item for items in wanted.values() for item in items}
    assert main(["recommend", *hostile.places, "--all", "-k", "60"]) == 0
    found: dict[str, list[str]] = {}
    for line in capsys.readouterr().out.split("\n")[1:-1]:
        user, item, _, _ = line.split("\t")
        found.setdefault(text_of_cell(user), []).append(text_of_cell(item))
    assert found == wanted
    for name in ("recs.tsv", "recs.csv", "recs.parquet", "recs.tsv.gz"):
        out = str(tmp_path / name)
        assert main(["recommend", *hostile.places, "--all", "-k", "60", "--out", out]) == 0
        left = ["recommend", *hostile.places, "--users", out, "-k", "60", "--json"]
        capsys.readouterr()
        assert main(left) == 0
        again = {
            found["user"]: [row["item"] for row in found["items"]] for found in json.loads(capsys.readouterr().out)
        }
        assert again == wanted
        # All that was listed is excluded: the file's ids are the store's.
        assert main([*left, "--exclude", out]) == 0
        assert not any(found["items"] for found in json.loads(capsys.readouterr().out))


@pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")
def test_a_terminal_gets_no_escape_that_is_not_ours(hostile: Hostile, tmp_path: Path) -> None:
    from tests.whypath.terminal import on_a_terminal

    for arguments in (["similar", *hostile.places, "--item", "i1", "-k", "60"],
                      ["load", str(hostile.folder / "domain" / "domain.yaml"), "--store", str(tmp_path / "s")],
                      ["explain", *hostile.places, "--user", "u1", "--item", NASTY[0]]):  # fmt: skip
        code, shown = on_a_terminal(arguments)
        assert code == 0
        assert "\\x1b" in shown
        for foreign in ("\x1b]0;", "\x1b[2J", "\x1b[1At", "\x9b", "\u202e", "\x07", "\x1btag"):
            assert foreign not in shown


@pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")
def test_results_go_to_stdout_also_while_progress_is_on_a_terminal(hostile: Hostile, tmp_path: Path) -> None:
    from tests.whypath.terminal import on_a_terminal

    out = tmp_path / "out.tsv"
    code, shown = on_a_terminal(["recommend", *hostile.places, "--all", "-k", "2"], stdout=out)
    assert code == 0
    assert out.read_text().startswith("user\titem\trank\tscore\n")
    assert "score" not in shown
