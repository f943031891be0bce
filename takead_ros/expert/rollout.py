"""Longitudinal proposals rolled out along each path: IDM at several speeds, yielding, and three ways to stop.

A path whose curvature the wheels can follow is an exact motion of the kinematic bicycle (it is differentially flat),
so a proposal is rolled out as distance over time along its path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import EgoState, FloatArray, IntArray
from takead_ros.expert.forecast import KNOTS
from takead_ros.expert.kernels.motion import advance, trace
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.paths import Paths

PACES = ("full", "brisk", "half", "slow", "yield", "stop", "brake", "emergency")
_FRACTION = np.array([1.0, 0.75, 0.5, 0.25, 1.0, 1.0, 1.0, 1.0])
_BRAKE = np.array([np.inf, np.inf, np.inf, np.inf, np.inf, -2.5, -5.0, -np.inf])  # ceiling on acceleration
_YIELD = PACES.index("yield")


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


def roll_out(paths: Paths, around: Surroundings, ego: EgoState, limit: float, parameters: ExpertParameters) -> Rollouts:
    """All proposals over the horizon. ``limit`` m/s: the speed that the fractions of the paces refer to."""
    p, count = parameters, len(PACES)
    along, speeds, acceleration, lead = advance(
        around.cap, paths.rate, np.ascontiguousarray(around.rear), np.ascontiguousarray(around.lead_speed), around.gap,
        around.wall, around.yield_wall, _FRACTION * limit, np.maximum(_BRAKE, -p.max_deceleration_mps2), KNOTS, _YIELD,
        max(ego.speed, 0.0), 0.5 * ego.length, p.comfort_acceleration_mps2, p.comfort_deceleration_mps2,
        p.max_deceleration_mps2, p.headway_s,
    )  # fmt: skip
    u, x, y, yaw, v = trace(along, speeds, paths.x, paths.y, paths.yaw, count)
    path, pace = np.divmod(np.arange(len(lead)), count)
    return Rollouts(path, pace, u, x, y, yaw, v, acceleration, lead)
