"""The route as a regular grid in ``base_link``: places along it, offsets to its left, the drivable band beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.geometry import to_local, unwrapped, wrap_angle
from takead_ros.domain.scene import EgoState, FloatArray, IntArray, LineKind, Polyline, Scene

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
        grid, places = np.array((self.x, self.y)), np.empty((len(px), 2))
        places[:, 0], places[:, 1] = px, py
        square = 0.5 * (self.x**2 + self.y**2) - places @ grid
        i = square.argmin(1)
        yaw = self.yaw[i]
        cos, sin = np.cos(yaw), np.sin(yaw)
        dx, dy = px - self.x[i], py - self.y[i]
        along = (i - BEHIND) * STEP + cos * dx + sin * dy
        return along.reshape(shape), (cos * dy - sin * dx).reshape(shape), i.reshape(shape)


def slopes(values: FloatArray) -> FloatArray:
    """Change (..., P) per grid point of ``values`` (..., P) along the last axis: central, one-sided at the ends."""
    result = np.empty_like(values)
    result[..., 1:-1] = 0.5 * (values[..., 2:] - values[..., :-2])
    result[..., 0], result[..., -1] = values[..., 1] - values[..., 0], values[..., -1] - values[..., -2]
    return result


def index(along: FloatArray) -> IntArray:
    """Nearest grid point of places ``along`` m, held at the ends of the grid."""
    place = np.rint(np.asarray(along) / STEP) + BEHIND
    return np.asarray(np.minimum(np.maximum(place, 0), BEHIND + AHEAD), dtype=np.int64)


def build_frame(scene: Scene) -> Frame:
    """The frame of the scene's route, continued straight beyond its ends.

    Raises ValueError where the path has no two distinct points.
    """
    ego = scene.ego
    points = to_local(scene.route.path, ego.x, ego.y, ego.yaw)
    ends = points[1:] - points[:-1]
    steps = np.hypot(ends[:, 0], ends[:, 1])
    apart = steps > 1e-3
    if not apart.any():
        raise ValueError(f"route.path has {len(points)} points and no length; at least two distinct ones are needed")
    if not apart.all():
        points = points[np.concatenate([[True], apart])]
        ends = points[1:] - points[:-1]
        steps = np.hypot(ends[:, 0], ends[:, 1])
    arc = np.zeros(len(points))
    np.cumsum(steps, out=arc[1:])
    start = points[:-1]
    share = np.minimum(np.maximum(-(start * ends).sum(1) / (ends**2).sum(1), 0.0), 1.0)
    foot = start + share[:, None] * ends
    nearest = int((foot**2).sum(1).argmin())
    here = arc[nearest] + share[nearest] * (arc[nearest + 1] - arc[nearest])

    grid = here + STEP * np.arange(-BEHIND, AHEAD + 1)
    first, last = ends[0] / np.hypot(*ends[0]), ends[-1] / np.hypot(*ends[-1])
    before, after = np.maximum(arc[0] - grid, 0.0), np.maximum(grid - arc[-1], 0.0)
    x = np.interp(grid, arc, points[:, 0]) - before * first[0] + after * last[0]
    y = np.interp(grid, arc, points[:, 1]) - before * first[1] + after * last[1]
    yaw = unwrapped(np.arctan2(slopes(y), slopes(x)))
    yaw -= 2.0 * np.pi * np.round(yaw[BEHIND] / (2.0 * np.pi))
    padded = np.empty(len(yaw) + 4)
    padded[:2], padded[2:-2], padded[-2:] = yaw[0], yaw, yaw[-1]
    curvature = (padded[4:] - padded[:-4]) / (4.0 * STEP)
    cos, sin = np.cos(yaw[BEHIND]), np.sin(yaw[BEHIND])
    offset = float(sin * x[BEHIND] - cos * y[BEHIND])
    return Frame(x, y, yaw, curvature, offset, float(wrap_angle(-yaw[BEHIND])))


def drivable_band(polylines: tuple[Polyline, ...], ego: EgoState, frame: Frame) -> tuple[FloatArray, FloatArray]:
    """(right, left) (P,) m: how far from the route the road reaches at each grid point, right negative.

    From the road edges; infinite where none is known.
    """
    right, left = np.full(len(frame.x), -np.inf), np.full(len(frame.x), np.inf)
    edges = [line.points for line in polylines if line.kind == LineKind.ROAD_EDGE and len(line.points)]
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
