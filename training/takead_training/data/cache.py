"""Clips encoded once and kept: shards of records that are mapped into memory, by the hash of the clips' content.

    CACHE/index.json            which clip's rows lie where, and the sha256 of every file
    CACHE/<digest>.inputs.npy   records (N, W) float32 of the format's inputs, of some clips one after another
    CACHE/<digest>.targets.npy  records (N, V) float32 of data.columns.TARGETS
    CACHE/<clip>.world.npz      data.world
    CACHE/<clip>.scores-*       how plans fare in it, where a stage has asked for that (data.score_cache)

A file whose content is not what the index says, or an index that is none, is made again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from takead_ros.domain.errors import TakeadError
from takead_ros.files import content_of, locked, open_file, read_record, write_atomically, write_record
from takead_ros.policy.format import PolicyFormat
from takead_ros.policy.formats import FORMATS
from takead_ros.recording.reader import Frame, frames
from takead_ros.runs.progress import Silent
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.clips import RefusedClip, TrainingClip
from takead_training.data.columns import TARGETS_LAYOUT, FloatRecords, inputs_layout
from takead_training.data.dataset import ClipRows, Dataset, mapped
from takead_training.data.samples import VERSION, clip_samples

SHARD_ROWS = 8192  # from which a shard is closed: about 40 MB
Encoded = tuple[FloatRecords, FloatRecords, bytes]  # inputs, targets, world


class CacheEntry(BaseModel):
    """Where a clip's rows and world lie."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    shard: str = ""
    first: int = Field(0, ge=0)
    count: int = Field(0, ge=0)
    world_sha256: str = ""


class Index(BaseModel):
    """``shards``: sha256 of the inputs' and the targets' file of each."""

    model_config = ConfigDict(extra="forbid")
    format: Literal["takead-cache-2"] = "takead-cache-2"
    shards: dict[str, tuple[str, str]] = {}
    clips: dict[str, CacheEntry] = {}


def load(
    clips: Sequence[TrainingClip],
    cache: Path,
    format: PolicyFormat,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Dataset, tuple[RefusedClip, ...]]:
    """The rows of ``clips``, one part for each clip, in order; and the clips that turned out not to be readable.

    ``progress`` is told (done, total). The result does not depend on ``workers`` or on what was in the cache before.
    """
    with locked(cache / "index.json"):
        index = sound_index(cache)
        todo = [clip for clip in clips if _key(clip, format) not in index.clips]
        refused = _encode_all(todo, cache, format, index, workers, progress, len(clips))
        names = {_key(clip, format): clip.manifest.clip_id for clip in clips if _key(clip, format) in index.clips}
        return Dataset(format, rows_of(cache, index, names)), tuple(refused)


def rows_of(cache: Path, index: Index, names: Mapping[str, str]) -> list[ClipRows]:
    """What lies under the keys of ``names`` in ``cache``, in that order; ``names`` gives the clip's name of each."""
    shards = {name: _open_shard(cache, name) for name in {index.clips[key].shard for key in names}}  # each mapped once
    parts = []
    for key, name in names.items():
        place = index.clips[key]
        inputs, targets = (records[place.first : place.first + place.count] for records in shards[place.shard])
        files = (*_shard_files(cache.absolute(), place.shard), place.first)
        world, scores = cache / f"{key}.world.npz", cache / f"{key}.scores-{place.world_sha256[:16]}"
        parts.append(ClipRows(inputs, targets, name, partial(_world, world), files, scores))
    return parts


def _key(clip: TrainingClip, format: PolicyFormat) -> str:
    return f"{clip.sha256[:32]}-{format.name}-{VERSION}"


def sound_index(cache: Path) -> Index:
    """What in the cache is as it was written; the rest is forgotten."""
    file = cache / "index.json"
    if not file.exists():
        return Index()
    try:
        index = read_record(Index, file, "the index of a cache of encoded clips")
    except TakeadError:
        return Index()
    shards = {
        name: digests
        for name, digests in index.shards.items()
        if all(_digest(path) == digest for path, digest in zip(_shard_files(cache, name), digests, strict=True))
    }
    kept = {
        key: place
        for key, place in index.clips.items()
        if place.shard in shards and _digest(cache / f"{key}.world.npz") == place.world_sha256
    }
    return Index(shards=shards, clips=kept)


def _shard_files(cache: Path, name: str) -> tuple[Path, Path]:
    return cache / f"{name}.inputs.npy", cache / f"{name}.targets.npy"


