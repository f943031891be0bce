"""Driving many episodes: with takeovers and bags, or to score a model; each kept as it finishes, none driven twice."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from pydantic.dataclasses import dataclass

from takead_ros.domain.errors import TakeadError
from takead_ros.files import LOCK_SUFFIX, PART_MARK, locked, writable_folder
from takead_ros.runs.episode import EXPERT, EpisodeSpec
from takead_ros.runs.journal import Journal
from takead_ros.runs.progress import Progress
from takead_ros.runs.results import PASSES, RECORD, EpisodeResult, Evaluation, PassName, RunSettings, evaluation
from takead_ros.runs.spec import Record, RunSpec
from takead_ros.runs.workplace import Workers

EpisodeWorkers = Workers[EpisodeSpec, EpisodeResult]
JOURNAL = "episodes.jsonl"
JOURNAL_SUFFIX = ".episodes.jsonl"


@dataclass(frozen=True, kw_only=True, config=RECORD)
class DriveSettings(RunSettings):
    """Of a run with bags."""

    record: Record


@dataclass(frozen=True, kw_only=True, config=RECORD)
class EvaluationSettings(RunSettings):
    """Of an evaluation."""

    passes: tuple[str, ...]


def check_passes(text: str, spec: RunSpec) -> tuple[PassName, ...]:
    """The passes named in ``text``, in their fixed order, as far as ``spec`` has them."""
    names = pass_names(text)
    return tuple(name for name in spec.passes if name in names or spec.model == EXPERT)


def pass_names(text: str) -> tuple[PassName, ...]:
    """The passes named in ``text``, in their fixed order. Raises TakeadError for a word that is none."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in PASSES]
    if unknown:
        raise TakeadError(f"--passes '{text}': '{unknown[0]}' is no pass, expected one or both of {','.join(PASSES)}")
    return tuple(name for name in PASSES if name in names)


def drive(
    spec: RunSpec, record: Record, bags: Path | None, workers: EpisodeWorkers, progress: Progress, label: str
) -> Evaluation:
    """Drive with takeovers (the expert: alone) and sum up; recorded, and continued, where ``bags`` names a folder.

    Raises TakeadError where that folder holds something else, or is in use by another process.
    """
    with contextlib.ExitStack() as stack:
        journal = None
        if bags is not None:
            check_folder(bags, JOURNAL)
            stack.enter_context(locked(writable_folder(bags)))  # a folder from the start: else its lock lies beside
            settings = DriveSettings(**vars(spec.settings()), record=record)
            journal = Journal(bags / JOURNAL, settings, EpisodeResult)
        specs = spec.episodes(takeovers=spec.model != EXPERT, bags=bags, record=record)
        return evaluation(
            spec.model, spec.settings(), {"assisted": run_episodes(specs, workers, journal, progress, label)}
        )


def evaluate(
    spec: RunSpec,
    passes: Sequence[PassName],
    keep: Path | None,
    workers: EpisodeWorkers,
    progress: Progress,
    label: str,
) -> Evaluation:
    """Drive every pass of ``spec`` and sum up; finished episodes are kept beside ``keep``, the file meant for it.

    Raises TakeadError where what is kept there belongs to another evaluation, or is in use by another process.
    """
    with contextlib.ExitStack() as stack:
        journal = None
        if keep is not None:
            stack.enter_context(locked(keep))
            settings = EvaluationSettings(**vars(spec.settings()), passes=tuple(passes))
            journal = Journal(keep.with_name(keep.name + JOURNAL_SUFFIX), settings, EpisodeResult)
        specs = {name: spec.episodes(takeovers=name == "assisted") for name in passes}
        results = run_episodes([one for name in passes for one in specs[name]], workers, journal, progress, label)
        parts: dict[PassName, list[EpisodeResult]] = {}
        for name in passes:
            parts[name], results = results[: len(specs[name])], results[len(specs[name]) :]
        return evaluation(spec.model, spec.settings(), parts)


def run_episodes(
    specs: Sequence[EpisodeSpec],
    workers: EpisodeWorkers,
    journal: Journal[EpisodeResult] | None,
    progress: Progress,
    label: str,
) -> list[EpisodeResult]:
    """The results of ``specs``, in their order; those in ``journal`` are not driven again."""
    done = dict(journal.results) if journal else {}
    waiting = [spec for spec in specs if spec.key not in done]
    before = len(specs) - len(waiting)

    def finished(spec: EpisodeSpec, result: EpisodeResult) -> None:
        done[spec.key] = result
        if journal:
            journal.add(spec.key, result)
        progress.report(label, sum(one.key in done for one in specs), len(specs))

    progress.report(label, before, len(specs))
    try:
        workers.map(waiting, finished, lambda spec: spec.key, progress)
    except (KeyboardInterrupt, TakeadError):
        say_kept(sum(spec.key in done for spec in specs), len(specs), journal is not None, progress)
        raise
    return [done[spec.key] for spec in specs]


def say_kept(count: int, total: int, kept: bool, progress: Progress) -> None:
    """What is left of a run that was stopped."""
    if kept:
        progress.say(f"{count} of {total} episodes are finished and kept; the same command goes on")
    else:
        progress.say(f"{count} of {total} episodes were finished; none is kept without an output to keep it")


def check_folder(folder: Path, mark: str) -> None:
    """TakeadError where ``folder`` is not new or empty and holds no ``mark``, the file of an unfinished run."""
    if folder.exists() and not folder.is_dir():
        raise TakeadError(f"output '{folder}': is a file, expected a folder")
    begun = (LOCK_SUFFIX, PART_MARK)  # all that a kill at the very beginning leaves
    others = [p for p in folder.iterdir() if not any(mark in p.name for mark in begun)] if folder.is_dir() else []
    if others and not (folder / mark).exists():
        raise TakeadError(
            f"output folder '{folder}' is not empty and holds no run ({mark}); expected a new folder, or a run of the "
            "same settings to continue (nothing is overwritten)"
        )
