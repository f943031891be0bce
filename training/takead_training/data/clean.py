"""Which frames of demonstrations teach something: standing still teaches little more than once, a change a lot."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from takead_training.data.dataset import Dataset
from takead_training.settings import Clean

STANDING_MPS = 0.1  # slower than this, and meant to stay so, a frame looks like the one before
CHANGE_MPS, CHANGE_RAD = 0.1, float(np.deg2rad(0.5))  # of the expert's target speed and steering from frame to frame


def rows_to_keep(data: Dataset, clean: Clean) -> NDArray[np.bool_]:
    """Which rows (N,) are kept. A perturbed start goes the way of its frame."""
    keep = np.ones(len(data), dtype=bool)
    if not clean.thin_standing:
        return keep
    standing = (data.column("speed") < STANDING_MPS) & (data.column("target_speed") < STANDING_MPS)
    for rows in _plain_rows(data):
        still = standing[rows].astype(np.int8)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], still, [0]])))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            length = int(last - first)
            stay = np.unique(np.linspace(first, last - 1, math.ceil(math.sqrt(length))).round().astype(int))
            gone = np.setdiff1d(np.arange(first, last), stay)
            keep[rows[gone]] = False
    return _spread(data, keep)


def weights(data: Dataset, clean: Clean) -> NDArray[np.float64]:
    """How often each row (N,) is drawn, on average: 1, or ``change_weight`` where the expert changes what it does."""
    weight = np.ones(len(data))
    if clean.change_weight == 1.0:
        return weight
    speed, steering = data.column("target_speed"), data.column("control")[:, 0]
    for rows in _plain_rows(data):
        moved = (np.abs(np.diff(speed[rows])) > CHANGE_MPS) | (np.abs(np.diff(steering[rows])) > CHANGE_RAD)
        weight[rows[1:][moved]] = clean.change_weight
    return _spread(data, weight)


def epoch_rows(rows: NDArray[np.int64], weight: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.int64]:
    """``rows`` in random order, each as often as its ``weight`` (of the whole table, N) says on average."""
    own = weight[rows]
    if (own == 1.0).all():
        return random.permutation(rows)
    times = np.floor(own + random.random(len(rows))).astype(int)
    return random.permutation(np.repeat(rows, times))


def _plain_rows(data: Dataset) -> list[NDArray[np.int64]]:
    """The rows of each clip that are not perturbed, in time order."""
    plain = data.column("perturbed") == 0
    found = []
    for part in range(len(data.parts)):
        rows = np.arange(data.first(part), data.first(part + 1))
        found.append(rows[plain[rows]])
    return found


def _spread(data: Dataset, values: np.ndarray) -> np.ndarray:
    """The same with each perturbed row as the plain one before it."""
    plain = data.column("perturbed") == 0
    return np.asarray(values[np.maximum.accumulate(np.where(plain, np.arange(len(data)), 0))])
