"""Stopping at a closed line, and slowing down at one where the ego has to yield."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.driving import Cause
from takead_ros.expert.draft import Draft, Rule, Wall, one_cap
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.situation import Situation

_YIELD_MPS = 5.0
_YIELD_ZONE_M = 4.0  # before and behind the line


def consider_closed_line(situation: Situation, draft: Draft, _parameters: ExpertParameters) -> Draft:
    """A wall before a red or yellow light and before a stop sign."""
    closed = situation.closed
    if closed is None:
        return draft
    text = f"stops for {closed.kind} {closed.control_id}"
    reason = Rule(Cause(closed.kind, closed.control_id, closed.visible, text))
    return replace(draft, walls=(*draft.walls, Wall(closed.stop, reason)))


def consider_yield_line(situation: Situation, draft: Draft, _parameters: ExpertParameters) -> Draft:
    """A cap around a yield line, and around a stop line that the ego has stood at."""
    if situation.yield_line == np.inf:
        return draft
    at = situation.yield_line + 0.5 * situation.ego.length
    cap = one_cap(at - _YIELD_ZONE_M, at + _YIELD_ZONE_M, _YIELD_MPS)
    reason = Rule(Cause("yield", 0, True, "slows for a yield line"))
    return replace(draft, caps=(*draft.caps, cap), cap_reasons=(*draft.cap_reasons, reason))
