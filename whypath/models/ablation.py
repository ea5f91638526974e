"""Run the ablation of a bundle (`fusion.ablation`): models are trained on the bundle's own files, with its seed and
settings, and evaluated on the same task, so that paired tests against the bundle are valid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fusion.ablation import Ablation
from fusion.ablation import ablate as leave_out
from fusion.model import FusionModel
from fusion.results import EvaluationResult
from kg.errors import WhyPathError
from kg.stores import GraphStore
from whypath.answering.request_path import RequestPath
from whypath.io.files import digest_files
from whypath.models.bundle import Bundle, BundleRecord, DataFile
from whypath.models.evaluating import EvaluationFiles, evaluate_task, task_of
from whypath.models.training import TrainingOptions, fitting_on_files


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
    path: RequestPath,
    files: EvaluationFiles,
    train: Path,
    valid: Path | None,
    tell: Callable[[str], None],
    *,
    download: bool = False,
) -> Ablation:
    """Evaluate a bundle's model, the same without each of its blocks, and its twins, all by one request path.

    `path`: with the bundle's model. `train`, `valid`: the files that the bundle was trained on. `download`: whether the
    bundle's text model may be fetched if this machine lacks it.

    Raises OtherTrainingFiles, TooFewUsers, FileProblem, NothingToEvaluate, and what training raises.
    """
    record = bundle.record
    check_training_files(record, train, valid)
    task, filters = task_of(files, path.scorer.graph, tell)
    full = evaluate_task(path, task, filters, name="bundle")
    options = TrainingOptions(record.choices, bundle.model.asked, record.text, text_of_bundle=True, download=download)
    training = ([train], [valid] if valid is not None else [])
    fitting = fitting_on_files(store, *training, options, tell, chosen=bundle.model.settings)
    graph = store.snapshot()
    if graph.digest != bundle.record.data.graph_digest:
        tell("The store's facts have changed since the bundle was trained: part of the differences is due to that")

    texts = bundle.new_texts(download=download, wait=True)

    def measure(model: FusionModel, name: str) -> EvaluationResult:
        other = bundle.with_model(model)
        scorer = other.scorer(graph, other.popularity_over, texts.vectors)
        return evaluate_task(replace(path, scorer=scorer), task, filters, name=name)

    return leave_out(fitting, measure, full=full, progress=tell)
