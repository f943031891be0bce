"""Everyone of a clip, tick by tick: where they were, when they were seen, and how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.geometry import wrap_angle
from takead_ros.domain.scene import FloatArray, IntArray
from takead_ros.recording.driven import Tick

EXACT_S = 1e-6  # as near as this to a recorded moment it is that moment


@dataclass(frozen=True)
class RecordedTracks:
    """A others at K ticks of ``step_s`` s as recorded.

    id, kind (A,); length, width (A,) m. here (K, A): seen at that tick. pose (K, A, 5): x m, y m, yaw rad, vx m/s,
    vy m/s in ``map``, where ``here``. ego (K, 7): the recorded ego as a box: x, y, yaw, length, width, vx, vy.
    """

    step_s: float
    id: IntArray
    kind: IntArray
    length: FloatArray
    width: FloatArray
    here: NDArray[np.bool_]
    pose: FloatArray
    ego: FloatArray

    @property
    def comes_or_goes(self) -> int:
        """How many were not seen all the time."""
        return int((~self.here.all(0)).sum())


def tracks_of(ticks: Sequence[Tick], step_s: float) -> RecordedTracks:
    """Between two recorded moments poses are interpolated, for who is in both; who is in one of them only is absent."""
    times = np.array([(tick.stamp - ticks[0].stamp) / 1e9 for tick in ticks])
    ids = np.unique(np.concatenate([tick.world.objects.id for tick in ticks]))
    seen = np.zeros((len(ticks), len(ids)), bool)
    poses, body = np.zeros((len(ticks), len(ids), 5)), np.zeros((len(ids), 3))
    for t in range(len(ticks) - 1, -1, -1):  # what is told first counts
        others = ticks[t].world.objects
        columns = np.searchsorted(ids, others.id)
        seen[t, columns] = True
        poses[t, columns] = np.stack([others.x, others.y, others.yaw, others.vx, others.vy], axis=-1)
        body[columns] = np.stack([others.kind, others.length, others.width], axis=-1)
    at = np.arange(int((times[-1] + EXACT_S) / step_s) + 1) * step_s
    after = np.clip(np.searchsorted(times, at - EXACT_S), 1, len(times) - 1)
    before = after - 1
    share = np.clip((at - times[before]) / (times[after] - times[before]), 0.0, 1.0)
    share = np.where(share < EXACT_S, 0.0, np.where(share > 1.0 - EXACT_S, 1.0, share))
    here = (seen[before] | (share == 1.0)[:, None]) & (seen[after] | (share == 0.0)[:, None])
    egos = np.array(
        [
            (e.x, e.y, e.yaw, np.cos(e.yaw) * e.speed, np.sin(e.yaw) * e.speed)
            for e in (tick.world.ego for tick in ticks)
        ]
    )
    ego = _between(egos[before], egos[after], share)
    size = np.tile([ticks[0].world.ego.length, ticks[0].world.ego.width], (len(at), 1))
    return RecordedTracks(
        step_s,
        ids,
        body[:, 0].astype(np.int64),
        body[:, 1],
        body[:, 2],
        here,
        _between(poses[before], poses[after], share[:, None]),
        np.concatenate([ego[:, :3], size, ego[:, 3:]], axis=1),
    )


def _between(first: FloatArray, second: FloatArray, share: FloatArray) -> FloatArray:
    """Poses (..., 5) at ``share`` of the way from one moment to the next; the recorded ones at both ends."""
    step = second - first
    step[..., 2] = wrap_angle(step[..., 2])
    mixed = first + share[..., None] * step
    return np.asarray(np.where(share[..., None] == 1.0, second, np.where(share[..., None] == 0.0, first, mixed)))
