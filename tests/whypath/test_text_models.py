"""Text models of a person's choice, from training to a new item; and bundles from elsewhere, which fetch nothing."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from encoders.text import TextEncoderSettings
from kg.ingest import NodeUpsert
from tests.encoders.text.tiny_model import WORDS, write_model
from tests.watched import Watched, run_watched
from whypath import Engine
from whypath.cli import main
from whypath.models.bundle import Bundle
from whypath.models.new_texts import NewTexts

pytest.importorskip("transformers")

DOMAIN = """\
name: shop
nodes:
  item: {role: item, source: items.csv, key: id, label: title}
  user: {role: user, source: users.csv, key: id}
interactions:
  bought: {source: events.csv, columns: {user: user, item: item}}
"""
ITEMS, USERS = 30, 40
NEW = f"i{ITEMS}"


@dataclass(frozen=True)
class Shop:
    """A store whose last item came after the bundle was trained with the model, and the machine's cache."""

    folder: Path
    model: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def recommend(self, bundle: Path | None = None, *more: str) -> list[str]:
        """The command that lists everything for one user."""
        model = ["--store", str(self.store), "--bundle", str(bundle or self.bundle)]
        return ["recommend", *model, "--user", "u0", "-k", str(ITEMS), "--json", *more]

    def bundle_naming(self, work: Path, text: TextEncoderSettings) -> Path:
        """The bundle as a stranger would have it: its record names another text model."""
        foreign = Bundle.load(self.bundle)
        foreign.record = foreign.record.model_copy(update={"text": text})
        foreign.save(work / "foreign")
        return work / "foreign"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    made = Shop(folder, write_model(folder / "models" / "tiny"))
    draw = random.Random(1)
    titles = [" ".join(draw.sample(WORDS, 4)) for _ in range(ITEMS + 1)]
    (folder / "domain.yaml").write_text(DOMAIN)
    (folder / "users.csv").write_text("id\n" + "".join(f"u{user}\n" for user in range(USERS)))
    bought = [(user, item) for user in range(USERS) for item in draw.sample(range(ITEMS), 8)]
    (folder / "events.csv").write_text("user,item\n" + "".join(f"u{user},i{item}\n" for user, item in bought))
    items = "id,title\n" + "".join(f"i{item},{titles[item]}\n" for item in range(ITEMS))
    (folder / "items.csv").write_text(items)
    store = ("--store", str(made.store))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHYPATH_CACHE", str(made.cache))
        assert main(["load", str(folder / "domain.yaml"), *store]) == 0
        train = ["train", *store, "--train", str(folder / "events.csv"), "--bundle", str(made.bundle), "--only", "text"]
        assert main([*train, "--text-model", str(made.model)]) == 0
        (folder / "items.csv").write_text(f"{items}{NEW},{titles[ITEMS]}\n")
        assert main(["load", str(folder / "domain.yaml"), *store]) == 0
    return made


COMMANDS = """\
import json
from whypath.cli import main
for variables, command in json.loads(sys.argv[1]):
    os.environ.update(variables)
    print(main(command), flush=True)
"""
"""Commands one after the other in one process, each with the variables set before it; what each ended with."""


def run_all(work: Path, *steps: tuple[dict[str, str], list[str]]) -> Watched:
    environment = {"HF_HOME": str(work / "hf"), "WHYPATH_CACHE": str(work / "cache"), "OMP_NUM_THREADS": "1"}
    return run_watched([json.dumps(steps)], work, environment, code=COMMANDS)


