"""The inner loops of the PDM score, compiled: who touches whom first, and what lies on a lane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.compiled import Cube, Flags, IndexMatrix, Indices, Matrix, Vector, kernel, part
from takead_ros.domain.kernels import Box, box_gap

INSIDE = -2  # a cell that lies on a lane as a whole
ROUNDING = 1e-9  # m by which numbers of the same distance may differ


class EgoBoxes(NamedTuple):
    """N trajectories of S samples: x y m, cosine and sine of the heading, speed m/s (N, S); length width m."""

    x: Matrix
    y: Matrix
    cos: Matrix
    sin: Matrix
    speed: Matrix
    length: float
    width: float


class TrackBoxes(NamedTuple):
    """M tracks: x y m, cosine and sine of the heading at each sample (V, M, *), NaN where absent; length width (M,) m.
    V is 1, or as many as there are trajectories: each has others of its own then."""

    x: Cube
    y: Cube
    cos: Cube
    sin: Cube
    length: Vector
    width: Vector


class LaneSegments(NamedTuple):
    """Segments of lane centre lines, (S,) each: start x y m, step x y m, its square m^2, half the lane's width m."""

    x: Vector
    y: Vector
    step_x: Vector
    step_y: Vector
    square: Vector
    half: Vector


@kernel
def first_overlaps(ego: EgoBoxes, others: TrackBoxes, ahead: Indices, standing: float, dt: float) -> IndexMatrix:
    """When each of N trajectories first overlaps each of M tracks, as keys (N, M); -1: never.

    The ego's box at sample t, pushed straight on at its speed by each of ``ahead`` samples (of dt s) in turn, is set
    against the track at that later sample (there are at least S + ahead); key = t * len(ahead) + index in ``ahead``.
    Samples at which the ego is slower than ``standing`` m/s are passed over; touching counts.
    """
    trajectories, samples = ego.x.shape
    tracks, steps = len(others.length), len(ahead)
    keys = np.full((trajectories, tracks), -1, dtype=np.int64)
    half_length, half_width = 0.5 * ego.length, 0.5 * ego.width
    for n in range(trajectories):
        v = n if len(others.x) > 1 else 0
        for m in range(tracks):
            a, b = 0.5 * others.length[m], 0.5 * others.width[m]
            reach = np.sqrt(half_length**2 + half_width**2) + np.sqrt(a * a + b * b)
            for key in range(samples * steps):
                t = key // steps
                if ego.speed[n, t] < standing:
                    continue
                later = t + ahead[key - t * steps]
                pushed = ego.speed[n, t] * dt * (later - t)
                c, s = ego.cos[n, t], ego.sin[n, t]
                dx = others.x[v, m, later] - ego.x[n, t] - c * pushed
                dy = others.y[v, m, later] - ego.y[n, t] - s * pushed
                if not dx * dx + dy * dy <= reach * reach:
                    continue
                other = Box(dx, dy, others.cos[v, m, later], others.sin[v, m, later], a, b)
                if box_gap(Box(0.0, 0.0, c, s, half_length, half_width), other) <= 0.0:
                    keys[n, m] = key
                    break
    return keys


@part
def slack(lanes: LaneSegments, s: int, x: float, y: float) -> float:
    """m that (x, y) lies within the edge of segment ``s``; negative outside."""
    dx, dy = x - lanes.x[s], y - lanes.y[s]
    share = min(max((dx * lanes.step_x[s] + dy * lanes.step_y[s]) / lanes.square[s], 0.0), 1.0)
    dx -= share * lanes.step_x[s]
    dy -= share * lanes.step_y[s]
    return float(lanes.half[s] - np.sqrt(dx * dx + dy * dy))


@kernel
def on_lanes(points: Matrix, lanes: LaneSegments, tolerance: float, cell: float) -> Flags:
    """Whether points (N, 2) m lie on a lane, to within ``tolerance`` m: on the nearest segment's, that is on any.

    The slack is 1-Lipschitz: what it is at the middle of a cell of the grid (``cell`` m) settles most cells at once,
    and says which segments the points of another one can lie on.
    """
    low_x, low_y = points[:, 0].min(), points[:, 1].min()
    columns = int((points[:, 1].max() - low_y) / cell) + 1
    rows = int((points[:, 0].max() - low_x) / cell) + 1
    # of each cell: not looked at yet, inside, or the first of its segments in ``near`` and the one after the last
    first, last = np.full(rows * columns, -1, np.int64), np.zeros(rows * columns, np.int64)
    near, used = np.empty(1024, np.int64), 0
    radius, found = cell * np.sqrt(0.5) + ROUNDING, np.empty(len(points), np.bool_)
    for n in range(len(points)):
        x, y = points[n, 0], points[n, 1]
        row, column = int((x - low_x) / cell), int((y - low_y) / cell)
        key = row * columns + column
        if first[key] == -1:
            middle_x, middle_y = low_x + cell * (row + 0.5), low_y + cell * (column + 0.5)
            first[key] = used
            for s in range(len(lanes.x)):
                here = slack(lanes, s, middle_x, middle_y) + tolerance
                if here >= radius:
                    first[key] = INSIDE
                    break
                if here >= -radius:
                    if used == len(near):
                        more = np.empty(2 * used, np.int64)
                        more[:used] = near
                        near = more
                    near[used] = s
                    used += 1
            last[key] = used
        found[n] = first[key] == INSIDE
        if not found[n]:
            for i in range(first[key], last[key]):
                if slack(lanes, near[i], x, y) >= -tolerance:
                    found[n] = True
                    break
    return found
