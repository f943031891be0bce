"""The third stage: every pace along every path, rolled out over the horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.compiled import Indices
from takead_ros.expert.arrays import Comfort, Paces, Proposals
from takead_ros.expert.forecast import KNOTS
from takead_ros.expert.kernels.motion import roll_out
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.propose import Paths
from takead_ros.expert.situation import Situation

PACES = ("full", "brisk", "half", "slow", "yield", "stop", "brake", "emergency")
_FRACTION = np.array([1.0, 0.75, 0.5, 0.25, 1.0, 1.0, 1.0, 1.0])  # of the speed wanted
_BRAKE = np.array([np.inf, np.inf, np.inf, np.inf, np.inf, -2.5, -5.0, -np.inf])  # ceiling on acceleration
_YIELD = PACES.index("yield")


@dataclass(frozen=True)
class Rollouts:
    """K = L * len(PACES) proposals; path pace (K,): of which path and pace each one is."""

    path: Indices
    pace: Indices
    driven: Proposals


def roll(situation: Situation, paths: Paths, parameters: ExpertParameters) -> Rollouts:
    """All proposals over the horizon."""
    p = parameters
    hardest = p.max_deceleration_mps2
    comfort = Comfort(p.comfort_acceleration_mps2, p.comfort_deceleration_mps2, hardest, p.headway_s)
    paces = Paces(_FRACTION * paths.draft.limit, np.maximum(_BRAKE, -hardest), _YIELD)
    driven = roll_out(paths.lines, paths.cap, paths.met, paths.stops, paces, comfort, KNOTS, situation.ego)
    path, pace = np.divmod(np.arange(len(driven.lead)), len(PACES))
    return Rollouts(path, pace, driven)
