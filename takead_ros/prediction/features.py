"""What a prediction model of road users is told: the surroundings of each as fixed-size float32 arrays.

One function for training and for a dream. Everything is seen from the road user itself (its place the origin, its
heading the x axis), so that nothing depends on where the map's origin lies. The ego is told apart from the others: it
comes with where it was and with where it is going to be, its plan, so that what is predicted answers to it (PerlAD,
arXiv 2603.14908). A change of meaning here is another format with another name (``model.FORMAT``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.geometry import arc_lengths, points_at, wrap_angle
from takead_ros.domain.scene import (
    ControlKind,
    FloatArray,
    LightState,
    LineKind,
    ObjectKind,
    Polyline,
    TrafficControl,
)

Arrays = dict[str, NDArray[np.float32]]

STEP_S, STEPS = 0.5, 8  # of a prediction: 4 s
PAST_S, PAST = 0.2, 5  # between moments of the past, and how many there are
EGO_TIMES_S: FloatArray = np.arange(-2.0, STEPS + 1.0) * STEP_S  # at which the ego is told
LANES, NEIGHBOURS, SIGNALS = 32, 10, 2
PIECE_M = 10.0  # longest piece of a lane that becomes one token
LANE_WIDTH_M = 3.5  # where a map does not tell it
REACH_M = 80.0  # beyond which nothing is told
LENGTH, SPEED = 20.0, 10.0  # m, m/s that are 1

VEHICLES = (ObjectKind.CAR, ObjectKind.TRUCK, ObjectKind.EMERGENCY_VEHICLE)
MOVERS = (*VEHICLES, ObjectKind.CYCLIST, ObjectKind.PEDESTRIAN)
_GROUPS = (VEHICLES, (ObjectKind.CYCLIST,), (ObjectKind.PEDESTRIAN,), (ObjectKind.EMERGENCY_VEHICLE,))

SHAPES: dict[str, tuple[int, ...]] = {
    "own": (5 + len(_GROUPS),),
    "past": (PAST, 5),
    "lanes": (LANES, 7),
    "lanes_mask": (LANES,),
    "neighbours": (NEIGHBOURS, 8 + len(_GROUPS)),
    "neighbours_mask": (NEIGHBOURS,),
    "signals": (SIGNALS, 8),
    "signals_mask": (SIGNALS,),
    "ego": (len(EGO_TIMES_S), 7),
    "ego_size": (3,),
}


@dataclass(frozen=True)
class WorldMoment:
    """Everyone at one moment, in ``map``.

    kind (A,); length, width (A,) m; here (A,); pose (A, 5): x m, y m, yaw rad, vx m/s, vy m/s. past (PAST, A, 3): x, y,
    yaw at each PAST_S s before, NaN where not seen. ego (len(EGO_TIMES_S), 4): x m, y m, yaw rad, speed m/s at these
    times, what lies ahead as it is planned. ego_size: length, width m. planned: whether that is somebody's plan, or
    only what goes on as it does. controls: lights and signs on the ego's route, nearest first.
    """

    kind: NDArray[np.int64]
    length: FloatArray
    width: FloatArray
    here: NDArray[np.bool_]
    pose: FloatArray
    past: FloatArray
    ego: FloatArray
    ego_size: tuple[float, float]
    planned: bool
    controls: Sequence[TrafficControl]


@dataclass(frozen=True)
class LanePieces:
    """Lanes cut into pieces: points (S, 3, 2) m in ``map``, begin, middle and end; half (S,) m of the width."""

    points: FloatArray
    half: FloatArray


def pieces_of(lines: Sequence[Polyline]) -> LanePieces:
    """The lane centres among ``lines``, in pieces of at most PIECE_M."""
    points, halves = [np.zeros((0, 3, 2))], [np.zeros(0)]
    for line in lines:
        if line.kind is LineKind.LANE_CENTER and len(line.points) > 1:
            length = float(arc_lengths(line.points)[-1])
            count = max(int(np.ceil(length / PIECE_M)), 1)
            at = np.linspace(0.0, length, 2 * count + 1)
            places = points_at(line.points, at)
            points.append(np.stack([places[0:-2:2], places[1:-1:2], places[2::2]], axis=1))
            halves.append(np.full(count, (line.width or LANE_WIDTH_M) / 2.0))
    return LanePieces(np.concatenate(points), np.concatenate(halves))


def groups_of(kind: NDArray[np.int64]) -> FloatArray:
    """Which of the groups (..., 4) each kind (...) is in: vehicle, cyclist, pedestrian; with a siren."""
    return np.stack([np.isin(kind, group) for group in _GROUPS], axis=-1).astype(float)


def features(
    moment: WorldMoment, lanes: LanePieces, rows: NDArray[np.int64], views: FloatArray | None = None
) -> Arrays:
    """What the road users ``rows`` (R,) of ``moment`` are told, as SHAPES, each (R, ...).

    views (R, 3): x, y, yaw to see it from in place of their own poses, as if they were there; then nothing is told of
    their past. Values that are not finite are the caller's to refuse.
    """
    own = moment.pose[rows]
    view = own[:, :3] if views is None else views
    speed = np.cos(own[:, 2]) * own[:, 3] + np.sin(own[:, 2]) * own[:, 4]
    out = {name: np.zeros((len(rows), *shape), np.float32) for name, shape in SHAPES.items()}
    groups = groups_of(moment.kind)
    _past(out, moment, rows, view, speed, hidden=views is not None)
    out["own"][:, 0] = speed / SPEED
    out["own"][:, 3], out["own"][:, 4] = moment.length[rows] / 5.0, moment.width[rows] / 2.0
    out["own"][:, 5:] = groups[rows]
    _lanes(out, lanes, view, speed)
    _neighbours(out, moment, groups, rows, view, speed)
    _controls(out, moment.controls, view)
    place, turn = _seen(moment.ego[None, :, :2], moment.ego[None, :, 2], view)
    out["ego"][..., :2], out["ego"][..., 2], out["ego"][..., 3] = place / LENGTH, np.cos(turn), np.sin(turn)
    out["ego"][..., 4] = moment.ego[:, 3] / SPEED
    out["ego"][..., 5] = EGO_TIMES_S / (STEPS * STEP_S)
    out["ego"][..., 6] = moment.planned
    out["ego_size"][:] = moment.ego_size[0] / 5.0, moment.ego_size[1] / 2.0, 1.0
    return out


def _seen(points: FloatArray, yaw: FloatArray, view: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points (1 or R, N, 2) and headings (1 or R, N) from each of ``view`` (R, 3)."""
    cos, sin = np.cos(view[:, 2])[:, None], np.sin(view[:, 2])[:, None]
    dx, dy = points[..., 0] - view[:, 0][:, None], points[..., 1] - view[:, 1][:, None]
    return np.stack([cos * dx + sin * dy, cos * dy - sin * dx], axis=-1), wrap_angle(yaw - view[:, 2][:, None])


