"""Kernels of the anchors: what the ego does that tracks each of them, and what others do that react to that. SI."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.compiled import Cube, Flags, Indices, Matrix, Quad, Vector, kernel, part
from takead_ros.domain.car_following import MAX_ACCELERATION, idm_acceleration_part
from takead_ros.policy.arrays import TrackingParameters, TrackingState
from takead_ros.policy.kernels.plans import track_plan

LOOK = 50.0  # m along its path within which somebody looks for what is in its way
BESIDE = 0.3  # m more than half of both widths within which something is
LATE = 0.5  # m behind its record from which somebody counts as one that others have to react to
BRAKING, HEADWAY = 8.0, 1.0  # m/s^2, s: of the reacting (IDM)
SPEED = 3  # column of a state: x m, y m, yaw rad, speed m/s


class Recorded(NamedTuple):
    """M others over S samples: x y m, yaw rad, speed m/s (M, S), NaN where absent; length width (M,) m; who drives, and
    reacts (M,)."""

    x: Matrix
    y: Matrix
    yaw: Matrix
    speed: Matrix
    length: Vector
    width: Vector
    drives: Flags


@kernel
def follow_plans(
    plans: Cube, ego: TrackingState, dt: float, every: int, knots: Matrix, start: Vector, tracking: TrackingParameters
) -> Cube:
    """States (K, S, 4) of a car that tracks plans (K, S, 4), both in ``base_link`` with samples ``dt`` s apart.

    At each sample it is given what is left of its plan, a point for every ``every`` samples, as the policy node gives
    it one; beyond its end the plan goes straight on. The car is a kinematic bicycle about its centre.
    """
    count, samples = plans.shape[0], plans.shape[1]
    steps, last, half = knots.shape[1] - 1, samples - 1, 0.5 * ego.wheelbase
    driven = np.empty(plans.shape)
    x, y, speed = np.empty(steps), np.empty(steps), np.empty(steps)
    for k in range(count):
        plan, own_x, own_y, yaw, pace, wheel = plans[k], 0.0, 0.0, 0.0, ego.speed, ego.steering_angle
        driven[k, 0, 0], driven[k, 0, 1], driven[k, 0, 2], driven[k, 0, SPEED] = 0.0, 0.0, 0.0, pace
        end_cos, end_sin = np.cos(plan[last, 2]), np.sin(plan[last, 2])
        for t in range(last):
            cos, sin = np.cos(yaw), np.sin(yaw)
            for i in range(steps):
                at = t + (i + 1) * every
                beyond = max(at - last, 0) * dt * plan[last, SPEED]
                at = min(at, last)
                dx, dy = plan[at, 0] + beyond * end_cos - own_x, plan[at, 1] + beyond * end_sin - own_y
                x[i], y[i], speed[i] = cos * dx + sin * dy, cos * dy - sin * dx, plan[at, SPEED]
            state = TrackingState(pace, wheel, ego.max_steering_angle, ego.wheelbase)
            wheel, push = track_plan(x, y, speed, every * dt, knots, start, state, tracking)
            after = max(pace + push * dt, 0.0)
            way, slip = 0.5 * (pace + after) * dt, np.arctan(0.5 * np.tan(wheel))
            turn = way * np.sin(slip) / half
            course = yaw + slip + 0.5 * turn
            own_x, own_y, yaw, pace = own_x + way * np.cos(course), own_y + way * np.sin(course), yaw + turn, after
            driven[k, t + 1, 0], driven[k, t + 1, 1] = own_x, own_y
            driven[k, t + 1, 2], driven[k, t + 1, SPEED] = yaw, pace
    return driven


@part
def _gap_to(path_x: Vector, path_y: Vector, arc: Vector, s: float, reach: float, x: float, y: float) -> float:
    """m along a path from place ``s`` to (x, y), inf where that is not within ``reach`` m of it ahead."""
    for j in range(np.searchsorted(arc, s, side="right"), len(arc)):
        if arc[j] - s >= LOOK:
            break
        if (path_x[j] - x) ** 2 + (path_y[j] - y) ** 2 < reach * reach:
            return float(arc[j] - s)
    return np.inf


@part
def _paths_of(others: Recorded, path_x: Matrix, path_y: Matrix, arc: Matrix, known: Indices, dt: float) -> None:
    """The way that each was recorded on, straight on from where it was seen last, into (M, P) m; ``known`` (M,) samples
    are of the record."""
    actors, samples = others.x.shape
    for m in range(actors):
        while known[m] < samples and not np.isnan(others.x[m, known[m]]):
            known[m] += 1
        seen = known[m]
        for j in range(path_x.shape[1]):
            if j < seen:
                path_x[m, j], path_y[m, j] = others.x[m, j], others.y[m, j]
            elif seen:
                yaw, more = others.yaw[m, seen - 1], (j - seen + 1) * max(others.speed[m, seen - 1] * dt, 0.5)
                path_x[m, j] = others.x[m, seen - 1] + more * np.cos(yaw)
                path_y[m, j] = others.y[m, seen - 1] + more * np.sin(yaw)
            if j and seen:
                arc[m, j] = arc[m, j - 1] + np.hypot(path_x[m, j] - path_x[m, j - 1], path_y[m, j] - path_y[m, j - 1])


@kernel
def react_to(egos: Cube, ego_length: float, ego_width: float, others: Recorded, dt: float) -> Quad:
    """Where the others (4, K, M, S) are (x y m, yaw rad, speed m/s) as they react to each of K egos with states
    (K, T, 4) in ``map``.

    Who drives keeps to its recorded path at its recorded speed at that time, but behind the ego, and behind whoever is
    late by reacting (IDM); everybody else does what was recorded. Beyond its path somebody goes straight on.
    """
    actors, samples = others.x.shape
    points = 2 * samples
    found = np.empty((4, len(egos), actors, samples))
    path_x, path_y = np.empty((actors, points)), np.empty((actors, points))
    arc, known = np.zeros((actors, points)), np.zeros(actors, np.int64)
    _paths_of(others, path_x, path_y, arc, known, dt)
    s, v = np.empty(actors), np.empty(actors)
    for k in range(len(egos)):
        ego = egos[k]
        x, y, yaws, speed = found[0, k], found[1, k], found[2, k], found[3, k]
        x[:], y[:], yaws[:], speed[:] = others.x, others.y, others.yaw, others.speed
        for m in range(actors):
            s[m], v[m] = 0.0, others.speed[m, 0] if known[m] else 0.0
        for t in range(samples - 1):
            now = ego[min(t, len(ego) - 1)]
            beyond = max(t - len(ego) + 1, 0) * dt * now[SPEED]
            ego_x, ego_y = now[0] + beyond * np.cos(now[2]), now[1] + beyond * np.sin(now[2])
            for m in range(actors):
                if not others.drives[m] or known[m] < 2:
                    continue
                scheduled = min(t, known[m] - 1)
                aim = others.speed[m, min(t + 1, known[m] - 1)]
                push = min(max((aim - v[m]) / dt, -BRAKING), MAX_ACCELERATION)
                heading, half = yaws[m, t], 0.5 * others.length[m]
                reach = 0.5 * (ego_width + others.width[m]) + BESIDE
                gap = _gap_to(path_x[m], path_y[m], arc[m], s[m], reach, ego_x, ego_y)
                if gap < np.inf:
                    along = max(now[SPEED] * np.cos(now[2] - heading), 0.0)
                    room = gap - half - 0.5 * ego_length
                    push = min(push, idm_acceleration_part(v[m], max(aim, v[m], 1.0), room, along, BRAKING, HEADWAY))
                for n in range(actors):
                    if n == m or not others.drives[n] or known[n] < 2:
                        continue
                    if arc[n, min(t, known[n] - 1)] - s[n] < LATE:
                        continue
                    beside = 0.5 * (others.width[n] + others.width[m]) + BESIDE
                    gap = _gap_to(path_x[m], path_y[m], arc[m], s[m], beside, x[n, t], y[n, t])
                    if gap < np.inf:
                        along = max(v[n] * np.cos(yaws[n, t] - heading), 0.0)
                        room = gap - half - 0.5 * others.length[n]
                        push = min(
                            push, idm_acceleration_part(v[m], max(aim, v[m], 1.0), room, along, BRAKING, HEADWAY)
                        )
                after = max(v[m] + push * dt, 0.0)
                on_time = s[m] == arc[m, scheduled] and after == aim and t + 1 < known[m]
                s[m] = arc[m, t + 1] if on_time else s[m] + 0.5 * (v[m] + after) * dt
                v[m] = after
                j = min(max(np.searchsorted(arc[m], s[m], side="right") - 1, 0), points - 2)
                step = max(arc[m, j + 1] - arc[m, j], 1e-9)
                share = min((s[m] - arc[m, j]) / step, 1.0)
                x[m, t + 1] = path_x[m, j] + share * (path_x[m, j + 1] - path_x[m, j])
                y[m, t + 1] = path_y[m, j] + share * (path_y[m, j + 1] - path_y[m, j])
                yaws[m, t + 1] = others.yaw[m, min(j, known[m] - 1)]
                speed[m, t + 1] = v[m]
    return found
