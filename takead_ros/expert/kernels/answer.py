"""Kernel of the answer: the chosen proposal as a plan and a command, and all of them as candidates."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Cube, Indices, Matrix, Vector, kernel, part
from takead_ros.expert.arrays import Ego, Lines, Proposals
from takead_ros.expert.kernels.paths import CRAWLS, DRIVES
from takead_ros.policy.arrays import TrackingParameters, TrackingState
from takead_ros.policy.kernels.plans import track_plan

BEGINNING = 3  # points of the path
TURN = 0.5  # rad; more is no demand that wheels can meet until the next answer
CREEP = 2.0  # m/s; slower, the preview of the path is that of this speed
FIRM = -3.0  # m/s^2
STANDING = 0.1  # m/s


@part
def _on_path(values: Matrix, path: int, place: float) -> float:
    """The value ``place`` m along a path with points 1 m apart, held at its end."""
    last = values.shape[1] - 1
    if not place < last:
        return float(values[path, last])
    at = int(place)
    return float(values[path, at] + (place - at) * (values[path, at + 1] - values[path, at]))


@kernel
def answer(
    driven: Proposals,
    lines: Lines,
    best: int,
    path: int,
    rows: Indices,
    dt: float,
    knots: Matrix,
    start: Vector,
    ego: Ego,
    lock: float,
    tracking: TrackingParameters,
) -> tuple[Matrix, Cube, float, float]:
    """(plan (4, T): x y m, yaw rad, speed m/s; candidates (K, T, 2) m; steering rad; acceleration m/s^2) of proposal
    ``best`` on ``path``; ``rows`` (T,) of the roll-out are the plan's steps of ``dt`` s. knots, start: of the spline
    (``policy.tracking``)."""
    count, steps = len(driven.lead), len(rows)
    plan, candidates = np.empty((4, steps)), np.empty((count, steps, 2))
    for k in range(count):
        for t in range(steps):
            candidates[k, t, 0], candidates[k, t, 1] = driven.x[k, rows[t]], driven.y[k, rows[t]]
    # steer along the whole path, however early the plan ends: stopping is no reason to lose sight of the bend
    x, y, fastest = np.empty(steps), np.empty(steps), 0.0
    for t in range(steps):
        plan[0, t], plan[1, t] = candidates[best, t, 0], candidates[best, t, 1]
        plan[2, t], plan[3, t] = driven.yaw[best, rows[t]], driven.speed[best, rows[t]]
        fastest = max(fastest, plan[3, t])
        place = (t + 1) * max(ego.speed, CREEP) * dt
        x[t], y[t] = _on_path(lines.x, path, place), _on_path(lines.y, path, place)
    state = TrackingState(ego.speed, ego.steering_angle, lock, ego.wheelbase)
    steering, acceleration = track_plan(x, y, plan[3], dt, knots, start, state, tracking)
    # pulling out in little space, the wheels turn as the path begins: the preview would cut its corners
    crawls = min(max((DRIVES - ego.speed) / (DRIVES - CRAWLS), 0.0), 1.0)
    if crawls > 0.0 and fastest >= STANDING:
        bend = 0.0
        for i in range(BEGINNING):
            bend += lines.curvature[path, i]
        bend = np.arctan(ego.wheelbase * (bend / BEGINNING))
        bend = min(max(bend, ego.steering_angle - TURN), ego.steering_angle + TURN)
        steering = min(max(steering + crawls * (bend - steering), -lock), lock)
    if driven.acceleration[best, 0] < FIRM:  # braking in earnest does not fade towards the stop
        acceleration = min(acceleration, driven.acceleration[best, 0])
    if fastest < STANDING and ego.speed < STANDING:
        steering = min(max(ego.steering_angle, -lock), lock)
    return plan, candidates, steering, acceleration
