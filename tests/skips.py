"""What a run of the tests could not run: said in one line, and kept in a file for a run where it can.

A pytest plugin. `--skipped-to FILE` writes the ids of the skipped tests, `--only-from FILE` runs those of a file alone,
so that a machine that has a Neo4j runs what a run without one has left, and nothing twice.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("whypath")
    group.addoption("--skipped-to", metavar="FILE", help="write the ids of skipped tests, a line each")
    group.addoption("--only-from", metavar="FILE", help="run only the tests whose ids are in the file")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    file = config.getoption("--only-from")
    if file is None:
        return
    wanted = set(Path(file).read_text(encoding="utf-8").splitlines())
    known = {item.nodeid for item in items}
    absent = sorted(wanted - known)
    if absent:
        raise pytest.UsageError(f"{file}: {len(absent)} tests are not there, such as {absent[0]}")
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
    items[:] = [item for item in items if item.nodeid in wanted]


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    file = config.getoption("--skipped-to")
    if file is not None:
        # A module that is skipped as a whole has no tests to name.
        ids = sorted({report.nodeid for report in skipped if "::" in report.nodeid})
        Path(file).write_text("".join(f"{test}\n" for test in ids), encoding="utf-8")
    if skipped:
        reasons = Counter(_reason(report) for report in skipped)
        said = "; ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
        terminalreporter.write_line(f"skipped: {said}", yellow=True)


def _reason(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")