def _digest(path: Path) -> str:
    try:
        with open_file(path) as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def _encode_all(
    clips: Sequence[TrainingClip],
    cache: Path,
    format: PolicyFormat,
    index: Index,
    workers: int,
    progress: Callable[[int, int], None] | None,
    total: int,
) -> list[RefusedClip]:
    """Encode ``clips`` into new shards of ``cache``, and write ``index`` after each of them."""
    cache.mkdir(parents=True, exist_ok=True)
    done = kept = total - len(clips)
    if progress:
        progress(done, total)
    refused: list[RefusedClip] = []
    shards = ShardWriter(cache, index)
    early: dict[int, Encoded | str] = {}  # finished before an earlier clip: the rows keep the clips' order

    def finished(job: tuple[int, TrainingClip], result: Encoded | str) -> None:
        nonlocal done
        early[job[0]] = result
        while (row := done - kept) in early:
            clip, found = clips[row], early.pop(row)
            done += 1
            if isinstance(found, str):
                refused.append(RefusedClip(clip.path, found))
            else:
                shards.add(_key(clip, format), found)
            if progress:
                progress(done, total)

    count = max(1, min(workers, len(clips)))
    try:
        with open_workers(partial(_Encoder, format.name), Workplace(count)) as pool:
            pool.map(list(enumerate(clips)), finished, lambda job: str(job[1].path), Silent())
    finally:
        shards.close()
    return refused


class _Encoder:
    """Encodes one clip after the other in a worker."""

    def __init__(self, format: str) -> None:
        self._format = format

    def run(self, job: tuple[int, TrainingClip], /) -> Encoded | str:
        return _encode_clip(self._format, job[1])

    def close(self) -> None:
        pass


def _encode_clip(format: str, clip: TrainingClip) -> Encoded | str:
    try:
        # By its name, not its bytes: the same episode recorded again (another date in the bag) teaches the same.
        return encode_frames(frames(clip.path, FORMATS[format].needs), clip.manifest.clip_id, FORMATS[format])
    except (TakeadError, ValueError) as problem:  # damage, or a scene that cannot be encoded
        return f"clip {clip.path}: {problem}"


def encode_frames(whole: Iterable[Frame], name: str, format: PolicyFormat) -> Encoded:
    """The frames of one clip as records; ``name`` draws the moved starts of a demonstration.

    Raises ValueError for a scene that cannot be encoded, and whatever reading the frames does.
    """
    table, world = clip_samples(whole, int(hashlib.sha256(name.encode()).hexdigest()[:12], 16), format)
    return inputs_layout(format).pack(table), TARGETS_LAYOUT.pack(table), world.to_bytes()


class ShardWriter:
    """Puts encoded clips into ``cache``, some of them to a shard, and notes in ``index`` where each lies."""

    def __init__(self, cache: Path, index: Index) -> None:
        self._cache, self._index = cache, index
        self._open: list[tuple[str, Encoded]] = []

    def add(self, key: str, encoded: Encoded) -> None:
        """On disk with the shard that it fills, or with ``close``."""
        self._open.append((key, encoded))
        if sum(len(each[0]) for _, each in self._open) >= SHARD_ROWS:
            self.close()

    def close(self) -> None:
        """Write what is open as one shard, and the index."""
        if not self._open:
            return
        files = [_as_npy(np.concatenate([encoded[i] for _, encoded in self._open])) for i in (0, 1)]
        digests = [hashlib.sha256(data).hexdigest() for data in files]
        name = digests[0][:16]
        for path, data in zip(_shard_files(self._cache, name), files, strict=True):
            write_atomically(path, data)
        first = 0
        for key, (inputs, _, world) in self._open:
            write_atomically(self._cache / f"{key}.world.npz", world)
            digest = hashlib.sha256(world).hexdigest()
            self._index.clips[key] = CacheEntry(shard=name, first=first, count=len(inputs), world_sha256=digest)
            first += len(inputs)
        self._index.shards[name] = (digests[0], digests[1])
        write_record(self._cache / "index.json", self._index)
        self._open.clear()


def _as_npy(values: FloatRecords) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def _open_shard(cache: Path, name: str) -> tuple[FloatRecords, FloatRecords]:
    inputs, targets = map(mapped, _shard_files(cache, name))
    return inputs, targets


def _world(path: Path) -> ClipFrames:
    try:
        return ClipFrames.from_bytes(content_of(path))
    except (OSError, ValueError, KeyError) as problem:
        raise TakeadError(f"cache file '{path}': {problem}; expected a clip's world (run the command again)") from (
            problem
        )
