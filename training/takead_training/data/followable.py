"""Whether a vehicle could follow a plan from where it is: labels that it could not are no lesson."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import EgoState

MAX_DECELERATION_MPS2, MAX_ACCELERATION_MPS2 = 10.0, 5.0  # over one step of the plan
MAX_LATERAL_MPS2 = 8.0  # no road holds more
MAX_ASIDE_M, MAX_TURN_RAD = 3.0, float(np.deg2rad(12.0))  # in the first second, against straight on; trust filter
_MOVING_M = 0.3  # a step shorter than this has no direction


def followable(plan: Plan, ego: EgoState) -> bool:
    """Whether ``plan`` (in ``base_link`` of ``ego``) stays within what a vehicle can do from its present motion:

    acceleration, curvature within full lock and grip at every step, and no jump at its start: no more aside than 3 m
    within the first second beyond where the present steering leads, no first step that points back or away.
    """
    x, y = np.concatenate([[0.0], plan.x]), np.concatenate([[0.0], plan.y])
    dx, dy = np.diff(x), np.diff(y)
    step = np.hypot(dx, dy)
    pace = step / plan.dt
    change = np.diff(np.concatenate([[max(ego.speed, 0.0)], pace])) / plan.dt
    change[0] *= 2.0 / 3.0  # the first pace is the mean of a step: half of it lies before its middle
    if change.min() < -MAX_DECELERATION_MPS2 or change.max() > MAX_ACCELERATION_MPS2:
        return False
    moving = step > _MOVING_M
    if not moving.any():
        return True
    heading = np.arctan2(dy, dx)[moving]
    first = int(moving.argmax())
    if abs(heading[0]) > MAX_TURN_RAD + _reachable_turn_rad(ego, float(step[: first + 1].sum())):
        return False
    if abs(y[2]) > MAX_ASIDE_M + abs(np.sin(_reachable_turn_rad(ego, float(x[2])))) * max(float(x[2]), 0.0):
        return False
    turn = np.abs((np.diff(heading) + np.pi) % (2.0 * np.pi) - np.pi)
    length = 0.5 * (step[moving][:-1] + step[moving][1:])
    curvature = turn / length
    lock = np.tan(ego.max_steering_angle) / ego.wheelbase
    lateral = curvature * (length / plan.dt) ** 2
    return bool((curvature <= 1.2 * lock).all() and (lateral <= MAX_LATERAL_MPS2).all())


def _reachable_turn_rad(ego: EgoState, distance_m: float) -> float:
    """How far the heading can turn within a distance: full lock, within grip."""
    lock = np.tan(ego.max_steering_angle) / ego.wheelbase
    grip = MAX_LATERAL_MPS2 / max(ego.speed, 1.0) ** 2
    return float(min(lock, grip) * max(distance_m, 0.0))
