"""Write the JSON schema of `domain.yaml` for editors: `python -m whypath.schema_file docs/domain.schema.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kg.schema import DomainSchema


def schema_text() -> str:
    """The JSON schema as it stands in the documentation."""
    return json.dumps(DomainSchema.json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
