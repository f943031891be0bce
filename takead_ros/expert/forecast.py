"""Where others will be: along their lane, or straight on, braking on if they brake now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import EgoState, FloatArray, IntArray, ObjectKind
from takead_ros.expert.kernels.courses import beside, follow, match, travel
from takead_ros.expert.lanes import Lanes
from takead_ros.expert.tracks import Track

KNOTS = np.concatenate([np.arange(0.0, 4.0, 0.5), np.arange(4.0, 8.1, 1.0)])  # (S,) s from now: steps of the models
TIMES = np.sort(np.concatenate([KNOTS, 0.5 * (KNOTS[:-1] + KNOTS[1:])]))  # (T,) s from now: the knots and between
_PEDESTRIAN, _CYCLIST = int(ObjectKind.PEDESTRIAN), int(ObjectKind.CYCLIST)
EVERY = 2  # TIMES[::EVERY] are the KNOTS


@dataclass(frozen=True)
class Courses:
    """What each of N actors drives along, in ``map``: from x y (N,) m in direction course (N,) rad, or along ``lanes``
    from point lane (N,) (-1: none), arc here (N,) m, offset (N,) m to its left, drifting left at drift (N,) m/s."""

    lanes: Lanes
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    course: FloatArray
    lane: IntArray
    here: FloatArray
    offset: FloatArray
    drift: FloatArray

    def at(
        self, rows: IntArray, distance: FloatArray, times: FloatArray, ego: EgoState
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """x y m and yaw rad (M, T) in the ego's ``base_link`` of the actors ``rows`` (M,), ``distance`` (M, T) m on."""
        lanes = self.lanes
        return follow(
            lanes.x, lanes.y, lanes.yaw, lanes.arc, lanes.end, self.x, self.y, self.yaw, self.course, self.lane,
            self.here, self.offset, self.drift, rows, distance, times, ego.x, ego.y, ego.yaw,
        )  # fmt: skip


@dataclass(frozen=True)
class Actors:
    """N others in ``base_link`` with their forecast.

    id kind (N,); length width speed acceleration age (N,) SI, age since they were seen; standing (N,) s for which each
    has been seen standing; has_moved visible person (N,) bool; x y yaw v (N, T) at TIMES ahead.
    """

    id: IntArray
    kind: IntArray
    length: FloatArray
    width: FloatArray
    speed: FloatArray
    acceleration: FloatArray
    age: FloatArray
    standing: FloatArray
    has_moved: np.ndarray
    visible: np.ndarray
    person: np.ndarray
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    v: FloatArray

    def __len__(self) -> int:
        return len(self.id)


def forecast(ego: EgoState, lanes: Lanes, tracks: dict[int, Track], stamp: int) -> tuple[Actors, Courses]:
    """The actors of ``tracks`` (id -> Track), forecast from ``stamp`` ns, and the courses that they take.

    The order is by id, so that the order of the scene's objects does not matter.
    """
    ids = sorted(tracks)
    rows = np.array([tracks[i].row for i in ids], dtype=float).reshape(len(ids), 10)
    age = np.array([(stamp - tracks[i].seen) * 1e-9 for i in ids])
    acceleration = np.array([tracks[i].acceleration for i in ids])
    since = [tracks[i].standing_since for i in ids]
    standing = np.array([0.0 if s is None else (stamp - s) * 1e-9 for s in since])
    kind = rows[:, 1].astype(np.int64)
    person = (kind == _PEDESTRIAN) | (kind == _CYCLIST)
    x, y, yaw, vx, vy, length, width = rows.T[2:9].copy()
    speed = np.hypot(vx, vy)
    course = np.where(speed > 0.1, np.arctan2(vy, vx), yaw)
    acceleration = np.where(person | (np.abs(acceleration) < 0.5), 0.0, acceleration)

    follows = (speed > 1.0) & (kind != _PEDESTRIAN)
    lane = match(lanes.x, lanes.y, lanes.yaw, lanes.own, follows, x, y, yaw)
    place = beside(lanes.x, lanes.y, lanes.yaw, lanes.arc, lanes.end, lane, x, y, vx, vy)
    courses = Courses(lanes, x, y, yaw, course, lane, *place)
    times = TIMES + age[:, None]
    distance, v = travel(speed, acceleration, times)
    there_x, there_y, there_yaw = courses.at(np.arange(len(ids)), distance, times, ego)
    actors = Actors(
        rows[:, 0].astype(np.int64), kind, length, width, speed, acceleration, age, standing,
        np.array([tracks[i].has_moved for i in ids], dtype=bool), (rows[:, 9] > 0.0) & (age == 0.0), person,
        there_x, there_y, there_yaw, v,
    )  # fmt: skip
    return actors, courses


def shifted(
    actors: Actors, courses: Courses, rows: IntArray, shifts: FloatArray, ego: EgoState
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """x y m, yaw rad (M, H, T) of the actors ``rows`` (M,) if each was ``shifts`` (M, H) s further and braked no more.

    Crossing traffic that brakes now may think better of it, and may be earlier or later than forecast.
    """
    times = TIMES + actors.age[rows][:, None, None] + shifts[:, :, None]
    count, variants = shifts.shape
    flat = np.repeat(rows, variants)
    times = times.reshape(count * variants, len(TIMES))
    x, y, yaw = courses.at(flat, actors.speed[flat, None] * times, np.maximum(times, 0.0), ego)
    shape = (count, variants, len(TIMES))
    return x.reshape(shape), y.reshape(shape), yaw.reshape(shape)
