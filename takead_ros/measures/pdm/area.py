"""The drivable area as the union of lanes: which points lie on it, which boxes straddle lanes, where lanes cross."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from takead_ros.compiled import prepare
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray, IntArray, LineKind, Polyline
from takead_ros.measures.pdm.kernels import LaneSegments, on_lanes

BoolArray = NDArray[np.bool_]

WIDTH = 3.5  # m of a lane whose width is not known
TOLERANCE = 0.3  # m that a corner may lie beyond the lanes (nuPlan's drivable area compliance)
CROSSING = float(np.deg2rad(30.0))  # between two lanes, from which their common area is a junction
CELL = 2.0  # m, of the grid that settles most points at once
CHUNK = 512  # points that are compared with every segment together


class LaneArea:
    """Lane centre lines of a scene with half their widths; a point is on a lane within that distance of its line.

    Raises TakeadError for a lane that is not finite.
    """

    def __init__(self, polylines: Sequence[Polyline]) -> None:
        lanes = [line for line in polylines if line.kind is LineKind.LANE_CENTER and len(line.points) > 1]
        for line in lanes:
            if not np.isfinite(line.points).all() or not np.isfinite(line.width or WIDTH):
                raise TakeadError(f"lane {line.id}: holds a number that is not finite, expected finite ones")
        names = self._names = _joined(lanes)
        starts = [line.points[:-1] for line in lanes]
        counts = [len(points) for points in starts]
        self._start = np.concatenate([np.zeros((0, 2)), *starts])
        self._step = np.concatenate([np.zeros((0, 2)), *(np.diff(line.points, axis=0) for line in lanes)])
        self._square = np.maximum((self._step**2).sum(1), 1e-12)
        self._half = np.repeat([0.5 * (WIDTH if line.width is None else line.width) for line in lanes], counts)
        self._lane: IntArray = np.repeat(np.array(names, dtype=np.int64), counts)
        self._yaw = np.arctan2(self._step[:, 1], self._step[:, 0])
        self._lanes = max(names, default=-1) + 1
        columns = (*self._start.T, *self._step.T, self._square, self._half)
        self._segments = LaneSegments(*(np.ascontiguousarray(values, dtype=float) for values in columns))

    def pieces(self) -> list[list[int]]:
        """Which lane centre lines, counted as they were given, make up each lane."""
        return [[i for i, name in enumerate(self._names) if name == lane] for lane in sorted(set(self._names))]

    def on_road(self, points: FloatArray) -> BoolArray:
        """Whether points (..., 2) m lie on a lane, to within 0.3 m."""
        flat = np.ascontiguousarray(points.reshape(-1, 2))
        if len(self._half) == 0 or len(flat) == 0:
            return np.zeros(points.shape[:-1], dtype=bool)
        prepare()
        return on_lanes(flat, self._segments, TOLERANCE, CELL).reshape(points.shape[:-1])

    def straddles(self, corners: FloatArray) -> BoolArray:
        """Whether boxes (K, 4, 2) m lie in several lanes and in none of them whole."""
        inside = np.zeros((len(corners), self._lanes, 4), dtype=bool)
        for i in range(4):
            rows, segments = self._hits(corners[:, i])
            inside[rows, self._lane[segments], i] = True
        corners_in = inside.sum(axis=2)
        return np.asarray(((corners_in > 0).sum(axis=1) > 1) & (corners_in < 4).all(axis=1))

    def in_junction(self, points: FloatArray) -> BoolArray:
        """Whether points (K, 2) m lie where lanes cross."""
        rows, segments = self._hits(points)
        # angles modulo half a turn, doubled, so that lanes of opposite directions count as parallel
        spread = np.zeros(len(points), dtype=bool)
        order = np.argsort(rows, kind="stable")
        rows, yaw = rows[order], self._yaw[segments[order]]
        bounds = np.searchsorted(rows, np.arange(len(points) + 1))
        for i in np.flatnonzero(np.diff(bounds) > 1):
            angles = yaw[bounds[i] : bounds[i + 1]]
            between = np.abs(np.sin(angles[:, None] - angles))
            spread[i] = bool((between > np.sin(CROSSING)).any())
        return spread

    def _distance(self, points: FloatArray, segments: IntArray | slice) -> FloatArray:
        """Distances (K, S) m of points (K, 2) to segments."""
        start, step = self._start[segments], self._step[segments]
        dx = points[:, 0, None] - start[:, 0]
        dy = points[:, 1, None] - start[:, 1]
        share = dx * step[:, 0] + dy * step[:, 1]
        share /= self._square[segments]
        np.minimum(np.maximum(share, 0.0, out=share), 1.0, out=share)
        dx -= share * step[:, 0]
        dy -= share * step[:, 1]
        return np.asarray(np.sqrt(dx * dx + dy * dy))

    def _hits(self, points: FloatArray) -> tuple[IntArray, IntArray]:
        """Pairs (row of points (K, 2), segment) that lie on each other."""
        rows, segments = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for i in range(0, len(points), CHUNK):
            found = np.nonzero(self._distance(points[i : i + CHUNK], slice(None)) <= self._half)
            rows.append(found[0] + i)
            segments.append(found[1])
        return np.concatenate(rows), np.concatenate(segments)


def _joined(lanes: Sequence[Polyline]) -> list[int]:
    """A number for each polyline, the same for pieces of one lane: one ends where only the other begins."""
    begin = [tuple(line.points[0].round(2)) for line in lanes]
    end = [tuple(line.points[-1].round(2)) for line in lanes]
    begins, ends = Counter(begin), Counter(end)
    at = {place: i for i, place in enumerate(begin)}
    names = list(range(len(lanes)))

    def root(i: int) -> int:
        while names[i] != i:
            i = names[i]
        return i

    for i, place in enumerate(end):
        if begins[place] == 1 and ends[place] == 1:
            names[root(at[place])] = root(i)
    return [root(i) for i in range(len(lanes))]
