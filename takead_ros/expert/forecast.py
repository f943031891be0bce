"""Where others will be: along their lane, or straight on, braking on if they brake now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import FloatArray, IntArray
from takead_ros.expert.arrays import Boxes, ExpertSurroundings, Horizon
from takead_ros.expert.kernels.surroundings import MOVED, STANDING
from takead_ros.expert.tracks import Track

KNOTS = np.concatenate([np.arange(0.0, 4.0, 0.5), np.arange(4.0, 8.1, 1.0)])  # (S,) s from now: steps of the models
TIMES = np.sort(np.concatenate([KNOTS, 0.5 * (KNOTS[:-1] + KNOTS[1:])]))  # (T,) s from now: the knots and between
EVERY = 2  # TIMES[::EVERY] are the KNOTS
HORIZON = Horizon(TIMES, KNOTS, EVERY)
COLUMNS = MOVED + 1  # of what is known of an actor


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


def known_of(tracks: dict[int, Track], stamp: int) -> FloatArray:
    """What is known of the actors of ``tracks`` (id -> Track) at ``stamp`` ns: a row (14,) for each, with the columns
    of ``kernels.surroundings``. By id, so that the order of the scene's objects does not matter."""
    rows = []
    for name in sorted(tracks):
        row, seen, _, acceleration, since, has_moved = tracks[name]
        standing = 0.0 if since is None else (stamp - since) * 1e-9
        rows.append((*row, (stamp - seen) * 1e-9, acceleration, standing, has_moved))
    return np.array(rows, dtype=float).reshape(len(rows), COLUMNS)


def actors_of(known: FloatArray, around: ExpertSurroundings) -> Actors:
    """The actors ``known`` (N, 14) as they were found around the ego."""
    number, kind = known[:, :2].astype(np.int64).T
    last = around.last
    return Actors(
        number,
        kind,
        last.speed,
        last.acceleration,
        last.age,
        known[:, STANDING],
        known[:, MOVED] > 0.0,
        around.visible,
        around.person,
        around.boxes,
    )
