"""Search settings over their whole ranges (`whypath train --tune`): each trial is proposed by what the former found.

Proposals come from the Gaussian process of optuna (an optional package), which needs few trials. A trial depends on the
seed and the former trials alone, so that an interrupted search continues as if it had not been interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from encoders.search_space import Between, Range, SearchSpace, edges
from encoders.settings import Settings
from fusion.evaluation import RankingTask, evaluate
from fusion.registry import ENCODERS
from fusion.selection import MEASURE, FitWith, choose_settings
from fusion.settings import BlockSettings, FusionSettings
from fusion.strict_json import read_json
from kg.durable import file_written_whole
from kg.errors import WhyPathError

STARTUP = 4
"""Trials before the process proposes them. All but the first, what was asked for, are drawn at random."""


class TuningNotInstalled(WhyPathError):
    """The search needs a package that is not installed."""


class TrialsUnreadable(WhyPathError):
    """A file of trials that cannot be read."""


def check_tuning_installed() -> None:
    """Raise TuningNotInstalled where optuna is missing."""
    if find_spec("optuna") is None:
        raise TuningNotInstalled(
            "--tune needs optuna, which is not installed; install it with: pip install 'whypath[tune]'"
        )


def proposed(space: SearchSpace, tried: Sequence[tuple[Mapping[str, Any], float]], seed: int) -> dict[str, Any]:
    """Settings that are worth a trial after those that were tried, each with what it reached (more is better)."""
    import optuna  # pyright: ignore[reportMissingImports]

    said = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        distributions = {name: _distribution(values) for name, values in space.items()}
        # A generator for each trial: a continued search has not drawn for the former ones.
        sampler = optuna.samplers.GPSampler(seed=(seed * 10_007 + len(tried)) % 2**32, n_startup_trials=STARTUP)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for settings, value in tried:
            study.add_trial(
                optuna.trial.create_trial(params=_inside(space, settings), distributions=distributions, value=value)
            )
        return _inside(space, study.ask(distributions).params)
    finally:
        optuna.logging.set_verbosity(said)


def _distribution(values: Range) -> Any:
    from optuna import distributions  # pyright: ignore[reportMissingImports]

    if not isinstance(values, Between):
        return distributions.CategoricalDistribution(values.values)
    if values.is_whole:
        return distributions.IntDistribution(int(values.low), int(values.high), log=values.log)
    return distributions.FloatDistribution(values.low, values.high, log=values.log)


def _inside(space: SearchSpace, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The searched settings, each moved into its range."""
    return {
        name: values.inside(settings[name]) if isinstance(values, Between) else settings[name]
        for name, values in space.items()
    }


class Trial(Settings):
    """What a trial found: the searched settings, the measure, and its gain over the first trial's, what was asked for,
    with the standard error over users.
    """

    settings: dict[str, float | int | str]
    value: float
    gain: float = 0.0
    standard_error: float = Field(default=0.0, ge=0)


class TrialFile(Settings):
    """The trials of each block on one training. data: digest of all that they depend on."""

    data: str
    blocks: dict[str, list[Trial]] = Field(default={})

    @classmethod
    def of(cls, path: Path | None, data: str, tell: Callable[[str], None]) -> TrialFile:
        """The trials that a file has of this training, none if it does not exist. A file with trials of another
        training is moved aside.

        Raises TrialsUnreadable, so that no other file is replaced.
        """
        if path is None or not path.exists():
            return cls(data=data)
        try:
            found = cls.model_validate(read_json(path))
        except (OSError, ValueError) as error:
            what = "its fields are others" if isinstance(error, ValidationError) else error
            raise TrialsUnreadable(
                f"{path} is no file of trials ({what}); move it away or delete it, and the search begins again"
            ) from None
        if found.data == data:
            return found
        former = path.with_name(f"{path.name}.former")
        path.replace(former)
        tell(f"The trials in {path} are of other events, settings or another seed: moved to {former}, and made again")
        return cls(data=data)


