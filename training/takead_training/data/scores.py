"""The project's one rule score, ``measures.pdm``, of plans at a frame of a recorded clip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.scene import FloatArray
from takead_ros.measures.pdm import PdmScores, score_plans
from takead_ros.prediction.anchors import score_anchors
from takead_training.data.clip_frames import ClipFrames
from takead_training.settings import Rule

INFEASIBLE_FLOOR = -1.0  # value of a plan that does everything wrong
HORIZON_S: dict[Rule, float] = {"recorded": 4.0, "reacting-2s": 2.0, "reacting-4s": 4.0}


def score_at(world: ClipFrames, frame: int, plans: NDArray[np.floating], rule: Rule = "recorded") -> PdmScores:
    """Scores of plans (N, 8, 2) m in ``base_link`` from ``frame`` on; the progress of the best of them is the measure.

    ``rule``: recorded, the plans as they are for 4 s against what the road users of the clip did; reacting, what a car
    does that tracks them, for 2 s or 4 s, against road users that brake for it (``prediction.anchors``).
    """
    scene, future = world.moment(frame)
    if rule == "recorded":
        return score_plans(scene, future, np.asarray(plans, dtype=float))
    return score_anchors(scene, future, np.asarray(plans, dtype=float), HORIZON_S[rule], reactive=True)


def utility(scores: PdmScores, rule: Rule = "recorded") -> FloatArray:
    """One value (...) per plan in [-1, 1]: a feasible plan's score in [0, 1]; an infeasible one (a collision at fault,
    or off the road) in [-1, -0.75], the later and the milder the better, so that every feasible plan beats every
    infeasible one and even a set without a feasible plan has an order (METHODS: DriveReward)."""
    horizon = HORIZON_S[rule]
    feasible = (scores.no_collision * scores.drivable_area) > 0.0
    late = np.minimum(scores.collision_time, horizon) / horizon
    bad = INFEASIBLE_FLOOR + 0.25 * late * (0.5 + 0.5 * scores.drivable_area)
    return np.where(feasible, scores.score, bad)
