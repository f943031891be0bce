"""The route as a regular grid in ``base_link``: places along it, offsets to its left, the drivable band beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.geometry import wrap_angle
from takead_ros.domain.scene import EgoState, FloatArray, IntArray, Scene
from takead_ros.expert.kernels.route import band, grid, locate
from takead_ros.expert.lanes import Lanes

STEP = 1.0  # m between grid points (the kernels rely on it)
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
        along, offset, i = locate(self.x, self.y, self.yaw, BEHIND, np.ravel(x), np.ravel(y))
        return along.reshape(shape), offset.reshape(shape), i.reshape(shape)


def index(along: FloatArray) -> IntArray:
    """Nearest grid point of places ``along`` m, held at the ends of the grid."""
    place = np.rint(np.asarray(along) / STEP) + BEHIND
    return np.asarray(np.minimum(np.maximum(place, 0), BEHIND + AHEAD), dtype=np.int64)


def build_frame(scene: Scene) -> Frame:
    """The frame of the scene's route, continued straight beyond its ends.

    Raises ValueError where the path has no two distinct points.
    """
    ego = scene.ego
    path = np.ascontiguousarray(scene.route.path, dtype=float)
    x, y, yaw, curvature = grid(path, ego.x, ego.y, ego.yaw, BEHIND, AHEAD)
    if not len(x):
        raise ValueError(f"route.path has {len(path)} points and no length; at least two distinct ones are needed")
    cos, sin = np.cos(yaw[BEHIND]), np.sin(yaw[BEHIND])
    offset = float(sin * x[BEHIND] - cos * y[BEHIND])
    return Frame(x, y, yaw, curvature, offset, float(wrap_angle(-yaw[BEHIND])))


def drivable_band(lanes: Lanes, ego: EgoState, frame: Frame) -> tuple[FloatArray, FloatArray]:
    """(right, left) (P,) m: how far from the route the road reaches at each grid point, right negative.

    From the road's edges; infinite where none is known.
    """
    return band(frame.x, frame.y, frame.yaw, BEHIND, lanes.edges, ego.x, ego.y, ego.yaw)
