"""Ways around what stands in the lane."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.expert.draft import CauseNote, Draft, Offer
from takead_ros.expert.kernels.surroundings import STANDS
from takead_ros.expert.others import GROUP_M
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.route import span
from takead_ros.expert.situation import Situation

_BESIDE_M = 2.0  # beyond the ego's own width in which something stands next to the obstacles
_NEXT_M = 3.0  # before and behind them
EDGE_M = 0.2  # that the ego keeps from the road's edge while it passes


def comes_first(situation: Situation) -> bool:
    """Whether the nearest of those in the way stands, rather than being a cyclist that rides."""
    blockers, cyclists, along = situation.blockers, situation.cyclists, situation.places.along
    return len(blockers) > 0 and (not len(cyclists) or bool(along[blockers[0]] < along[cyclists[0]]))


def consider_obstacles(situation: Situation, draft: Draft, parameters: ExpertParameters) -> Draft:
    """A path to the left and one to the right of the first group of obstacles, where there is room."""
    if not comes_first(situation):
        return draft
    ego, actors, now, rows = situation.ego, situation.actors, situation.places, situation.blockers
    near, far = now.along - now.half_along, now.along + now.half_along
    right_side, left_side = now.offset - now.half_across, now.offset + now.half_across
    group = [int(rows[0])]
    end = far[rows[0]]
    for row in rows[1:]:
        if near[row] - end > GROUP_M:
            break
        group.append(int(row))
        end = max(end, far[row])
    start = min(near[r] for r in group)
    reach = 0.5 * ego.width + parameters.pass_clearance_m
    left = max(left_side[r] for r in group) + reach
    right = min(right_side[r] for r in group) - reach
    wide = 0.5 * ego.width + parameters.side_margin_m
    stands = (actors.speed < STANDS) & ~actors.person
    for r in np.flatnonzero(stands & (np.abs(now.offset) < wide + now.half_across + _BESIDE_M)).tolist():
        beside = start - _NEXT_M < now.along[r] < end + _NEXT_M
        # what stands next to the lane narrows the gap, or moves it farther out
        if beside and r not in group and right_side[r] - 0.5 * ego.width < left < left_side[r] + reach:
            left = left_side[r] + reach
    where = span(start, end)
    edge = 0.5 * ego.width + EDGE_M
    out = (start - 0.5 * ego.length + 1.0, end + 0.5 * ego.length + 0.5)
    first, reason = int(actors.id[group[0]]), CauseNote(group[0], "passes")
    found = []
    if left + edge < situation.band.left[where].min():
        found.append(Offer("pass_left", first, float(left), reason, out))
    if right - edge > situation.band.right[where].max():
        found.append(Offer("pass_right", first, float(right), reason, out))
    if len(found) > 1 and situation.impatience == 0.0:  # who can pass on both sides crosses no solid line
        half = 0.5 * ego.width
        crosses = (left + half > situation.solid.left[where].min(), right - half < situation.solid.right[where].max())
        found = [offer for offer, illegal in zip(found, crosses, strict=True) if not illegal] or found
    return replace(draft, offers=(*draft.offers, *found))
