"""The route as a regular grid in ``base_link``: places along it, offsets to its left, the drivable band beside it."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.scene import FloatArray, IntArray
from takead_ros.expert.arrays import RouteGrid
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
