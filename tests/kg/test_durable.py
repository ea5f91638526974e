"""What appears whole or not at all: kills at any step, links, permissions, and what dead processes have left."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kg.durable
from kg.durable import (
    OWNER_ONLY,
    PartialFile,
    directory_written_whole,
    file_written_whole,
    recover,
    remove_partial,
)


@pytest.fixture(params=["in one step", "in two steps"], autouse=True)
def exchanging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "in two steps":
        monkeypatch.setattr(kg.durable, "exchange", lambda *_: False)
    return request.param


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(target: Path, content: str, **options: int) -> None:
    with directory_written_whole(target, **options) as partial:
        (partial / "deep").mkdir()
        (partial / "file").write_text(content)
        (partial / "deep" / "file").write_text(content)
        (partial / "file").chmod(0o600)  # as some libraries do


def test_a_directory_is_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path / "a", "old")
    write(tmp_path / "a", "new")
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a" / "deep" / "file").read_text() == "new"

    def die_halfway() -> None:
        with directory_written_whole(tmp_path / "a") as partial:
            (partial / "file").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        die_halfway()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a" / "file").read_text() == "new"


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "version-1", "old")
    (tmp_path / "current").symlink_to("version-1")
    write(tmp_path / "current", "new")
    assert (tmp_path / "current").is_symlink()
    assert (tmp_path / "version-1" / "file").read_text() == "new"
    assert names(tmp_path) == ["current", "version-1"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask_or_what_is_asked_for(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "open", "x")
        write(tmp_path / "private", "x", mode=OWNER_ONLY)
        with file_written_whole(tmp_path / "f") as file:
            file.write(b"x")
        with file_written_whole(tmp_path / "p", mode=OWNER_ONLY) as file:
            file.write(b"x")
    finally:
        os.umask(before)
    for place in ("open/file", "open/deep/file", "f"):
        assert mode(tmp_path / place) == 0o666 & ~umask
    for place in ("open", "open/deep"):
        assert mode(tmp_path / place) == 0o777 & ~umask
    for place in ("private/file", "private/deep/file", "p"):
        assert mode(tmp_path / place) == 0o600
    for place in ("private", "private/deep"):
        assert mode(tmp_path / place) == 0o700


def test_a_file_keeps_the_permissions_that_its_owner_gave_it(tmp_path: Path) -> None:
    (tmp_path / "lists.tsv").touch(mode=0o640)
    (tmp_path / "lists.tsv").chmod(0o640)
    with file_written_whole(tmp_path / "lists.tsv") as file:
        file.write(b"x")
    assert mode(tmp_path / "lists.tsv") == 0o640
    assert (tmp_path / "lists.tsv").read_bytes() == b"x"


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def die_halfway() -> None:
        with file_written_whole(tmp_path / "a") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        die_halfway()
    assert names(tmp_path) == []
    with PartialFile(tmp_path / "a") as partial:
        partial.file.write(b"never published")
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == []


DIES = """
import os, signal, sys
from pathlib import Path
import kg.durable
from kg.durable import directory_written_whole, file_written_whole
target, step = Path(sys.argv[1]), int(sys.argv[2])
if sys.argv[3] == "two":
    kg.durable.exchange = lambda *_: False
count = 0
def counted(real):
    def call(*arguments, **options):
        global count
        done = real(*arguments, **options)
        count += 1
        if count > step:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return call
Path.rename, Path.chmod, Path.mkdir = counted(Path.rename), counted(Path.chmod), counted(Path.mkdir)
os.fsync, os.close, Path.replace = counted(os.fsync), counted(os.close), counted(Path.replace)
kg.durable.exchange = counted(kg.durable.exchange)
with directory_written_whole(target) as partial:
    (partial / "file").write_text("new")
with file_written_whole(target.parent / "single") as file:
    file.write(b"new")
os._exit(7)
"""


def test_a_kill_at_any_step_leaves_the_old_or_the_new(tmp_path: Path, exchanging: str) -> None:
    target = tmp_path / "a"
    write(target, "old")
    (tmp_path / "single").write_text("old")
    code = step = 0
    for step in range(60):
        arguments = [sys.executable, "-c", DIES, str(target), str(step), "two" if "two" in exchanging else "one"]
        code = subprocess.run(arguments, check=False).returncode
        recover(target)
        assert (target / "file").read_text() in ("old", "new")
        assert (tmp_path / "single").read_text() in ("old", "new")
        if code == 7:
            break
    assert code == 7
    assert step > 5
    assert (target / "file").read_text() == (tmp_path / "single").read_text() == "new"
    # The last one has cleared away what the others left.
    assert names(tmp_path) == ["a", "single"]


def test_what_others_are_writing_is_left_alone(tmp_path: Path) -> None:
    with directory_written_whole(tmp_path / "a") as partial:
        (partial / "file").touch()
        remove_partial(tmp_path)
        remove_partial(tmp_path, "a")
        assert partial.exists()
        with file_written_whole(tmp_path / "b"):
            remove_partial(tmp_path)
            assert len(names(tmp_path)) == 2
    assert names(tmp_path) == ["a", "b"]


def test_only_what_dead_processes_left_of_a_target_is_cleared(tmp_path: Path) -> None:
    left = [".a.0123456789abcdef.partial", ".a.99999-0123abcd.partial", ".a.99999-0123abcd.old.partial"]
    others = [".b.0123456789abcdef.partial", ".notes.partial", "a.partial", ".a.b.partial"]
    for name in (*left, *others):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (tmp_path / ".a.fedcba9876543210.partial").symlink_to(elsewhere)
    with file_written_whole(tmp_path / "a") as file:
        file.write(b"x")
    assert names(tmp_path) == sorted(["a", "elsewhere", ".a.fedcba9876543210.partial", *others])
    assert names(elsewhere) == ["precious"]


def test_a_link_where_a_partial_file_would_be_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    drawn = iter(["0" * 16, "1" * 16])
    monkeypatch.setattr(kg.durable.secrets, "token_hex", lambda _: next(drawn))
    (tmp_path / f".a.{'0' * 16}.partial").symlink_to(victim)
    with pytest.raises(FileExistsError), file_written_whole(tmp_path / "a"):
        pass
    assert victim.read_text() == "precious"


def test_a_living_process_keeps_its_partial_directory_and_a_killed_one_does_not(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom kg.durable import directory_written_whole\n"
        "with directory_written_whole(Path(sys.argv[1])):\n    print('there', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"there\n"
    remove_partial(tmp_path)
    assert len(names(tmp_path)) == 1
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    for _ in range(100):
        remove_partial(tmp_path)
        if not names(tmp_path):
            return
        time.sleep(0.05)
    raise AssertionError(names(tmp_path))
