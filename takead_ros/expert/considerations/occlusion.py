"""Driving slowly past what may hide somebody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.expert.arrays import Caps
from takead_ros.expert.draft import CauseNote, Draft
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.situation import Situation

_BEFORE_M, _BEHIND_M = 8.0, 1.0  # the end of what may hide somebody


def consider_occlusion(situation: Situation, draft: Draft, parameters: ExpertParameters) -> Draft:
    """Caps beside standing vehicles and obstacles, the slower the closer a path runs by."""
    seen, ego, rows, p = situation.others.along, situation.ego, situation.hiding, parameters
    if not len(rows):
        return draft
    along, far_end = seen.along[:, 0], seen.along[:, 0] + seen.extent_along[:, 0]
    front, same = far_end[rows] - 0.5 * ego.length, np.full(len(rows), 1.0)
    caps = Caps(
        begin=front - _BEFORE_M,
        end=front + _BEHIND_M,
        speed=same * p.occlusion_speed_mps,
        gain=same * p.occlusion_gain_per_s,
        at=along[rows],
        offset=seen.offset[rows, 0],
        half_across=seen.extent_across[rows, 0],
        reach=same * p.occlusion_reach_m,
    )
    reasons = (CauseNote(row, "somebody may step out from behind", "occlusion") for row in rows.tolist())
    return replace(draft, caps=(*draft.caps, caps), cap_reasons=(*draft.cap_reasons, *reasons))
