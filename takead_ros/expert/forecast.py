"""Where others will be: along their lane, or straight on with their present acceleration until they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.geometry import to_local, wrap_angle
from takead_ros.domain.scene import EgoState, FloatArray, IntArray, LineKind, ObjectKind, Polyline
from takead_ros.expert.tracks import Track

KNOTS = np.concatenate([np.arange(0.0, 4.0, 0.5), np.arange(4.0, 8.1, 1.0)])  # (S,) s from now: steps of the models
TIMES = np.sort(np.concatenate([KNOTS, 0.5 * (KNOTS[:-1] + KNOTS[1:])]))  # (T,) s from now: the knots and between
EVERY = 2  # TIMES[::EVERY] are the KNOTS
_LANE_DISTANCE = 2.0  # m to a lane's centre within which a vehicle is on it
_LANE_HEADING = 0.5  # rad
_DRIFT_TIME = 2.5  # s for which a sideways motion in the lane goes on


@dataclass(frozen=True)
class Actors:
    """N others in ``base_link`` with their forecast.

    id kind (N,); length width speed acceleration (N,) SI; standing (N,) s for which it has been seen standing;
    has_moved visible person (N,) bool; x y yaw v (N, T) at TIMES ahead; slack (N, T) m that it would be further on if
    it stopped braking.
    """

    id: IntArray
    kind: IntArray
    length: FloatArray
    width: FloatArray
    speed: FloatArray
    acceleration: FloatArray
    standing: FloatArray
    has_moved: np.ndarray
    visible: np.ndarray
    person: np.ndarray
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    v: FloatArray
    slack: FloatArray

    def __len__(self) -> int:
        return len(self.id)


def _travel(speed: FloatArray, acceleration: FloatArray, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(distance (N, T) m, speed (N, T) m/s): braking goes on until standing, gaining speed ends after 1 s."""
    change = acceleration[:, None]
    until = np.where(change < 0.0, speed[:, None] / np.maximum(-change, 1e-6), 1.0)
    active = np.minimum(times, until)
    v = np.maximum(speed[:, None] + change * active, 0.0)
    return (speed[:, None] + 0.5 * change * active) * active + v * (times - active), v


@dataclass(frozen=True)
class Lanes:
    """All lane centre points of ``source`` in ``map``: x y yaw (Q,), arc (Q,) growing over all lanes, last (Q,) arc
    and end (Q,) index of the last point of the lane that each point belongs to."""

    source: tuple[Polyline, ...]
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    arc: FloatArray
    last: FloatArray
    end: IntArray


def read_lanes(polylines: tuple[Polyline, ...], known: Lanes | None) -> Lanes:
    """The lane centres among ``polylines``; ``known`` where it was read from the very same ones."""
    if known is not None and known.source is polylines:
        return known
    centers = [line.points for line in polylines if line.kind == LineKind.LANE_CENTER and len(line.points) > 1]
    if not centers:
        none = np.zeros(0)
        return Lanes(polylines, none, none, none, none, none, none.astype(np.int64))
    sizes = np.array([len(points) for points in centers])
    points = np.concatenate(centers)
    ends = np.cumsum(sizes) - 1
    step = np.diff(points, axis=0)
    step[ends[:-1]] = step[np.maximum(ends[:-1] - 1, 0)]  # the jump between two lanes is no road
    step = np.vstack([step, step[-1:]])
    length = np.hypot(step[:, 0], step[:, 1])
    arc = np.concatenate([[0.0], np.cumsum(length[:-1])])
    end = np.repeat(ends, sizes)
    yaw = np.arctan2(step[:, 1], step[:, 0])
    return Lanes(polylines, points[:, 0], points[:, 1], yaw, arc, arc[end], end)


