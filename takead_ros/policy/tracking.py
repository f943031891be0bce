"""From a plan to a command: preview steering and speed tracking, shared by the learned policy and the expert.

Steering is pure pursuit of the rear axle (Coulter, CMU-RI-TR-92-01) averaged over three preview points of a smooth
curve through the plan; acceleration is the slope that brings the speed onto the plan's first second.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import EgoState, FloatArray


@dataclass(frozen=True)
class TrackingParameters:
    """How a plan is followed. Times s, distances m, speeds m/s, accelerations m/s^2, rates rad/s."""

    lookahead_time: float = 0.7
    min_lookahead: float = 3.5
    max_steering_rate: float = 1.2
    period: float = 0.1  # between two commands, for the rate limit
    max_lateral_acceleration: float = 6.0
    max_acceleration: float = 3.0
    max_deceleration: float = 8.0
    hold_deceleration: float = 1.0
    standstill_speed: float = 0.2
    short_plan: float = 2.0  # below this length steering fades to what it is now


DEFAULT = TrackingParameters()
_FINE = 4  # samples of the curve per plan step
_PREVIEW = np.array([0.75, 1.0, 1.25])


@lru_cache(maxsize=8)
def _spline(steps: int) -> tuple[FloatArray, FloatArray]:
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
    return matrix[:, :n], matrix[:, n]


def _steering(plan: Plan, ego: EgoState, parameters: TrackingParameters) -> float:
    """Front-wheel angle rad that follows the plan, before limits."""
    knots, start = _spline(len(plan.x))
    first = max(ego.speed, 0.0) * plan.dt
    slip = np.arctan(0.5 * np.tan(ego.steering_angle))  # the centre moves this much to the side of where it points
    x, y = np.zeros(len(plan.x) + 1), np.zeros(len(plan.x) + 1)
    x[1:], y[1:] = plan.x, plan.y
    x = knots @ x + start * first * np.cos(slip)
    y = knots @ y + start * first * np.sin(slip)
    dx, dy = x[1:] - x[:-1], y[1:] - y[:-1]
    step = np.hypot(dx, dy)
    arc = np.zeros(len(step) + 1)
    np.cumsum(step, out=arc[1:])
    length = float(arc[-1])
    fade = min(max((length - 0.3) / parameters.short_plan, 0.0), 1.0)
    if fade == 0.0:
        return ego.steering_angle
    moving = step > 0.02 * length / len(step)  # a stopped tail has no direction of its own
    last = len(moving) - 1 - int(moving[::-1].argmax())
    lookahead = max(parameters.lookahead_time * ego.speed, parameters.min_lookahead) * _PREVIEW
    at = np.minimum(np.searchsorted(arc, lookahead, side="right") - 1, last)
    share = (lookahead - arc[at]) / np.maximum(step[at], 1e-9)  # beyond 1: straight on past the end
    rear = 0.5 * ego.wheelbase
    # A body points along the path where its rear axle is, half a wheelbase before its centre.
    behind = np.minimum(np.searchsorted(arc, np.maximum(lookahead - rear, 0.0), side="right") - 1, last)
    ux, uy = dx[behind] / np.maximum(step[behind], 1e-9), dy[behind] / np.maximum(step[behind], 1e-9)
    # Seen from the rear axle now: where the rear axle should be at the preview point.
    px, py = x[at] + share * dx[at] - rear * ux + rear, y[at] + share * dy[at] - rear * uy
    curvature = 2.0 * py / np.maximum(px**2 + py**2, 1.0)
    wanted = float(np.mean(np.arctan(ego.wheelbase * curvature)))
    return float(ego.steering_angle + fade * (wanted - ego.steering_angle))


def _acceleration(plan: Plan, ego: EgoState, parameters: TrackingParameters) -> float:
    """Acceleration m/s^2 that brings the speed onto the plan, before limits."""
    times = plan.dt * np.arange(1, min(len(plan.speed), 2) + 1)
    change = plan.speed[: len(times)] - ego.speed
    slope = float(times @ change / (times @ times))
    first = float(change[0] / plan.dt)
    if float(plan.speed[: len(times)].max()) < parameters.standstill_speed:
        return min(slope, first, -parameters.hold_deceleration)  # come to a stand, not ever closer to one
    return min(slope, first) if first < -2.0 else slope  # hard braking is taken at face value


def track(plan: Plan, ego: EgoState, parameters: TrackingParameters = DEFAULT) -> tuple[float, float]:
    """(steering angle rad, acceleration m/s^2) that follow ``plan`` (in ``base_link`` of ``ego``, >= 1 step).

    Within full lock, the steering rate from the present angle, the lateral acceleration that the speed allows and the
    acceleration limits. A plan that stands still keeps the wheel where it is. Raises ValueError for an empty plan.
    """
    if len(plan.x) == 0:
        raise ValueError("track: the plan has no steps")
    speed = max(ego.speed, 1.0)
    lock = min(
        ego.max_steering_angle,
        float(np.arctan(ego.wheelbase * parameters.max_lateral_acceleration / speed**2)),
    )
    reach = parameters.max_steering_rate * parameters.period
    wanted = _steering(plan, ego, parameters)
    steering = min(max(wanted, ego.steering_angle - reach), ego.steering_angle + reach)
    acceleration = _acceleration(plan, ego, parameters)
    return (
        float(min(max(steering, -lock), lock)),
        float(min(max(acceleration, -parameters.max_deceleration), parameters.max_acceleration)),
    )
