"""Oncoming vehicles: keeping clear of them, and letting them pass before the ego leaves its own side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.scene import FloatArray
from takead_ros.expert.arrays import Encounters, Lines
from takead_ros.expert.draft import CauseNote, Draft, Offer
from takead_ros.expert.kernels.surroundings import STANDS
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.route import span
from takead_ros.expert.situation import Situation

_OVER_M = 0.05  # less than that is no reason to leave the path
_EDGE_GAP_M = 0.1  # that the ego keeps from the road's edge
_KEPT_M = 0.3  # that it keeps from what stands there
_HURRY = 0.6  # of the way that getting out of their way would take in comfort
_ROOM_AHEAD_M = 30.0  # over which both are looked at


def consider_oncoming(situation: Situation, draft: Draft, _parameters: ExpertParameters) -> Draft:
    """A path that keeps right of the oncoming ones, where the ego is in their way or about to be."""
    oncoming, grid, ego = situation.oncoming, situation.grid, situation.ego
    turned = 0.5 * ego.length * abs(np.sin(grid.heading_error))  # a corner of the ego reaches as much farther
    if not oncoming.limit < max(grid.offset + turned, draft.aside) - _OVER_M:
        return draft
    number, reason = int(situation.actors.id[oncoming.row]), CauseNote(oncoming.row, "keeps clear of", "oncoming")
    offer = Offer("keep_clear", number, _clear(situation), reason, pace=_HURRY, foremost=True)
    return replace(draft, offers=(*draft.offers, offer), closes_up=True)


def _clear(situation: Situation) -> float:
    """Offset m from the route at which the ego is out of the way of the oncoming ones, as far as the road, and what
    stands at its side, let it."""
    ego, now = situation.ego, situation.places
    edge = float(situation.band.right[span(0.0, _ROOM_AHEAD_M)].max()) + 0.5 * ego.width + _EDGE_GAP_M
    side = now.offset + now.half_across
    beside = (situation.actors.speed < STANDS) & (now.offset < 0.0) & (side < 0.0)
    beside &= (now.along > -ego.length) & (now.along < _ROOM_AHEAD_M)
    kept = float(side[beside].max(initial=-np.inf)) + 0.5 * ego.width + _KEPT_M
    return max(situation.oncoming.limit, min(max(edge, kept), 0.0))


def yield_to_oncoming(situation: Situation, lines: Lines, met: Encounters, stoppable: float) -> FloatArray:
    """Places m (L,) where the front waits for oncoming vehicles: before the path leaves the ego's own side."""
    wall = np.full(len(met.meets), np.inf)
    for path in np.flatnonzero(met.meets):
        beyond = lines.offset[path] > situation.oncoming.limit
        wall[path] = max(float(beyond.argmax()) - 1.0 + 0.5 * situation.ego.length, stoppable)
    return wall
