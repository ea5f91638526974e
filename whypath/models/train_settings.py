"""`TrainSettings`: everything that determines a model besides its data, as a user writes it in a TOML file."""

from __future__ import annotations

import json
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self, TypedDict, Unpack

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from encoders.text import TextEncoderSettings
from fusion.registry import ENCODERS
from fusion.settings import BlockSettings, FusionSettings
from kg.errors import WhyPathError
from kg.schema.field_docs import field_docs
from whypath.models.bundle_record import TrainingChoices

_WIDTH = 100
_LARGEST = 1 << 20
"""Largest size of a settings file, in bytes."""


class BadSettings(WhyPathError):
    """A settings file that cannot be read, or a setting that is not one."""


class TrainOptions(TypedDict, total=False):
    """Settings that `Engine.train` takes by name; None leaves them as they are."""

    seed: int | None
    refit: bool | None
    graph: Literal["real", "none", "shuffled"] | None
    text: bool | None
    only: str | None
    min_users: int | None
    protocol: Literal["auto", "random", "next"] | None
    tune: int | None
    text_encoder: TextEncoderSettings | None


class TrainSettings(TrainingChoices, FusionSettings):
    """Settings of a training. Settings that a file lacks have their defaults."""

    text_encoder: TextEncoderSettings = TextEncoderSettings()
    """Settings of the text encoder."""

    @property
    def fusion(self) -> FusionSettings:
        """The settings of blocks, gates and cross-fitting alone."""
        return FusionSettings.model_validate({name: getattr(self, name) for name in FusionSettings.model_fields})

    @property
    def choices(self) -> TrainingChoices:
        """The part that a bundle's record has."""
        return TrainingChoices.model_validate({name: getattr(self, name) for name in TrainingChoices.model_fields})

    @classmethod
    def of(cls, settings: FusionSettings | None, **options: Unpack[TrainOptions]) -> Self:
        """Return the settings with the options that are not None. Raises BadSettings."""
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return cls.model_validate({**dict(settings or ()), **given})
        except ValidationError as error:
            raise BadSettings(_problems(error)) from None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a TOML file. Raises BadSettings with the file, the setting and what is wrong with it."""
        try:
            with Path(path).open("rb") as file:
                content = file.read(_LARGEST + 1)
        except OSError as error:
            raise BadSettings(f"{path}: {error.strerror or error}") from None
        if len(content) > _LARGEST:
            raise BadSettings(f"{path}: more than {_LARGEST >> 20} MB are no settings")
        try:
            given = tomllib.loads(content.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise BadSettings(
                f"{path}: not TOML ({error}); `whypath train --print-settings` shows the format"
            ) from None
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise BadSettings(
                f"{path}: {_problems(error)}; `whypath train --print-settings` lists all settings"
            ) from None

    def to_toml(self) -> str:
        """The settings as TOML, each under a comment that says what it is; reading it gives the same settings."""
        return "\n".join(_toml(self, ())).strip() + "\n"


def _problems(error: ValidationError) -> str:
    return "; ".join(_said(problem) for problem in error.errors()[:5])


def _said(problem: ErrorDetails) -> str:
    name = ".".join(map(str, problem["loc"]))
    return f"there is no setting {name}" if problem["type"] == "extra_forbidden" else f"{name}: {problem['msg']}"


def _toml(settings: BaseModel, place: tuple[str, ...]) -> Iterator[str]:
    inner: list[tuple[str, BaseModel, str]] = []
    if place:
        yield f"[{'.'.join(place)}]"
    docs = field_docs(type(settings))
    if isinstance(settings, BlockSettings):
        settings = settings.including(ENCODERS)
    for name, value in settings:
        description = docs.get(name, "") if name in type(settings).model_fields else ENCODERS[name].summary
        if isinstance(value, BaseModel):
            inner.append((name, value, description))
            continue
        yield from textwrap.wrap(description, _WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"# {name} is not set" if value is None else f"{name} = {_value(value)}"
    yield ""
    for name, value, description in inner:
        yield from textwrap.wrap(description, _WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield from _toml(value, (*place, name))


def _value(value: object) -> str:
    """A value in TOML; its strings are written as in JSON, which is the same except for DEL."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return f"{value:.1f}"
    return repr(value)
