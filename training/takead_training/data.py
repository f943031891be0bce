"""Reading many clips into one table of samples: each clip is encoded once and kept, by the hash of its content."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import split_of
from takead_ros.policy.vector import VECTOR_1
from takead_ros.recording.bag import bag_files
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.reader import frames, list_clips, manifest
from takead_training.samples import VERSION, Table, clip_samples, empty_table

FORBIDDEN_SPLITS = ("test", "selection")


@dataclass(frozen=True)
class Clip:
    """A clip to learn from: its folder, its manifest and the sha256 of its bag files."""

    path: Path
    manifest: ClipManifest
    sha256: str


def find_clips(folders: Sequence[Path], casual: bool = False) -> list[Clip]:
    """The clips below ``folders``, sorted by id. Casual overrides and false alarms are left out unless ``casual``.

    Raises TakeadError where a folder holds no clip, or where a clip's seed belongs to a test or selection split.
    """
    clips: list[Clip] = []
    for folder in folders:
        found = list_clips(folder)
        if not found:
            raise TakeadError(f"clip folder '{folder}': no clips in it; record some with 'takead drive --bags'")
        for path in found:
            about = manifest(path)
            seed = about.provenance.seed
            if seed is not None and split_of(seed) in FORBIDDEN_SPLITS:
                raise TakeadError(
                    f"clip {path}: seed {seed} is a {split_of(seed)} seed; a model judged on it must not learn from it "
                    "(expected collection or training seeds)"
                )
            if casual or about.judged not in ("casual_override", "false_alarm"):
                clips.append(Clip(path, about, _sha256(path)))
    return sorted(clips, key=lambda clip: (clip.manifest.clip_id, clip.sha256))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for file in bag_files(path):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _cached(clip: Clip, cache: Path) -> Path:
    return cache / f"{clip.sha256[:24]}-{VECTOR_1.name}-{VERSION}.npz"


def load(
    clips: Sequence[Clip], cache: Path, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> list[Table]:
    """The samples of each of ``clips``. Encoded clips are kept in ``cache`` and taken from there again.

    ``progress`` is told (done, total). The result does not depend on ``workers``.
    """
    cache.mkdir(parents=True, exist_ok=True)
    files = [_cached(clip, cache) for clip in clips]
    todo = [(clip, file) for clip, file in zip(clips, files, strict=True) if not file.exists()]
    done = len(clips) - len(todo)
    if progress:
        progress(done, len(clips))
    if workers > 1 and len(todo) > 1:
        context = multiprocessing.get_context("spawn")
        quiet = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is this process's to handle; the readers end with it
        with ProcessPoolExecutor(min(workers, len(todo)), context, signal.signal, quiet) as pool:
            for _ in pool.map(_encode_clip, todo):
                done += 1
                if progress:
                    progress(done, len(clips))
    else:
        for job in todo:
            _encode_clip(job)
            done += 1
            if progress:
                progress(done, len(clips))
    return [_read(file) for file in files]


def _encode_clip(job: tuple[Clip, Path]) -> None:
    clip, file = job
    # By its name, not its bytes: the same episode recorded again (another date in the bag) teaches the same.
    name = hashlib.sha256(clip.manifest.clip_id.encode()).hexdigest()
    table = clip_samples(frames(clip.path), seed=int(name[:12], 16))
    temporary = file.with_name(f".{file.name}")
    with temporary.open("wb") as out:
        np.savez(out, **table)  # type: ignore[arg-type]
    temporary.replace(file)


def _read(file: Path) -> Table:
    try:
        with np.load(file) as stored:
            return {name: stored[name] for name in empty_table()}
    except (OSError, ValueError, KeyError) as error:
        raise TakeadError(f"cache {file}: unreadable ({error}); delete it, it will be made again") from error


def concatenate(tables: Sequence[Table]) -> Table:
    """The rows of all ``tables``, in order."""
    tables = [empty_table(), *tables]
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def seeds_of(clips: Sequence[Clip]) -> tuple[int, ...]:
    """The scenario seeds that the clips were recorded with, each once, ascending."""
    return tuple(sorted({c.manifest.provenance.seed for c in clips if c.manifest.provenance.seed is not None}))


def rows(table: Table) -> int:
    return len(table["speed"])


def select(table: Table, chosen: np.ndarray) -> Table:
    """The rows ``chosen`` (mask or indices)."""
    return {name: values[chosen] for name, values in table.items()}
