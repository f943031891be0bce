"""Kernels of the prediction: where the ego and the others will be, and when they first meet. Frame ``map``, SI."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.compiled import Cube, Indices, Matrix, Vector, kernel, part
from takead_ros.domain.kernels import interpolate, wrapped

NEAR_M = 0.5  # keeps a division of the pure pursuit defined
TURNED_M2 = 30.0  # choosing the nearest point of a lane, a full turn away from its heading counts twice this


class PursuitVehicle(NamedTuple):
    """The ego's pose x y m, yaw rad and speed m/s, its wheelbase m and full lock rad; its strongest braking and
    acceleration m/s^2; its lookahead in steps of the prediction and at least in m."""

    x: float
    y: float
    yaw: float
    speed: float
    wheelbase: float
    lock: float
    braking: float
    acceleration: float
    lookahead_steps: float
    lookahead_m: float


class LaneReach(NamedTuple):
    """Who is on a lane: within reach_m of it and heading_rad of its direction; drifting on sideways for drift_s."""

    reach_m: float
    heading_rad: float
    drift_s: float


class LanePoints(NamedTuple):
    """The lanes' centres: x y m, yaw rad, arc m growing along each one, ``last`` its last index; all (Q,)."""

    x: Vector
    y: Vector
    yaw: Vector
    arc: Vector
    last: Indices


class MovingObjects(NamedTuple):
    """The others now: x y m, yaw rad, speed m/s in direction course rad; all (N,)."""

    x: Vector
    y: Vector
    yaw: Vector
    speed: Vector
    course: Vector


@kernel
def pursue(
    t: Vector, arc: Vector, x: Vector, y: Vector, end_yaw: float, age: float, ahead: Vector, ego: PursuitVehicle
) -> Matrix:
    """Poses (T, 3) [x, y, yaw] of a bicycle that follows a trace t s, arc x y (F,) m, ``age`` s old, at ahead (T,) s.

    Its reference point is the centre, which moves off at the slip angle; each angle is that of the circle through the
    aim (pure pursuit of the rear axle, Coulter, CMU-RI-TR-92-01; Rajamani, Vehicle Dynamics and Control, eq. 2.3).
    """
    poses = np.empty((len(ahead), 3))
    v, last, half = max(ego.speed, 0.0), arc[len(arc) - 1], 0.5 * ego.wheelbase
    most = np.arctan(0.5 * np.tan(ego.lock))  # slip angle at full lock
    end_cos, end_sin = np.cos(end_yaw), np.sin(end_yaw)
    start = interpolate(age, t, arc)
    own_x, own_y, yaw, before = ego.x, ego.y, ego.yaw, start
    for i in range(len(ahead)):
        until = min(ahead[i], v / ego.braking)
        way = interpolate(age + ahead[i], t, arc) - start
        way = min(way, v * ahead[i] + 0.5 * ego.acceleration * ahead[i] * ahead[i])
        way = start + max(way, v * until - 0.5 * ego.braking * until * until)
        step = way - before
        aim = before + max(ego.lookahead_steps * step, ego.lookahead_m)
        beyond = max(aim - last, 0.0)
        dx = interpolate(aim, arc, x) + beyond * end_cos - own_x
        dy = interpolate(aim, arc, y) + beyond * end_sin - own_y
        left, on = np.cos(yaw) * dy - np.sin(yaw) * dx, np.cos(yaw) * dx + np.sin(yaw) * dy
        slip = np.arctan(left / max(on + (dx * dx + dy * dy) / ego.wheelbase, NEAR_M))
        slip = min(max(slip, -most), most)
        turn = step * np.sin(slip) / half
        course = yaw + slip + 0.5 * turn
        own_x, own_y, yaw, before = own_x + step * np.cos(course), own_y + step * np.sin(course), yaw + turn, way
        poses[i, 0], poses[i, 1], poses[i, 2] = own_x, own_y, yaw
    return poses


