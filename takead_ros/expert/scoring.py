"""Scores of proposals in the spirit of NAVSIM's PDM score: gates (collision, road, rules) times weighted terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import EgoState, FloatArray, IntArray
from takead_ros.expert.forecast import TIMES, Actors
from takead_ros.expert.frame import BEHIND
from takead_ros.expert.kernels.conflicts import TOUCH as TOUCH
from takead_ros.expert.kernels.conflicts import conflicts, grade, separations
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.paths import Paths
from takead_ros.expert.rollout import PACES, Rollouts

_NO_EDGE = np.zeros(0)


@dataclass(frozen=True)
class Scores:
    """total (K,); collides (K,) bool within the horizon; worst (K,): row of the actor that spoils the proposal most,
    -1 where none does."""

    total: FloatArray
    collides: np.ndarray
    worst: IntArray


@dataclass(frozen=True)
class Crossing:
    """Who crosses the route: rows (M,) of the actors, when (M, T) bool, x y yaw (M, H, T) with H shifts in time."""

    rows: IntArray
    when: np.ndarray
    x: FloatArray
    y: FloatArray
    yaw: FloatArray


def separation(
    x: FloatArray, y: FloatArray, yaw: FloatArray, length: float, width: float,
    other_x: FloatArray, other_y: FloatArray, other_yaw: FloatArray, other_length: FloatArray, other_width: FloatArray,
) -> FloatArray:  # fmt: skip
    """Signed gap m between the ego's box at (K, T) poses and N boxes at (N, T) poses, as (K, N, T).

    The largest gap over the four separating axes: negative where the boxes overlap, else at most their distance.
    ``other_length`` and ``other_width`` are (N, 1) m.
    """
    return separations(
        np.ascontiguousarray(x), np.ascontiguousarray(y), np.ascontiguousarray(yaw), length, width,
        np.ascontiguousarray(other_x), np.ascontiguousarray(other_y), np.ascontiguousarray(other_yaw),
        np.ravel(other_length), np.ravel(other_width),
    )  # fmt: skip


def score(
    rollouts: Rollouts, paths: Paths, actors: Actors, ignore: np.ndarray, crossing: Crossing,
    band: tuple[FloatArray, FloatArray] | None, wall: float, yield_wall: FloatArray, ego: EgoState,
    parameters: ExpertParameters,
) -> Scores:  # fmt: skip
    """Score every proposal.

    ignore (N,): whom no path needs to mind; band: the road's (right, left) edges of
    ``frame.drivable_band``, None where no path leaves the route; wall m: where a closed line is along the route for
    the ego's centre; yield_wall (L,) m: where the ego's front should wait for others.
    """
    room = np.where(actors.person, parameters.person_margin_m, parameters.side_margin_m)
    first, impact, nearness, worst = conflicts(
        rollouts.x, rollouts.y, rollouts.yaw, rollouts.v, ego.length, ego.width,
        actors.x, actors.y, actors.yaw, actors.length, actors.width, room, ignore,
        crossing.rows, np.ascontiguousarray(crossing.when), crossing.x, crossing.y, crossing.yaw, TIMES,
    )  # fmt: skip
    right, left = (_NO_EDGE, _NO_EDGE) if band is None else (band[0][BEHIND:], band[1][BEHIND:])
    total = grade(
        first, impact, nearness, rollouts.along[:, -1].copy(), rollouts.v[:, -1].copy(), rollouts.acceleration,
        len(PACES), paths.offset, paths.target, right, left, yield_wall, wall, ego.length, ego.width,
        parameters.max_deceleration_mps2,
    )  # fmt: skip
    return Scores(total, np.isfinite(first), worst)
