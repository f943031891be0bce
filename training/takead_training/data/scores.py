"""The project's one rule score, ``measures.pdm``, of plans at a frame of a recorded clip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.scene import FloatArray
from takead_ros.measures.pdm import PdmScores, score_plans
from takead_training.data.clip_frames import ClipFrames

INFEASIBLE_FLOOR = -1.0  # value of a plan that does everything wrong


def score_at(world: ClipFrames, frame: int, plans: NDArray[np.floating]) -> PdmScores:
    """Scores of plans (N, 8, 2) m in ``base_link`` against what the road users of the clip did after ``frame``.

    The progress of the best of ``plans`` is the measure.
    """
    scene, future = world.moment(frame)
    return score_plans(scene, future, np.asarray(plans, dtype=float))


def utility(scores: PdmScores) -> FloatArray:
    """One value (N,) per plan in [-1, 1]: a feasible plan's score in [0, 1]; an infeasible one (a collision at fault,
    or off the road) in [-1, -0.75], the later and the milder the better, so that every feasible plan beats every
    infeasible one and even a set without a feasible plan has an order (METHODS: DriveReward)."""
    horizon = 4.0
    feasible = (scores.no_collision * scores.drivable_area) > 0.0
    late = np.minimum(scores.collision_time, horizon) / horizon
    bad = INFEASIBLE_FLOOR + 0.25 * late * (0.5 + 0.5 * scores.drivable_area)
    return np.where(feasible, scores.score, bad)