def forecast(ego: EgoState, lanes: Lanes, tracks: dict[int, Track], stamp: int) -> Actors:
    """The actors of ``tracks`` (id -> Track), forecast from ``stamp`` ns, in the ego's ``base_link``.

    The order is by id, so that the order of the scene's objects does not matter.
    """
    ids = sorted(tracks)
    rows = np.array([tracks[i].row for i in ids], dtype=float).reshape(len(ids), 10)
    age = np.array([(stamp - tracks[i].seen) * 1e-9 for i in ids])
    acceleration = np.array([tracks[i].acceleration for i in ids])
    since = [tracks[i].standing_since for i in ids]
    standing = np.array([0.0 if s is None else (stamp - s) * 1e-9 for s in since])
    kind = rows[:, 1].astype(np.int64)
    person = (kind == ObjectKind.PEDESTRIAN) | (kind == ObjectKind.CYCLIST)
    start, yaw, vx, vy = rows[:, 2:4], rows[:, 4], rows[:, 5], rows[:, 6]
    speed = np.hypot(vx, vy)
    moving = speed > 0.1
    course = np.where(moving, np.arctan2(vy, vx), yaw)
    acceleration = np.where(person | (np.abs(acceleration) < 0.5), 0.0, acceleration)
    times = TIMES + age[:, None]
    distance, v = _travel(speed, acceleration, times)
    x = start[:, 0:1] + distance * np.cos(course)[:, None]
    y = start[:, 1:2] + distance * np.sin(course)[:, None]
    heading = np.repeat(yaw[:, None], len(TIMES), axis=1)

    follows = np.flatnonzero(moving & (speed > 1.0) & ~(kind == ObjectKind.PEDESTRIAN))
    if len(lanes.x) and len(follows):
        px, py = start[follows, 0:1], start[follows, 1:2]
        away = (lanes.x - px) ** 2 + (lanes.y - py) ** 2
        turned = np.cos(lanes.yaw - yaw[follows, None])
        i = (away + 30.0 * (1.0 - turned)).argmin(1)
        rows_on = (away[np.arange(len(i)), i] < _LANE_DISTANCE**2) & (
            turned[np.arange(len(i)), i] > np.cos(_LANE_HEADING)
        )
        follows, i, px, py = follows[rows_on], i[rows_on], px[rows_on, 0], py[rows_on, 0]
        lane_yaw = lanes.yaw[i]
        dx, dy = px - lanes.x[i], py - lanes.y[i]
        offset = np.cos(lane_yaw) * dy - np.sin(lane_yaw) * dx
        here = lanes.arc[i] + np.cos(lane_yaw) * dx + np.sin(lane_yaw) * dy
        drift = speed[follows] * np.sin(course[follows] - lane_yaw)
        there = here[:, None] + distance[follows]
        held = np.minimum(there, lanes.last[i][:, None])
        j = np.clip(np.searchsorted(lanes.arc, held, side="right") - 1, i[:, None] * 0, lanes.end[i][:, None])
        beyond = there - lanes.arc[j]
        direction = lanes.yaw[j]
        side = offset[:, None] + np.clip(drift[:, None] * np.minimum(times[follows], _DRIFT_TIME), -3.5, 3.5)
        x[follows] = lanes.x[j] + beyond * np.cos(direction) - side * np.sin(direction)
        y[follows] = lanes.y[j] + beyond * np.sin(direction) + side * np.cos(direction)
        heading[follows] = yaw[follows, None] + wrap_angle(direction - lane_yaw[:, None])
    place = to_local(np.stack([x, y], axis=-1), ego.x, ego.y, ego.yaw)
    x, y = np.ascontiguousarray(place[..., 0]), np.ascontiguousarray(place[..., 1])
    heading = np.asarray(wrap_angle(heading - ego.yaw))
    return Actors(
        rows[:, 0].astype(np.int64), kind, rows[:, 7], rows[:, 8], speed, acceleration, standing,
        np.array([tracks[i].has_moved for i in ids], dtype=bool), (rows[:, 9] > 0.0) & (age == 0.0), person,
        x, y, heading, v, np.maximum(speed[:, None] * times - distance, 0.0),
    )  # fmt: skip


def select(actors: Actors, rows: np.ndarray) -> Actors:
    """The actors at ``rows`` (a mask or indices), in that order."""
    return Actors(*(getattr(actors, name)[rows] for name in actors.__dataclass_fields__))
