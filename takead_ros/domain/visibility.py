"""What the ego's sensors could see: 360 degrees, a range, and a line of sight that tall bodies cut.

The one definition for all simulators and vehicle sides: what a policy learns to see in one of them it sees in another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from takead_ros.compiled import Indices, Vector, kernel, part, prepare
from takead_ros.domain.scene import FloatArray, ObjectKind, Objects

RANGE = 80.0  # m
CLEARANCE = 0.02  # m that a ray must run inside a body before it counts as cut
# Who is as tall as a car, and hides what is behind. People and cyclists leave gaps; a roof sensor looks over cones,
# warning triangles and barriers, which is what OBSTACLE stands for.
OPAQUE = (ObjectKind.CAR, ObjectKind.TRUCK, ObjectKind.EMERGENCY_VEHICLE)
_CAR, _TRUCK, _EMERGENCY = (int(kind) for kind in OPAQUE)
_POINTS = 9  # of a box: corners, middles of the sides, centre
_SLACK = 1e-3  # m by which a body must be out of the way before its sides are not looked at


class Footprints(NamedTuple):
    """Where N bodies stand, and how large they are: x y m, yaw rad, length width m; all (N,)."""

    kind: Indices
    x: Vector
    y: Vector
    yaw: Vector
    length: Vector
    width: Vector


def in_view(objects: Objects, x: float, y: float) -> Objects:
    """The objects whose centre is within 80 m of the eye at (x, y) m, ``map``, each with its visibility from there."""
    seen = replace(objects, visibility=visibility(objects, x, y))
    near = np.hypot(objects.x - x, objects.y - y) <= RANGE
    return seen if near.all() else seen.select(near)


def visibility(objects: Objects, x: float, y: float) -> FloatArray:
    """Share (N,) of nine points of each object's box (corners, middles of the sides, centre) that the eye at (x, y) m,
    ``map``, sees; 0 beyond 80 m."""
    prepare()
    px, py, yaw = (np.array(values, dtype=float) for values in (objects.x, objects.y, objects.yaw))
    length, width = (np.array(values, dtype=float) for values in (objects.length, objects.width))
    bodies = Footprints(np.array(objects.kind, dtype=np.int64), px, py, yaw, length, width)
    return _shares(bodies, float(x), float(y))


@kernel
def _shares(bodies: Footprints, eye_x: float, eye_y: float) -> Vector:
    shares = np.empty(len(bodies.kind))
    for n in range(len(shares)):
        shares[n] = share_seen(n, len(shares), bodies, eye_x, eye_y)
    return shares


@part
def share_seen(n: int, count: int, bodies: Footprints, eye_x: float, eye_y: float) -> float:
    """The visibility of body ``n`` among the first ``count``, from the eye at (eye_x, eye_y) m."""
    kind, x, y, yaw, length, width = bodies
    away = np.hypot(x[n] - eye_x, y[n] - eye_y)
    half = 0.5 * np.hypot(length[n], width[n])
    if away - half > RANGE + _SLACK:
        return 0.0
    cos, sin = np.cos(yaw[n]), np.sin(yaw[n])
    px, py, seen = np.empty(_POINTS), np.empty(_POINTS), np.empty(_POINTS, np.bool_)
    along, across = length[n] / 2.0, width[n] / 2.0
    ahead_x, ahead_y, left_x, left_y = cos * along, sin * along, sin * across, cos * across
    px[0], py[0] = x[n] + ahead_x - left_x, y[n] + ahead_y + left_y
    px[1], py[1] = x[n] - ahead_x - left_x, y[n] - ahead_y + left_y
    px[2], py[2] = x[n] - ahead_x + left_x, y[n] - ahead_y - left_y
    px[3], py[3] = x[n] + ahead_x + left_x, y[n] + ahead_y - left_y
    for i in range(4):
        px[4 + i], py[4 + i] = 0.5 * (px[i] + px[(i + 1) % 4]), 0.5 * (py[i] + py[(i + 1) % 4])
    px[8], py[8] = x[n], y[n]
    for i in range(_POINTS):
        seen[i] = np.hypot(px[i] - eye_x, py[i] - eye_y) <= RANGE
    for b in range(count):
        if b == n or not (kind[b] == _CAR or kind[b] == _TRUCK or kind[b] == _EMERGENCY):
            continue
        bx, by = x[b] - eye_x, y[b] - eye_y
        reach = 0.5 * np.hypot(length[b], width[b]) + half + _SLACK
        if np.hypot(bx, by) > away + reach:
            continue  # farther than the body that it might hide
        if abs((x[n] - eye_x) * by - (y[n] - eye_y) * bx) > reach * max(away, _SLACK):
            continue  # beside every line of sight
        b_cos, b_sin = np.cos(yaw[b]), np.sin(yaw[b])
        ex, ey = eye_x - x[b], eye_y - y[b]
        start_x, start_y = b_cos * ex + b_sin * ey, -b_sin * ex + b_cos * ey
        for i in range(_POINTS):
            if seen[i]:
                dx, dy = px[i] - eye_x, py[i] - eye_y
                enter, leave = _slab(start_x, b_cos * dx + b_sin * dy, length[b] / 2.0 - CLEARANCE, 0.0, 1.0)
                enter, leave = _slab(start_y, -b_sin * dx + b_cos * dy, width[b] / 2.0 - CLEARANCE, enter, leave)
                seen[i] = not enter < leave
    total = 0
    for i in range(_POINTS):
        total += seen[i]
    return total / float(_POINTS)


@part
def _slab(origin: float, along: float, reach: float, enter: float, leave: float) -> tuple[float, float]:
    """Where on its way (0 to 1) a ray is within ``reach`` m of a box's middle, cut with (enter, leave)."""
    if abs(along) < 1e-9:
        along = 1e-9
    low, high = (-reach - origin) / along, (reach - origin) / along
    return max(enter, min(low, high)), min(leave, max(low, high))
