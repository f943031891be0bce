"""The anchor vocabulary: what experts do (k-means), and what a vehicle could do besides (kinematic grid)."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.driving import PLAN_DT
from takead_ros.domain.scene import FloatArray
from takead_ros.policy.vocabulary import kinematic_anchors

COUNT = 128
FROM_DATA = 80
_LATERAL_WEIGHT = 2.0  # a metre aside matters more than a metre ahead


def build_anchors(profiles: FloatArray, speeds: FloatArray, seed: int) -> FloatArray:
    """COUNT anchors (COUNT, T, 2) for expert profiles (N, T, 2) driven from ``speeds`` (N,) m/s.

    FROM_DATA cluster centres, begun by farthest points so that rare manoeuvres get one of their own, then the
    kinematic profiles that lie farthest from all anchors so far. Fewer centres where there are fewer distinct profiles.
    """
    # A vehicle that stands brakes at 0: without its speed the same stop would look like many different ones.
    pace = np.maximum(profiles[..., 0], -speeds[:, None])
    profiles = np.stack([pace, profiles[..., 1]], axis=-1)
    centres = _k_means(_features(profiles), min(FROM_DATA, len(profiles)), seed) if len(profiles) else np.zeros((0, 16))
    anchors = _profiles(centres)
    grid = kinematic_anchors()
    apart = _apart(_features(grid), _features(anchors)).min(1) if len(anchors) else np.full(len(grid), np.inf)
    while len(anchors) < COUNT:
        next_one = int(apart.argmax())
        anchors = np.concatenate([anchors, grid[next_one : next_one + 1]])
        apart = np.minimum(apart, _apart(_features(grid), _features(grid[next_one : next_one + 1]))[:, 0])
        apart[next_one] = -1.0
    return anchors


def _features(profiles: FloatArray) -> FloatArray:
    """Profiles (N, T, 2) as points (N, 2 T) whose Euclidean distance is that of the ways driven, in m."""
    along = np.cumsum(profiles[..., 0], axis=-1) * PLAN_DT
    return np.concatenate([along, _LATERAL_WEIGHT * profiles[..., 1]], axis=-1)


def _profiles(features: FloatArray) -> FloatArray:
    """Inverse of ``_features``."""
    along, offset = np.split(features, 2, axis=-1)
    return np.stack([np.diff(along, axis=-1, prepend=0.0) / PLAN_DT, offset / _LATERAL_WEIGHT], axis=-1)


def _apart(first: FloatArray, second: FloatArray) -> FloatArray:
    """Squared distances (N, M) between points (N, D) and (M, D)."""
    return np.asarray(((first[:, None] - second[None]) ** 2).sum(-1))


def _k_means(points: FloatArray, count: int, seed: int, rounds: int = 20, sample: int = 4000) -> FloatArray:
    """Centres (count, D): farthest-point start on a sample, then Lloyd's iterations. Deterministic in ``seed``."""
    random = np.random.default_rng((seed, 0xA7C4))
    if len(points) > sample:
        points = points[np.sort(random.choice(len(points), sample, replace=False))]
    centres = [points[random.integers(len(points))]]
    apart = ((points - centres[0]) ** 2).sum(-1)
    for _ in range(count - 1):
        # Half of the centres go to the farthest points, half are drawn in proportion to the distance (k-means++).
        weight = apart / apart.sum() if apart.sum() > 0 else np.full(len(points), 1 / len(points))
        pick = int(apart.argmax()) if len(centres) % 2 else int(random.choice(len(points), p=weight))
        centres.append(points[pick])
        apart = np.minimum(apart, ((points - points[pick]) ** 2).sum(-1))
    found = np.array(centres)
    for _ in range(rounds):
        nearest = _apart(points, found).argmin(1)
        for k in range(count):
            members = points[nearest == k]
            if len(members):
                found[k] = members.mean(0)
    return found
