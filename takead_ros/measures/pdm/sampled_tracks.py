"""Where the others were, or will be, at every sample: what a trajectory is scored against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray, IntArray, ObjectKind, Objects

ROAD_USERS = (ObjectKind.CAR, ObjectKind.TRUCK, ObjectKind.EMERGENCY_VEHICLE, ObjectKind.PEDESTRIAN, ObjectKind.CYCLIST)
_REAL = ("x", "y", "yaw", "vx", "vy", "length", "width")


@dataclass(frozen=True)
class SampledTracks:
    """M objects over S samples, ``map`` frame: x y (M, S) m, yaw (M, S) rad, speed (M, S) m/s; NaN where it is absent.

    Where they react, each of N trajectories has others of its own: (N, M, S).
    length, width (M,) m; agent (M,): whether it is a road user (others are static objects); id (M,).
    """

    id: IntArray
    agent: np.ndarray
    length: FloatArray
    width: FloatArray
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    speed: FloatArray

    @staticmethod
    def of(samples: Sequence[Objects], count: int, dt: float) -> SampledTracks:
        """From the objects at consecutive samples dt s apart. Where there are fewer than ``count`` samples (a recording
        ends), those seen last go on with the speed and heading that they had.

        Raises TakeadError for an object that is not finite: it would count as absent.
        """
        columns = [getattr(objects, name) for objects in samples[:count] for name in _REAL]
        sound = bool(np.isfinite(np.concatenate([np.zeros(0), *columns])).all())
        for sample, objects in enumerate(() if sound else samples[:count]):
            for name in _REAL:
                strange = ~np.isfinite(getattr(objects, name))
                if strange.any():
                    raise TakeadError(
                        f"tracks: '{name}' of object {objects.id[strange][0]} is not finite at sample {sample}, "
                        "expected finite numbers"
                    )
        ids = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(objects.id for objects in samples)]))
        shape = (len(ids), count)
        x, y, yaw, speed = (np.full(shape, np.nan) for _ in range(4))
        length, width, kind = np.zeros(len(ids)), np.zeros(len(ids)), np.zeros(len(ids), dtype=np.int64)
        known = min(len(samples), count)
        for sample, objects in enumerate(samples[:count]):
            rows = np.searchsorted(ids, objects.id)
            x[rows, sample], y[rows, sample], yaw[rows, sample] = objects.x, objects.y, objects.yaw
            speed[rows, sample] = np.hypot(objects.vx, objects.vy)
            length[rows], width[rows], kind[rows] = objects.length, objects.width, objects.kind
        if 0 < known < count:
            last = samples[known - 1]
            rows = np.searchsorted(ids, last.id)
            ahead = dt * np.arange(1, count - known + 1)
            x[rows, known:] = last.x[:, None] + last.vx[:, None] * ahead
            y[rows, known:] = last.y[:, None] + last.vy[:, None] * ahead
            yaw[rows, known:] = last.yaw[:, None]
            speed[rows, known:] = np.hypot(last.vx, last.vy)[:, None]
        agent = np.isin(kind, ROAD_USERS)
        return SampledTracks(ids, agent, length, width, x, y, yaw, speed)

    def at(self, values: FloatArray, rows: IntArray, objects: IntArray, samples: IntArray) -> FloatArray:
        """``values`` (one of x, y, yaw, speed) of objects (K,) at samples (K,), as trajectories ``rows`` (K,) meet
        them."""
        return values[objects, samples] if values.ndim == 2 else values[rows, objects, samples]
