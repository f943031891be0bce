"""The one inner loop of the PDM score, compiled: who touches whom first."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import IndexMatrix, Indices, Matrix, Vector, kernel


@kernel
def first_overlaps(
    x: Matrix, y: Matrix, cos: Matrix, sin: Matrix, speed: Matrix, length: float, width: float,
    other_x: Matrix, other_y: Matrix, other_cos: Matrix, other_sin: Matrix,
    other_length: Vector, other_width: Vector, ahead: Indices, standing: float, dt: float,
) -> IndexMatrix:  # fmt: skip
    """When each of N trajectories first overlaps each of M tracks, as keys (N, M); -1: never.

    The ego's box at sample t of (N, S) poses, pushed straight on at its speed by each of ``ahead`` samples (of dt s) in
    turn, is set against the track at that later sample (M, >= S + ahead); key = t * len(ahead) + index in ``ahead``.
    Samples at which the ego is slower than ``standing`` m/s are passed over. Where a track is NaN it is not there.
    """
    trajectories, samples = x.shape
    tracks, steps = len(other_length), len(ahead)
    keys = np.full((trajectories, tracks), -1, dtype=np.int64)
    for n in range(trajectories):
        for m in range(tracks):
            a, b = other_length[m], other_width[m]
            reach = 0.5 * (np.sqrt(length * length + width * width) + np.sqrt(a * a + b * b))
            for key in range(samples * steps):
                t = key // steps
                if speed[n, t] < standing:
                    continue
                later = t + ahead[key - t * steps]
                pushed = speed[n, t] * dt * (later - t)
                c, s = cos[n, t], sin[n, t]
                dx = other_x[m, later] - x[n, t] - c * pushed
                dy = other_y[m, later] - y[n, t] - s * pushed
                if not dx * dx + dy * dy <= reach * reach:
                    continue
                oc, os = other_cos[m, later], other_sin[m, later]
                parallel, across = abs(c * oc + s * os), abs(c * os - s * oc)
                # separating axes: those of the one box, then those of the other
                if (
                    2.0 * abs(dx * c + dy * s) <= length + a * parallel + b * across
                    and 2.0 * abs(dy * c - dx * s) <= width + a * across + b * parallel
                    and 2.0 * abs(dx * oc + dy * os) <= a + length * parallel + width * across
                    and 2.0 * abs(dy * oc - dx * os) <= b + length * across + width * parallel
                ):
                    keys[n, m] = key
                    break
    return keys