def test_a_model_in_a_folder_from_training_to_a_new_item(shop: Shop, tmp_path: Path) -> None:
    record = json.loads((shop.bundle / "bundle.json").read_text())
    assert record["text"]["model"] == "./tiny"
    assert len(record["text"]["digest"]) == 32
    # The bundle says what the model is and not where it lies here.
    assert not any(str(shop.folder).encode() in file.read_bytes() for file in shop.bundle.rglob("*") if file.is_file())
    done = run_all(tmp_path, ({"WHYPATH_CACHE": str(shop.cache)}, shop.recommend()))
    assert f'"item": "{NEW}"' in done.out
    assert done.network == ()
    # On another machine the folder has to be named first.
    named = {"WHYPATH_MODELS": str(shop.model.parent)}
    done = run_all(tmp_path, ({}, shop.recommend(None, "--download")), (named, shop.recommend()))
    assert done.out.startswith("2\n{")
    assert f'"item": "{NEW}"' in done.out
    assert done.err.startswith("whypath: error: the text model that the bundle was trained with, the folder 'tiny'")
    assert "WHYPATH_MODELS" in done.err
    assert done.network == ()


ENGINE = """\
from pathlib import Path
from kg.errors import WhyPathError
from whypath import Engine
from whypath.models.evaluating import EvaluationFiles
store, bundle, train, download = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "download"
def ablated():
    with Engine.open(store, bundle, download=download) as engine:
        engine.ablate(EvaluationFiles(Path(train)), train, progress=print)
for step in (
    lambda: Engine.open(store, bundle, download=download, wait_for_texts=True),
    ablated,
):
    try:
        step()
    except WhyPathError as error:
        print(error)
"""


def test_a_bundle_from_elsewhere_downloads_nothing(shop: Shop, tmp_path: Path) -> None:
    default = shop.bundle_naming(tmp_path / "default", TextEncoderSettings())
    hub = shop.bundle_naming(tmp_path / "hub", TextEncoderSettings(model="some/model"))
    done = run_all(tmp_path, ({}, shop.recommend(default)), ({}, shop.recommend(hub)))
    assert done.out == "2\n2\n"
    assert done.err.count("\n") == done.err.count("whypath: error: ") == 2
    assert done.err.count("is not on this machine, and new texts need it") == 2
    assert done.err.count("--download or WHYPATH_DOWNLOAD=1") == 2
    assert done.network == ()
    asking = run_all(tmp_path, ({}, shop.recommend(hub, "--download")))
    assert asking.out == "2\n"
    assert asking.network


def test_neither_does_an_engine_or_an_ablation(shop: Shop, tmp_path: Path) -> None:
    hub = shop.bundle_naming(tmp_path, TextEncoderSettings(model="some/model"))
    environment = {"WHYPATH_CACHE": str(tmp_path / "cache"), "HF_HOME": str(tmp_path / "hf")}
    arguments = [shop.store, hub, shop.folder / "events.csv"]
    done = run_watched([*arguments, "look"], tmp_path, environment, code=ENGINE)
    assert done.out.count("is not on this machine, and new texts need it") == 2
    assert done.network == ()
    asking = run_watched([*arguments, "download"], tmp_path, environment, code=ENGINE)
    assert asking.out.count("available from the Hugging Face hub") == 2
    assert asking.network


def test_vectors_of_another_length_are_refused(shop: Shop, tmp_path: Path) -> None:
    """A bundle without a digest may name a model that gives other vectors."""
    wide = tmp_path / "hf" / "hub" / "models--some--model"
    write_model(wide / "snapshots" / "1234", hidden=48)
    (wide / "refs").mkdir()
    (wide / "refs" / "main").write_text("1234")
    foreign = shop.bundle_naming(tmp_path, TextEncoderSettings(model="some/model"))
    done = run_all(tmp_path, ({}, shop.recommend(foreign)))
    assert done.out == "2\n"
    assert "vectors of 48 numbers, and those of the training have 32" in done.err


def told(engine: Engine) -> str:
    return engine._live.serving().texts_note


