"""The inner loops of the measures of an episode, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.compiled import Indices, Vector, kernel, part
from takead_ros.domain.kernels import Box, box_gap


class EgoTrack(NamedTuple):
    """The ego at each of T ticks: x y m, yaw rad, speed m/s, all (T,); length, width m of its box."""

    x: Vector
    y: Vector
    yaw: Vector
    speed: Vector
    length: float
    width: float


class TrafficArrays(NamedTuple):
    """``episode_log.Traffic``: first (T + 1,), and for each row kind, x y m, yaw rad, vx vy m/s, length width m."""

    first: Indices
    kind: Indices
    x: Vector
    y: Vector
    yaw: Vector
    vx: Vector
    vy: Vector
    length: Vector
    width: Vector


@kernel
def times_to_collision(
    ego: EgoTrack, others: TrafficArrays, ahead: Vector, stride: int, horizon: float, standing: float
) -> Vector:
    """(T,) s: ``ride_quality.times_to_collision``, tried at the times ``ahead`` (A,) s, at every ``stride``-th tick."""
    ticks = len(ego.x)
    result = np.full(ticks, np.inf)
    for tick in range(0, ticks, stride):
        speed = ego.speed[tick]
        if speed <= standing:
            continue
        c, s = np.cos(ego.yaw[tick]), np.sin(ego.yaw[tick])
        soonest = len(ahead)
        for n in range(others.first[tick], others.first[tick + 1]):
            dx, dy = others.x[n] - ego.x[tick], others.y[n] - ego.y[tick]
            vx, vy = others.vx[n] - c * speed, others.vy[n] - s * speed
            a, b = others.length[n], others.width[n]
            reach = 0.5 * (np.hypot(a, b) + np.hypot(ego.length, ego.width))
            if np.hypot(dx, dy) - reach > np.hypot(vx, vy) * horizon:
                continue
            own = Box(0.0, 0.0, c, s, 0.5 * ego.length, 0.5 * ego.width)
            oc, os = np.cos(others.yaw[n]), np.sin(others.yaw[n])
            for k in range(soonest):
                px, py = dx + vx * ahead[k], dy + vy * ahead[k]
                if px * px + py * py <= reach * reach and box_gap(own, Box(px, py, oc, os, 0.5 * a, 0.5 * b)) < 0.0:
                    soonest = k
                    break
        if soonest < len(ahead):
            for later in range(tick, min(tick + stride, ticks)):
                result[later] = ahead[soonest]
    return result


@kernel
def first_conflict(
    ego: EgoTrack, others: TrafficArrays, stride: int, samples: int, lags: int, step: float, cos_angle: float
) -> int:
    """The smallest lag (0 .. lags) at which the ego and another are in the same place across each other's way, the one
    so many samples after the other; -1: none. Samples are ``stride`` ticks, ``step`` s, apart, and a box is longer by
    the way that it makes in one."""
    mine, theirs = np.empty(samples), np.empty(len(others.x))
    for row in range(samples):
        mine[row] = ego.length + step * max(ego.speed[row * stride], 0.0)
    for n in range(len(theirs)):
        theirs[n] = others.length[n] + step * np.hypot(others.vx[n], others.vy[n])
    for lag in range(lags + 1):
        for row in range(samples - lag):
            sooner, later = row * stride, (row + lag) * stride
            if _meets(ego, mine[row], sooner, others, theirs, later, cos_angle):
                return lag
            if lag > 0 and _meets(ego, mine[row + lag], later, others, theirs, sooner, cos_angle):
                return lag
    return -1


@part
def _meets(
    ego: EgoTrack, mine: float, tick: int, others: TrafficArrays, theirs: Vector, when: int, cos_angle: float
) -> bool:
    """Whether the ego's box at ``tick``, ``mine`` m long, overlaps one of the others at ``when`` across its heading."""
    x, y, yaw = ego.x[tick], ego.y[tick], ego.yaw[tick]
    half = 0.5 * np.hypot(mine, ego.width)
    for n in range(others.first[when], others.first[when + 1]):
        dx, dy = others.x[n] - x, others.y[n] - y
        reach = half + 0.5 * (theirs[n] + others.width[n])  # at least as far as the corners
        if dx * dx + dy * dy < reach * reach and np.cos(others.yaw[n] - yaw) < cos_angle:
            own = Box(0.0, 0.0, np.cos(yaw), np.sin(yaw), 0.5 * mine, 0.5 * ego.width)
            oc, os = np.cos(others.yaw[n]), np.sin(others.yaw[n])
            if box_gap(own, Box(dx, dy, oc, os, 0.5 * theirs[n], 0.5 * others.width[n])) < 0.0:
                return True
    return False


@kernel
def traffic_speeds(ego: EgoTrack, others: TrafficArrays, kinds: Indices, around: float, moving: float) -> Vector:
    """Mean speed (T,) m/s of those of ``kinds`` within ``around`` m of the ego that are faster than ``moving`` m/s; 0
    where there are none."""
    result = np.zeros(len(ego.x))
    for tick in range(len(ego.x)):
        total, count = 0.0, 0
        for n in range(others.first[tick], others.first[tick + 1]):
            counts = False
            for kind in kinds:
                counts = counts or others.kind[n] == kind
            speed = np.hypot(others.vx[n], others.vy[n])
            if counts and speed > moving and np.hypot(others.x[n] - ego.x[tick], others.y[n] - ego.y[tick]) < around:
                total += speed
                count += 1
        if count:
            result[tick] = total / count
    return result
