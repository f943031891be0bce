"""Kernels from profiles over the route to plans, and from a plan to a command."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Cube, Matrix, Vector, kernel, part
from takead_ros.domain.kernels import wrapped
from takead_ros.policy.arrays import RouteFrame, TrackingParameters, TrackingState
from takead_ros.policy.kernels.route import point_from_frame

MAX_DRIFT = 0.5  # m aside for each metre ahead, in a plan
PREVIEW = (0.75, 1.0, 1.25)  # shares of the lookahead
FIRM = -2.0  # m/s^2; hard braking is taken at face value


@kernel
def plans(profiles: Cube, speed: float, fade: Vector, dt: float, frame: RouteFrame) -> tuple[Cube, Matrix, Matrix]:
    """Positions (K, T, 2) m in ``base_link``, yaw (K, T) rad and speed (K, T) m/s of profiles (K, T, 2)."""
    count, steps = profiles.shape[0], profiles.shape[1]
    positions, yaws, speeds = np.empty((count, steps, 2)), np.empty((count, steps)), np.empty((count, steps))
    for k in range(count):
        lay_plan(profiles[k], speed, fade, dt, frame, positions[k], yaws[k], speeds[k])
    return positions, yaws, speeds


@part
def lay_plan(
    profile: Matrix,
    speed: float,
    fade: Vector,
    dt: float,
    frame: RouteFrame,
    positions: Matrix,
    yaws: Vector,
    speeds: Vector,
) -> None:
    """The plan of a profile (T, 2): positions (T, 2) m in ``base_link``, yaws (T,) rad, speeds (T,) m/s.

    fade (T,): the share of the present offset that is left at each step of dt s.
    """
    steps = len(profile)
    along, aside, before, drifted = 0.0, 0.0, frame.offset, 0.0
    for t in range(steps):
        pace = max(speed + profile[t, 0], 0.0)
        speeds[t] = pace
        along += pace
        aside = profile[t, 1] + frame.offset * fade[t]
        # A vehicle cannot move sideways: it changes its offset only as far as it travels.
        reach = MAX_DRIFT * dt * pace
        drift = min(max(aside - before, -reach), reach)
        before, drifted = aside, drifted + drift
        x, y, heading = point_from_frame(frame, along * dt, frame.offset + drifted)
        positions[t, 0], positions[t, 1] = x, y
        yaws[t] = wrapped(heading + np.arctan2(drift, max(pace * dt, 0.5)))
    # from the mean speed of each step to that at its end
    last = max(1.5 * speeds[steps - 1] - 0.5 * speeds[steps - 2], 0.0)
    for t in range(steps - 1):
        speeds[t] = 0.5 * (speeds[t] + speeds[t + 1])
    speeds[steps - 1] = last


@part
def _steering(
    plan_x: Vector, plan_y: Vector, dt: float, knots: Matrix, start: Vector, ego: TrackingState, p: TrackingParameters
) -> float:
    """Front-wheel angle rad that follows the plan, before limits."""
    first = max(ego.speed, 0.0) * dt
    slip = np.arctan(0.5 * np.tan(ego.steering_angle))  # the centre moves this much to the side of where it points
    count = knots.shape[0]
    x, y, arc, step = np.empty(count), np.empty(count), np.zeros(count), np.empty(count - 1)
    for i in range(count):
        x[i], y[i] = start[i] * first * np.cos(slip), start[i] * first * np.sin(slip)
        for k in range(1, knots.shape[1]):
            x[i] += knots[i, k] * plan_x[k - 1]
            y[i] += knots[i, k] * plan_y[k - 1]
        if i:
            step[i - 1] = np.hypot(x[i] - x[i - 1], y[i] - y[i - 1])
            arc[i] = arc[i - 1] + step[i - 1]
    length = arc[count - 1]
    fade = min(max((length - 0.3) / p.short_plan_m, 0.0), 1.0)
    if fade == 0.0:
        return ego.steering_angle
    last = 0
    for i in range(count - 1):  # a stopped tail has no direction of its own
        if step[i] > 0.02 * length / (count - 1):
            last = i
    rear, total = 0.5 * ego.wheelbase, 0.0
    lookahead = max(p.lookahead_s * ego.speed, p.min_lookahead_m)
    for share in PREVIEW:
        ahead = lookahead * share
        at = min(np.searchsorted(arc, ahead, side="right") - 1, last)
        on = (ahead - arc[at]) / max(step[at], 1e-9)  # beyond 1: straight on past the end
        # A body points along the path where its rear axle is, half a wheelbase before its centre.
        behind = min(np.searchsorted(arc, max(ahead - rear, 0.0), side="right") - 1, last)
        ux, uy = x[behind + 1] - x[behind], y[behind + 1] - y[behind]
        ux, uy = ux / max(step[behind], 1e-9), uy / max(step[behind], 1e-9)
        # Seen from the rear axle now: where the rear axle should be at the preview point.
        px = x[at] + on * (x[at + 1] - x[at]) - rear * ux + rear
        py = y[at] + on * (y[at + 1] - y[at]) - rear * uy
        total += np.arctan(ego.wheelbase * 2.0 * py / max(px**2 + py**2, 1.0))
    return float(ego.steering_angle + fade * (total / len(PREVIEW) - ego.steering_angle))


@part
def _acceleration(speed: Vector, dt: float, ego: TrackingState, p: TrackingParameters) -> float:
    """Acceleration m/s^2 that brings the speed onto the plan's first two steps, before limits."""
    first, slope, fastest = (speed[0] - ego.speed) / dt, (speed[0] - ego.speed) / dt, speed[0]
    if len(speed) > 1:
        slope = ((speed[0] - ego.speed) + 2.0 * (speed[1] - ego.speed)) / (5.0 * dt)
        fastest = max(fastest, speed[1])
    if fastest < p.standstill_mps:
        return float(min(min(slope, first), -p.hold_deceleration_mps2))  # come to a stand, not ever closer to one
    return float(min(slope, first) if first < FIRM else slope)


@kernel
def tracked(
    x: Vector,
    y: Vector,
    speed: Vector,
    dt: float,
    knots: Matrix,
    start: Vector,
    ego: TrackingState,
    p: TrackingParameters,
) -> tuple[float, float]:
    """``follow`` as a call of its own."""
    steering, acceleration = track_plan(x, y, speed, dt, knots, start, ego, p)
    return steering, acceleration


@part
def track_plan(
    x: Vector,
    y: Vector,
    speed: Vector,
    dt: float,
    knots: Matrix,
    start: Vector,
    ego: TrackingState,
    p: TrackingParameters,
) -> tuple[float, float]:
    """(steering angle rad, acceleration m/s^2) that follow a plan x y m, speed m/s (T,), dt s apart, within limits.

    The curve through it is ``knots (F, T + 1) @ points + start (F,) * derivative``, the points beginning at the ego.
    """
    lock = np.arctan(ego.wheelbase * p.max_lateral_acceleration_mps2 / max(ego.speed, 1.0) ** 2)
    lock = min(ego.max_steering_angle, lock)
    reach = p.max_steering_rate_radps * p.period_s
    wanted = _steering(x, y, dt, knots, start, ego, p)
    steering = min(max(wanted, ego.steering_angle - reach), ego.steering_angle + reach)
    acceleration = _acceleration(speed, dt, ego, p)
    return (
        min(max(steering, -lock), lock),
        min(max(acceleration, -p.max_deceleration_mps2), p.max_acceleration_mps2),
    )
