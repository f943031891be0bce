"""What the ego's sensors could see: 360 degrees, a range, and a line of sight that tall bodies cut.

The one definition for all simulators and vehicle sides: what a policy learns to see in one of them it sees in another.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.geometry import box_corners
from takead_ros.domain.scene import FloatArray, ObjectKind, Objects

RANGE = 80.0  # m
CLEARANCE = 0.02  # m that a ray must run inside a body before it counts as cut
# Who is as tall as a car, and hides what is behind. People and cyclists leave gaps; a roof sensor looks over cones,
# warning triangles and barriers, which is what OBSTACLE stands for.
OPAQUE = (ObjectKind.CAR, ObjectKind.TRUCK, ObjectKind.EMERGENCY_VEHICLE)
_HIDES = np.isin(np.arange(len(ObjectKind)), OPAQUE)  # by kind


def in_view(objects: Objects, x: float, y: float) -> Objects:
    """The objects whose centre is within 80 m of the eye at (x, y) m, ``map``, each with its visibility from there."""
    seen = replace(objects, visibility=visibility(objects, x, y))
    near = np.hypot(objects.x - x, objects.y - y) <= RANGE
    return seen if near.all() else seen.select(near)


def visibility(objects: Objects, x: float, y: float) -> FloatArray:
    """Share (N,) of nine points of each object's box (corners, middles of the sides, centre) that the eye at (x, y) m,
    ``map``, sees; 0 beyond 80 m."""
    count = len(objects)
    if count == 0:
        return np.zeros(0)
    corners = box_corners(objects.x, objects.y, objects.yaw, objects.length, objects.width)
    points = np.empty((count, 9, 2))
    points[:, :4], points[:, 4:8] = corners, 0.5 * (corners + corners[:, (1, 2, 3, 0)])
    points[:, 8, 0], points[:, 8, 1] = objects.x, objects.y
    seen = np.hypot(points[..., 0] - x, points[..., 1] - y) <= RANGE
    blocking = np.flatnonzero(_HIDES[objects.kind])
    if len(blocking):
        cut = _cut((x, y), points, objects.select(blocking))  # (M, N, 9)
        cut[np.arange(len(blocking)), blocking] = False  # no body hides itself
        seen &= ~cut.any(0)
    return np.asarray(seen.mean(1))


def _cut(eye: tuple[float, float], points: FloatArray, boxes: Objects) -> np.ndarray:
    """Whether the segment from ``eye`` to each point (N, K, 2) runs through each of M boxes: (M, N, K), slab method."""
    cos, sin = np.cos(boxes.yaw)[:, None, None], np.sin(boxes.yaw)[:, None, None]
    ex, ey = eye[0] - boxes.x[:, None, None], eye[1] - boxes.y[:, None, None]
    start = (cos * ex + sin * ey, -sin * ex + cos * ey)
    dx, dy = points[..., 0] - eye[0], points[..., 1] - eye[1]
    step = (cos * dx + sin * dy, -sin * dx + cos * dy)
    enter, leave = np.zeros(1), np.ones(1)
    for origin, along, half in zip(start, step, (boxes.length / 2.0, boxes.width / 2.0), strict=True):
        reach = half[:, None, None] - CLEARANCE
        along = np.where(np.abs(along) < 1e-9, 1e-9, along)
        low, high = (-reach - origin) / along, (reach - origin) / along
        enter = np.maximum(enter, np.minimum(low, high))
        leave = np.minimum(leave, np.maximum(low, high))
    return np.asarray(enter < leave)
