"""The way around a slow cyclist who rides ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.expert.considerations.obstacles import EDGE_M, comes_first
from takead_ros.expert.draft import CauseNote, Draft, Offer
from takead_ros.expert.kernels.surroundings import OVERTAKING_GAP
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.route import AHEAD, span
from takead_ros.expert.situation import Situation

_TIMES_S = np.arange(0.0, 14.1, 0.25)  # within which overtaking has to end


def consider_cyclists(situation: Situation, draft: Draft, parameters: ExpertParameters) -> Draft:
    """A path to the left of the nearest cyclist, unless there is no room or it would take too long."""
    if not len(situation.cyclists) or comes_first(situation):
        return draft
    ego, actors, now, row, p = situation.ego, situation.actors, situation.places, int(situation.cyclists[0]), parameters
    times, pace = _TIMES_S, max(situation.limit, ego.speed)
    gains = min((pace - ego.speed) / p.comfort_acceleration_mps2, times[-1])
    active = np.minimum(times, gains)
    own = (ego.speed + 0.5 * p.comfort_acceleration_mps2 * active) * active + pace * np.maximum(times - gains, 0.0)
    other = now.along[row] + float(actors.speed[row]) * times
    reach = now.half_along[row] + 0.5 * ego.length + OVERTAKING_GAP
    beside, past = own > other - reach, own > other + reach
    target = float(now.offset[row] + now.half_across[row] + 0.5 * ego.width + p.cyclist_clearance_m)
    if not past.any():
        return draft
    start, end = float(own[beside.argmax()]), float(own[past.argmax()])
    room = situation.band.left[span(start, end)].min()
    if end > AHEAD - 10.0 or target + 0.5 * ego.width + EDGE_M > room:
        return draft
    offer = Offer("pass_left", int(actors.id[row]), target, CauseNote(row, "passes"), (start, end), overtaken=row)
    return replace(draft, offers=(*draft.offers, offer))
