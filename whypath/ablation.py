"""What each part of a model is worth: blocks left out with the gates fitted again, and twins trained from scratch.

Everything is trained on the bundle's own files, with its seed and settings, and evaluated on the same task, so that
paired tests against the bundle mean something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from fusion.evaluation import RankingTask, evaluate
from fusion.results import EvaluationResult
from kg.errors import WhyPathError
from kg.stores import GraphStore
from whypath.bundle import Bundle, BundleRecord, DataFile
from whypath.evaluating import KS
from whypath.files import digest_files
from whypath.training import TrainingOptions, train_on_files


class OtherTrainingFiles(WhyPathError):
    """The files given are not those that the bundle was trained on."""


def check_training_files(record: BundleRecord, train: Path, valid: Path | None) -> None:
    """Compare the files' bytes with the digests in the bundle. Raises OtherTrainingFiles, FileProblem."""
    if record.data.train is None:
        raise OtherTrainingFiles(
            "the bundle was trained on the store's own events; to ablate, train it on files with --train"
        )
    _check("train", record.data.train, train)
    _check("valid", record.data.valid, valid)


def _check(name: str, recorded: tuple[DataFile, ...] | None, given: Path | None) -> None:
    if recorded is None and given is None:
        return
    if recorded is None:
        raise OtherTrainingFiles(f"the bundle was trained without --{name}; leave it out")
    names = ", ".join(file.name for file in recorded)
    if given is None:
        raise OtherTrainingFiles(f"the bundle was trained with --{name} {names}; give that file")
    if (found := digest_files([given])) != tuple(file.sha256 for file in recorded):
        raise OtherTrainingFiles(
            f"the bundle was not trained on {given} (SHA-256 {found[0][:12]}…), but on {names} "
            f"(SHA-256 {recorded[0].sha256[:12]}…)"
        )


def ablate(
    store: GraphStore,
    bundle: Bundle,
    train: Path,
    valid: Path | None,
    task: RankingTask,
    tell: Callable[[str], None],
) -> list[EvaluationResult]:
    """Evaluate the bundle's model without each of its blocks, and its twins, in a fixed order."""
    results = []
    for name, options in _others(bundle):
        tell(f"Training {name}")
        other = train_on_files(store, [train], [valid] if valid is not None else [], options, tell)
        graph = store.snapshot()
        results.append(evaluate(other.scorer(graph, other.popularity_over), task, name=name, ks=KS))
    return results


def _others(bundle: Bundle) -> Iterator[tuple[str, TrainingOptions]]:
    """The names and options of all models to compare with."""
    choices, settings = bundle.record.choices, bundle.model.settings
    base = TrainingOptions(choices, settings, bundle.record.text)
    blocks = bundle.model.variant.blocks_of(settings.blocks)
    if len(blocks) > 1:
        for name in blocks:
            left = tuple(block for block in settings.blocks if block != name)
            yield f"without {name}", replace(base, settings=settings.model_copy(update={"blocks": left}))
    if choices.graph == "real" and choices.only is None:
        yield "twin: no graph", replace(base, choices=choices.model_copy(update={"graph": "none"}))
    if choices.graph == "real" and choices.only in (None, "graph"):
        yield "twin: shuffled graph", replace(base, choices=choices.model_copy(update={"graph": "shuffled"}))
    if choices.text and choices.only is None:
        yield "twin: no text", replace(base, choices=choices.model_copy(update={"text": False}))
