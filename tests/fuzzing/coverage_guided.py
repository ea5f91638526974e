"""Looks for inputs that break a target, guided by the code that they reach. Needs the package atheris (Linux, macOS).

`python -m tests.fuzzing.coverage_guided NAME [options of libFuzzer, such as -max_total_time=60]`
"""

from __future__ import annotations

import sys

import atheris  # pyright: ignore[reportMissingModuleSource]

with atheris.instrument_imports(include=["kg", "whypath"]):  # pyright: ignore[reportAttributeAccessIssue]
    from tests.fuzzing.targets import TARGETS


def main() -> None:
    """Fuzz one target until the time is over or an input breaks it."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"name a target: {', '.join(TARGETS)}")
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
