"""Write the JSON schemas for editors, of `domain.yaml` or of a settings file:
`python -m whypath.schema_file docs/domain.schema.json` and `python -m whypath.schema_file docs/settings.schema.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fusion.registry import ENCODERS
from kg.schema import DomainSchema
from kg.schema.field_docs import described_schema
from whypath.models.train_settings import TrainSettings


def schema_text() -> str:
    """The JSON schema of `domain.yaml` as it is in the documentation."""
    return _text(DomainSchema.json_schema())


def settings_schema_text() -> str:
    """The JSON schema of a settings file as it is in the documentation."""
    return _text(described_schema(TrainSettings, *(block.settings_type for block in ENCODERS.values())))


def _text(schema: dict[str, object]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.write_text(settings_schema_text() if out.name.startswith("settings") else schema_text(), encoding="utf-8")