@dataclass(frozen=True)
class Tuning:
    """A search of `trials` settings for each block. path: where trials are kept, None for nowhere."""

    trials: int
    seed: int
    data: str
    path: Path | None
    tell: Callable[[str], None]

    def settings(
        self, settings: FusionSettings, names: Sequence[str], fit: FitWith, task: RankingTask
    ) -> FusionSettings:
        """Return the settings with those of the best trial of each block, where it gains over the asked ones by at
        least one standard error of the paired difference. Raises TrialsUnreadable, TuningNotInstalled.
        """
        check_tuning_installed()
        kept = TrialFile.of(self.path, self.data, self.tell)
        block = settings.block
        if not any(ENCODERS.find(name).search_space for name in names):
            self.tell(f"{' and '.join(names)}: nothing is searched, as no setting of it has a range")
        for name in names:
            if ENCODERS.find(name).search_space:
                self._check(name, block.of(name), kept)
                trials = self._searched(name, block.of(name), fit, task, kept)
                block = block.model_copy(update={name: self._best(name, block.of(name), trials)})
        return settings.model_copy(update={"block": block})

    def _check(self, name: str, asked: BaseModel, kept: TrialFile) -> None:
        """Raise TrialsUnreadable for a kept trial whose settings are not those of the block."""
        space = ENCODERS.find(name).search_space
        for number, trial in enumerate(kept.blocks.get(name, ())):
            try:
                type(asked).model_validate({**asked.model_dump(), **trial.settings})
                fits = trial.settings.keys() == space.keys()
            except ValidationError:
                fits = False
            if not fits:
                raise TrialsUnreadable(
                    f"{self.path}: trial {number + 1} of {name} has settings that the block does not have"
                    f" ({_said(trial.settings)}); move the file away or delete it, and the search begins again"
                )

    def _searched(
        self, name: str, asked: BaseModel, fit: FitWith, task: RankingTask, kept: TrialFile
    ) -> Sequence[Trial]:
        """The trials of a block, those that were kept among them; each is written down once it is made."""
        space = ENCODERS.find(name).search_space
        trials = kept.blocks.setdefault(name, [])
        if trials:
            self.tell(f"{name}: {min(len(trials), self.trials)} of {self.trials} trials are known")
        first = None
        for number in range(len(trials), self.trials):
            if first is None:
                first = evaluate(fit(name, asked), task, name=name, ks=(10,))
            if not number:
                found = {field: getattr(asked, field) for field in space}
                trial = Trial(settings=found, value=first.mean(MEASURE))
            else:
                found = self._found(name, asked, fit, task, trials)
                try:
                    tried = type(asked).model_validate({**asked.model_dump(), **found})
                    result = evaluate(fit(name, tried), task, name=name, ks=(10,))
                    gain = result.against(first, MEASURE)
                    trial = Trial(
                        settings=found,
                        value=result.mean(MEASURE),
                        gain=gain.mean,
                        standard_error=gain.standard_error,
                    )
                except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
                    # With such settings the block cannot be fitted: the search learns to avoid them.
                    self.tell(f"{name}: {_said(found)} failed: {error}")
                    trial = Trial(settings=found, value=0.0, gain=-first.mean(MEASURE))
            trials.append(trial)
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with file_written_whole(self.path) as file:
                    file.write(kept.model_dump_json(indent=1).encode())
            best = max(trial.value for trial in trials)
            self.tell(f"{name}: trial {number + 1} of {self.trials}, {MEASURE} {trial.value:.4f}, best {best:.4f}")
        return trials[: self.trials]

    def _found(
        self, name: str, asked: BaseModel, fit: FitWith, task: RankingTask, trials: Sequence[Trial]
    ) -> dict[str, Any]:
        """The settings of the next trial; those that steps lead to are tried too, so that no search is worse."""
        space = ENCODERS.find(name).search_space
        if len(trials) == 1:
            start = FusionSettings(block=BlockSettings(**{name: asked}))
            stepped = choose_settings(start, (name,), fit, task, self.tell).block.of(name)
            if stepped != asked:
                return {field: getattr(stepped, field) for field in space}
        return proposed(space, [(trial.settings, trial.value) for trial in trials], self.seed)

    def _best(self, name: str, asked: BaseModel, trials: Sequence[Trial]) -> BaseModel:
        best = max(trials, key=lambda trial: trial.value)
        gains = f"{best.gain:+.4f} ± {best.standard_error:.4f}"
        if best.gain <= best.standard_error:
            self.tell(
                f"{name}: the asked settings stay ({MEASURE} on held-out events {trials[0].value:.4f}): the best of"
                f" {len(trials)} trials gains {gains}"
            )
            return asked
        self.tell(
            f"{name}: {_said(best.settings)} ({MEASURE} on held-out events {best.value:.4f}, {gains} over the asked"
            f" settings, {len(trials)} trials)"
        )
        space = ENCODERS.find(name).search_space
        for field in edges(space, best.settings):
            self.tell(f"{name}: {field} lies on the edge of what was tried, {space[field]}")
        return type(asked).model_validate({**asked.model_dump(), **best.settings})


def _said(settings: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items()
    )
