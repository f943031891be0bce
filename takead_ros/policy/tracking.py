"""From a plan to a command: preview steering and speed tracking, shared by the learned policy and the expert.

Steering is pure pursuit of the rear axle (Coulter, CMU-RI-TR-92-01) averaged over three preview points of a smooth
curve through the plan; acceleration is the slope that brings the speed onto the plan's first second.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import EgoState, FloatArray
from takead_ros.policy.arrays import TrackingParameters, TrackingState
from takead_ros.policy.kernels.plans import tracked

DEFAULT = TrackingParameters()
_FINE = 4  # samples of the curve per plan step


@lru_cache(maxsize=8)
def spline(steps: int) -> tuple[FloatArray, FloatArray]:
    """Matrices (steps * _FINE + 1, steps + 1) and (steps * _FINE + 1,) of the cubic spline in plan time.

    The curve is ``points @ first + initial_derivative * second`` for knots at 0 .. steps (unit spacing), with the
    derivative given at the first knot and no curvature at the last.
    """
    n = steps + 1
    system = np.zeros((n, n))  # C2 conditions on the derivatives at the knots
    right = np.zeros((n, n + 1))
    system[0, 0], right[0, n] = 1.0, 1.0
    for i in range(1, n - 1):
        system[i, i - 1 : i + 2] = (1.0, 4.0, 1.0)
        right[i, i - 1], right[i, i + 1] = -3.0, 3.0
    system[n - 1, n - 2 :] = (1.0, 2.0)
    right[n - 1, n - 2 : n] = (-3.0, 3.0)
    slopes = np.linalg.solve(system, right)
    values = np.hstack([np.eye(n), np.zeros((n, 1))])
    rows = []
    for i in range(steps):
        for u in np.arange(_FINE) / _FINE:
            h00, h10 = (1 + 2 * u) * (1 - u) ** 2, u * (1 - u) ** 2
            h01, h11 = u**2 * (3 - 2 * u), u**2 * (u - 1)
            rows.append(h00 * values[i] + h10 * slopes[i] + h01 * values[i + 1] + h11 * slopes[i + 1])
    rows.append(values[steps])
    matrix = np.array(rows)
    return matrix[:, :n].copy(), matrix[:, n].copy()


_tracking_state = attrgetter(*TrackingState._fields)


def motion_of(ego: EgoState) -> TrackingState:
    """What tracking needs of the ego."""
    return TrackingState(*map(float, _tracking_state(ego)))


def track_plan(plan: Plan, ego: EgoState, parameters: TrackingParameters = DEFAULT) -> tuple[float, float]:
    """(steering angle rad, acceleration m/s^2) that follow ``plan`` (in ``base_link`` of ``ego``, >= 1 step).

    Within full lock, the steering rate from the present angle, the lateral acceleration that the speed allows and the
    acceleration limits. A plan that stands still keeps the wheel where it is. Raises ValueError for an empty plan.
    """
    if len(plan.x) == 0:
        raise ValueError("track: the plan has no steps")
    prepare()
    x, y, speed = (np.array(values, dtype=float) for values in (plan.x, plan.y, plan.speed))
    steering, acceleration = tracked(x, y, speed, plan.dt, *spline(len(x)), motion_of(ego), parameters)
    return steering, acceleration
