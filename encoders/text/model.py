"""Compute vectors of texts by a transformer, without a cache. The only module that imports `transformers`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from encoders.text.folder import ModelFolder
from encoders.text.settings import TextEncoderSettings, TextExtraMissing, TextModelError

LONGEST = 512
"""Tokens where neither the settings nor the model's files set a limit; attention costs the square of it."""


class TextModel:
    """A loaded encoder; raises TextExtraMissing without `transformers`, TextModelError for a folder it cannot read."""

    def __init__(self, folder: ModelFolder, settings: TextEncoderSettings) -> None:
        self._settings = settings
        self._pooling: Literal["mean", "cls"] = folder.pooling() if settings.pooling == "auto" else settings.pooling
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer, model = _load(folder)
        self._model = model.to(device=self._device, dtype=dtype_of(settings)).eval()
        self.dimension = int(model.config.hidden_size)
        self._max_length = self._limit(folder)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 [n, dimension], in batches of similar length. Raises TextModelError."""
        try:
            return self._vectors(texts)
        except (RuntimeError, IndexError, OverflowError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise TextModelError(
                f"the text model cannot compute these texts ({lines[0]}); are `max_length` and `batch_size` too large"
                " for it or for this machine?"
            ) from error

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        prefixed = [self._settings.prefix + text for text in texts]
        tokens = self._tokenizer(prefixed, truncation=True, max_length=self._max_length)["input_ids"]
        order = sorted(range(len(texts)), key=lambda place: len(tokens[place]))
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        size = self._settings.batch_size
        with torch.inference_mode():
            for start in range(0, len(order), size):
                places = order[start : start + size]
                vectors[places] = self._pooled([tokens[place] for place in places]).cpu().numpy()
        return vectors

    def _pooled(self, tokens: list[list[int]]) -> torch.Tensor:
        batch = self._tokenizer.pad({"input_ids": tokens}, return_tensors="pt").to(self._device)
        mask = batch["attention_mask"]
        hidden = self._model(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
        if self._pooling == "cls":
            pooled = hidden[:, 0].float()
        else:
            # Summed in float32: bfloat16 sums of some dozen tokens lose two digits.
            weights = mask.unsqueeze(-1).float()
            pooled = (hidden.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        return torch.nn.functional.normalize(pooled, dim=1) if self._settings.normalize else pooled

    def _limit(self, folder: ModelFolder) -> int:
        limits = [LONGEST, self._tokenizer.model_max_length, folder.max_length() or LONGEST]
        return min(limits) if self._settings.max_length is None else self._settings.max_length


def dtype_of(settings: TextEncoderSettings) -> torch.dtype:
    """The number format that the settings mean on this machine."""
    if settings.dtype != "auto":
        return torch.bfloat16 if settings.dtype == "bfloat16" else torch.float32
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    # torch has no public function for this; without this one, or without the instructions, float32 is always right.
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return torch.bfloat16 if supported is not None and supported() else torch.float32


def _load(folder: ModelFolder) -> tuple[Any, Any]:
    """Tokenizer and encoder of a folder. `Any`: their classes depend on the model."""
    folder.check()
    if find_spec("transformers") is None:
        raise TextExtraMissing
    # Importing transformers takes 3 s, which readers of cached vectors should not pay.
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        # A folder's own code is never run; without this option transformers would ask on the terminal whether to run
        # it.
        tokenizer = AutoTokenizer.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
        model = AutoModel.from_pretrained(
            folder.path, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
    except Exception as error:  # what transformers and tokenizers raise for a folder depends on what is wrong with it
        raise TextModelError(f"{folder.path}: transformers cannot load this as a text encoder: {error}") from error
    finally:
        if bars:
            logging.enable_progress_bar()
    return tokenizer, model.get_encoder() if model.config.is_encoder_decoder else model
