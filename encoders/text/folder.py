"""Read a text model's folder without loading the model: digest of its files, pooling, limits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from encoders.text.settings import TextModelError

FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "1_Pooling/*.json")
"""Files that determine a text's vector; not weights in a pickle (`pytorch_model.bin`), which are never loaded."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder with config.json, tokenizer files and weights, as `transformers` and sentence-transformers write it."""

    path: Path

    @cached_property
    def digest(self) -> str:
        """Digest of all files that determine a text's vector: 32 hex digits, independent of the folder's path."""
        digest = hashlib.blake2b(digest_size=16)
        files = {file for pattern in FILES for file in self.path.glob(pattern) if file.is_file()}
        for file in sorted(files, key=lambda file: file.relative_to(self.path).as_posix()):
            content = hashlib.blake2b(digest_size=32)
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    content.update(block)
            digest.update(file.relative_to(self.path).as_posix().encode() + b"\0" + content.digest())
        return digest.hexdigest()

    def check(self) -> None:
        """Raise TextModelError for a folder that is no model, or whose weights would be read from a pickle."""
        if not (self.path / "config.json").exists():
            raise TextModelError(f"{self.path}: no config.json, so this is no folder of a Hugging Face model")
        if not any(self.path.glob("*.safetensors")):
            raise TextModelError(
                f"{self.path}: the model has no weights as safetensors, and those in a pickle (pytorch_model.bin) are"
                " not loaded, because a pickle can run anything; name another model, or convert this one:"
                " transformers.AutoModel.from_pretrained(…).save_pretrained(…)"
            )
        for file in self.path.glob("*.safetensors.index.json"):
            weight_files = self._json(file).get("weight_map")
            if not isinstance(weight_files, dict) or not all(self._is_part(name) for name in weight_files.values()):
                raise TextModelError(f"{file}: names weights that are no safetensors of this folder")

    def _is_part(self, name: object) -> bool:
        return isinstance(name, str) and name.endswith(".safetensors") and Path(name).name == name

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
        except (ValueError, RecursionError) as error:
            raise TextModelError(f"{file}: not JSON ({error}). Fetch the model again.") from error
        if not isinstance(content, dict):
            raise TextModelError(f"{file}: expected a JSON object. Fetch the model again.")
        return content
