"""Kernels of the forecasts: which lane somebody drives on, how far they come, where along the lane that is."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Flags, Indices, Matrix, Vector, kernel, part
from takead_ros.expert.arrays import Boxes, Courses, Ego, LaneGraph, Sightings

DISTANCE = 2.0  # m to a lane's centre within which a vehicle is on it
HEADING = 0.5  # rad
TURN_COST = 30.0  # m^2 for a heading across the lane
DRIFT_TIME = 2.5  # s for which a sideways motion in the lane goes on
DRIFT_LIMIT = 3.5  # m
SPEEDS_UP = 1.0  # s for which a gain of speed goes on


@kernel
def match(lanes: LaneGraph, follows: Flags, x: Vector, y: Vector, yaw: Vector) -> Indices:
    """``lane`` (N,) of Courses for poses x y yaw (N,) in ``map``: the point among the lanes' own that is nearest to the
    pose and points its way; -1 where none fits, and for those that are not in ``follows`` (N,)."""
    lane = np.full(len(x), -1)
    straight = np.cos(HEADING)
    for n in range(len(x)):
        if not follows[n]:
            continue
        least = DISTANCE**2 + TURN_COST * (1.0 - straight)  # nothing that costs more fits
        for q in lanes.own:
            away = (lanes.x[q] - x[n]) ** 2 + (lanes.y[q] - y[n]) ** 2
            if away < least:
                aligned = np.cos(lanes.yaw[q] - yaw[n])
                cost = away + TURN_COST * (1.0 - aligned)
                if cost < least:
                    least = cost
                    lane[n] = q if away < DISTANCE**2 and aligned > straight else -1
    return lane


@part
def _tangent(lanes: LaneGraph, q: int, on: float) -> float:
    """Direction rad of the lane ``on`` m along the chord from point ``q``: half of its turn is done in the middle."""
    last = lanes.end[q]
    if q >= last:
        return float(lanes.yaw[q])
    share = min(max(on / max(lanes.arc[q + 1] - lanes.arc[q], 0.1), -0.5), 1.0) - 0.5
    follows = q + 1 < last  # the last point has the direction of the chord before it
    leads = q > 0 and lanes.end[q - 1] == last
    if (share < 0.0 and leads) or not follows:
        share = -share
        other = q - 1 if leads else q
    else:
        other = q + 1
    turn = (lanes.yaw[other] - lanes.yaw[q] + np.pi) % (2.0 * np.pi) - np.pi
    return float(lanes.yaw[q] + turn * share)


@kernel
def beside(
    lanes: LaneGraph, lane: Indices, x: Vector, y: Vector, vx: Vector, vy: Vector
) -> tuple[Vector, Vector, Vector]:
    """(here, offset, drift), each (N,), of Courses for positions x y m and velocities vx vy m/s (N,) in ``map`` next to
    the points ``lane`` (N,); 0 where that is -1.

    The drift is against the tangent: against the lane's chords everybody in a bend would seem to leave it.
    """
    here, offset, drift = np.zeros(len(x)), np.zeros(len(x)), np.zeros(len(x))
    for n in range(len(x)):
        q = lane[n]
        if q < 0:
            continue
        cos, sin = np.cos(lanes.yaw[q]), np.sin(lanes.yaw[q])
        dx, dy = x[n] - lanes.x[q], y[n] - lanes.y[q]
        on = cos * dx + sin * dy
        here[n], offset[n] = lanes.arc[q] + on, cos * dy - sin * dx
        direction = _tangent(lanes, q, on)
        drift[n] = np.cos(direction) * vy[n] - np.sin(direction) * vx[n]
    return here, offset, drift


@kernel
def travel(speed: Vector, acceleration: Vector, times: Matrix) -> tuple[Matrix, Matrix]:
    """(distance m, speed m/s) at ``times`` (N, T) s: braking goes on until standing, gaining speed ends early."""
    distance, v = np.empty(times.shape), np.empty(times.shape)
    for n in range(len(speed)):
        change = acceleration[n]
        until = speed[n] / max(-change, 1e-6) if change < 0.0 else SPEEDS_UP
        for t in range(times.shape[1]):
            active = min(times[n, t], until)
            v[n, t] = max(speed[n] + change * active, 0.0)
            distance[n, t] = (speed[n] + 0.5 * change * active) * active + v[n, t] * (times[n, t] - active)
    return distance, v


@kernel
def poses_along_courses(
    lanes: LaneGraph, courses: Courses, rows: Indices, distance: Matrix, times: Matrix, ego: Ego
) -> tuple[Matrix, Matrix, Matrix]:
    """(x m, y m, yaw rad) (M, T) of the actors ``rows`` (M,), ``distance`` (M, T) m on at ``times`` (M, T) s."""
    shape = distance.shape
    to_x, to_y, to_yaw = np.empty(shape), np.empty(shape), np.empty(shape)
    ego_cos, ego_sin = np.cos(ego.yaw), np.sin(ego.yaw)
    for m in range(len(rows)):
        n = rows[m]
        start, point = courses.lane[n], courses.lane[n]
        cos, sin, turn = np.cos(courses.course[n]), np.sin(courses.course[n]), 0.0
        direction = 0.0
        for t in range(shape[1]):
            beyond, side, from_x, from_y = distance[m, t], 0.0, courses.x[n], courses.y[n]
            if start >= 0:
                there = courses.here[n] + beyond
                while point < lanes.end[start] and lanes.arc[point + 1] <= there:
                    point += 1
                while point > 0 and lanes.arc[point] > there:
                    point -= 1
                if t == 0 or lanes.yaw[point] != direction:
                    direction = lanes.yaw[point]
                    cos, sin, turn = np.cos(direction), np.sin(direction), direction - lanes.yaw[start]
                beyond, from_x, from_y = there - lanes.arc[point], lanes.x[point], lanes.y[point]
                drifted = min(max(courses.drift[n] * min(times[m, t], DRIFT_TIME), -DRIFT_LIMIT), DRIFT_LIMIT)
                side = courses.offset[n] + drifted
            dx, dy = from_x + beyond * cos - side * sin - ego.x, from_y + beyond * sin + side * cos - ego.y
            to_x[m, t], to_y[m, t] = dx * ego_cos + dy * ego_sin, dy * ego_cos - dx * ego_sin
            heading = courses.yaw[n] + turn - ego.yaw
            if not -np.pi <= heading < np.pi:
                heading = (heading + np.pi) % (2.0 * np.pi) - np.pi
            to_yaw[m, t] = heading
    return to_x, to_y, to_yaw


@kernel
def predict(lanes: LaneGraph, last: Sightings, times: Vector, ego: Ego) -> tuple[Courses, Boxes]:
    """What N actors that were ``last`` seen there drive along, and where they will be at ``times`` (T,) s from now."""
    lane = match(lanes, last.follows, last.x, last.y, last.yaw)
    here, offset, drift = beside(lanes, lane, last.x, last.y, last.vx, last.vy)
    courses = Courses(last.x, last.y, last.yaw, last.course, lane, here, offset, drift)
    count = len(last.x)
    later = np.empty((count, len(times)))
    for n in range(count):
        for t in range(len(times)):
            later[n, t] = times[t] + last.age[n]
    distance, v = travel(last.speed, last.acceleration, later)
    x, y, yaw = poses_along_courses(lanes, courses, np.arange(count), distance, later, ego)
    return courses, Boxes(x, y, yaw, v, last.length, last.width)
