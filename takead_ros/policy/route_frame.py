"""The route's own frame seen from the ego: distance ahead along the reference path and offset to its left.

The policy thinks in this frame, so a bend asks nothing new of it; plans are turned back into ``base_link``.
"""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.scene import FloatArray, Scene
from takead_ros.policy.arrays import RouteFrame
from takead_ros.policy.kernels import route as kernel


class NotFiniteError(ValueError):
    """A scene holds a NaN or an infinity."""


def route_frame(scene: Scene) -> RouteFrame:
    """The frame of the scene's route. Raises ValueError where the path has fewer than two distinct points, and
    NotFiniteError where path or pose is not finite."""
    prepare()
    ego, path = scene.ego, np.array(scene.route.path, dtype=float)
    if not np.isfinite(path.sum() + ego.x + ego.y + ego.yaw):
        raise NotFiniteError("route.path or the ego's pose is not finite")
    frame = kernel.frame_of(path, float(ego.x), float(ego.y), float(ego.yaw))
    if not len(frame.arc):
        raise ValueError(f"route.path has {len(path)} points and no length; at least two distinct ones are needed")
    return frame


def from_route_frame(
    frame: RouteFrame, along: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """``base_link`` x, y (...) m and path heading (...) rad of points ``along`` m ahead, ``offset`` m left."""
    found = kernel.points_from_frame(frame, np.array(along, dtype=float).ravel(), np.array(offset, dtype=float).ravel())
    x, y, heading = (values.reshape(np.shape(along)) for values in found)
    return x, y, heading


def to_route_frame(frame: RouteFrame, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distance ahead m, offset m and path heading rad, each (N,), of ``base_link`` points x, y (N,) m."""
    return kernel.points_to_frame(frame, np.array(x, dtype=float), np.array(y, dtype=float))
