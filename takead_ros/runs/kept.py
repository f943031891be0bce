"""An evaluation that is kept in a file: read where it is there, driven where it is not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.files import write_record
from takead_ros.runs.drive import EpisodeWorkers, evaluate
from takead_ros.runs.evaluate_batched import BatchWorkers, batched_settings, evaluate_batched
from takead_ros.runs.progress import Progress
from takead_ros.runs.results import Evaluation, PassName, RunSettings, read_evaluation
from takead_ros.runs.spec import RunSpec

Shows = Callable[[], AbstractContextManager[Progress]]  # opens the display of one piece of work


@dataclass(frozen=True)
class Way:
    """How an evaluation is driven: what decides its result, and the drive (passes, file for it, display, label)."""

    settings: RunSettings
    drive: Callable[[Sequence[PassName], Path, Progress, str], Evaluation]


def by_nodes(spec: RunSpec, workers: EpisodeWorkers) -> Way:
    """Each episode by all nodes."""
    return Way(spec.settings(), lambda passes, file, shown, label: evaluate(spec, passes, file, workers, shown, label))


def by_batches(spec: RunSpec, workers: BatchWorkers) -> Way:
    """Many episodes at once, in the vector world."""
    return Way(
        batched_settings(spec),
        lambda passes, file, shown, label: evaluate_batched(spec, passes, file, workers, shown, label),
    )


def kept_evaluation(way: Way, passes: Sequence[PassName], file: Path, progress: Shows, label: str) -> Evaluation:
    """The evaluation kept in ``file``, or made and kept there; a broken file is made again from its episodes."""
    with contextlib.suppress(TakeadError):
        found = read_evaluation(file)
        if _deciding(found) == _deciding(way.settings) and tuple(found.passes) == tuple(passes):
            return found
    with progress() as shown:
        found = way.drive(passes, file, shown, label)
    write_record(file, found)
    return found


def _deciding(settings: RunSettings) -> tuple[object, ...]:
    names = ("model_sha256", "suite", "families", "seeds", "version", "simulator", "parameters")
    return tuple(getattr(settings, name) for name in names)
