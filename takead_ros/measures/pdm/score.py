"""The sub-scores and the PDM score. A pair of a trajectory and another object counts once: at its first overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import box_corners, wrap_angle
from takead_ros.domain.scene import EgoState, FloatArray, IntArray, Objects, Scene
from takead_ros.measures.pdm.area import LaneArea
from takead_ros.measures.pdm.kernels import EgoBoxes, TrackBoxes, first_overlaps
from takead_ros.measures.pdm.plan_states import comfortable, resample
from takead_ros.measures.pdm.sampled_tracks import SampledTracks
from takead_ros.measures.pdm.tracker import track_states

DT = 0.1  # s between samples
LOOK_AHEAD = (0, 3, 6, 9)  # samples for which the time to collision lets the ego go straight on
PROGRESS_WEIGHT, TTC_WEIGHT, COMFORT_WEIGHT = 5.0, 5.0, 2.0
SHORT = 5.0  # m; where nobody can safely get further, progress is not judged
EGO_STOPPED = 5e-2  # m/s; hit at or below this, the ego is not at fault
TRACK_STOPPED = 5e-2  # m/s; at or below this, whoever hits another is at fault (nuPlan v1.2: is_track_stopped)
TTC_STOPPED = 5e-3  # m/s below which the ego needs no time to collision
# Bearings from the rear axle (nuPlan v1.2: is_agent_ahead, is_agent_behind)
AHEAD, BEHIND = float(np.deg2rad(30.0)), float(np.deg2rad(150.0))


class SubScores(NamedTuple):
    """What is found of each trajectory by itself, see ``PdmScores``."""

    no_collision: FloatArray
    drivable_area: FloatArray
    ttc: FloatArray
    comfort: FloatArray
    collision_time: FloatArray
    ttc_time: FloatArray
    travelled: FloatArray


@dataclass(frozen=True)
class PdmScores:
    """One value per trajectory, all (N,) in 0..1; those of several scenes (B, N).

    no_collision: 1, 0.5 (at fault with a static object), 0 (with a road user); drivable_area, ttc, comfort: 0 or 1;
    progress 0..1; score: no_collision * drivable_area * (5 progress + 5 ttc + 2 comfort) / 12. collision_time,
    ttc_time s: the first infraction (inf: none). travelled m: progress along the route before it is normalised.
    """

    score: FloatArray
    no_collision: FloatArray
    drivable_area: FloatArray
    ttc: FloatArray
    progress: FloatArray
    comfort: FloatArray
    collision_time: FloatArray
    ttc_time: FloatArray
    travelled: FloatArray


@dataclass(frozen=True)
class _Boxes:
    """Trajectories as moving boxes: arrays (N, S); length, width, rear (centre to rear axle) m."""

    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    speed: FloatArray
    cos: FloatArray
    sin: FloatArray
    length: float
    width: float
    rear: float

    def corners(self, rows: IntArray, samples: IntArray) -> FloatArray:
        """(K, 4, 2) m."""
        at = (rows, samples)
        return box_corners(self.x[at], self.y[at], self.yaw[at], np.array(self.length), np.array(self.width))


def pdm_scores(
    states: FloatArray,
    ego: EgoState,
    tracks: SampledTracks,
    area: LaneArea,
    path: FloatArray,
    reference_progress: float | None = None,
    comfort_window: int | None = None,
) -> PdmScores:
    """Scores trajectories ``states`` (N, S, 4) [x m, y m, yaw rad, speed m/s] in ``map``, S samples 0.1 s apart.

    ``tracks`` must hold S + 9 samples from the same start, the same for all trajectories or some for each of them; of
    ``ego`` only the size and the wheelbase count; ``path`` (P, 2) m is the route's centre line. Progress is relative to
    ``reference_progress`` m (NAVSIM: what PDM-Closed gets without a multiplier's infraction), or without it to the best
    of these very trajectories. ``comfort_window``: see ``plan_states.comfortable``. Raises TakeadError where shapes do
    not fit or a number is not finite.
    """
    samples = states.shape[1] if states.ndim == 3 else 0
    if states.ndim != 3 or states.shape[2] != 4 or samples < 5 or not np.isfinite(states).all():
        raise TakeadError(f"PDM score: states of shape {states.shape}, expected (N, S >= 5, 4) finite numbers")
    if tracks.x.shape[-1] < samples + LOOK_AHEAD[-1]:
        raise TakeadError(
            f"PDM score: the others are known for {tracks.x.shape[-1]} samples, "
            f"expected {samples + LOOK_AHEAD[-1]} (Tracks.of fills up)"
        )
    for name, values in (
        ("route's path", path),
        ("reference progress", reference_progress or 0.0),
        ("ego's size", (ego.length, ego.width, ego.wheelbase)),
    ):
        if not np.isfinite(values).all():
            raise TakeadError(f"PDM score: the {name} holds a number that is not finite, expected finite ones")
    x, y, yaw, speed = (np.ascontiguousarray(states[..., i]) for i in range(4))
    boxes = _Boxes(x, y, yaw, speed, np.cos(yaw), np.sin(yaw), ego.length, ego.width, 0.5 * ego.wheelbase)
    prepare()
    touches = _first_overlaps(boxes, tracks, (0,), -1.0)
    no_collision, collision_time = _no_collision(boxes, tracks, area, touches)
    ttc, ttc_time = _time_to_collision(boxes, tracks, area)
    corners = box_corners(x, y, yaw, np.array(ego.length), np.array(ego.width))
    drivable = area.on_road(corners).all((1, 2)).astype(float)
    travelled = np.maximum(_along(path, x[:, -1], y[:, -1]) - _along(path, x[:, 0], y[:, 0]), 0.0)
    comfort = comfortable(states, DT, comfort_window).astype(float)
    parts = SubScores(no_collision, drivable, ttc, comfort, collision_time, ttc_time, travelled)
    return weighed(parts, reference_progress)


def weighed(parts: SubScores, reference_progress: float | None = None) -> PdmScores:
    """The scores of trajectories (..., N) from what was found of each of them. Progress is relative to
    ``reference_progress`` m, or without it to the best of each N."""
    gate = parts.no_collision * parts.drivable_area
    safe = parts.travelled * gate
    if reference_progress is None:
        best = safe.max(axis=-1, initial=0.0, keepdims=True)
    else:
        best = np.maximum(safe, reference_progress)
    progress = np.where(best > SHORT, safe / np.maximum(best, SHORT), (gate > 0.0).astype(float))
    weighted = PROGRESS_WEIGHT * progress + TTC_WEIGHT * parts.ttc + COMFORT_WEIGHT * parts.comfort
    score = gate * weighted / (PROGRESS_WEIGHT + TTC_WEIGHT + COMFORT_WEIGHT)
    return PdmScores(score=score, progress=progress, **parts._asdict())


def score_plans(
    scene: Scene,
    future: Sequence[Objects],
    plans: FloatArray,
    reference: FloatArray | None = None,
    comfort_window: int | None = None,
    tracked: bool = False,
) -> PdmScores:
    """Scores plans (N, K, 2) m of a recorded scene, in its ``base_link``, a point every 0.5 s (``DriverOutput``).

    ``future``: the objects that were then there, every 0.1 s from the scene's own moment on (5 s for plans of 4 s;
    what a shorter recording lacks goes on straight). ``reference`` (K, 2) m: the plan whose progress is the measure,
    such as the expert's; without it the best of ``plans`` is. ``tracked``: score what a car does that follows the plans
    (``tracker``), as NAVSIM does, instead of the plans as they are.
    """
    ego = scene.ego
    both = plans if reference is None else np.concatenate([reference[None], plans])
    states = resample(np.asarray(both, dtype=float), max(ego.speed, 0.0), DT)
    states = track_states(states, ego, DT) if tracked else states
    cos, sin = np.cos(ego.yaw), np.sin(ego.yaw)
    placed = np.stack(
        [
            ego.x + cos * states[..., 0] - sin * states[..., 1],
            ego.y + sin * states[..., 0] + cos * states[..., 1],
            wrap_angle(states[..., 2] + ego.yaw),
            states[..., 3],
        ],
        axis=-1,
    )
    tracks = SampledTracks.of(future, placed.shape[1] + LOOK_AHEAD[-1], DT)
    area, path = LaneArea(scene.polylines), scene.route.path
    if reference is None:
        return pdm_scores(placed, ego, tracks, area, path, None, comfort_window)
    own = pdm_scores(placed[:1], ego, tracks, area, path, None, comfort_window)
    measure = float(own.travelled[0] * own.no_collision[0] * own.drivable_area[0])
    return pdm_scores(placed[1:], ego, tracks, area, path, measure, comfort_window)


def _no_collision(
    boxes: _Boxes, tracks: SampledTracks, area: LaneArea, touches: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Score (N,) and time (N,) s of the first collision at fault. ``touches``: the first overlaps (N, M)."""
    rows, objects = np.nonzero(touches >= 0)
    samples = touches[rows, objects]
    speed = tracks.at(tracks.speed, rows, objects, samples)
    moving = boxes.speed[rows, samples] > EGO_STOPPED
    stopped_track = (speed <= TRACK_STOPPED) | ~tracks.agent[objects]
    bearing = _bearing(boxes, tracks, rows, samples, objects, samples)
    front = _front_touches(boxes, tracks, rows, objects, samples)
    guilty = moving & (stopped_track | ((bearing <= BEHIND) & front))
    side = np.flatnonzero(moving & ~stopped_track & (bearing <= BEHIND) & ~front)
    corners = boxes.corners(rows[side], samples[side])
    guilty[side] = area.straddles(corners) | ~area.on_road(corners).all(1)
    score, time = np.ones(len(boxes.x)), np.full(len(boxes.x), np.inf)
    np.minimum.at(score, rows[guilty], np.where(tracks.agent[objects[guilty]], 0.0, 0.5))
    np.minimum.at(time, rows[guilty], samples[guilty] * DT)
    return score, time


