"""Encode texts with any Hugging Face encoder (`TextEncoder`), and score items by their texts (`TextBlock`)."""

from __future__ import annotations

from encoders.text.block import TextBlock, TextBlockSettings
from encoders.text.encoder import TextEncoder
from encoders.text.settings import TextEncoderSettings, TextExtraMissing, TextModelError

__all__ = ["TextBlock", "TextBlockSettings", "TextEncoder", "TextEncoderSettings", "TextExtraMissing", "TextModelError"]
