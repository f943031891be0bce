"""Where others will be: along their lane, or straight on, braking on if they brake now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import FloatArray, IntArray, ObjectKind
from takead_ros.expert.arrays import Boxes, Courses, Ego, Horizon, LaneGraph, Sightings
from takead_ros.expert.kernels.courses import predict
from takead_ros.expert.tracks import Track

KNOTS = np.concatenate([np.arange(0.0, 4.0, 0.5), np.arange(4.0, 8.1, 1.0)])  # (S,) s from now: steps of the models
TIMES = np.sort(np.concatenate([KNOTS, 0.5 * (KNOTS[:-1] + KNOTS[1:])]))  # (T,) s from now: the knots and between
EVERY = 2  # TIMES[::EVERY] are the KNOTS
HORIZON = Horizon(TIMES, KNOTS, EVERY)
_PEDESTRIAN, _CYCLIST = int(ObjectKind.PEDESTRIAN), int(ObjectKind.CYCLIST)


@dataclass(frozen=True)
class Actors:
    """N others and where they will be.

    id kind (N,); speed acceleration age (N,) SI, age since they were seen; standing (N,) s for which each has been seen
    standing; has_moved visible person (N,) bool; boxes at TIMES ahead.
    """

    id: IntArray
    kind: IntArray
    speed: FloatArray
    acceleration: FloatArray
    age: FloatArray
    standing: FloatArray
    has_moved: np.ndarray
    visible: np.ndarray
    person: np.ndarray
    boxes: Boxes

    def __len__(self) -> int:
        return len(self.id)


def forecast(ego: Ego, lanes: LaneGraph, tracks: dict[int, Track], stamp: int) -> tuple[Actors, Courses]:
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
    last = Sightings(x, y, yaw, vx, vy, course, speed, acceleration, age, length, width, follows)
    courses, boxes = predict(lanes, last, TIMES, ego)
    actors = Actors(
        rows[:, 0].astype(np.int64),
        kind,
        speed,
        acceleration,
        age,
        standing,
        np.array([tracks[i].has_moved for i in ids], dtype=bool),
        (rows[:, 9] > 0.0) & (age == 0.0),
        person,
        boxes,
    )
    return actors, courses
