"""The route as a regular grid in ``base_link``: places along it, offsets to its left, the drivable band beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.geometry import arc_lengths, to_local, wrap_angle
from takead_ros.domain.scene import FloatArray, IntArray, LineKind, Scene

STEP = 1.0  # m between grid points
BEHIND = 30  # grid points behind the ego
AHEAD = 120  # grid points ahead of it


@dataclass(frozen=True)
class Frame:
    """Grid point i lies ``i - BEHIND`` metres along the route from the point nearest to the ego.

    x y (P,) m and yaw (P,) rad (continuous) in ``base_link``, curvature (P,) 1/m; offset m: the ego's own, positive
    left of the route; heading_error rad: ego yaw minus route yaw. P = BEHIND + AHEAD + 1.
    """

    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    curvature: FloatArray
    offset: float
    heading_error: float

    def locate(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """(along m, offset m, nearest grid point), each like ``x``, of ``base_link`` points x, y (any shape) m."""
        shape = np.shape(x)
        px, py = np.ravel(x), np.ravel(y)
        square = (self.x**2 + self.y**2)[:, None] - 2.0 * (np.outer(self.x, px) + np.outer(self.y, py))
        i = square.argmin(0)
        cos, sin = np.cos(self.yaw)[i], np.sin(self.yaw)[i]
        dx, dy = px - self.x[i], py - self.y[i]
        along = (i - BEHIND) * STEP + cos * dx + sin * dy
        return along.reshape(shape), (cos * dy - sin * dx).reshape(shape), i.reshape(shape)


def index(along: FloatArray) -> IntArray:
    """Nearest grid point of places ``along`` m, held at the ends of the grid."""
    return np.asarray(np.clip(np.rint(np.asarray(along) / STEP) + BEHIND, 0, BEHIND + AHEAD), dtype=np.int64)


def build_frame(scene: Scene) -> Frame:
    """The frame of the scene's route, continued straight beyond its ends.

    Raises ValueError where the path has no two distinct points.
    """
    ego = scene.ego
    points = to_local(scene.route.path, ego.x, ego.y, ego.yaw)
    steps = np.hypot(*np.diff(points, axis=0).T) if len(points) > 1 else np.zeros(0)
    if not (steps > 1e-3).any():
        raise ValueError(f"route.path has {len(points)} points and no length; at least two distinct ones are needed")
    points = points[np.concatenate([[True], steps > 1e-3])]
    arc = arc_lengths(points)
    start, ends = points[:-1], np.diff(points, axis=0)
    share = np.clip(-(start * ends).sum(1) / (ends**2).sum(1), 0.0, 1.0)
    foot = start + share[:, None] * ends
    nearest = int((foot**2).sum(1).argmin())
    here = arc[nearest] + share[nearest] * (arc[nearest + 1] - arc[nearest])

    grid = here + STEP * np.arange(-BEHIND, AHEAD + 1)
    first, last = ends[0] / np.hypot(*ends[0]), ends[-1] / np.hypot(*ends[-1])
    before, after = np.maximum(arc[0] - grid, 0.0), np.maximum(grid - arc[-1], 0.0)
    x = np.interp(grid, arc, points[:, 0]) - before * first[0] + after * last[0]
    y = np.interp(grid, arc, points[:, 1]) - before * first[1] + after * last[1]
    dx, dy = np.gradient(x), np.gradient(y)
    yaw = np.unwrap(np.arctan2(dy, dx))
    yaw -= 2.0 * np.pi * np.round(yaw[BEHIND] / (2.0 * np.pi))
    curvature = np.convolve(np.pad(np.gradient(yaw), 2, mode="edge"), np.full(5, 0.2), mode="valid") / STEP
    cos, sin = np.cos(yaw[BEHIND]), np.sin(yaw[BEHIND])
    offset = float(sin * x[BEHIND] - cos * y[BEHIND])
    return Frame(x, y, yaw, curvature, offset, float(wrap_angle(-yaw[BEHIND])))


def drivable_band(scene: Scene, frame: Frame) -> tuple[FloatArray, FloatArray]:
    """(right, left) (P,) m: how far from the route the road reaches at each grid point, right negative.

    From the road edges; where none is known, the road ends half a lane (2 m) beside the outermost lane centre.
    """
    ego = scene.ego
    right, left = np.full(len(frame.x), -np.inf), np.full(len(frame.x), np.inf)
    edges = [line.points for line in scene.polylines if line.kind == LineKind.ROAD_EDGE and len(line.points)]
    if edges:
        points = to_local(np.concatenate(edges), ego.x, ego.y, ego.yaw)
        near = (points**2).sum(1) < 80.0**2
        along, offset, i = frame.locate(points[near, 0], points[near, 1])
        beside = (np.abs(offset) < 25.0) & (np.abs(along - (i - BEHIND) * STEP) < 2.0 * STEP)
        for shift in (-2, -1, 0, 1, 2):
            at = np.clip(i + shift, 0, len(right) - 1)
            np.minimum.at(left, at[beside & (offset > 0)], offset[beside & (offset > 0)])
            np.maximum.at(right, at[beside & (offset <= 0)], offset[beside & (offset <= 0)])
    return right, left
