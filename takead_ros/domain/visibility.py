"""What the ego's sensors could see: 360 degrees, a range, and a line of sight that tall bodies cut."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.geometry import box_corners
from takead_ros.domain.scene import FloatArray

RANGE = 80.0  # m
CLEARANCE = 0.02  # m that a ray must run inside a body before it counts as cut


def visibility(eye: tuple[float, float], x: FloatArray, y: FloatArray, yaw: FloatArray, length: FloatArray,
               width: FloatArray, opaque: np.ndarray) -> FloatArray:  # fmt: skip
    """Share (N,) of nine points of each box (corners, middles of the sides, centre) that ``eye`` (m, map) sees.

    x y yaw length width (N,) m, rad; ``opaque`` (N,) bool: whether the body hides what is behind it. 0 beyond 80 m.
    """
    count = len(x)
    if count == 0:
        return np.zeros(0)
    corners = box_corners(x, y, yaw, length, width)
    points = np.empty((count, 9, 2))
    points[:, :4], points[:, 4:8] = corners, 0.5 * (corners + corners[:, (1, 2, 3, 0)])
    points[:, 8, 0], points[:, 8, 1] = x, y
    seen = np.hypot(points[..., 0] - eye[0], points[..., 1] - eye[1]) <= RANGE
    blocking = np.flatnonzero(opaque)
    if len(blocking):
        cut = _cut(eye, points, x[blocking], y[blocking], yaw[blocking], length[blocking], width[blocking])  # (M, N, 9)
        cut[np.arange(len(blocking)), blocking] = False  # no body hides itself
        seen &= ~cut.any(0)
    return np.asarray(seen.mean(1))


def _cut(eye: tuple[float, float], points: FloatArray, x: FloatArray, y: FloatArray, yaw: FloatArray,
         length: FloatArray, width: FloatArray) -> np.ndarray:  # fmt: skip
    """Whether the segment from ``eye`` to each point (N, K, 2) runs through each box (M,): (M, N, K), slab method."""
    cos, sin = np.cos(yaw)[:, None, None], np.sin(yaw)[:, None, None]
    ex, ey = eye[0] - x[:, None, None], eye[1] - y[:, None, None]
    start = (cos * ex + sin * ey, -sin * ex + cos * ey)
    dx, dy = points[..., 0] - eye[0], points[..., 1] - eye[1]
    step = (cos * dx + sin * dy, -sin * dx + cos * dy)
    enter, leave = np.zeros(1), np.ones(1)
    for origin, along, half in zip(start, step, (length / 2.0, width / 2.0), strict=True):
        reach = half[:, None, None] - CLEARANCE
        along = np.where(np.abs(along) < 1e-9, 1e-9, along)
        low, high = (-reach - origin) / along, (reach - origin) / along
        enter = np.maximum(enter, np.minimum(low, high))
        leave = np.minimum(leave, np.maximum(low, high))
    return np.asarray(enter < leave)
