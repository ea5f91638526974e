from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from encoders.text import TextEncoder, TextEncoderSettings, TextExtraMissing, TextModelError
from encoders.text import model as model_module
from encoders.text.finding import find_model
from encoders.text.folder import ModelFolder
from tests.encoders.text.tiny_model import write_model

pytest.importorskip("transformers")

TEXTS = ["star wars", "the empire strikes back", "toy story", "a film of two three four five six seven eight nine ten"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that a test names are none that the user has named."""
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "whypath"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def encoder(folder: Path, tmp_path: Path) -> TextEncoder:
    return TextEncoder(TextEncoderSettings(model=str(folder), dtype="float32"), cache=tmp_path / "cache")


def reference(folder: Path, text: str, pooling: str = "mean", max_length: int = 16) -> np.ndarray:
    """One text by `transformers` directly, no batch, no padding."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=max_length)
        hidden = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state[0]
    vector = (hidden[0] if pooling == "cls" else hidden.mean(dim=0)).numpy()
    return vector / np.linalg.norm(vector)


def test_equals_the_model_text_by_text(encoder: TextEncoder, folder: Path) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, 32)
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(vector, reference(folder, text), atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_pooling_is_the_folders_or_the_settings(tmp_path: Path, pooling: str) -> None:
    folder = write_model(tmp_path / "model", pooling=pooling)
    by_folder = TextEncoder(TextEncoderSettings(model=str(folder), dtype="float32"), cache=tmp_path / "cache")
    np.testing.assert_allclose(by_folder.encode(TEXTS)[1], reference(folder, TEXTS[1], pooling), atol=1e-5)
    other = "cls" if pooling == "mean" else "mean"
    chosen = TextEncoderSettings.model_validate({"model": str(folder), "dtype": "float32", "pooling": other})
    by_setting = TextEncoder(chosen, cache=tmp_path / "cache")
    np.testing.assert_allclose(by_setting.encode(TEXTS)[1], reference(folder, TEXTS[1], other), atol=1e-5)


def test_prefix_length_and_normalisation(folder: Path, tmp_path: Path) -> None:
    prefixed = TextEncoder(TextEncoderSettings(model=str(folder), dtype="float32", prefix="query: "), cache=tmp_path)
    np.testing.assert_allclose(prefixed.encode(["toy story"])[0], reference(folder, "query: toy story"), atol=1e-5)
    short = TextEncoder(TextEncoderSettings(model=str(folder), dtype="float32", max_length=4), cache=tmp_path)
    np.testing.assert_allclose(short.encode(TEXTS)[3], reference(folder, TEXTS[3], max_length=4), atol=1e-5)
    raw = TextEncoder(TextEncoderSettings(model=str(folder), dtype="float32", normalize=False), cache=tmp_path)
    lengths = np.linalg.norm(raw.encode(TEXTS), axis=1)
    assert np.all(np.abs(lengths - 1) > 0.1)
    assert len({encoder.digest for encoder in (prefixed, short, raw)}) == 3


def test_bfloat16_is_close_to_float32(folder: Path, tmp_path: Path) -> None:
    exact = TextEncoder(TextEncoderSettings(model=str(folder), dtype="float32"), cache=tmp_path)
    fast = TextEncoder(TextEncoderSettings(model=str(folder), dtype="bfloat16"), cache=tmp_path)
    assert np.all((exact.encode(TEXTS) * fast.encode(TEXTS)).sum(axis=1) > 0.995)
    assert exact.digest != fast.digest


def test_blank_texts_have_the_zero_vector(encoder: TextEncoder) -> None:
    vectors = encoder.encode(["", "toy story", "  \n"])
    assert not vectors[[0, 2]].any()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1)
    assert encoder.encode([]).shape == (0, 32)
    assert encoder.encode([""]).shape == (1, 32)


def test_texts_are_computed_once(
    encoder: TextEncoder, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[int, int]] = []
    first = encoder.encode([*TEXTS, TEXTS[0]], progress=lambda *counts: done.append(counts))
    assert done == [(4, 4)]
    np.testing.assert_array_equal(first[0], first[4])

    def load(*_: object) -> None:
        raise AssertionError("the model was loaded although every text is cached")

    monkeypatch.setattr(model_module, "_load", load)
    again = TextEncoder(TextEncoderSettings(model=str(folder), dtype="float32"), cache=tmp_path / "cache")
    np.testing.assert_array_equal(again.encode(TEXTS[::-1]), first[3::-1])


