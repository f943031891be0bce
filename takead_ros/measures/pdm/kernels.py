"""The one inner loop of the PDM score, compiled: who touches whom first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.compiled import IndexMatrix, Indices, Matrix, Vector, kernel
from takead_ros.domain.kernels import Box, box_gap


class EgoBoxes(NamedTuple):
    """N trajectories of S samples: x y m, cosine and sine of the heading, speed m/s (N, S); length width m."""

    x: Matrix
    y: Matrix
    cos: Matrix
    sin: Matrix
    speed: Matrix
    length: float
    width: float


class TrackBoxes(NamedTuple):
    """M tracks: x y m, cosine and sine of the heading at each sample (M, *), NaN where absent; length width (M,) m."""

    x: Matrix
    y: Matrix
    cos: Matrix
    sin: Matrix
    length: Vector
    width: Vector


@kernel
def first_overlaps(ego: EgoBoxes, others: TrackBoxes, ahead: Indices, standing: float, dt: float) -> IndexMatrix:
    """When each of N trajectories first overlaps each of M tracks, as keys (N, M); -1: never.

    The ego's box at sample t, pushed straight on at its speed by each of ``ahead`` samples (of dt s) in turn, is set
    against the track at that later sample (there are at least S + ahead); key = t * len(ahead) + index in ``ahead``.
    Samples at which the ego is slower than ``standing`` m/s are passed over; touching counts.
    """
    trajectories, samples = ego.x.shape
    tracks, steps = len(others.length), len(ahead)
    keys = np.full((trajectories, tracks), -1, dtype=np.int64)
    half_length, half_width = 0.5 * ego.length, 0.5 * ego.width
    for n in range(trajectories):
        for m in range(tracks):
            a, b = 0.5 * others.length[m], 0.5 * others.width[m]
            reach = np.sqrt(half_length**2 + half_width**2) + np.sqrt(a * a + b * b)
            for key in range(samples * steps):
                t = key // steps
                if ego.speed[n, t] < standing:
                    continue
                later = t + ahead[key - t * steps]
                pushed = ego.speed[n, t] * dt * (later - t)
                c, s = ego.cos[n, t], ego.sin[n, t]
                dx = others.x[m, later] - ego.x[n, t] - c * pushed
                dy = others.y[m, later] - ego.y[n, t] - s * pushed
                if not dx * dx + dy * dy <= reach * reach:
                    continue
                other = Box(dx, dy, others.cos[m, later], others.sin[m, later], a, b)
                if box_gap(Box(0.0, 0.0, c, s, half_length, half_width), other) <= 0.0:
                    keys[n, m] = key
                    break
    return keys
