"""People and vehicles that come into the way from the side: where to wait for them."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.scene import FloatArray
from takead_ros.expert.arrays import Encounters, Lines
from takead_ros.expert.kernels.route import first_crossing
from takead_ros.expert.situation import Situation

_ENTRY_GAP_M = 2.0  # that the front keeps from the first lane that crosses
_JUNCTION_SLACK_M = 8.0  # before that in which the way of crossing traffic still belongs to the junction
_JOLT_MPS2 = 5.0


def yield_to_people(_situation: Situation, _lines: Lines, met: Encounters, _stoppable: float) -> FloatArray:
    """Places m (L,) where the front waits for people: before the first one where somebody comes into the way."""
    return met.for_people


def yield_to_vehicles(situation: Situation, _lines: Lines, met: Encounters, _stoppable: float) -> FloatArray:
    """The same for vehicles; outside the junction, where nobody's way is blocked, if that can still be done."""
    wall = met.for_vehicles
    if not (wall < np.inf).any():
        return wall
    ego = situation.ego
    entry = first_crossing(situation.grid, situation.lanes, ego) - _ENTRY_GAP_M
    if entry > 0.5 * ego.length + ego.speed**2 / (2.0 * _JOLT_MPS2):
        wall = np.where((wall < np.inf) & (wall > entry - _JUNCTION_SLACK_M), entry, wall)
    return wall
