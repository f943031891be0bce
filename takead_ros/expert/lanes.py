"""The road's lines as arrays: lane centres with what follows on them, and the road's edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.geometry import wrap_angle
from takead_ros.domain.scene import FloatArray, IntArray, LineKind, Polyline

_REACH = 110.0  # m that a lane is continued over its successors
_JOINT = 1.5  # m between the end of a lane and the start of what follows
_BEND = 0.6  # rad at the joint


@dataclass(frozen=True)
class Lanes:
    """The lane centres of ``source`` in ``map``, each continued over its straightest successors.

    x y yaw arc (Q,): all points, arc growing over all of them; end (Q,): index of the last point of each one's lane;
    own (R,): indices of the points that belong to the lane itself, to be matched. edges (E, 2) m: points on the road's
    edges.
    """

    source: tuple[Polyline, ...]
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    arc: FloatArray
    end: IntArray
    own: IntArray
    edges: FloatArray


def read_lanes(polylines: tuple[Polyline, ...], known: Lanes | None) -> Lanes:
    """The lines among ``polylines``; ``known`` where it was read from the very same ones."""
    if known is not None and known.source is polylines:
        return known
    centers = [line.points for line in polylines if line.kind == LineKind.LANE_CENTER and len(line.points) > 1]
    sides = [line.points for line in polylines if line.kind == LineKind.ROAD_EDGE and len(line.points)]
    edges = np.concatenate(sides).astype(float) if sides else np.zeros((0, 2))
    if not centers:
        none, nobody = np.zeros(0), np.zeros(0, dtype=np.int64)
        return Lanes(polylines, none, none, none, none, nobody, nobody, edges)
    joints = _joints(centers)
    chains = [_continued(i, centers, joints) for i in range(len(centers))]
    sizes = np.array([len(points) for points in chains])
    points = np.concatenate(chains).astype(float)
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
    x, y = points.T.copy()
    return Lanes(polylines, x, y, yaw, arc, np.repeat(ends, sizes), own, edges)


@dataclass(frozen=True)
class _Joints:
    """What follows what: ``after[i]`` are the lanes that may follow lane i, the straightest first; length (L,) m."""

    after: list[list[int]]
    length: list[float]


def _joints(centers: list[FloatArray]) -> _Joints:
    first, last = np.array([c[0] for c in centers]), np.array([c[-1] for c in centers])
    leaving = np.array([c[1] for c in centers]) - first
    coming = last - np.array([c[-2] for c in centers])
    begins, ends = np.arctan2(leaving[:, 1], leaving[:, 0]), np.arctan2(coming[:, 1], coming[:, 0])
    meets = np.abs(first - last[:, None]).max(-1) <= _JOINT
    meets &= np.abs(wrap_angle(begins - ends[:, None])) <= _BEND
    turn = np.where(meets, np.abs(wrap_angle(ends - ends[:, None])), np.inf)
    order = np.argsort(turn, axis=1, kind="stable")
    after = [row[:count].tolist() for row, count in zip(order, meets.sum(1), strict=True)]
    return _Joints(after, [float(np.hypot(*np.diff(c, axis=0).T).sum()) for c in centers])


def _continued(first: int, centers: list[FloatArray], joints: _Joints) -> FloatArray:
    """Lane ``first`` and, end to end, the straightest lanes after it, up to _REACH m beyond its end."""
    chain, length, used = [centers[first]], 0.0, [first]
    while length < _REACH:
        best = next((i for i in joints.after[used[-1]] if i not in used), None)
        if best is None:
            break
        used.append(best)
        chain.append(centers[best][1:] if len(centers[best]) > 2 else centers[best])
        length += joints.length[best]
    return np.concatenate(chain)
