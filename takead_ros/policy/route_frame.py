"""The route's own frame seen from the ego: distance ahead along the reference path and offset to its left.

The policy thinks in this frame, so a bend asks nothing new of it; plans are turned back into ``base_link``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.geometry import to_local, wrap_angle
from takead_ros.domain.scene import FloatArray, Scene

_EXTENSION = 200.0  # m of straight road assumed before and after the path


class NotFiniteError(ValueError):
    """A scene holds a NaN or an infinity."""


@dataclass(frozen=True)
class RouteFrame:
    """A reference path in ``base_link``: points (P, 2) m, heading (P,) rad (continuous), arc (P,) m where 0 is the
    point nearest to the ego. ``offset`` m: the ego's own, positive left of the path; ``heading_error`` rad: ego yaw
    minus path yaw, in [-pi, pi)."""

    points: FloatArray
    heading: FloatArray
    arc: FloatArray
    offset: float
    heading_error: float

    def place(self, along: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """``base_link`` x, y (...) m and path heading (...) rad of points ``along`` m ahead, ``offset`` m left."""
        x = np.interp(along, self.arc, self.points[:, 0])
        y = np.interp(along, self.arc, self.points[:, 1])
        heading = np.interp(along, self.arc, self.heading)
        return x - offset * np.sin(heading), y + offset * np.cos(heading), heading

    def locate(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Distance ahead m, offset m and path heading rad, each (N,), of ``base_link`` points x, y (N,) m."""
        nearest, share, lateral = _project(self.points, np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        along = self.arc[nearest] + share * (self.arc[nearest + 1] - self.arc[nearest])
        heading = self.heading[nearest] + share * (self.heading[nearest + 1] - self.heading[nearest])
        return along, lateral, heading


def route_frame(scene: Scene) -> RouteFrame:
    """The frame of the scene's route. Raises ValueError where the path has fewer than two distinct points, and
    NotFiniteError where path or pose is not finite."""
    ego = scene.ego
    points = to_local(scene.route.path, ego.x, ego.y, ego.yaw)
    if not np.isfinite(points).all():
        raise NotFiniteError("route.path or the ego's pose is not finite")
    steps = np.diff(points, axis=0)
    length = np.sqrt((steps * steps).sum(1))
    if len(points) < 2 or not (length > 1e-3).any():
        raise ValueError(f"route.path has {len(points)} points and no length; at least two distinct ones are needed")
    if not (length > 1e-3).all():
        keep = np.concatenate([[True], length > 1e-3])
        points = points[keep]
        steps = np.diff(points, axis=0)
        length = np.sqrt((steps * steps).sum(1))
    unit = steps / length[:, None]
    points = np.concatenate([points[:1] - _EXTENSION * unit[:1], points, points[-1:] + _EXTENSION * unit[-1:]])
    segment = np.unwrap(np.arctan2(unit[:, 1], unit[:, 0]))
    inner = 0.5 * (segment[:-1] + segment[1:])
    heading = np.concatenate([segment[:1], segment[:1], inner, segment[-1:], segment[-1:]])
    arc = np.concatenate([[-_EXTENSION, 0.0], np.cumsum(length), [length.sum() + _EXTENSION]])
    nearest, share, lateral = _project(points, np.zeros(1), np.zeros(1))
    i = int(nearest[0])
    start = arc[i] + share[0] * (arc[i + 1] - arc[i])
    direction = heading[i] + share[0] * (heading[i + 1] - heading[i])
    return RouteFrame(points, heading, arc - start, float(lateral[0]), float(wrap_angle(-direction)))


def _project(points: FloatArray, x: FloatArray, y: FloatArray) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Segment (N,), share of it (N,) in [0, 1] and signed distance (N,) m of points x, y (N,) on ``points`` (P, 2)."""
    along = points[1:] - points[:-1]
    ahead, aside = along[:, 0], along[:, 1]
    dx, dy = x[:, None] - points[None, :-1, 0], y[:, None] - points[None, :-1, 1]
    share = (dx * ahead + dy * aside) / (ahead * ahead + aside * aside)
    share = np.minimum(np.maximum(share, 0.0), 1.0)
    dx2, dy2 = dx - share * ahead, dy - share * aside
    apart = dx2 * dx2 + dy2 * dy2
    nearest = apart.argmin(1)
    rows = np.arange(len(x))
    side = along[nearest, 0] * dy[rows, nearest] - along[nearest, 1] * dx[rows, nearest]
    return nearest, share[rows, nearest], np.copysign(np.sqrt(apart[rows, nearest]), side)
