"""The route as a regular grid in ``base_link``: places along it, offsets to its left, the drivable band beside it."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.geometry import wrap_angle
from takead_ros.domain.scene import FloatArray, IntArray, Scene
from takead_ros.expert.arrays import Ego, RouteGrid
from takead_ros.expert.kernels import route as kernel

STEP = 1.0  # m between grid points (the kernels rely on it)
BEHIND = 30  # grid points behind the ego
AHEAD = 120  # grid points ahead of it
GRID = STEP * np.arange(AHEAD + 1)  # (G,) m along the route, ahead of the ego


def locate(grid: RouteGrid, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """(along m, offset m, nearest grid point), each like ``x``, of ``base_link`` points x, y (any shape) m."""
    shape = np.shape(x)
    along, offset, i = kernel.locate(grid, np.ravel(x), np.ravel(y))
    return along.reshape(shape), offset.reshape(shape), i.reshape(shape)


def index(along: float) -> int:
    """Nearest grid point of the place ``along`` m, held at the ends of the grid."""
    return int(min(max(np.rint(along / STEP) + BEHIND, 0), BEHIND + AHEAD))


def span(start: float, end: float) -> slice:
    """The grid points from ``start`` to ``end`` m along the route."""
    return slice(index(start), index(end) + 1)


def build_grid(scene: Scene, ego: Ego) -> RouteGrid:
    """The grid of the scene's route, continued straight beyond its ends.

    Raises ValueError where the path has no two distinct points.
    """
    path = np.ascontiguousarray(scene.route.path, dtype=float)
    x, y, yaw, curvature = kernel.grid(path, ego, BEHIND, AHEAD)
    if not len(x):
        raise ValueError(f"route.path has {len(path)} points and no length; at least two distinct ones are needed")
    cos, sin = np.cos(yaw[BEHIND]), np.sin(yaw[BEHIND])
    offset = float(sin * x[BEHIND] - cos * y[BEHIND])
    return RouteGrid(x, y, yaw, curvature, BEHIND, offset, float(wrap_angle(-yaw[BEHIND])))
