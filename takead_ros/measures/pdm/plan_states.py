"""From plans to states, and how comfortable these are: linear filters over time, one matrix product each."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from takead_ros.domain.driving import PLAN_DT
from takead_ros.domain.geometry import unwrapped
from takead_ros.domain.scene import FloatArray
from takead_ros.measures.ride_quality import (
    JERK,
    LATERAL_ACCELERATION,
    LONGITUDINAL_ACCELERATION,
    LONGITUDINAL_JERK,
    YAW_ACCELERATION,
    YAW_RATE,
    savitzky_golay,
)

CRAWL = 0.3  # m/s below which the direction of motion says nothing about the heading
YAW_WINDOW = 5  # samples over which NAVSIM differentiates the heading


def comfortable(states: FloatArray, dt: float, window: int | None = None) -> np.ndarray:
    """Whether states (N, S, 4) [x m, y m, yaw rad, speed m/s] keep every one of nuPlan's six comfort bounds: (N,).

    ``window``: samples over which accelerations and jerk are smoothed; None: the whole horizon, as NAVSIM v1.1 does.
    """
    samples = states.shape[1]
    window = samples if window is None else window
    yaw, speed = unwrapped(states[..., 2]), states[..., 3]
    along = np.gradient(speed, dt, axis=1)
    across = speed * np.gradient(yaw, dt, axis=1)
    smooth = savitzky_golay(samples, window, 2, 0, dt)
    slope = savitzky_golay(samples, window, 2, 1, dt)
    smoothed, magnitude = along @ smooth.T, np.hypot(along, across) @ smooth.T
    low, high = LONGITUDINAL_ACCELERATION
    fine = (
        (smoothed > low)
        & (smoothed < high)
        & (np.abs(across @ smooth.T) < LATERAL_ACCELERATION)
        & (np.abs(magnitude @ slope.T) < JERK)
        & (np.abs(smoothed @ slope.T) < LONGITUDINAL_JERK)
        & (np.abs(yaw @ savitzky_golay(samples, YAW_WINDOW, 2, 1, dt).T) < YAW_RATE)
        & (np.abs(yaw @ savitzky_golay(samples, YAW_WINDOW, 3, 2, dt).T) < YAW_ACCELERATION)
    )
    return np.asarray(fine.all(1))


@lru_cache(maxsize=8)
def _spline(steps: int, pieces: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Cubic spline through knots at 0 .. steps (unit spacing) with a given derivative at the first and none bent at the
    last: matrices (steps * pieces + 1, steps + 1) and vectors for values and for derivatives, such that
    ``value = matrix @ knots + vector * first_derivative``."""
    n = steps + 1
    system, right = np.zeros((n, n)), np.zeros((n, n + 1))
    system[0, 0], right[0, n] = 1.0, 1.0
    for i in range(1, n - 1):
        system[i, i - 1 : i + 2] = (1.0, 4.0, 1.0)
        right[i, i - 1], right[i, i + 1] = -3.0, 3.0
    system[-1, -2:], right[-1, n - 2 : n] = (1.0, 2.0), (-3.0, 3.0)
    slopes, knots = np.linalg.solve(system, right), np.eye(n, n + 1)
    at = np.arange(steps * pieces + 1) / pieces
    i = np.minimum(at.astype(int), steps - 1)
    u = (at - i)[:, None]
    values = (
        (1 + 2 * u) * (1 - u) ** 2 * knots[i]
        + u * (1 - u) ** 2 * slopes[i]
        + u**2 * (3 - 2 * u) * knots[i + 1]
        + u**2 * (u - 1) * slopes[i + 1]
    )
    rates = (
        6 * u * (u - 1) * (knots[i] - knots[i + 1])
        + (1 - u) * (1 - 3 * u) * slopes[i]
        + u * (3 * u - 2) * slopes[i + 1]
    )
    return values[:, :n], values[:, n], rates[:, :n], rates[:, n]


def resample(plans: FloatArray, speed: float, dt: float, plan_dt: float = PLAN_DT) -> FloatArray:
    """States (N, S, 4) [x m, y m, yaw rad, speed m/s] every dt s along smooth curves through plans (N, K, 2) m.

    Plans are in ``base_link``, a point every ``plan_dt`` s; the vehicle is at its origin with ``speed`` m/s, which the
    first state repeats. The heading is the direction of motion, held below 0.3 m/s.
    """
    count = plans.shape[1]
    pieces = round(plan_dt / dt)
    values, first, rates, first_rate = _spline(count, pieces)
    knots = np.concatenate([np.zeros((len(plans), 1, 2)), plans], axis=1)
    start = np.array([speed * plan_dt, 0.0])
    place = values @ knots + first[:, None] * start
    velocity = (rates @ knots + first_rate[:, None] * start) / plan_dt
    pace = np.hypot(velocity[..., 0], velocity[..., 1])
    yaw = np.arctan2(velocity[..., 1], velocity[..., 0])
    moving = pace > CRAWL
    held = np.maximum.accumulate(np.where(moving, np.arange(pace.shape[1]), -1), axis=1)
    yaw = np.where(held >= 0, np.take_along_axis(yaw, np.maximum(held, 0), axis=1), 0.0)
    return np.concatenate([place, yaw[..., None], pace[..., None]], axis=2)
