"""Samples of many clips, each made once and kept beside the output: reading is most of the work, and may be stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked
from takead_ros.prediction.features import SHAPES, Arrays
from takead_ros.prediction.model import ENCODING
from takead_ros.runs.progress import Silent
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace
from takead_training.checkpoint import load_torch, save_torch
from takead_training.data.clips import RefusedClip, TrainingClip
from takead_training.prediction.samples import TARGETS, VERSION, samples_of

CACHE = "cache-agents"


def read_samples(
    clips: Sequence[TrainingClip],
    cache: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Arrays | None], tuple[RefusedClip, ...]]:
    """The samples of each of ``clips``; None for one that could not be read, or in which nobody moves, and why.

    What was read before is taken from ``cache``, whose files are made anew where they are damaged.
    """
    with locked(cache / "index.json"):
        kept = [_kept(_file(clip, cache)) for clip in clips]
        todo = [(i, clip) for i, clip in enumerate(clips) if kept[i] is None]
        done = len(clips) - len(todo)
        refused: dict[int, RefusedClip] = {}

        def finished(job: tuple[int, TrainingClip], found: Arrays | str) -> None:
            nonlocal done
            done += 1
            i, clip = job
            if isinstance(found, str):
                refused[i] = RefusedClip(clip.path, found)
            else:
                kept[i] = found
                _keep(found, _file(clip, cache))
            if progress:
                progress(done, len(clips))

        if progress:
            progress(done, len(clips))
        with open_workers(_Reader, Workplace(max(1, min(workers, len(todo))))) as pool:
            pool.map(todo, finished, lambda job: str(job[1].path), Silent())
    for i, found in enumerate(kept):
        if found is not None and not len(found["speed"]):
            kept[i] = None
            refused[i] = RefusedClip(clips[i].path, f"clip {clips[i].path}: nobody in it to learn from (seen for 1 s)")
    return kept, tuple(refused[i] for i in sorted(refused))


class _Reader:
    """Reads one clip after the other in a worker."""

    def run(self, job: tuple[int, TrainingClip], /) -> Arrays | str:
        clip = job[1]
        try:
            # By its name, not its bytes: the same episode recorded again teaches the same.
            return samples_of(clip.path, clip.manifest.clip_id)
        except (TakeadError, ValueError) as problem:
            return f"clip {clip.path}: {problem}"

    def close(self) -> None:
        pass


def _file(clip: TrainingClip, cache: Path) -> Path:
    return cache / f"{clip.sha256[:32]}-{ENCODING}-{VERSION}.pt"


def _kept(file: Path) -> Arrays | None:
    if not file.exists():
        return None
    try:
        payload = load_torch(file, "samples of a clip")
        return {name: payload[name].numpy() for name in (*SHAPES, *TARGETS)}
    except (TakeadError, KeyError, AttributeError):
        return None


def _keep(samples: Arrays, file: Path) -> None:
    save_torch({name: torch.from_numpy(values) for name, values in samples.items()}, file)
