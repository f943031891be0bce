"""Longitudinal proposals rolled out along each path: IDM at several speeds, yielding, and three ways to stop.

A path whose curvature the wheels can follow is an exact motion of the kinematic bicycle (it is differentially flat),
so a proposal is rolled out as distance over time along its path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import EgoState, FloatArray, IntArray
from takead_ros.expert.forecast import FINE, HORIZON
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.paths import GRID, Paths

COARSE = 0.5  # s between two steps of the longitudinal model
STEPS = int(HORIZON / COARSE)
EVERY = int(COARSE / FINE)
PACES = ("full", "brisk", "half", "slow", "yield", "stop", "brake", "emergency")
_FRACTION = np.array([1.0, 0.75, 0.5, 0.25, 1.0, 1.0, 1.0, 1.0])
_BRAKE = np.array([np.inf, np.inf, np.inf, np.inf, np.inf, -2.5, -5.0, -np.inf])  # ceiling on acceleration


@dataclass(frozen=True)
class Surroundings:
    """What limits the motion along L paths, at the coarse times now .. HORIZON (S = STEPS + 1).

    cap (L, G) m/s; rear (L, N, S) m along the route of each actor's rear end, inf where it is not in the way;
    lead_speed (N, S) m/s along the route; gap (N,) m standstill gap to each; wall (L,) m: where all proposals stop
    with their front; yield_wall (L,) m: where the yielding ones do.
    """

    cap: FloatArray
    rear: FloatArray
    lead_speed: FloatArray
    gap: FloatArray
    wall: FloatArray
    yield_wall: FloatArray


@dataclass(frozen=True)
class Rollouts:
    """K = L * len(PACES) proposals; path pace (K,) indices; along (K, T) m on the route, x y yaw v (K, T), and
    acceleration (K, STEPS), at forecast.TIMES (first entry: now). lead (K,): row of the actor that slows it, or -1."""

    path: IntArray
    pace: IntArray
    along: FloatArray
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    v: FloatArray
    acceleration: FloatArray
    lead: IntArray


def speed_profile(cap: FloatArray, rate: FloatArray, deceleration: float) -> FloatArray:
    """Highest speeds (L, G) m/s that never need more than ``deceleration`` to keep to ``cap`` (L, G) m/s ahead."""
    arc = np.cumsum(1.0 / rate, axis=1)
    square = cap**2 + 2.0 * deceleration * arc
    reach = np.minimum.accumulate(square[:, ::-1], axis=1)[:, ::-1]
    return np.sqrt(np.maximum(reach - 2.0 * deceleration * arc, 0.0))


def roll_out(paths: Paths, around: Surroundings, ego: EgoState, limit: float, parameters: ExpertParameters) -> Rollouts:
    """All proposals over the horizon. ``limit`` m/s: the speed that the fractions of the paces refer to."""
    p = parameters
    count = len(PACES)
    path = np.repeat(np.arange(len(paths.kind)), count)
    pace = np.tile(np.arange(count), len(paths.kind))
    target = _FRACTION[pace] * limit
    ceiling = np.maximum(_BRAKE, -p.max_deceleration)[pace]
    stop = np.where(pace == PACES.index("yield"), np.minimum(around.wall, around.yield_wall)[path], around.wall[path])
    rear = np.ascontiguousarray(np.moveaxis(around.rear, 2, 0)[:, path])  # (S, K, N)
    half = 0.5 * ego.length
    interaction = 1.0 / (2.0 * np.sqrt(p.comfort_acceleration * p.comfort_deceleration))
    u, v = np.zeros(len(path)), np.full(len(path), max(ego.speed, 0.0))
    along, speeds, accelerations = np.zeros((len(path), STEPS + 1)), np.empty((len(path), STEPS + 1)), []
    speeds[:, 0] = v
    lead = np.full(len(path), -1)
    lead_pull = np.zeros(len(path))
    last = len(GRID) - 1
    rows = np.arange(len(path))
    for i in range(STEPS):
        at = np.minimum(u.astype(np.int64), last)
        ahead = np.minimum((u + 0.5 * COARSE * v).astype(np.int64), last)
        wanted = np.minimum(target, np.minimum(around.cap[path, at], around.cap[path, ahead]))
        a = np.clip((wanted - v) / COARSE, -p.max_deceleration, p.comfort_acceleration)
        if rear.shape[2]:
            closing = v[:, None] - around.lead_speed[:, i]
            gap = np.maximum(rear[i] - (u + half)[:, None], 0.1)
            gap = np.where(rear[i] > u[:, None], gap, np.inf)  # what the ego is beside is no lead any more
            desired = around.gap + np.maximum(v[:, None] * (p.headway + interaction * closing), 0.0)
            pull = p.comfort_acceleration * (1.0 - (desired / gap) ** 2)
            nearest = pull.argmin(1)
            strongest = pull[rows, nearest]
            if i < 6:
                harder = (strongest < a - 0.2) & (strongest < lead_pull - 0.1)
                lead = np.where(harder, nearest, lead)
                lead_pull = np.where(harder, strongest, lead_pull)
            a = np.minimum(a, strongest)
        room = stop - u - half
        needed = -(v**2) / (2.0 * np.maximum(room, 0.05))
        soon = (needed < -0.6 * p.comfort_deceleration) & (room > -1.0) | (room <= 0.2) & (room > -1.0)
        a = np.where(soon, np.minimum(a, np.maximum(needed, -p.max_deceleration) * 1.05), a)
        a = np.minimum(np.where((room < 1.0 + v) & (room > -1.0), np.minimum(a, (room - v) / COARSE), a), ceiling)
        a = np.maximum(a, -p.max_deceleration)
        v_next = np.maximum(v + a * COARSE, 0.0)
        moved = np.where((v_next == 0.0) & (a < 0.0), v**2 / np.maximum(-2.0 * a, 1e-6), 0.5 * (v + v_next) * COARSE)
        rate = paths.rate[path, at]
        u, v = u + np.minimum(moved, v * COARSE + 0.5) * rate, v_next
        along[:, i + 1], speeds[:, i + 1] = u, v
        accelerations.append(a)
    acceleration = np.stack(accelerations, axis=1)
    return _trace(paths, path, pace, along, speeds, acceleration, lead)


def _trace(
    paths: Paths, path: IntArray, pace: IntArray, along: FloatArray, speeds: FloatArray, acceleration: FloatArray,
    lead: IntArray,
) -> Rollouts:  # fmt: skip
    """Places on the paths at the forecast's fine times."""
    k, fine = len(path), STEPS * EVERY + 1
    u, v = np.empty((k, fine)), np.empty((k, fine))
    u[:, ::EVERY], v[:, ::EVERY] = along, speeds
    middle = 0.5 * (speeds[:, :-1] + speeds[:, 1:])
    u[:, 1::EVERY] = along[:, :-1] + (along[:, 1:] - along[:, :-1]) * np.where(
        middle > 0.05, 0.25 * (speeds[:, :-1] + middle) / np.maximum(middle, 0.05), 0.5
    )
    v[:, 1::EVERY] = middle
    base = np.clip(u.astype(np.int64), 0, len(GRID) - 2)
    share = u - base
    row = path[:, None]

    def along_path(values: FloatArray) -> FloatArray:
        low = values[row, base]
        return np.asarray(low + share * (values[row, base + 1] - low))

    x, y, yaw = along_path(paths.x), along_path(paths.y), along_path(paths.yaw)
    return Rollouts(path, pace, u, x, y, yaw, v, acceleration, lead)
