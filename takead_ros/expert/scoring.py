"""Scores of proposals in the spirit of NAVSIM's PDM score: gates (collision, road, rules) times weighted terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import EgoState, FloatArray, IntArray
from takead_ros.expert.forecast import TIMES, Actors
from takead_ros.expert.frame import BEHIND
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.paths import GRID, Paths
from takead_ros.expert.rollout import Rollouts

_PROGRESS, _MARGIN, _COMFORT = 5.0, 7.0, 2.0
_IN_THE_WAY = 0.6  # weight of standing where crossing traffic wants to go, against 1 for moving there
_BLOCKS = 0.2  # for coming to a stand beyond the place to wait at
TOUCH = 0.15  # m closer than this counts as a collision


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
    dx, dy = other_x - x[:, None], other_y - y[:, None]
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    other_cos, other_sin = np.cos(other_yaw), np.sin(other_yaw)
    across = np.abs(other_sin * cos - other_cos * sin)
    with_it = np.abs(other_cos * cos + other_sin * sin)
    a, b, c, d = 0.5 * length, 0.5 * width, 0.5 * other_length, 0.5 * other_width
    gap = np.abs(cos * dx + sin * dy) - a - c * with_it - d * across
    np.maximum(gap, np.abs(cos * dy - sin * dx) - b - c * across - d * with_it, out=gap)
    np.maximum(gap, np.abs(other_cos * dx + other_sin * dy) - c - a * with_it - b * across, out=gap)
    np.maximum(gap, np.abs(other_cos * dy - other_sin * dx) - d - a * across - b * with_it, out=gap)
    return np.asarray(gap)


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
    k = len(rollouts.path)
    rows = np.arange(k)
    moving = rollouts.v > 0.3
    if len(actors):
        hard = separation(
            rollouts.x, rollouts.y, rollouts.yaw, ego.length, ego.width,
            actors.x, actors.y, actors.yaw, actors.length[:, None], actors.width[:, None],
        )  # fmt: skip
        soft = _keep_away(hard, rollouts, actors, crossing, ego)
        hidden = ignore[:, None]
        touch = (hard < TOUCH) & moving[:, None] & ~hidden
        room = np.where(actors.person, parameters.person_margin, parameters.side_margin)[:, None]
        crosses = np.zeros(hard.shape[1:], dtype=bool)
        crosses[crossing.rows] = crossing.when
        weight = np.where(moving[:, None], 1.0, np.where(crosses, _IN_THE_WAY, 0.0)) * (1.0 - TIMES / 10.0)
        near = np.minimum(np.maximum((room - soft) / room, 0.0), 1.0) * weight * ~hidden
        when = np.where(touch, TIMES, np.inf)
        earliest = when.min(axis=2)
        hit = earliest.argmin(axis=1)
        first = earliest[rows, hit]
        collides = np.isfinite(first)
        impact = rollouts.v[rows, when[rows, hit].argmin(axis=1)]
        closest = near.max(axis=2)
        close = closest.argmax(axis=1)
        nearness = closest[rows, close]
        worst = np.where(collides, hit, np.where(nearness > 0.1, close, -1))
    else:
        collides, first, impact = np.zeros(k, dtype=bool), np.full(k, np.inf), np.zeros(k)
        nearness, worst = np.zeros(k), np.full(k, -1)
    safe = np.where(collides, 0.5 * np.clip((first - 2.0) / 6.0, 0.0, 1.0), 1.0)

    reach = rollouts.along[:, -1]
    best = reach[~collides].max(initial=5.0)
    progress = np.clip(reach / best, 0.0, 1.0)
    early = rollouts.acceleration[:, :4]  # the first 2 s
    harsh = np.maximum(-early.min(axis=1) - 2.5, 0.0) / (parameters.max_deceleration - 2.5)
    comfort = 1.0 - np.clip(harsh, 0.0, 1.0)

    on_road = np.ones(k)
    if band is not None:
        edge = 0.5 * ego.width
        off = (paths.offset + edge > band[1][BEHIND:]) | (paths.offset - edge < band[0][BEHIND:])
        off[0] = False  # the route itself is meant to be driven
        first_off = np.where(off.any(axis=1), off.argmax(axis=1), len(GRID) + 1)
        on_road = np.where(reach > first_off[rollouts.path], 0.1, 1.0)
    beyond = wall + 0.5
    front = 0.5 * ego.length
    runs = (rollouts.along[:, -1] + front > beyond + front) & (wall > -1.0)
    lawful = np.where(runs, 0.2, 1.0)
    gate = safe * on_road * lawful
    total = gate * (_PROGRESS * progress + _MARGIN * (1.0 - nearness) + _COMFORT * comfort)
    total = total / (_PROGRESS + _MARGIN + _COMFORT) - 0.02 * np.where(collides, impact, 0.0)
    blocks = (rollouts.v[:, -1] < 0.5) & (reach + front > yield_wall[rollouts.path] + 0.5)
    total -= _BLOCKS * blocks + 0.03 * (paths.target != 0.0)[rollouts.path]
    return Scores(total, collides, worst)


def _keep_away(hard: FloatArray, rollouts: Rollouts, actors: Actors, crossing: Crossing, ego: EgoState) -> FloatArray:
    """Gaps (K, N, T) m like ``hard``, but to crossing actors also as if they were somewhat earlier or later."""
    count, variants, times = crossing.x.shape
    if count == 0:
        return hard
    shape = (count * variants, times)
    gaps = separation(
        rollouts.x, rollouts.y, rollouts.yaw, ego.length, ego.width,
        crossing.x.reshape(shape), crossing.y.reshape(shape), crossing.yaw.reshape(shape),
        np.repeat(actors.length[crossing.rows], variants)[:, None],
        np.repeat(actors.width[crossing.rows], variants)[:, None],
    ).reshape(len(rollouts.path), count, variants, times).min(axis=2)  # fmt: skip
    soft = hard.copy()
    own = hard[:, crossing.rows]
    soft[:, crossing.rows] = np.where(crossing.when, np.minimum(own, gaps), own)
    return np.asarray(soft)