def _time_to_collision(boxes: _Boxes, tracks: SampledTracks, area: LaneArea) -> tuple[FloatArray, FloatArray]:
    """Score (N,) and time (N,) s of the first moment from which going straight on for 0.9 s would collide."""
    found = _first_overlaps(boxes, tracks, LOOK_AHEAD, TTC_STOPPED)
    rows, objects = np.nonzero(found >= 0)
    keys = found[rows, objects]
    samples, ahead = keys // len(LOOK_AHEAD), np.array(LOOK_AHEAD)[keys % len(LOOK_AHEAD)]
    bearing = _bearing(boxes, tracks, rows, samples, objects, samples + ahead)
    guilty = bearing < AHEAD
    side = np.flatnonzero(~guilty & (bearing <= BEHIND))
    corners = boxes.corners(rows[side], samples[side])
    at = (rows[side], samples[side])
    rear = np.stack([boxes.x[at] - boxes.rear * boxes.cos[at], boxes.y[at] - boxes.rear * boxes.sin[at]], axis=-1)
    guilty[side] = area.straddles(corners) | ~area.on_road(corners).all(1) | area.in_junction(rear)
    score, time = np.ones(len(boxes.x)), np.full(len(boxes.x), np.inf)
    score[rows[guilty]] = 0.0
    np.minimum.at(time, rows[guilty], samples[guilty] * DT)
    return score, time