@kernel
def follow_lanes(
    lanes: LanePoints, others: MovingObjects, rides: Indices, straight: Cube, ahead: Vector, reach: LaneReach
) -> tuple[Cube, bool]:
    """(poses (N, T, 3), whether anybody is on a lane): who is, of ``rides`` (M,), goes along it, others as given."""
    poses, anybody = straight.copy(), False
    for n in rides:
        i, least, turned = 0, np.inf, 0.0
        for q in range(len(lanes.x)):
            cost = (lanes.x[q] - others.x[n]) ** 2 + (lanes.y[q] - others.y[n]) ** 2
            if not cost < least:  # its direction only makes it dearer
                continue
            along = np.cos(lanes.yaw[q] - others.course[n])
            cost += TURNED_M2 * (1.0 - along)
            if cost < least:
                i, least, turned = q, cost, along
        dx, dy = others.x[n] - lanes.x[i], others.y[n] - lanes.y[i]
        if not (dx * dx + dy * dy < reach.reach_m**2 and turned > np.cos(reach.heading_rad)):
            continue
        anybody = True
        cos, sin = np.cos(lanes.yaw[i]), np.sin(lanes.yaw[i])
        offset, here = cos * dy - sin * dx, lanes.arc[i] + cos * dx + sin * dy
        drift, pace = (
            others.speed[n] * np.sin(others.course[n] - lanes.yaw[i]),
            others.speed[n] * np.cos(others.course[n] - lanes.yaw[i]),
        )
        for t in range(len(ahead)):
            there = here + pace * ahead[t]
            j = np.searchsorted(lanes.arc, there, side="right") - 1
            j = min(max(j, i), lanes.last[i])
            beyond, side = there - lanes.arc[j], offset + drift * min(ahead[t], reach.drift_s)
            cos, sin = np.cos(lanes.yaw[j]), np.sin(lanes.yaw[j])
            poses[n, t, 0] = lanes.x[j] + beyond * cos - side * sin
            poses[n, t, 1] = lanes.y[j] + beyond * sin + side * cos
            poses[n, t, 2] = others.yaw[n] + wrapped(lanes.yaw[j] - lanes.yaw[i])
    return poses, anybody


@part
def _apart(
    dx: float, dy: float, yaw: float, near_length: float, near_width: float, along: float, across: float
) -> bool:
    """Whether a box is beyond one of mine's sides: half lengths and widths m of mine, half extents m of the other."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    return bool(abs(cos * dx + sin * dy) >= near_length + along or abs(cos * dy - sin * dx) >= near_width + across)


@kernel
def contact(
    ego: Matrix, length: float, width: float, others: Cube, other_length: Vector, other_width: Vector, ahead: Vector
) -> Vector:
    """(N,) s of ahead (T,) at which the ego's box, poses (T, 3), first overlaps that of each other (N, T, 3), or inf.

    Separating-axis theorem along the four directions of the sides.
    """
    first: Vector = np.full(len(other_length), np.inf)
    a, b = 0.5 * length, 0.5 * width
    for n in range(len(first)):
        c, d = 0.5 * other_length[n], 0.5 * other_width[n]
        reach = np.hypot(a, b) + np.hypot(c, d)
        for t in range(len(ahead)):
            dx, dy = others[n, t, 0] - ego[t, 0], others[n, t, 1] - ego[t, 1]
            if not dx * dx + dy * dy < reach * reach:
                continue
            turned = others[n, t, 2] - ego[t, 2]
            cos, sin = abs(np.cos(turned)), abs(np.sin(turned))
            if _apart(dx, dy, ego[t, 2], a, b, c * cos + d * sin, c * sin + d * cos):
                continue
            if not _apart(dx, dy, ego[t, 2] + turned, c, d, a * cos + b * sin, a * sin + b * cos):
                first[n] = ahead[t]
                break
    return first
