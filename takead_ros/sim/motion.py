"""How an episode felt and flowed: time to collision, comfort, efficiency. Pure functions over ``EpisodeLog``."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from takead_ros.domain.geometry import box_corners, boxes_overlap
from takead_ros.domain.scene import FloatArray, ObjectKind
from takead_ros.sim.log import EpisodeLog

TTC_HORIZON = 3.0  # s
TTC_STEP = 0.1  # s
TTC_RANGE = 40.0  # m beyond twice the ego speed within which others are looked at
STANDING = 0.005  # m/s; NAVSIM and nuPlan ask no TTC of an ego that stands

# nuPlan's comfort bounds, as Bench2Drive (smoothness) and NAVSIM (comfort) take them over
LONGITUDINAL_ACCELERATION = (-4.05, 2.40)  # m/s^2
LATERAL_ACCELERATION = 4.89  # m/s^2
YAW_RATE = 0.95  # rad/s
YAW_ACCELERATION = 1.93  # rad/s^2
LONGITUDINAL_JERK = 4.13  # m/s^3
JERK = 8.37  # m/s^3
SEGMENT = 2.0  # s that are judged together (Bench2Drive: 20 frames at 10 Hz)
SMOOTHING = 0.75  # s, length of the moving average in front of each derivative
CHECKPOINTS = 20  # speed checks along the route (Bench2Drive: every 5 %)
NEIGHBOURHOOD = 30.0  # m around the ego whose moving vehicles count as traffic


def times_to_collision(log: EpisodeLog) -> FloatArray:
    """(T,) s until the ego's box would overlap another's with everyone keeping speed and heading; inf beyond 3 s or
    while the ego stands. Every second tick is computed and held (10 Hz)."""
    result = np.full(len(log.x), np.inf)
    ahead = np.arange(0.0, TTC_HORIZON + 1e-9, TTC_STEP)
    stride = max(round(0.1 / log.step_s), 1)
    for tick in range(0, len(log.x), stride):
        objects = log.objects[tick]
        if log.speed[tick] <= STANDING or len(objects) == 0:
            continue
        distance = np.hypot(objects.x - log.x[tick], objects.y - log.y[tick])
        near = objects.select(distance < TTC_RANGE + 2.0 * log.speed[tick])
        if len(near) == 0:
            continue
        cos, sin = np.cos(log.yaw[tick]), np.sin(log.yaw[tick])
        ego = box_corners(
            log.x[tick] + cos * log.speed[tick] * ahead, log.y[tick] + sin * log.speed[tick] * ahead,
            np.full(len(ahead), log.yaw[tick]), np.array(log.ego_length), np.array(log.ego_width),
        )  # fmt: skip
        others = box_corners(
            near.x[:, None] + near.vx[:, None] * ahead, near.y[:, None] + near.vy[:, None] * ahead,
            np.broadcast_to(near.yaw[:, None], (len(near), len(ahead))), near.length[:, None], near.width[:, None],
        )  # fmt: skip
        hits = boxes_overlap(ego[None], others).any(0)
        if hits.any():
            result[tick : tick + stride] = ahead[int(hits.argmax())]
    return result


def min_time_to_collision(log: EpisodeLog) -> float:
    """Smallest time to collision s of the episode; inf where nothing ever was on a collision course within 3 s."""
    return float(times_to_collision(log).min())


def comfort(log: EpisodeLog) -> float:
    """Share 0..1 of the 2 s segments in which every comfort bound holds (Bench2Drive's smoothness).

    The yaw acceleration is the derivative of the yaw rate, as its definition says. 1 for an episode below one segment.
    """
    window = max(round(SMOOTHING / log.step_s), 1)

    def derivative(values: FloatArray) -> FloatArray:
        return (
            np.asarray(np.gradient(_smooth(values, window), log.step_s)) if len(values) > 1 else np.zeros(len(values))
        )

    along, across = _smooth(log.acceleration, window), _smooth(log.lateral_acceleration, window)
    jerk_along, jerk_across = derivative(log.acceleration), derivative(log.lateral_acceleration)
    fine = (
        (along >= LONGITUDINAL_ACCELERATION[0]) & (along <= LONGITUDINAL_ACCELERATION[1])
        & (np.abs(across) <= LATERAL_ACCELERATION) & (np.abs(log.yaw_rate) <= YAW_RATE)
        & (np.abs(derivative(log.yaw_rate)) <= YAW_ACCELERATION) & (np.abs(jerk_along) <= LONGITUDINAL_JERK)
        & (np.hypot(jerk_along, jerk_across) <= JERK)
    )  # fmt: skip
    size = round(SEGMENT / log.step_s)
    segments = [fine[start : start + size] for start in range(0, len(fine) - size + 1, size)]
    return float(np.mean([segment.all() for segment in segments])) if segments else 1.0


def _smooth(values: FloatArray, window: int) -> FloatArray:
    """Centred moving average over up to ``window`` values, shorter at the ends."""
    kernel = np.ones(window)
    counts = np.convolve(np.ones(len(values)), kernel)
    low = (window - 1) // 2
    return np.asarray((np.convolve(values, kernel) / counts)[low : low + len(values)])


def efficiency(log: EpisodeLog) -> float | None:
    """Mean over 20 route checkpoints of the ego's speed in % of the moving traffic's around it (Bench2Drive).

    None where no checkpoint had moving traffic within 30 m.
    """
    ratios = []
    edges = np.linspace(0.0, log.route_length, CHECKPOINTS + 1)
    for low, high in pairwise(edges):
        ticks = np.flatnonzero((log.route_s >= low) & (log.route_s < high))
        traffic = [speed for tick in ticks for speed in _traffic_speeds(log, int(tick))]
        if traffic:
            ratios.append(100.0 * float(log.speed[ticks].mean()) / float(np.mean(traffic)))
    return float(np.mean(ratios)) if ratios else None


def _traffic_speeds(log: EpisodeLog, tick: int) -> list[float]:
    objects = log.objects[tick]
    speed = np.hypot(objects.vx, objects.vy)
    near = np.hypot(objects.x - log.x[tick], objects.y - log.y[tick]) < NEIGHBOURHOOD
    motor = (objects.kind == ObjectKind.CAR) | (objects.kind == ObjectKind.TRUCK)
    return [float(value) for value in speed[near & motor & (speed > 0.5)]]