def _first_overlaps(boxes: _Boxes, tracks: SampledTracks, ahead: tuple[int, ...], standing: float) -> IntArray:
    """Keys (N, M), see ``kernels.first_overlaps``."""
    ego = EgoBoxes(boxes.x, boxes.y, boxes.cos, boxes.sin, boxes.speed, boxes.length, boxes.width)
    x, y, yaw = (values if values.ndim == 3 else values[None] for values in (tracks.x, tracks.y, tracks.yaw))
    others = TrackBoxes(x, y, np.cos(yaw), np.sin(yaw), tracks.length, tracks.width)
    return first_overlaps(ego, others, np.array(ahead, dtype=np.int64), standing, DT)


def _bearing(
    boxes: _Boxes, tracks: SampledTracks, rows: IntArray, samples: IntArray, objects: IntArray, later: IntArray
) -> FloatArray:
    """Angle (K,) rad 0..pi between the ego's heading and the way from its rear axle to the other's centre."""
    cos, sin = boxes.cos[rows, samples], boxes.sin[rows, samples]
    dx = tracks.at(tracks.x, rows, objects, later) - boxes.x[rows, samples] + boxes.rear * cos
    dy = tracks.at(tracks.y, rows, objects, later) - boxes.y[rows, samples] + boxes.rear * sin
    return np.asarray(np.abs(np.arctan2(dy * cos - dx * sin, dx * cos + dy * sin)))


def _front_touches(
    boxes: _Boxes, tracks: SampledTracks, rows: IntArray, objects: IntArray, samples: IntArray
) -> np.ndarray:
    """Whether the ego's front edge touches the other's box (K,): separating axes of an edge and a box."""
    cos, sin = boxes.cos[rows, samples], boxes.sin[rows, samples]
    place = (rows, objects, samples)
    dx = tracks.at(tracks.x, *place) - boxes.x[rows, samples] - 0.5 * boxes.length * cos
    dy = tracks.at(tracks.y, *place) - boxes.y[rows, samples] - 0.5 * boxes.length * sin
    yaw, length, width = tracks.at(tracks.yaw, *place), tracks.length[objects], tracks.width[objects]
    other_cos, other_sin = np.cos(yaw), np.sin(yaw)
    parallel, across = np.abs(cos * other_cos + sin * other_sin), np.abs(cos * other_sin - sin * other_cos)
    return np.asarray(
        (2.0 * np.abs(dx * cos + dy * sin) <= length * parallel + width * across)
        & (2.0 * np.abs(dy * cos - dx * sin) <= boxes.width + length * across + width * parallel)
        & (2.0 * np.abs(dx * other_cos + dy * other_sin) <= length + boxes.width * across)
        & (2.0 * np.abs(dy * other_cos - dx * other_sin) <= width + boxes.width * parallel)
    )


def _along(path: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Distance (N,) m along a path (P, 2) m to the points of it nearest to (x, y)."""
    start, step = path[:-1], np.diff(path, axis=0)
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)
    dx, dy = x[:, None] - start[:, 0], y[:, None] - start[:, 1]
    share = np.clip((dx * step[:, 0] + dy * step[:, 1]) / length**2, 0.0, 1.0)
    nearest = np.hypot(dx - share * step[:, 0], dy - share * step[:, 1]).argmin(1)
    arc = np.concatenate([[0.0], np.cumsum(length)])
    return np.asarray(arc[nearest] + share[np.arange(len(x)), nearest] * length[nearest])
