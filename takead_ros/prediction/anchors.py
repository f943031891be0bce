"""How every anchor of a policy would fare at a scene: tracked as on the vehicle, scored by the project's rule score.

``measures.pdm`` scores; what differs from its ``score_plans`` is who drives (the deployed tracker instead of NAVSIM's)
and, where they react, what the others do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import wrap_angle
from takead_ros.domain.scene import FloatArray, Objects, Scene
from takead_ros.measures.pdm import LaneArea, PdmScores, SampledTracks, pdm_scores, resample
from takead_ros.measures.pdm.score import DT, LOOK_AHEAD
from takead_ros.policy.tracking import DEFAULT, motion_of, spline
from takead_ros.prediction.anchor_kernels import Recorded, follow_plans, react_to

HORIZONS_S = (2.0, 4.0)
SHORTEST_M, MOVES_MPS = 1.5, 0.5  # who is shorter, or never this fast, does what was recorded


def score_anchors(
    scene: Scene, future: Sequence[Objects], plans: FloatArray, horizon_s: float = 4.0, reactive: bool = False
) -> PdmScores:
    """Scores (K,) of plans (K, 8, 2) m in ``base_link``, a point every 0.5 s, driven for ``horizon_s`` s.

    ``future``: the objects that were then there, every 0.1 s from the scene's own moment on. ``reactive``: vehicles
    brake for what the ego does instead of replaying that. Progress is measured against the best of ``plans``. Raises
    TakeadError for another horizon than HORIZONS_S and for plans of another shape.
    """
    if horizon_s not in HORIZONS_S:
        raise TakeadError(f"anchors: horizon {horizon_s} s, expected one of {', '.join(map(str, HORIZONS_S))}")
    states = drive_plans(scene, plans, horizon_s)
    ego, area, path = scene.ego, LaneArea(scene.polylines), scene.route.path
    tracks = SampledTracks.of(future, states.shape[1] + LOOK_AHEAD[-1], DT)
    return pdm_scores(states, ego, reacting(states, scene, tracks) if reactive else tracks, area, path)


def score_scenes(
    scenes: Iterable[tuple[Scene, Sequence[Objects], FloatArray]], horizon_s: float = 4.0, reactive: bool = False
) -> PdmScores:
    """Scores (B, K) of the plans (K, 8, 2) at each of B moments (scene, future, plans), see ``score_anchors``."""
    each = [score_anchors(scene, future, plans, horizon_s, reactive) for scene, future, plans in scenes]
    return PdmScores(**{f.name: np.stack([getattr(one, f.name) for one in each]) for f in fields(PdmScores)})


def drive_plans(scene: Scene, plans: FloatArray, horizon_s: float) -> FloatArray:
    """States (K, S, 4) [x m, y m, yaw rad, speed m/s] in ``map``, 0.1 s apart, of the ego as it tracks ``plans``."""
    if plans.ndim != 3 or plans.shape[1:] != (PLAN_STEPS, 2):
        raise TakeadError(f"anchors: plans of shape {plans.shape}, expected (K, {PLAN_STEPS}, 2)")
    prepare()
    ego, every = scene.ego, round(PLAN_DT / DT)
    wanted = resample(np.asarray(plans, dtype=float), max(ego.speed, 0.0), DT)
    driven = follow_plans(wanted, motion_of(ego), DT, every, *spline(PLAN_STEPS), DEFAULT)
    driven = driven[:, : round(horizon_s / DT) + 1]
    cos, sin = np.cos(ego.yaw), np.sin(ego.yaw)
    x, y, yaw, speed = np.moveaxis(driven, -1, 0)
    places = (ego.x + cos * x - sin * y, ego.y + sin * x + cos * y, wrap_angle(ego.yaw + yaw), speed)
    return np.stack(places, axis=-1)


def reacting(states: FloatArray, scene: Scene, tracks: SampledTracks) -> SampledTracks:
    """``tracks`` as they react to each of K egos with ``states`` (K, S, 4) in ``map``: (K, M, *)."""
    prepare()
    drives = tracks.agent & (tracks.length >= SHORTEST_M) & (np.nan_to_num(tracks.speed).max(1) > MOVES_MPS)
    columns = (tracks.x, tracks.y, tracks.yaw, tracks.speed, tracks.length, tracks.width)
    x, y, yaw, speed, length, width = (np.ascontiguousarray(values, dtype=float) for values in columns)
    others = Recorded(x, y, yaw, speed, length, width, drives)
    moved = react_to(np.ascontiguousarray(states), float(scene.ego.length), float(scene.ego.width), others, DT)
    x, y, yaw, speed = moved
    return SampledTracks(tracks.id, tracks.agent, tracks.length, tracks.width, x, y, yaw, speed)
