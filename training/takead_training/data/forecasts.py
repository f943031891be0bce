"""Where the other road users then went, as a label for each object that the network sees (PlanT's auxiliary task)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.scene import FloatArray
from takead_ros.policy.encoding import OBJECTS
from takead_ros.policy.kernels.encode import LENGTH
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.columns import inputs_layout
from takead_training.data.dataset import ClipRows, Dataset

AHEAD_S = (1.0, 2.0)
COLUMN = "forecast"
LATE_NS = 60_000_000  # a frame this far from the time asked for is none
SAME_M = 3.0  # between an object as it was seen and as it is recorded; noise moves it, its neighbours are farther


def with_forecasts(data: Dataset) -> Dataset:
    """``data`` with the column COLUMN (N, OBJECTS, len(AHEAD_S), 2): m that each object of a row has moved after each
    time, in the ``base_link`` of now.

    NaN where that is not known: no such object, a clip that ends before, a start that was moved aside, no world.
    """
    found = np.full((len(data), OBJECTS, len(AHEAD_S), 2), np.nan, np.float32)
    plain, frames = data.column("perturbed") == 0, data.column("frame")
    for number, part in enumerate(data.parts):
        rows = np.arange(data.first(number), data.first(number + 1))
        mine = plain[rows]
        if part.world is not None and mine.any():
            found[rows[mine]] = _of_part(data, part, part.world(), np.flatnonzero(mine), frames[rows[mine]])
    return data.with_columns(**{COLUMN: found})


def _of_part(
    data: Dataset, part: ClipRows, world: ClipFrames, rows: NDArray[np.int64], frames: NDArray[np.int64]
) -> NDArray[np.float32]:
    layout, records = inputs_layout(data.format), np.asarray(part.inputs[rows])
    seen = layout.column(records, "objects")[:, :, :2].astype(float) * LENGTH
    there = layout.column(records, "objects_mask") > 0.0
    places = _places(world)
    ego = world.ego[frames]
    cos, sin = np.cos(ego[:, 2])[:, None], np.sin(ego[:, 2])[:, None]

    def turned(vectors: FloatArray) -> FloatArray:
        """Vectors (R, A, 2) of ``map`` in the ego's frame."""
        x, y = vectors[..., 0], vectors[..., 1]
        return np.stack([cos * x + sin * y, cos * y - sin * x], axis=-1)

    now = places[frames]
    found = np.full((len(rows), OBJECTS, len(AHEAD_S), 2), np.nan, np.float32)
    if not now.shape[1]:
        return found
    apart = np.linalg.norm(seen[:, :, None] - turned(now - ego[:, None, :2])[:, None], axis=-1)
    apart = np.where(np.isnan(apart), np.inf, apart)
    who = apart.argmin(-1)
    known = there & (np.take_along_axis(apart, who[..., None], -1)[..., 0] < SAME_M)
    for k, ahead in enumerate(AHEAD_S):
        moved = turned(_after(world, places, frames, ahead) - now)
        found[:, :, k] = np.where(known[..., None], np.take_along_axis(moved, who[..., None], 1), np.nan)
    return found


def _places(world: ClipFrames) -> FloatArray:
    """Where each road user (T, A, 2) m is at each frame, in ``map``; NaN where it is not there."""
    ids, column = np.unique(world.who[:, 0], return_inverse=True)
    places = np.full((len(world), len(ids), 2), np.nan)
    frame = np.repeat(np.arange(len(world)), np.diff(world.object_at))
    places[frame, column] = world.objects[:, :2]
    return places


def _after(world: ClipFrames, places: FloatArray, frames: NDArray[np.int64], ahead_s: float) -> FloatArray:
    """Places (R, A, 2) ``ahead_s`` after each of ``frames`` (R,)."""
    due = world.stamps[frames] + round(ahead_s * 1e9)
    at = np.minimum(np.searchsorted(world.stamps, due - LATE_NS), len(world) - 1)
    late = np.abs(world.stamps[at] - due) > LATE_NS
    return np.where(late[:, None, None], np.nan, places[at])
