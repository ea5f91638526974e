"""`Settings`: the base of the settings of encoders and models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Settings are immutable, have no unknown names, and take no value of another type: no boolean or text for a
    number; whole numbers are floats too."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
