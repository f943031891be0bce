"""Oncoming vehicles: how much of the road they leave to the ego, and where to keep clear of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from takead_ros.domain.scene import EgoState, FloatArray
from takead_ros.expert.forecast import EVERY, KNOTS, Actors
from takead_ros.expert.frame import Frame, index
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.paths import Places

_AGAINST = -0.9  # cosine of the headings: who crosses the route later is crossing traffic
_FORESEEN = 6.0  # s
_FARTHEST = 90.0  # m ahead
_MOVES = 0.5  # m/s
_SPARE = 0.3  # m more than the margin that a vehicle is kept away by
_OVER = 0.05  # m; less than that is no reason to leave the path
_EDGE_GAP = 0.1  # m that the ego keeps from the road's edge
_KEPT = 0.3  # m that it keeps from what stands there
_HURRY = 0.6  # of the way that getting out of their way would take in comfort
_ROOM_AHEAD = 30.0  # m over which both are looked at


@dataclass(frozen=True)
class Oncoming:
    """Vehicles that come towards the ego: against (N,) bool; ``limit`` m: the offset from the route up to which the ego
    is out of their way, inf where there are none; ``row``: the one that leaves least room, or -1."""

    against: np.ndarray
    limit: float
    row: int


def find_oncoming(actors: Actors, now: Places, frame: Frame, ego: EgoState, parameters: ExpertParameters) -> Oncoming:
    """Who comes towards the ego along its route within some seconds."""
    ahead = (now.along > -0.5 * ego.length) & (now.along < _FARTHEST)
    against = (now.same < _AGAINST) & ahead & ~actors.person & (actors.speed > _MOVES)
    rows = np.flatnonzero(against)
    if not len(rows):
        return Oncoming(against, np.inf, -1)
    soon = slice(0, int(np.searchsorted(KNOTS, _FORESEEN)) * EVERY + 1, EVERY)
    along, offset, i = frame.locate(actors.x[rows, soon], actors.y[rows, soon])
    near = (along > -0.5 * ego.length) & (np.cos(actors.yaw[rows, soon] - frame.yaw[i]) < _AGAINST)
    side = np.where(near, offset, np.inf).min(axis=1) - now.half_across[rows]
    nearest = int(side.argmin())
    limit = float(side[nearest]) - 0.5 * ego.width - parameters.side_margin_m - _SPARE
    return Oncoming(against, limit, int(rows[nearest]))


def keep_clear(
    seen: Oncoming, actors: Actors, now: Places, band: tuple[FloatArray, FloatArray], ego: EgoState
) -> float:
    """Offset m from the route at which the ego is out of the way of the oncoming ones, as far as the road, and what
    stands at its side, let it.

    band (right, left) (P,) m: the road's edges of ``frame.drivable_band``.
    """
    ahead = slice(int(index(np.array(0.0))), int(index(np.array(_ROOM_AHEAD))) + 1)
    edge = float(band[0][ahead].max()) + 0.5 * ego.width + _EDGE_GAP
    side = now.offset + now.half_across
    beside = (actors.speed < _MOVES) & (now.offset < 0.0) & (side < 0.0)
    beside &= (now.along > -ego.length) & (now.along < _ROOM_AHEAD)
    kept = float(side[beside].max(initial=-np.inf)) + 0.5 * ego.width + _KEPT
    return max(seen.limit, min(max(edge, kept), 0.0))


def hurried(ego: EgoState) -> EgoState:
    """The ego as one that turns aside faster than is comfortable."""
    return replace(ego, speed=_HURRY * ego.speed)


def in_their_way(seen: Oncoming, frame: Frame, ego: EgoState, target: float) -> bool:
    """Whether the ego, where it is or on its way to ``target`` m left of the route, would be in their way."""
    turned = 0.5 * ego.length * abs(np.sin(frame.heading_error))  # a corner of the ego reaches as much farther
    return bool(seen.limit < max(frame.offset + turned, target) - _OVER)