def _past(
    out: Arrays, moment: WorldMoment, rows: NDArray[np.int64], view: FloatArray, speed: FloatArray, hidden: bool
) -> None:
    if hidden:
        return
    past = moment.past[:, rows].transpose(1, 0, 2)  # (R, PAST, 3)
    known = np.isfinite(past).all(-1)
    past = np.where(known[..., None], past, 0.0)
    place, turn = _seen(past[..., :2], past[..., 2], view)
    told = np.concatenate([place / LENGTH, np.cos(turn)[..., None], np.sin(turn)[..., None]], axis=-1)
    out["past"][..., :4] = np.where(known[..., None], told, 0.0)
    out["past"][..., 4] = known
    # how it turns and how its speed changes: over the last moment but one, for the last alone says little
    both = known[:, :2].all(-1)
    before = np.hypot(*(past[:, 0, :2] - past[:, 1, :2]).T) / PAST_S
    out["own"][:, 1] = np.where(both, np.sin(-turn[:, 0]) / PAST_S, 0.0)
    out["own"][:, 2] = np.where(both, np.clip((speed - before) / (1.5 * PAST_S), -9.0, 9.0) / 4.0, 0.0)


def _nearest(distance: FloatArray, most: int, reach: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The ``most`` nearest of (R, N) by row, nearest first, and which of these are within ``reach``."""
    if distance.shape[1] > most:
        near = np.argpartition(distance, most - 1, axis=1)[:, :most]
        distance = np.take_along_axis(distance, near, axis=1)
    else:
        near = np.broadcast_to(np.arange(distance.shape[1]), distance.shape)
    order = np.argsort(distance, axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1), np.take_along_axis(distance, order, axis=1) <= reach


def _ahead(place: FloatArray, speed: FloatArray) -> FloatArray:
    """How far (R, N) m places (R, N, 2) are from where it is soon going to be."""
    return np.hypot(place[..., 0] - np.clip(1.2 * speed, 2.0, 20.0)[:, None], 1.5 * place[..., 1])


def _lanes(out: Arrays, lanes: LanePieces, view: FloatArray, speed: FloatArray) -> None:
    if not len(lanes.half):
        return
    middle, _ = _seen(lanes.points[None, :, 1], np.zeros((1, len(lanes.half))), view)
    near, within = _nearest(_ahead(middle, speed), LANES, REACH_M)
    count = near.shape[1]
    points = lanes.points[near].reshape(len(view), count * 3, 2)
    place, _ = _seen(points, np.zeros((1, 1)), view)
    out["lanes"][:, :count, :6] = np.where(within[..., None], place.reshape(len(view), count, 6) / LENGTH, 0.0)
    out["lanes"][:, :count, 6] = np.where(within, lanes.half[near] / 2.0, 0.0)
    out["lanes_mask"][:, :count] = within


def _neighbours(
    out: Arrays, moment: WorldMoment, groups: FloatArray, rows: NDArray[np.int64], view: FloatArray, speed: FloatArray
) -> None:
    pose = np.where(moment.here[:, None], moment.pose, 1e6)
    place, turn = _seen(pose[None, :, :2], pose[None, :, 2], view)
    distance = _ahead(place, speed)
    distance[np.arange(len(rows)), rows] = np.inf
    near, within = _nearest(distance, NEIGHBOURS, REACH_M)
    count = near.shape[1]
    each = np.arange(len(rows))[:, None]
    velocity, _ = _seen(pose[None, :, 3:], np.zeros((1, 1)), np.concatenate([0.0 * view[:, :2], view[:, 2:]], axis=1))
    told = np.concatenate(
        [
            place[each, near] / LENGTH,
            np.cos(turn[each, near])[..., None],
            np.sin(turn[each, near])[..., None],
            velocity[each, near] / SPEED,
            moment.length[near][..., None] / 5.0,
            moment.width[near][..., None] / 2.0,
            groups[near],
        ],
        axis=-1,
    )
    out["neighbours"][:, :count] = np.where(within[..., None], told, 0.0)
    out["neighbours_mask"][:, :count] = within


def _controls(out: Arrays, controls: Sequence[TrafficControl], view: FloatArray) -> None:
    for i, control in enumerate(controls[:SIGNALS]):
        place, turn = _seen(np.array([[[control.x, control.y]]]), np.array([[control.yaw]]), view)
        near = np.abs(place[:, 0]).max(-1) <= REACH_M
        light = control.kind is ControlKind.TRAFFIC_LIGHT
        state = [
            light and control.state is LightState.RED,
            light and control.state is LightState.YELLOW,
            light and control.state is LightState.GREEN,
            not light,
        ]
        told = np.column_stack([place[:, 0] / LENGTH, np.cos(turn), np.sin(turn), np.tile(state, (len(view), 1))])
        out["signals"][:, i] = np.where(near[:, None], told, 0.0)
        out["signals_mask"][:, i] = near
