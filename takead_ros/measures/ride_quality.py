"""How an episode felt and flowed: times to collision and after encroachment, comfort, efficiency.

Pure functions over ``EpisodeLog``.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.scene import FloatArray, ObjectKind
from takead_ros.measures import kernels
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
MOVING = 0.5  # m/s from which a vehicle moves
MOTOR_VEHICLES = (ObjectKind.CAR, ObjectKind.TRUCK, ObjectKind.EMERGENCY_VEHICLE)

PET_STEP = 0.1  # s
PET_HORIZON = 5.0  # s
PET_ANGLE = float(np.deg2rad(30.0))  # between headings, from which two paths cross rather than follow each other


def times_to_collision(log: EpisodeLog) -> FloatArray:
    """(T,) s until the ego's box would overlap another's with everyone keeping speed and heading; inf beyond 3 s or
    while the ego stands. Every second tick is computed and held (10 Hz)."""
    prepare()
    ahead = np.arange(0.0, TTC_HORIZON + 1e-9, TTC_STEP)
    stride = max(round(0.1 / log.step_s), 1)
    return kernels.times_to_collision(_ego(log), _others(log), ahead, stride, TTC_HORIZON, STANDING)


def _ego(log: EpisodeLog) -> kernels.EgoTrack:
    x, y, yaw, speed = (np.array(values, dtype=float) for values in (log.x, log.y, log.yaw, log.speed))
    return kernels.EgoTrack(x, y, yaw, speed, float(log.ego_length), float(log.ego_width))


def _others(log: EpisodeLog) -> kernels.TrafficArrays:
    everyone = log.objects.all
    columns = (np.array(getattr(everyone, name), dtype=float) for name in kernels.TrafficArrays._fields[2:])
    kinds = np.array(everyone.kind, dtype=np.int64)
    return kernels.TrafficArrays(np.array(log.objects.first, dtype=np.int64), kinds, *columns)


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
            (along > low)
            & (along < high)
            & (np.abs(across) < LATERAL_ACCELERATION)
            & (np.abs(yaw_rate) < YAW_RATE)
            & (np.abs(yaw_rate @ slope) < YAW_ACCELERATION)
            & (np.abs(along @ slope) < LONGITUDINAL_JERK)
            & (np.abs(magnitude @ slope) < JERK)
        ).all(1)
    )


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
    prepare()
    stride = max(round(PET_STEP / log.step_s), 1)
    samples = len(range(0, len(log.x), stride))
    lags = min(round(PET_HORIZON / PET_STEP), samples - 1)
    found = kernels.first_conflict(_ego(log), _others(log), stride, samples, lags, PET_STEP, float(np.cos(PET_ANGLE)))
    return found * PET_STEP if found >= 0 else float(np.inf)


def efficiency(log: EpisodeLog) -> float | None:
    """Mean over 20 route checkpoints of the ego's speed in % of the moving traffic's around it (Bench2Drive).

    Each tick with moving traffic within 30 m counts with that traffic's mean speed and the ego's speed; checkpoints
    above 1000 %, and one that the ego did not get to the end of, are left out, as there. (There all background traffic
    counts, however far, and standing too.) None where no checkpoint had moving traffic.
    """
    ratios = []
    edges = np.linspace(0.0, log.route_length, CHECKPOINTS + 1)
    reached = log.route_length if log.end is End.GOAL else float(log.route_s.max())
    prepare()
    traffic = kernels.traffic_speeds(_ego(log), _others(log), np.array(MOTOR_VEHICLES), NEIGHBOURHOOD, MOVING)
    for low, high in pairwise(edges):
        if high > reached + 1e-9:
            break
        ticks = np.flatnonzero((log.route_s >= low) & (log.route_s < high) & (traffic > 0.0))
        if len(ticks) > 0:
            ratio = 100.0 * float(log.speed[ticks].mean() / traffic[ticks].mean())
            ratios += [ratio] if ratio <= HIGHEST_RATIO else []
    return float(np.mean(ratios)) if ratios else None
