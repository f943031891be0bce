"""Scores of a vocabulary's plans at the frames of a clip, worked out once and kept beside the clip's rows.

    CACHE/<clip>.scores-<world>-<asked>   sha256 of what follows; frames (F,) and the sub-scores (F, K) of each

<world> is the digest of the clip's world, <asked> that of the vocabulary, of how it is scored and of VERSION: what is
asked of other worlds, anchors or rules has a file of its own. A file that is not what was written is made again.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.scene import FloatArray
from takead_ros.files import content_of, write_atomically
from takead_ros.measures.pdm import PdmScores, SubScores, weighed
from takead_ros.policy.route_frame import route_frame
from takead_ros.policy.vocabulary import plans_from_profiles
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.dataset import ClipRows
from takead_training.data.scores import score_at
from takead_training.settings import Rule

VERSION = "scores-1"  # changes with every change of what a score means
_DIGEST_BYTES = 32


def anchor_scores(
    part: ClipRows, frames: NDArray[np.int64], anchors: FloatArray, rule: Rule, most: int = 256
) -> PdmScores:
    """Scores (R, K) of every anchor (K, T, 2) driven from ``frames`` (R,) of the clip, whose world is known.

    Frames that were scored before are read; new ones are kept with them, after every ``most`` of them.
    """
    if part.world is None:
        raise ValueError(f"clip '{part.clip}': its world is not known")
    file = None if part.scores is None else part.scores.with_name(f"{part.scores.name}-{_asked(anchors, rule)}")
    known, found = _read(file, len(anchors))
    todo = np.setdiff1d(frames, known)
    world = part.world() if len(todo) else None
    for first in range(0, len(todo), most):
        assert world is not None
        some = todo[first : first + most]
        new = [_scored(world, int(frame), anchors, rule) for frame in some]
        known = np.concatenate([known, some])
        columns = zip(found, zip(*new, strict=True), strict=True)
        found = SubScores(*(np.concatenate([old, np.stack(rows)]) for old, rows in columns))
        if file is not None:
            write_atomically(file, _packed(known, found))
    order = np.argsort(known, kind="stable")
    rows = order[np.searchsorted(known[order], frames)]
    return weighed(SubScores(*(values[rows] for values in found)))


def _scored(world: ClipFrames, frame: int, anchors: FloatArray, rule: Rule) -> SubScores:
    scene, _ = world.moment(frame)
    positions, _, _ = plans_from_profiles(anchors, scene.ego.speed, route_frame(scene))
    scores = score_at(world, frame, positions, rule)
    return SubScores(*(getattr(scores, name) for name in SubScores._fields))


def _asked(anchors: FloatArray, rule: Rule) -> str:
    vocabulary = np.ascontiguousarray(anchors, dtype="<f8")
    said = f"{VERSION} {rule} {vocabulary.shape} ".encode()
    return hashlib.sha256(said + vocabulary.tobytes()).hexdigest()[:16]


def _packed(frames: NDArray[np.int64], found: SubScores) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frames=frames, **found._asdict())
    data = buffer.getvalue()
    return hashlib.sha256(data).digest() + data


def _read(file: Path | None, width: int) -> tuple[NDArray[np.int64], SubScores]:
    """The frames (F,) that are in ``file`` and their sub-scores (F, K); none where it is not as it was written."""
    nothing = np.zeros(0, np.int64), SubScores(*(np.zeros((0, width)) for _ in SubScores._fields))
    try:
        content = b"" if file is None else content_of(file)
    except OSError:
        return nothing
    digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(data).digest() != digest:
        return nothing
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return stored["frames"], SubScores(*(stored[name] for name in SubScores._fields))