def test_an_engine_serves_new_items_without_text_until_it_is_encoded(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHYPATH_CACHE", str(shop.cache))
    begun, may_end = threading.Event(), threading.Event()
    encode = NewTexts.encode

    def held_up(texts: NewTexts) -> None:
        begun.set()
        assert may_end.wait(60)
        encode(texts)

    monkeypatch.setattr(NewTexts, "encode", held_up)
    with Engine.open(shop.store, shop.bundle) as engine:
        assert begun.wait(60)
        early = {item.item: item.score for item in engine.recommend("u0", k=ITEMS)}
        assert told(engine) == "1 new item is scored without text, which is still being encoded."
        may_end.set()
        until = time.monotonic() + 60
        while told(engine):
            assert time.monotonic() < until
            time.sleep(0.01)
        late = engine.recommend("u0", k=ITEMS)
    scores = {item.item: item.score for item in late}
    assert scores[NEW] != early[NEW]
    assert all(scores[item] == score for item, score in early.items() if item != NEW)
    monkeypatch.setattr(NewTexts, "encode", encode)
    with Engine.open(shop.store, shop.bundle, wait_for_texts=True) as waiting:
        assert waiting.recommend("u0", k=ITEMS) == late


def test_texts_that_cannot_be_encoded_are_named_in_answers_and_logged(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    hub = shop.bundle_naming(tmp_path, TextEncoderSettings(model="some/model"))
    with Engine.open(shop.store, hub) as engine:
        until = time.monotonic() + 60
        while "cannot be encoded" not in (note := told(engine)):
            assert time.monotonic() < until
            time.sleep(0.01)
        assert note.startswith(
            "1 new item is scored without text, which cannot be encoded (the text model 'some/model'"
        )
    assert "scored without their texts" in caplog.text


def test_the_model_of_a_training_without_texts_is_not_recorded(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "cache"))
    bundle = tmp_path / "bundle"
    train = ["train", "--store", str(shop.store), "--bundle", str(bundle), "--text-model", str(shop.model)]
    assert main([*train, "--only", "popularity"]) == 0
    assert f"No part of this model reads texts: the text model {shop.model} is not used" in capsys.readouterr().err
    assert json.loads((bundle / "bundle.json").read_text())["text"]["model"] is None
    with pytest.raises(SystemExit):
        main([*train, "--no-text"])
    assert "--no-text: not allowed with argument --text-model" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nowhere/at/all", "~nobody-of-this-name/model", "a b", "..", ""])
def test_text_models_that_are_none_are_one_line(
    name: str, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "bundle", ignore_errors=True)
    train = ["train", "--store", str(shop.store), "--bundle", "bundle", "--only", "text", "--text-model", name]
    assert main(train) == 2
    told = capsys.readouterr().err
    assert told.count("whypath: error: ") == told.count("\n") == 1


def test_closing_an_engine_ends_the_encoding_of_texts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WHYPATH_CACHE", str(shop.cache))
    with Engine.open(shop.store, shop.bundle) as engine:
        encoding = engine._live._encoding
    assert encoding is not None
    encoding.join(60)
    assert not encoding.is_alive()
    assert caplog.text == ""


def test_an_engine_that_waits_for_texts_outlasts_one_that_cannot_be_encoded(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WHYPATH_CACHE", str(shop.cache))
    shutil.copytree(shop.store, tmp_path / "store")
    with Engine.open(tmp_path / "store", shop.bundle, wait_for_texts=True) as engine:
        before = engine.recommend("u0", k=ITEMS)
        monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "empty"))
        engine.upsert(NodeUpsert("item", "unread", "Unread", "star wars nine"))
        after = engine.recommend("u0", k=ITEMS + 1)
        assert "1 new item is scored without text, which cannot be encoded (the text model" in after.note
        scores = {item.item: item.score for item in after}
        assert scores.keys() == {*(item.item for item in before), "unread"}
        assert [scores[item.item] for item in before] == pytest.approx([item.score for item in before])
        engine.upsert(NodeUpsert("item", "second", "Second", "toy story ten"))
        assert "2 new items are scored without text, which cannot be encoded" in engine.recommend("u0").note
        monkeypatch.setenv("WHYPATH_CACHE", str(shop.cache))
        engine.swap(shop.bundle)
        assert engine.recommend("u0", k=3).note == ""
    assert caplog.text.count("scored without their texts") == 1