def test_reading_the_cache_does_not_import_transformers(encoder: TextEncoder, folder: Path, tmp_path: Path) -> None:
    encoder.encode(TEXTS)
    script = (
        "import json, sys; from pathlib import Path; from encoders.text import TextEncoder, TextEncoderSettings\n"
        "settings = TextEncoderSettings(model=sys.argv[1], dtype='float32')\n"
        "TextEncoder(settings, cache=Path(sys.argv[2])).encode(json.loads(sys.argv[3]))\n"
        "print('transformers' in sys.modules)"
    )
    arguments = [str(folder), str(tmp_path / "cache"), json.dumps(TEXTS)]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_digest_is_of_content_not_of_place(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    assert ModelFolder(copy).digest == ModelFolder(folder).digest
    other = write_model(tmp_path / "other", seed=1)
    assert ModelFolder(other).digest != ModelFolder(folder).digest
    (copy / "README.md").write_text("about")
    assert ModelFolder(copy).digest == ModelFolder(folder).digest
    (copy / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert ModelFolder(copy).digest != ModelFolder(folder).digest


def test_models_that_cannot_be_used_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TextModelError, match=r"no config\.json"):
        find_model(TextEncoderSettings(model=str(tmp_path / "empty")))
    with pytest.raises(TextModelError, match="there is no such folder"):
        find_model(TextEncoderSettings(model=str(tmp_path / "absent" / "deeper" / "model")))
    pooled = write_model(tmp_path / "max", pooling="max")
    with pytest.raises(TextModelError, match="pools by 'max'"):
        TextEncoder(TextEncoderSettings(model=str(pooled)), cache=tmp_path / "cache").encode(["toy"])
    (pooled / "config.json").write_text("{}")
    mean = TextEncoderSettings(model=str(pooled), pooling="mean")
    with pytest.raises(TextModelError, match="transformers cannot load"):
        TextEncoder(mean, cache=tmp_path / "cache").encode(["toy"])
    for length in (1000, 10**30):
        longer = TextEncoderSettings(model=str(write_model(tmp_path / str(length))), max_length=length)
        with pytest.raises(TextModelError, match="max_length"):
            TextEncoder(longer, cache=tmp_path / "cache").encode(["toy story " * 100])
    monkeypatch.setattr(model_module, "find_spec", lambda name: None)
    with pytest.raises(TextExtraMissing, match=r"pip install 'whypath\[text\]'"):
        TextEncoder(mean, cache=tmp_path / "cache").encode(["toy"])


def test_offline_a_hub_model_without_a_copy_is_named(tmp_path: Path) -> None:
    """In a process of its own: the hub's library reads the environment when it is imported."""
    script = (
        "from encoders.text import TextEncoder, TextEncoderSettings, TextModelError\n"
        "try:\n    TextEncoder(TextEncoderSettings(model='some/model')).encode(['text'])\n"
        "except TextModelError as error:\n    print(error)\n"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert "'some/model' is neither a folder nor" in done.stdout


def test_a_hub_model_is_read_from_the_local_copy(folder: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--some--tiny" / "snapshots" / "abc"
    shutil.copytree(folder, snapshot)
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text("abc")
    script = (
        "from encoders.text.finding import find_model\nfrom encoders.text import TextEncoderSettings\n"
        "print(find_model(TextEncoderSettings(model='some/tiny')).folder.path)"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == snapshot


def test_the_default_model_knows_meaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packaged MiniLM, where it has been fetched before; the test does not download 83 MB."""
    from kg.datasets.fetch import TEXT_MODEL, is_cached

    monkeypatch.undo()
    if not is_cached(TEXT_MODEL):
        pytest.skip("the default text model is not in the cache")
    vectors = TextEncoder(cache=tmp_path).encode(
        ["A film about space battles", "A movie of starships at war", "Cake recipes"]
    )
    assert vectors.shape == (3, 384)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3
