"""Where text models are looked for: what a person names, and what only a bundle does."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from encoders.text import TextEncoder, TextEncoderSettings, TextModelError
from encoders.text.finding import find_model, find_recorded
from encoders.text.folder import ModelFolder
from encoders.text.known import remembered
from tests.encoders.text.tiny_model import write_model
from tests.watched import Watched, run_watched

pytest.importorskip("transformers")

COMMIT = "c0ffee" + 34 * "0"
FIND = """\
from encoders.text import TextEncoderSettings, TextModelError
from encoders.text.finding import find_recorded
from kg.errors import WhyPathError
for text in sys.argv[2:]:
    try:
        settings = TextEncoderSettings.model_validate_json(text)
        print(find_recorded(settings, download=sys.argv[1] == "download").folder.path)
    except WhyPathError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "cache"))
    for name in ("WHYPATH_DOWNLOAD", "WHYPATH_MODELS"):
        monkeypatch.delenv(name, raising=False)


def find(tmp_path: Path, *settings: TextEncoderSettings, download: bool = False, allowed: str = "0") -> Watched:
    """`find_recorded` in a process of its own, with a cache and a hub's cache of the test's own: a folder a line."""
    environment = {
        "WHYPATH_CACHE": str(tmp_path / "cache"),
        "HF_HOME": str(tmp_path / "hf"),
        "WHYPATH_DOWNLOAD": allowed,
    }
    texts = [each.model_dump_json() for each in settings]
    return run_watched(["download" if download else "look", *texts], tmp_path, environment, code=FIND)


def put_into_hub_cache(
    tiny: Path,
    tmp_path: Path,
) -> Path:
    """As huggingface_hub keeps the model `some/tiny`."""
    kept = tmp_path / "hf" / "hub" / "models--some--tiny"
    shutil.copytree(tiny, kept / "snapshots" / COMMIT)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(COMMIT)
    return kept / "snapshots" / COMMIT


def test_a_hub_model_that_a_bundle_names_is_not_fetched(tmp_path: Path) -> None:
    wanted = TextEncoderSettings(model="some/tiny")
    found = find(tmp_path, wanted)
    assert "the text model 'some/tiny' that the bundle was trained with is not on this machine" in found.out
    assert "--download or WHYPATH_DOWNLOAD=1" in found.out
    assert found.network == ()
    for asking in (find(tmp_path, wanted, download=True), find(tmp_path, wanted, allowed="1")):
        assert any("127.0.0.1" in each for each in asking.network)
        assert "available from the Hugging Face hub" in asking.out


def test_the_packaged_model_is_not_fetched_for_a_bundle(tmp_path: Path) -> None:
    found = find(tmp_path, TextEncoderSettings())
    assert "the packaged text model that the bundle was trained with is not on this machine" in found.out
    assert found.network == ()
    asking = find(tmp_path, TextEncoderSettings(), download=True)
    assert any("'pip', 'download'" in each for each in asking.network)
    assert "could not be downloaded" in asking.out


def test_a_hub_model_on_this_machine_is_found_without_a_network(tiny: Path, tmp_path: Path) -> None:
    snapshot = put_into_hub_cache(tiny, tmp_path)
    found = find(
        tmp_path,
        TextEncoderSettings(model="some/tiny"),
        TextEncoderSettings(model="some/tiny", revision=COMMIT, digest=ModelFolder(tiny).digest),
        TextEncoderSettings(model="some/tiny", digest="0" * 32),
    )
    first, second, other = found.out.splitlines()
    assert first == second == str(snapshot)
    assert "is another text model, or another version of it" in other
    assert found.network == ()
    # A part of a model, as other programs fetch it, is none.
    (snapshot / "model.safetensors").unlink()
    missing = find(tmp_path, TextEncoderSettings(model="some/tiny"))
    assert "is not on this machine" in missing.out
    assert missing.network == ()


def test_what_a_person_names_is_recorded_by_content(tiny: Path, tmp_path: Path) -> None:
    digest = ModelFolder(tiny).digest
    recorded = TextEncoder(TextEncoderSettings(model=str(tiny), prefix="query: ")).recorded
    assert recorded == TextEncoderSettings(model="./tiny", digest=digest, prefix="query: ")
    assert remembered(digest) == tiny
    assert (tmp_path / "cache" / "text-models" / f"{digest}.json").stat().st_mode & 0o777 == 0o600
    put_into_hub_cache(tiny, tmp_path)
    script = (
        "from encoders.text import TextEncoder, TextEncoderSettings\n"
        "print(TextEncoder(TextEncoderSettings(model='some/tiny')).recorded.model_dump_json())\n"
    )
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    hub = TextEncoderSettings.model_validate_json(run_watched([], tmp_path, offline, code=script).out)
    assert hub == TextEncoderSettings(model="some/tiny", revision=COMMIT, digest=digest)


