"""How an episode felt and flowed: times to collision and after encroachment, comfort, efficiency.

Pure functions over ``EpisodeLog``.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np

from takead_ros.domain.geometry import box_corners, boxes_overlap
from takead_ros.domain.scene import FloatArray, ObjectKind
from takead_ros.measures.episode_log import End, EpisodeLog

TTC_HORIZON = 3.0  # s
TTC_STEP = 0.1  # s
STANDING = 0.005  # m/s; NAVSIM and nuPlan ask no TTC of an ego that stands

# nuPlan's comfort bounds, as Bench2Drive (smoothness) and NAVSIM (comfort) take them over
LONGITUDINAL_ACCELERATION = (-4.05, 2.40)  # m/s^2
LATERAL_ACCELERATION = 4.89  # m/s^2
YAW_RATE = 0.95  # rad/s
YAW_ACCELERATION = 1.93  # rad/s^2
LONGITUDINAL_JERK = 4.13  # m/s^3
JERK = 8.37  # m/s^3
SEGMENT = 2.0  # s that are judged together (Bench2Drive: 20 frames at 10 Hz)
COMFORT_STEP = 0.1  # s between the samples that are judged
COMFORT_WINDOW = 7  # of them in each smoothing and derivative
CHECKPOINTS = 20  # speed checks along the route (Bench2Drive: every 5 %)
HIGHEST_RATIO = 1000.0  # %; beyond it a checkpoint does not count
NEIGHBOURHOOD = 30.0  # m around the ego whose moving vehicles count as traffic
MOTOR_VEHICLES = (ObjectKind.CAR, ObjectKind.TRUCK, ObjectKind.EMERGENCY_VEHICLE)

PET_STEP = 0.1  # s
PET_HORIZON = 5.0  # s
PET_ANGLE = float(np.deg2rad(30.0))  # between headings, from which two paths cross rather than follow each other


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
        cos, sin = np.cos(log.yaw[tick]), np.sin(log.yaw[tick])
        distance = np.hypot(objects.x - log.x[tick], objects.y - log.y[tick])
        closing = np.hypot(objects.vx - cos * log.speed[tick], objects.vy - sin * log.speed[tick])
        reach = 0.5 * (np.hypot(objects.length, objects.width) + np.hypot(log.ego_length, log.ego_width))
        near = objects.select(distance - reach <= closing * TTC_HORIZON)
        if len(near) == 0:
            continue
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
    """Share 0..1 of the 2 s segments in which every comfort bound holds (Bench2Drive's smoothness, at its 10 Hz).

    Two departures from its script, both towards the definition: the yaw acceleration is the derivative of the yaw rate
    (the script compares the yaw rate itself), and yaw rates are in rad/s as the bounds are (CARLA's are in deg/s). As
    there, an unfinished last segment does not count, unless it is the only one.
    """
    stride = max(round(COMFORT_STEP / log.step_s), 1)
    usable = len(log.x) // stride * stride

    def column(values: FloatArray) -> FloatArray:
        return np.asarray(values[:usable].reshape(-1, stride).mean(1))

    rows = np.stack([column(v) for v in (log.acceleration, log.lateral_acceleration, log.yaw_rate)])
    size = round(SEGMENT / COMFORT_STEP)
    count = rows.shape[1] // size
    if count == 0:
        segments = rows[:, None, :]
    else:
        segments = rows[:, : count * size].reshape(3, count, size)
    return float(np.mean(_comfortable(segments[0], segments[1], segments[2]))) if segments.shape[2] > 2 else 1.0


def _comfortable(along: FloatArray, across: FloatArray, yaw_rate: FloatArray) -> np.ndarray:
    """Whether segments (K, S) of accelerations m/s^2 and yaw rates rad/s keep all bounds, smoothed: (K,)."""
    samples = along.shape[1]
    smooth = savitzky_golay(samples, COMFORT_WINDOW, 2, 0, COMFORT_STEP).T
    slope = savitzky_golay(samples, COMFORT_WINDOW, 2, 1, COMFORT_STEP).T
    magnitude, yaw_rate = np.hypot(along, across) @ smooth, yaw_rate @ smooth
    along, across = along @ smooth, across @ smooth
    low, high = LONGITUDINAL_ACCELERATION
    return np.asarray(
        (
            (along > low) & (along < high) & (np.abs(across) < LATERAL_ACCELERATION) & (np.abs(yaw_rate) < YAW_RATE)
            & (np.abs(yaw_rate @ slope) < YAW_ACCELERATION) & (np.abs(along @ slope) < LONGITUDINAL_JERK)
            & (np.abs(magnitude @ slope) < JERK)
        ).all(1)
    )  # fmt: skip


@lru_cache(maxsize=32)
def savitzky_golay(samples: int, window: int, order: int, derivative: int, dt: float) -> FloatArray:
    """Matrix (samples, samples): ``matrix @ values`` is the filtered series, or its derivative, per second.

    Least squares of a polynomial of ``order`` over ``window`` (odd) samples around each; at the ends that of the first
    or last whole window. Source: Savitzky, Golay, Anal. Chem. 36 (1964) 1627; scipy's ``mode='interp'``.
    """
    matrix = np.zeros((samples, samples))
    window = min(window, samples)
    for i in range(samples):
        start = min(max(i - window // 2, 0), samples - window)
        times = (np.arange(start, start + window) - i) * dt
        fit = np.linalg.pinv(np.vander(times, order + 1, increasing=True))
        matrix[i, start : start + window] = math.factorial(derivative) * fit[derivative]
    return matrix


def post_encroachment_time(log: EpisodeLog) -> float:
    """Smallest post-encroachment time s of the episode: between the one leaving a place and the other coming to it.

    Counted between the ego and everyone whose heading differs by more than 30 degrees at that place, at 10 Hz and up to
    5 s; inf where no paths crossed, 0 where boxes overlapped. Who follows in the same direction has a headway, not a
    conflict. Source: Allen, Shin, Cooper, Transp. Res. Rec. 667 (1978) 67.
    """
    stride = max(round(PET_STEP / log.step_s), 1)
    ticks = range(0, len(log.x), stride)
    numbers = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(log.objects[tick].id for tick in ticks)]))
    others = np.full((len(ticks), len(numbers), 5), np.nan)
    for row, tick in enumerate(ticks):
        objects = log.objects[tick]
        others[row, np.searchsorted(numbers, objects.id)] = np.stack(
            [
                objects.x,
                objects.y,
                objects.yaw,
                objects.length + PET_STEP * np.hypot(objects.vx, objects.vy),
                objects.width,
            ],
            axis=1,
        )
    length = log.ego_length + PET_STEP * np.maximum(log.speed, 0.0)  # what a box sweeps over in one step
    ego = np.stack([values[::stride] for values in (log.x, log.y, log.yaw, length)], axis=1)[:, None, :]
    limit = min(round(PET_HORIZON / PET_STEP), len(ticks) - 1)
    for lag in range(limit + 1):
        pairs = [(ego[: len(ticks) - lag], others[lag:]), (ego[lag:], others[: len(ticks) - lag])]
        if any(_conflicts(mine, theirs, log.ego_width) for mine, theirs in pairs[: 1 + (lag > 0)]):
            return lag * PET_STEP
    return float(np.inf)


def _conflicts(ego: FloatArray, others: FloatArray, width: float) -> bool:
    """Whether any of the ego's boxes (T, 1, 4) overlaps a box (T, N, 5) of the same row across its heading."""
    reach = 0.5 * (np.hypot(ego[..., 3], width) + np.hypot(others[..., 3], others[..., 4]))
    near = np.hypot(others[..., 0] - ego[..., 0], others[..., 1] - ego[..., 1]) < reach
    rows, columns = np.nonzero(near & (np.cos(others[..., 2] - ego[..., 2]) < np.cos(PET_ANGLE)))
    if len(rows) == 0:
        return False
    theirs, mine = others[rows, columns], ego[rows, 0]
    first = box_corners(mine[:, 0], mine[:, 1], mine[:, 2], mine[:, 3], np.array(width))
    return bool(boxes_overlap(first, box_corners(*theirs.T)).any())


def efficiency(log: EpisodeLog) -> float | None:
    """Mean over 20 route checkpoints of the ego's speed in % of the moving traffic's around it (Bench2Drive).

    Each tick with moving traffic within 30 m counts with that traffic's mean speed and the ego's speed; checkpoints
    above 1000 %, and one that the ego did not get to the end of, are left out, as there. (There all background traffic
    counts, however far, and standing too.) None where no checkpoint had moving traffic.
    """
    ratios = []
    edges = np.linspace(0.0, log.route_length, CHECKPOINTS + 1)
    reached = log.route_length if log.end is End.GOAL else float(log.route_s.max())
    traffic = np.array([_traffic_speed(log, tick) for tick in range(len(log.x))])
    for low, high in pairwise(edges):
        if high > reached + 1e-9:
            break
        ticks = np.flatnonzero((log.route_s >= low) & (log.route_s < high) & (traffic > 0.0))
        if len(ticks) > 0:
            ratio = 100.0 * float(log.speed[ticks].mean() / traffic[ticks].mean())
            ratios += [ratio] if ratio <= HIGHEST_RATIO else []
    return float(np.mean(ratios)) if ratios else None


def _traffic_speed(log: EpisodeLog, tick: int) -> float:
    """Mean speed m/s of the moving motor vehicles around the ego; 0 where there are none."""
    objects = log.objects[tick]
    speed = np.hypot(objects.vx, objects.vy)
    near = np.hypot(objects.x - log.x[tick], objects.y - log.y[tick]) < NEIGHBOURHOOD
    chosen = speed[near & np.isin(objects.kind, MOTOR_VEHICLES) & (speed > 0.5)]
    return float(chosen.mean()) if len(chosen) else 0.0
