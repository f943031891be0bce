"""Making room for an emergency vehicle that comes up from behind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.geometry import to_local
from takead_ros.expert.draft import CauseNote, Draft, Offer
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.route import locate, span
from takead_ros.expert.situation import Situation

_ROOM_AHEAD_M = 60.0  # over which the road's edge and the lanes beside are looked at
_EDGE_GAP_M = 0.3  # that the ego keeps from the road's edge
_KEPT_M = 0.6  # that it keeps from what stands there
_FARTHEST_M = 2.5  # aside within the lane
_BESIDE_M = (2.2, 4.8)  # from the route to the centre of a lane next to it
_BEGINS_M, _ENDS_M = 15.0, 40.0  # ahead between which such a lane has to be there
_FAVOUR = 0.3  # of leaving the lane of the emergency vehicle


def consider_emergency(situation: Situation, draft: Draft, parameters: ExpertParameters) -> Draft:
    """A path over to each lane beside; where there is none, slowly along the right edge of the own one."""
    row = situation.urgent
    if row < 0:
        return draft
    number, reason = int(situation.actors.id[row]), CauseNote(row, "makes room for", "emergency_vehicle")
    lanes = _lanes_beside(situation)
    if lanes:
        offers = (Offer(kind, number, target, reason, favour=_FAVOUR) for kind, target in lanes)
        draft = replace(draft, offers=(*draft.offers, *offers))
    else:
        draft = replace(draft, aside=_aside(situation), limit=min(draft.limit, parameters.aside_speed_mps))
    passes = situation.places.along[row] < 0.0  # nothing is gained by braking for it
    return replace(draft, reason=reason, ignored=(*draft.ignored, row) if passes else draft.ignored)


def _lanes_beside(situation: Situation) -> list[tuple[str, float]]:
    """(name, offset m from the route) of the lanes of the same direction on the left and on the right of it."""
    lanes, grid, ego = situation.lanes, situation.grid, situation.ego
    own = lanes.own
    points = to_local(np.stack([lanes.x[own], lanes.y[own]], axis=-1), ego.x, ego.y, ego.yaw)
    along, offset, i = locate(grid, points[:, 0], points[:, 1])
    same = np.cos(lanes.yaw[own] - ego.yaw - grid.yaw[i]) > 0.95
    near = same & (along > 0.0) & (along < _ROOM_AHEAD_M)
    found = []
    for name, sign in (("make_room_left", 1.0), ("make_room_right", -1.0)):
        there = near & (sign * offset > _BESIDE_M[0]) & (sign * offset < _BESIDE_M[1])
        if there.any() and along[there].min() < _BEGINS_M and along[there].max() > _ENDS_M:
            found.append((name, float(np.median(offset[there]))))
    return found


def _aside(situation: Situation) -> float:
    """Offset m (<= 0: to the right) at which the ego makes the most room without leaving its lane or the road."""
    ego, now = situation.ego, situation.places
    edge = float(situation.band.right[span(0.0, _ROOM_AHEAD_M)].max()) + 0.5 * ego.width + _EDGE_GAP_M
    side = now.offset + now.half_across
    beside = (situation.actors.speed < 0.5) & (side < 0.0) & (now.along > -ego.length) & (now.along < _ROOM_AHEAD_M)
    kept = float(side[beside].max(initial=-np.inf)) + 0.5 * ego.width + _KEPT_M
    return min(max(edge, kept, -_FARTHEST_M), 0.0)
