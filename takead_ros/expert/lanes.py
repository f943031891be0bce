"""Lane centres with what follows on them, so that others can be forecast along the road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.geometry import wrap_angle
from takead_ros.domain.scene import FloatArray, IntArray, LineKind, Polyline

_REACH = 110.0  # m that a lane is continued over its successors
_JOINT = 1.5  # m between the end of a lane and the start of what follows
_BEND = 0.6  # rad at the joint
_DISTANCE = 2.0  # m to a lane's centre within which a vehicle is on it
_HEADING = 0.5  # rad


@dataclass(frozen=True)
class Lanes:
    """The lane centres of ``source`` in ``map``, each continued over its straightest successors.

    x y yaw arc (Q,): all points, arc growing over all of them; end (Q,): index of the last point of each one's lane;
    own (R,): indices of the points that belong to the lane itself, to be matched.
    """

    source: tuple[Polyline, ...]
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    arc: FloatArray
    end: IntArray
    own: IntArray


def read_lanes(polylines: tuple[Polyline, ...], known: Lanes | None) -> Lanes:
    """The lane centres among ``polylines``; ``known`` where it was read from the very same ones."""
    if known is not None and known.source is polylines:
        return known
    centers = [line.points for line in polylines if line.kind == LineKind.LANE_CENTER and len(line.points) > 1]
    if not centers:
        none, nobody = np.zeros(0), np.zeros(0, dtype=np.int64)
        return Lanes(polylines, none, none, none, none, nobody, nobody)
    chains = [_continued(i, centers) for i in range(len(centers))]
    sizes = np.array([len(points) for points in chains])
    points = np.concatenate(chains)
    ends = np.cumsum(sizes) - 1
    step = np.diff(points, axis=0)
    step[ends[:-1]] = step[ends[:-1] - 1]  # the jump between two lanes is no road
    step = np.vstack([step, step[-1:]])
    length = np.hypot(step[:, 0], step[:, 1])
    arc = np.concatenate([[0.0], np.cumsum(length[:-1])])
    own = np.concatenate([
        np.arange(len(center)) + end + 1 - size for center, end, size in zip(centers, ends, sizes, strict=True)
    ])  # fmt: skip
    yaw = np.arctan2(step[:, 1], step[:, 0])
    return Lanes(polylines, points[:, 0], points[:, 1], yaw, arc, np.repeat(ends, sizes), own)


def _heading(points: FloatArray, at: int) -> float:
    step = points[at + 1] - points[at] if at >= 0 else points[at] - points[at - 1]
    return float(np.arctan2(step[1], step[0]))


def _continued(first: int, centers: list[FloatArray]) -> FloatArray:
    """Lane ``first`` and, end to end, the straightest lanes after it, up to _REACH m beyond its end."""
    chain, length, used = [centers[first]], 0.0, {first}
    while length < _REACH:
        tail = chain[-1]
        course = _heading(tail, -1)
        best, least = -1, np.inf
        for i, center in enumerate(centers):
            if i in used or np.abs(center[0] - tail[-1]).max() > _JOINT:
                continue
            if abs(float(wrap_angle(_heading(center, 0) - course))) > _BEND:
                continue
            turn = abs(float(wrap_angle(_heading(center, -1) - course)))
            if turn < least:
                best, least = i, turn
        if best < 0:
            break
        used.add(best)
        chain.append(centers[best][1:] if len(centers[best]) > 2 else centers[best])
        length += float(np.hypot(*np.diff(centers[best], axis=0).T).sum())
    return np.concatenate(chain)


def match(lanes: Lanes, x: FloatArray, y: FloatArray, yaw: FloatArray) -> IntArray:
    """Index (N,) into the points of ``lanes`` of the lane point nearest to each pose (N,), -1 where none fits."""
    if not len(lanes.own) or not len(x):
        return np.full(len(x), -1, dtype=np.int64)
    away = (lanes.x[lanes.own] - x[:, None]) ** 2 + (lanes.y[lanes.own] - y[:, None]) ** 2
    aligned = np.cos(lanes.yaw[lanes.own] - yaw[:, None])
    nearest = (away + 30.0 * (1.0 - aligned)).argmin(1)
    rows = np.arange(len(x))
    fits = (away[rows, nearest] < _DISTANCE**2) & (aligned[rows, nearest] > np.cos(_HEADING))
    return np.asarray(np.where(fits, lanes.own[nearest], -1))