def test_a_folder_is_found_where_this_machine_knows_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = find_model(TextEncoderSettings(model=str(tiny))).recorded
    assert find_recorded(recorded).folder.path == tiny
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "another machine"))
    with pytest.raises(TextModelError, match=r"the folder 'tiny' with the digest .* WHYPATH_MODELS"):
        find_recorded(recorded)
    copy = tmp_path / "models" / "tiny"
    shutil.copytree(tiny, copy)
    for named in (copy, copy.parent, f"{tmp_path / 'nowhere'}{os.pathsep}{copy.parent}"):
        monkeypatch.setenv("WHYPATH_MODELS", str(named))
        assert find_recorded(recorded).folder.path == copy
    # Another model under the same name is another.
    shutil.rmtree(copy)
    write_model(copy, seed=1)
    with pytest.raises(TextModelError, match="WHYPATH_MODELS"):
        find_recorded(recorded)


def test_a_known_folder_that_has_changed_is_another_model(tiny: Path, tmp_path: Path) -> None:
    moving = tmp_path / "moving"
    shutil.copytree(tiny, moving)
    recorded = find_model(TextEncoderSettings(model=str(moving))).recorded
    shutil.rmtree(moving)
    write_model(moving, seed=2)
    with pytest.raises(TextModelError, match="not among those that were used on this machine"):
        find_recorded(recorded)


def test_a_path_that_a_bundle_names_is_not_opened(tiny: Path, tmp_path: Path) -> None:
    names = (f"{tiny}", f"{tiny}/", f"{tiny}/../tiny", f"./{tiny}", f"~/{tiny}", f"..{tiny}", "\\\\host\\share\\tiny")
    for digest, said in ((None, "train it again"), ("0" * 32, "WHYPATH_MODELS")):
        wanted = [TextEncoderSettings(model=name, digest=digest) for name in names]
        found = find(tmp_path, *wanted, download=True)
        lines = found.out.splitlines()
        assert len(lines) == len(names)
        assert all("'tiny'" in line and said in line for line in lines)
        assert found.opened(tiny) == ()
        assert found.network == ()


@pytest.mark.parametrize(
    "name", ["..", ".", "a/..", "a/../b", "a\0b", "a\nb", "x" * 5000, "https://host/model", "a b", ""]
)
def test_odd_names_of_a_bundle_are_one_kind_of_error(name: str) -> None:
    for digest in (None, "f" * 32):
        with pytest.raises(TextModelError):
            find_recorded(TextEncoderSettings(model=name, digest=digest))


@pytest.mark.parametrize("revision", ["../../secret", "/etc/passwd", "a/../b", "refs\\x", "a\0", ""])
def test_a_revision_is_no_path(revision: str) -> None:
    with pytest.raises(ValidationError):
        TextEncoderSettings(model="some/tiny", revision=revision)
    assert TextEncoderSettings(model="some/tiny", revision="refs/pr/1").revision == "refs/pr/1"


def test_weights_in_a_pickle_are_not_loaded(tiny: Path, tmp_path: Path) -> None:
    pickled = tmp_path / "pickled"
    shutil.copytree(tiny, pickled)
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(TextModelError, match=r"pytorch_model\.bin\) are not loaded.* convert this one"):
        TextEncoder(TextEncoderSettings(model=str(pickled))).encode(["toy"])
    # Neither as a part of weights that are in several files.
    shutil.copy(tiny / "model.safetensors", pickled / "part.safetensors")
    for part in ("pytorch_model.bin", "../tiny/model.safetensors", 3):
        (pickled / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": part}}))
        with pytest.raises(TextModelError, match=r"index\.json: names weights that are no safetensors of this folder"):
            TextEncoder(TextEncoderSettings(model=str(pickled))).encode(["toy"])


def test_code_of_a_model_is_not_run_and_nobody_is_asked(tiny: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(tiny, foreign)
    marker = tmp_path / "it ran"
    (foreign / "own.py").write_text(f"open({str(marker)!r}, 'w').close()\nfrom transformers import BertModel as Own\n")
    config = json.loads((foreign / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}
    (foreign / "config.json").write_text(json.dumps(config))
    script = (
        "from encoders.text import TextEncoder, TextEncoderSettings, TextModelError\n"
        "try:\n    TextEncoder(TextEncoderSettings(model=sys.argv[1])).encode(['toy'])\n"
        "except TextModelError as error:\n    print(error)\n"
    )
    done = run_watched([foreign], tmp_path, {"WHYPATH_CACHE": str(tmp_path / "cache")}, code=script)
    assert "cannot load this as a text encoder" in done.out
    assert not marker.exists()
    assert "[y/N]" not in done.out + done.err
    assert done.network == ()


def test_a_model_in_a_folder_is_loaded_without_a_network(tiny: Path, tmp_path: Path) -> None:
    script = (
        "from encoders.text import TextEncoder, TextEncoderSettings\n"
        "print(TextEncoder(TextEncoderSettings(model=sys.argv[1])).encode(['toy story']).shape)\n"
    )
    done = run_watched([tiny], tmp_path, {"WHYPATH_CACHE": str(tmp_path / "cache")}, code=script)
    assert (done.out.strip(), done.network) == ("(1, 32)", ())
