"""Kernels of the forecasts: which lane somebody drives on, how far they come, where along the lane that is."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Flags, Indices, Matrix, Vector, kernel, part

DISTANCE = 2.0  # m to a lane's centre within which a vehicle is on it
HEADING = 0.5  # rad
TURN_COST = 30.0  # m^2 for a heading across the lane
DRIFT_TIME = 2.5  # s for which a sideways motion in the lane goes on
DRIFT_LIMIT = 3.5  # m
SPEEDS_UP = 1.0  # s for which a gain of speed goes on


@kernel
def match(
    lane_x: Vector, lane_y: Vector, lane_yaw: Vector, own: Indices, follows: Flags, x: Vector,
    y: Vector, yaw: Vector,
) -> Indices:  # fmt: skip
    """``lane`` (N,) of ``forecast.Courses`` for poses x y yaw (N,): the point among ``own`` (R,) of the lanes (Q,) that
    is nearest to the pose and points its way; -1 where none fits, and for those that are not in ``follows`` (N,) bool.
    """
    lane = np.full(len(x), -1)
    straight = np.cos(HEADING)
    for n in range(len(x)):
        if not follows[n]:
            continue
        least = DISTANCE**2 + TURN_COST * (1.0 - straight)  # nothing that costs more fits
        for q in own:
            away = (lane_x[q] - x[n]) ** 2 + (lane_y[q] - y[n]) ** 2
            if away < least:
                aligned = np.cos(lane_yaw[q] - yaw[n])
                cost = away + TURN_COST * (1.0 - aligned)
                if cost < least:
                    least = cost
                    lane[n] = q if away < DISTANCE**2 and aligned > straight else -1
    return lane


@part
def _tangent(lane_yaw: Vector, lane_arc: Vector, lane_end: Indices, q: int, on: float) -> float:
    """Direction rad of the lane ``on`` m along the chord from point ``q``: half of its turn is done in the middle."""
    last = lane_end[q]
    if q >= last:
        return float(lane_yaw[q])
    share = min(max(on / max(lane_arc[q + 1] - lane_arc[q], 0.1), -0.5), 1.0) - 0.5
    follows = q + 1 < last  # the last point has the direction of the chord before it
    leads = q > 0 and lane_end[q - 1] == last
    if (share < 0.0 and leads) or not follows:
        share = -share
        other = q - 1 if leads else q
    else:
        other = q + 1
    turn = (lane_yaw[other] - lane_yaw[q] + np.pi) % (2.0 * np.pi) - np.pi
    return float(lane_yaw[q] + turn * share)


@kernel
def beside(
    lane_x: Vector, lane_y: Vector, lane_yaw: Vector, lane_arc: Vector, lane_end: Indices,
    lane: Indices, x: Vector, y: Vector, vx: Vector, vy: Vector,
) -> tuple[Vector, Vector, Vector]:  # fmt: skip
    """(here, offset, drift), each (N,), of ``forecast.Courses`` for positions x y and velocities vx vy (N,) next to the
    points ``lane`` (N,) of the lanes (Q,); 0 where that is -1.

    The drift is against the tangent: against the lane's chords everybody in a bend would seem to leave it.
    """
    here, offset, drift = np.zeros(len(x)), np.zeros(len(x)), np.zeros(len(x))
    for n in range(len(x)):
        q = lane[n]
        if q < 0:
            continue
        cos, sin = np.cos(lane_yaw[q]), np.sin(lane_yaw[q])
        dx, dy = x[n] - lane_x[q], y[n] - lane_y[q]
        on = cos * dx + sin * dy
        here[n], offset[n] = lane_arc[q] + on, cos * dy - sin * dx
        direction = _tangent(lane_yaw, lane_arc, lane_end, q, on)
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
def follow(
    lane_x: Vector, lane_y: Vector, lane_yaw: Vector, lane_arc: Vector, lane_end: Indices,
    x: Vector, y: Vector, yaw: Vector, course: Vector, lane: Indices, here: Vector,
    offset: Vector, drift: Vector, rows: Indices, distance: Matrix, times: Matrix,
    ego_x: float, ego_y: float, ego_yaw: float,
) -> tuple[Matrix, Matrix, Matrix]:  # fmt: skip
    """(x m, y m, yaw rad) (M, T) in the ego's ``base_link`` of the actors ``rows`` (M,), ``distance`` (M, T) m on.

    The lanes (Q,) are those of ``lanes.Lanes``, the actors (N,) those of ``forecast.Courses``; times (M, T) s.
    """
    shape = distance.shape
    to_x, to_y, to_yaw = np.empty(shape), np.empty(shape), np.empty(shape)
    ego_cos, ego_sin = np.cos(ego_yaw), np.sin(ego_yaw)
    for m in range(len(rows)):
        n = rows[m]
        start, point = lane[n], lane[n]
        cos, sin, turn = np.cos(course[n]), np.sin(course[n]), 0.0
        direction = 0.0
        for t in range(shape[1]):
            beyond, side, from_x, from_y = distance[m, t], 0.0, x[n], y[n]
            if start >= 0:
                there = here[n] + beyond
                while point < lane_end[start] and lane_arc[point + 1] <= there:
                    point += 1
                while point > 0 and lane_arc[point] > there:
                    point -= 1
                if t == 0 or lane_yaw[point] != direction:
                    direction = lane_yaw[point]
                    cos, sin, turn = np.cos(direction), np.sin(direction), direction - lane_yaw[start]
                beyond, from_x, from_y = there - lane_arc[point], lane_x[point], lane_y[point]
                drifted = min(max(drift[n] * min(times[m, t], DRIFT_TIME), -DRIFT_LIMIT), DRIFT_LIMIT)
                side = offset[n] + drifted
            dx, dy = from_x + beyond * cos - side * sin - ego_x, from_y + beyond * sin + side * cos - ego_y
            to_x[m, t], to_y[m, t] = dx * ego_cos + dy * ego_sin, dy * ego_cos - dx * ego_sin
            heading = yaw[n] + turn - ego_yaw
            if not -np.pi <= heading < np.pi:
                heading = (heading + np.pi) % (2.0 * np.pi) - np.pi
            to_yaw[m, t] = heading
    return to_x, to_y, to_yaw
