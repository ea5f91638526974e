"""What serving imports: neither torch nor what else only training and encoding need; and what is said without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workshop import Workshop

TRAINING = {"torch", "torch_geometric", "transformers", "tokenizers"}
SLOW = {"pandas", "networkx", "rdflib"}
"""For tables, files and exchange; pandas alone takes half as long to import as all that serving needs."""

OPEN = """
import sys
from whypath import Engine
Engine.open(sys.argv[1], sys.argv[2]).close()
"""
ANSWER = """
import shutil, sys
from pathlib import Path
from whypath import Engine, where
store = shutil.copytree(sys.argv[1], Path(sys.argv[3]) / "store")
with Engine.open(store, sys.argv[2]) as engine:
    user = engine.graph.interactions().user_ids[0]
    best = engine.recommend(user, 5)
    item = best[0].item
    assert len(best) == 5 and item in str(best)
    assert engine.recommend(user, 5, where=["year >= 1990", where("year", "<", 3000)], kinds=[best[0].kind]).items
    assert engine.recommend(user, 5, exclude=[item])[0].item != item
    assert engine.explain(user, item).blocks and str(engine.explain(user, item))
    assert len(engine.similar(item, 3)) == 3
    assert len(engine.recommend_for([each.item for each in best], 5)) == 5
    engine.record(engine.event(user, item))
    assert item not in [each.item for each in engine.recommend(user, 80)]
"""
WITHOUT_TORCH = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torch_geometric", "transformers"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
import importlib.util
really = importlib.util.find_spec
def find_spec(name, package=None):
    return None if name.split(".")[0] in ("torch", "torch_geometric", "transformers") else really(name, package)
importlib.util.find_spec = find_spec
sys.meta_path.insert(0, Absent())
"""


def slow_imports(code: str, *arguments: str | Path) -> set[str]:
    """What a process of its own has loaded of `TRAINING` and `SLOW` when it has run the code."""
    say = "import json\nprint(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    found = run(f"{code}\n{say}", *arguments)
    assert found.returncode == 0, found.stderr
    return (TRAINING | SLOW) & set(json.loads(found.stdout.splitlines()[-1]))


def run(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)


def command(*words: str | Path) -> str:
    """Code that runs a command of the shell in its own process."""
    return f"import sys\nfrom whypath.cli import main\nassert main({[str(word) for word in words]!r}) == 0"


def test_opening_an_engine_imports_nothing_slow(workshop: Workshop) -> None:
    assert slow_imports(OPEN, workshop.store, workshop.bundle) == set()


def test_answering_imports_nothing_slow(workshop: Workshop, tmp_path: Path) -> None:
    assert slow_imports(ANSWER, workshop.store, workshop.bundle, tmp_path) == set()


def test_commands_that_answer_import_nothing_slow(workshop: Workshop) -> None:
    model = ("--store", workshop.store, "--bundle", workshop.bundle)
    lists = run(command("recommend", *model, "--all", "-k", "1"))
    user, item, *_ = lists.stdout.splitlines()[1].split("\t")
    for words in (
        ("recommend", *model, "--user", user, "--where", "year >= 1990", "--json"),
        ("recommend", *model, "--user", user),
        ("explain", *model, "--user", user, "--item", item),
        ("similar", *model, "--item", item),
    ):
        assert slow_imports(command(*words)) == set(), words


@pytest.mark.parametrize("words", [["train", "--no-text", "--bundle", "made"], ["demo"]])
def test_training_without_torch_says_what_to_install(workshop: Workshop, tmp_path: Path, words: list[str]) -> None:
    store = ["--store", str(workshop.store)] if words[0] == "train" else []
    code = f"{WITHOUT_TORCH}\nimport os\nos.chdir(sys.argv[1])\nfrom whypath.cli import main\n"
    found = run(f"{code}sys.exit(main({[*words, *store]!r}))", tmp_path)
    assert found.returncode == 2, found.stderr
    assert "pip install torch torch-geometric" in found.stderr
    assert "Traceback" not in found.stderr
    assert not list(tmp_path.iterdir())


def test_answers_come_without_torch(workshop: Workshop, tmp_path: Path) -> None:
    found = run(f"{WITHOUT_TORCH}\n{ANSWER}", workshop.store, workshop.bundle, tmp_path)
    assert found.returncode == 0, found.stderr


def test_doctor_calls_an_installation_that_only_serves_sound() -> None:
    found = run(f"{WITHOUT_TORCH}\nfrom whypath.cli import main\nsys.exit(main(['doctor', '--json']))")
    assert found.returncode == 0, found.stderr
    findings = json.loads(found.stdout)
    assert findings["sound"]
    assert findings["threads"] is None
