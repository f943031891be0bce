"""Longitudinal proposals rolled out along each path: IDM at several speeds, yielding, and three ways to stop.

A path whose curvature the wheels can follow is an exact motion of the kinematic bicycle (it is differentially flat),
so a proposal is rolled out as distance over time along its path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import EgoState, FloatArray, IntArray
from takead_ros.expert.forecast import EVERY, KNOTS, TIMES
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.paths import GRID, Paths

STEPS = np.diff(KNOTS)  # (S - 1,) s
PACES = ("full", "brisk", "half", "slow", "yield", "stop", "brake", "emergency")
_FRACTION = np.array([1.0, 0.75, 0.5, 0.25, 1.0, 1.0, 1.0, 1.0])
_BRAKE = np.array([np.inf, np.inf, np.inf, np.inf, np.inf, -2.5, -5.0, -np.inf])  # ceiling on acceleration


@dataclass(frozen=True)
class Surroundings:
    """What limits the motion along L paths, at the S times of forecast.KNOTS.

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
    acceleration (K, S - 1), at forecast.TIMES (first entry: now). lead (K,): row of the actor that slows it, or -1."""

    path: IntArray
    pace: IntArray
    along: FloatArray
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    v: FloatArray
    acceleration: FloatArray
    lead: IntArray


def _calm(
    pull: FloatArray, speed: FloatArray, gap: FloatArray, lead_speed: FloatArray, lead_change: FloatArray,
    parameters: ExpertParameters,
) -> FloatArray:  # fmt: skip
    """IDM's ``pull`` (K,) m/s^2 without its overreaction to a gap that is small but not dangerous, as after a cut-in.

    It never goes far below the constant acceleration that just avoids a collision ("ACC model": Kesting, Treiber,
    Helbing, Phil. Trans. R. Soc. A 368 (2010) 4585), here with 1.5 m of the gap kept in reserve.
    """
    room = np.minimum(np.maximum(gap - 1.5, 0.1), 500.0)
    closing = np.maximum(speed - lead_speed, 0.0)
    just = lead_change - closing**2 / (2.0 * room)
    brakes = lead_change < 0.0
    if brakes.any():
        stops_first = lead_speed * closing <= -2.0 * room * lead_change
        until_stand = speed**2 * lead_change / np.maximum(lead_speed**2 - 2.0 * room * lead_change, 1e-6)
        just = np.where(stops_first & brakes, until_stand, just)
    calm = pull >= just
    if calm.all():
        return pull
    b = parameters.comfort_deceleration
    return np.where(calm, pull, just + b * np.tanh((pull - just) / b))


def speed_profile(cap: FloatArray, rate: FloatArray, deceleration: float) -> FloatArray:
    """Highest speeds (L, G) m/s that never need more than ``deceleration`` to keep to ``cap`` (L, G) m/s ahead."""
    arc = np.cumsum(1.0 / rate, axis=1)
    square = cap**2 + 2.0 * deceleration * arc
    reach = np.minimum.accumulate(square[:, ::-1], axis=1)[:, ::-1]
    return np.sqrt(np.maximum(reach - 2.0 * deceleration * arc, 0.0))


def roll_out(paths: Paths, around: Surroundings, ego: EgoState, limit: float, parameters: ExpertParameters) -> Rollouts:
    """All proposals over the horizon. ``limit`` m/s: the speed that the fractions of the paces refer to."""
    p = parameters
    count, lanes, length = len(PACES), len(paths.kind), len(GRID)
    path = np.repeat(np.arange(lanes), count)
    pace = np.tile(np.arange(count), lanes)
    first = path * length  # where a path's row begins in the flattened (L, G) tables
    cap, rates = around.cap.ravel(), paths.rate.ravel()
    target = _FRACTION[pace] * limit
    ceiling = np.maximum(_BRAKE, -p.max_deceleration)[pace]
    stop = np.where(pace == PACES.index("yield"), np.minimum(around.wall, around.yield_wall)[path], around.wall[path])
    half = 0.5 * ego.length
    front_stop = stop - half
    leads = np.flatnonzero(np.isfinite(around.rear).any(axis=(0, 2)))
    rear = np.ascontiguousarray(np.moveaxis(around.rear[:, leads], 2, 0)[:, path])  # (S, K, M)
    lead_gap = around.gap[leads]
    interaction = 1.0 / (2.0 * np.sqrt(p.comfort_acceleration * p.comfort_deceleration))
    rows = np.arange(len(path))
    u, v = np.zeros(len(path)), np.full(len(path), max(ego.speed, 0.0))
    along, speeds = np.empty((len(path), len(KNOTS))), np.empty((len(path), len(KNOTS)))
    along[:, 0], speeds[:, 0] = u, v
    accelerations = []
    # From here on time first, (S, M): each step reads a row.
    lead_speed = np.ascontiguousarray(around.lead_speed[leads].T)
    changes = np.minimum((lead_speed[1:] - lead_speed[:-1]) / STEPS[:, None], 0.0)  # m/s^2, what leads brake with
    lead, lead_pull = np.full(len(path), -1), np.zeros(len(path))
    # Without a lead, or without a line to stop at, the terms below change nothing: they are left out.
    led = [bool(row.any()) for row in np.isfinite(rear)]
    walled = bool(np.isfinite(front_stop).any())
    for i, dt in enumerate(STEPS.tolist()):
        at = first + np.minimum(u, length - 1.0).astype(np.int64)
        ahead = first + np.minimum(u + 0.5 * dt * v, length - 1.0).astype(np.int64)
        capped = np.minimum(cap[at], cap[ahead])
        a = np.maximum((target - v) / dt, -p.comfort_deceleration)  # a lower target is no reason to brake hard
        a = np.minimum(np.minimum(a, (capped - v) / dt), p.comfort_acceleration)
        if led[i]:
            gap = rear[i] - u[:, None]
            # what the ego is beside is no lead any more
            gap = np.where(gap > 0.0, np.maximum(gap - half, 0.1), np.inf)
            braking = interaction * (v[:, None] - lead_speed[i])
            desired = lead_gap + np.maximum(v[:, None] * (p.headway + braking), 0.0)
            pull = p.comfort_acceleration * (1.0 - (desired / gap) ** 2)
            nearest = pull.argmin(1)
            strongest = pull[rows, nearest]
            if (strongest < a).any():
                strongest = _calm(strongest, v, gap[rows, nearest], lead_speed[i, nearest], changes[i, nearest], p)
            if i < 6:
                harder = (strongest < a - 0.2) & (strongest < lead_pull - 0.1)
                lead = np.where(harder, leads[nearest], lead)
                lead_pull = np.where(harder, strongest, lead_pull)
            a = np.minimum(a, strongest)
        if walled:
            room = front_stop - u
            needed = (-0.525) * v**2 / np.maximum(room, 0.05)
            before = room > -1.0
            firmly = before & ((needed < -0.6 * p.comfort_deceleration) | (room <= 0.2))
            a = np.where(firmly, np.minimum(a, needed), a)
            a = np.where(before & (room < 1.0 + v), np.minimum(a, (room - v) / dt), a)
        a = np.maximum(np.minimum(a, ceiling), -p.max_deceleration)
        v_next = np.maximum(v + a * dt, 0.0)
        moved = 0.5 * dt * (v + v_next)
        if not v_next.all():
            stops = (v_next == 0.0) & (a < 0.0)
            moved = np.where(stops, 0.5 * v**2 / np.maximum(-a, 1e-6), moved)
        u, v = u + moved * rates[at], v_next
        along[:, i + 1], speeds[:, i + 1] = u, v
        accelerations.append(a)
    acceleration = np.stack(accelerations, axis=1)
    return _trace(paths, path, pace, along, speeds, acceleration, lead)


def _trace(
    paths: Paths, path: IntArray, pace: IntArray, along: FloatArray, speeds: FloatArray, acceleration: FloatArray,
    lead: IntArray,
) -> Rollouts:  # fmt: skip
    """Places on the paths at the forecast's fine times."""
    u, v = np.empty((len(path), len(TIMES))), np.empty((len(path), len(TIMES)))
    u[:, ::EVERY], v[:, ::EVERY] = along, speeds
    middle = 0.5 * (speeds[:, :-1] + speeds[:, 1:])
    share = np.where(middle > 0.05, 0.25 * (speeds[:, :-1] + middle) / np.maximum(middle, 0.05), 0.5)
    u[:, 1::EVERY] = along[:, :-1] + (along[:, 1:] - along[:, :-1]) * share
    v[:, 1::EVERY] = middle
    base = np.minimum(u.astype(np.int64), len(GRID) - 2)
    share = u - base
    at = base + (path * len(GRID))[:, None]

    def along_path(values: FloatArray) -> FloatArray:
        flat = values.ravel()
        low = flat[at]
        return np.asarray(low + share * (flat[at + 1] - low))

    x, y, yaw = along_path(paths.x), along_path(paths.y), along_path(paths.yaw)
    return Rollouts(path, pace, u, x, y, yaw, v, acceleration, lead)
