"""PDM score of NAVSIM v1.1 over many candidate trajectories at once: pure arrays, no simulator.

Definition: Dauner et al., NAVSIM, NeurIPS 2024, and the devkit v1.1; ``PDMS = NC x DAC x (5 EP + 5 TTC + 2 C) / 12``.
``score_plans`` scores plans of one scene whose future is known, ``pdm_scores`` ready-made states. The driving direction
compliance has weight 0 in v1 and is left out.

Where this departs from the devkit: plans are scored as they are, unless they are asked to be ``tracked`` as its LQR
controller would; a corner may be 0.3 m off the drivable area (nuPlan's own tolerance; there are no kerb polygons here,
only lane widths); a junction is where lanes cross at more than 30 degrees; whether a road user stands is asked at the
touch (as nuPlan does; NAVSIM asks it when first seen); the lateral acceleration is speed times yaw rate (as nuPlan has
it; NAVSIM's simulated states always hold 0). As in v1.1, lights and signs do not count.
"""

from takead_ros.measures.pdm.area import LaneArea
from takead_ros.measures.pdm.plan_states import resample
from takead_ros.measures.pdm.sampled_tracks import SampledTracks
from takead_ros.measures.pdm.score import PdmScores, SubScores, pdm_scores, score_plans, weighed
from takead_ros.measures.pdm.tracker import track_states

__all__ = [
    "LaneArea",
    "PdmScores",
    "SampledTracks",
    "SubScores",
    "pdm_scores",
    "resample",
    "score_plans",
    "track_states",
    "weighed",
]
