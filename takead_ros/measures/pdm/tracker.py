"""What a car does that is told to follow plans: NAVSIM v1.1's simulator, an LQR tracker on a kinematic bicycle.

Definition: ``PDMSimulator``, ``BatchLQRTracker`` and ``BatchKinematicBicycleModel`` of the devkit v1.1, after nuPlan's.
A plan gives a speed and a curvature to every sample (regularised least squares). At each sample one acceleration and
one steering rate are chosen that, kept up over the horizon, bring the car nearest to what the plan has there: two
one-step LQR problems, the lateral one linear in small errors. Both pass a first-order lag before an Euler step.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from takead_ros.domain.geometry import unwrapped, wrap_angle
from takead_ros.domain.scene import EgoState, FloatArray

HORIZON = 10  # samples ahead that the controller aims at
SPEED_WEIGHT, LATERAL_WEIGHT, HEADING_WEIGHT = 10.0, 1.0, 10.0  # of the errors; both inputs weigh 1
JERK_PENALTY, CURVATURE_RATE_PENALTY, CURVATURE_PENALTY = 1e-4, 1e-2, 1e-10
STOPPING, STOPPING_GAIN = 0.2, 0.5  # m/s up to which the car is coming to a stop, and the gain 1/s then
ACCELERATION_LAG, STEERING_LAG = 0.2, 0.05  # s
MAX_STEERING = np.pi / 3.0  # rad


class _Car(NamedTuple):
    """N cars: rear axle x y m, yaw rad, speed m/s, acceleration m/s^2, steering angle rad; all (N,)."""

    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    speed: FloatArray
    acceleration: FloatArray
    steering: FloatArray


def track_states(states: FloatArray, ego: EgoState, dt: float) -> FloatArray:
    """The states (N, S, 4) [x m, y m, yaw rad, speed m/s] of cars that follow plans ``states`` (N, S, 4), S >= 4.

    Samples are dt s apart, positions those of the box's centre. All cars begin at the first state of their plan with
    the ego's speed, acceleration and steering angle. A speed may fall a little below 0 where a car stops.
    """
    rear = 0.5 * ego.wheelbase
    yaw = unwrapped(states[..., 2])
    x, y = states[..., 0] - rear * np.cos(yaw), states[..., 1] - rear * np.sin(yaw)
    speeds, curvatures = _profiles(x, y, yaw, dt)
    whole = np.ones(len(states))
    car = _Car(x[:, 0], y[:, 0], yaw[:, 0], ego.speed * whole, ego.acceleration * whole, ego.steering_angle * whole)
    driven = [car]
    for sample in range(states.shape[1] - 1):
        aim = min(sample + HORIZON, speeds.shape[1] - 1)
        ahead = np.minimum(np.arange(sample, sample + HORIZON), aim)
        side = np.cos(yaw[:, sample]) * (car.y - y[:, sample]) - np.sin(yaw[:, sample]) * (car.x - x[:, sample])
        turned = wrap_angle(car.yaw - yaw[:, sample])
        acceleration, rate = _control(car, side, turned, speeds[:, aim], curvatures[:, ahead], ego.wheelbase, dt)
        car = _moved(car, acceleration, rate, ego.wheelbase, dt)
        driven.append(car)
    x, y, yaw, speed = (np.stack(values, axis=1) for values in list(zip(*driven, strict=True))[:4])
    return np.stack([x + rear * np.cos(yaw), y + rear * np.sin(yaw), wrap_angle(yaw), speed], axis=-1)


@lru_cache(maxsize=8)
def _speed_fit(steps: int, dt: float) -> tuple[FloatArray, FloatArray]:
    """(sums, fit), each (steps, steps): ``sums`` makes a profile of its first value and its rates of change; ``fit``
    makes the speeds m/s, at the beginning of each step, of the ways m covered along the heading in the steps."""
    sums = dt * np.tri(steps)
    sums[:, 0] = 1.0
    jerk = np.diff(np.eye(steps)[1:], axis=0)
    covered = dt * sums
    normal = covered.T @ covered + JERK_PENALTY * jerk.T @ jerk
    return sums, sums @ np.linalg.solve(normal, covered.T)


def _profiles(x: FloatArray, y: FloatArray, yaw: FloatArray, dt: float) -> tuple[FloatArray, FloatArray]:
    """Speeds m/s and curvatures 1/m (N, S - 1) of plans (N, S), each by least squares: jumps of the acceleration, then
    the change of the curvature, cost something."""
    along = np.cos(yaw[:, :-1]) * np.diff(x, axis=1) + np.sin(yaw[:, :-1]) * np.diff(y, axis=1)
    steps = along.shape[1]
    sums, fit = _speed_fit(steps, dt)
    speeds = along @ fit.T
    turned = dt * speeds[..., None] * sums  # (N, steps, steps) rad for each unit of the first curvature and its rates
    penalty = CURVATURE_RATE_PENALTY * np.eye(steps)
    penalty[0, 0] = CURVATURE_PENALTY  # where the plan stands, any curvature would do
    across = turned.transpose(0, 2, 1)
    solved = np.linalg.solve(across @ turned + penalty, across @ wrap_angle(np.diff(yaw, axis=1))[..., None])
    return speeds, np.asarray(solved[..., 0] @ sums.T)


def _control(
    car: _Car,
    side: FloatArray,
    turned: FloatArray,
    aim: FloatArray,
    curvatures: FloatArray,
    wheelbase: float,
    dt: float,
) -> tuple[FloatArray, FloatArray]:
    """Acceleration m/s^2 and steering rate rad/s (N,) of cars ``side`` m left of their plan and ``turned`` rad from it.

    aim (N,) m/s: the plan's speed at the end of the horizon; curvatures (N, HORIZON) 1/m: the plan's on the way there.
    """
    ahead = HORIZON * dt
    acceleration = SPEED_WEIGHT * ahead * (aim - car.speed) / (SPEED_WEIGHT * ahead**2 + 1.0)
    # where the horizon ends without steering, and what each rad/s of steering rate adds to that
    steering, steering_by_rate = car.steering, 0.0
    side_by_rate, turned_by_rate = np.zeros(len(side)), np.zeros(len(side))
    for step in range(HORIZON):
        way = dt * (car.speed + acceleration * dt * step)
        side, side_by_rate = side + way * turned, side_by_rate + way * turned_by_rate
        turned = turned + way * (steering / wheelbase - curvatures[:, step])
        turned_by_rate = turned_by_rate + way * steering_by_rate / wheelbase
        steering_by_rate += dt
    pull = LATERAL_WEIGHT * side_by_rate * side + HEADING_WEIGHT * turned_by_rate * wrap_angle(turned)
    rate = -pull / (LATERAL_WEIGHT * side_by_rate**2 + HEADING_WEIGHT * turned_by_rate**2 + 1.0)
    stops = (aim <= STOPPING) & (car.speed <= STOPPING)
    return np.where(stops, STOPPING_GAIN * (aim - car.speed), acceleration), np.where(stops, 0.0, rate)


def _moved(car: _Car, acceleration: FloatArray, rate: FloatArray, wheelbase: float, dt: float) -> _Car:
    """One Euler step of the bicycle, with the commands as they arrive behind their lags."""
    arrives = car.acceleration + dt / (dt + ACCELERATION_LAG) * (acceleration - car.acceleration)
    steering = car.steering + dt / (dt + STEERING_LAG) * rate * dt
    return _Car(
        car.x + car.speed * np.cos(car.yaw) * dt,
        car.y + car.speed * np.sin(car.yaw) * dt,
        car.yaw + car.speed * np.tan(car.steering) / wheelbase * dt,
        car.speed + arrives * dt,
        arrives,
        np.clip(steering, -MAX_STEERING, MAX_STEERING),
    )
