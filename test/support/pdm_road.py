"""A straight road with an ego and others on it, for the PDM score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.scene import (
    EgoState,
    FloatArray,
    LineKind,
    ObjectKind,
    Objects,
    Polyline,
)
from takead_ros.measures.pdm import LaneArea, PdmScores, SampledTracks, pdm_scores

EGO = EgoState(0.0, 0.0, 0.0, 10.0, length=4.0, width=2.0, wheelbase=2.5)
TIMES = 0.1 * np.arange(41)
PATH = np.stack([np.arange(-10.0, 101.0), np.zeros(111)], axis=1)
OWN = Polyline(1, LineKind.LANE_CENTER, PATH, True, 13.9, 3.5)
LEFT = Polyline(2, LineKind.LANE_CENTER, PATH[::-1] + np.array([0.0, 3.5]), False, 13.9, 3.5)
ROAD = LaneArea([OWN, LEFT])


def along(speed: float | FloatArray, y: float | FloatArray = 0.0, yaw: float | FloatArray = 0.0) -> FloatArray:
    """One trajectory (1, 41, 4) along x."""
    pace = np.broadcast_to(np.asarray(speed, dtype=float), (41,))
    x = np.concatenate([[0.0], np.cumsum(0.05 * (pace[1:] + pace[:-1]))])
    return np.stack([x, *(np.broadcast_to(np.asarray(v, dtype=float), (41,)) for v in (y, yaw)), pace], axis=1)[None]


def other(
    x: float,
    y: float,
    speed: float = 0.0,
    yaw: float = 0.0,
    kind: ObjectKind = ObjectKind.CAR,
    size: tuple[float, float] = (4.0, 2.0),
) -> Objects:
    one = np.ones(1)
    return Objects(
        np.array([1]),
        np.array([int(kind)]),
        x * one,
        y * one,
        yaw * one,
        speed * np.cos(yaw) * one,
        speed * np.sin(yaw) * one,
        size[0] * one,
        size[1] * one,
        one,
    )


def merged(*parts: Objects) -> Objects:
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in Objects.__dataclass_fields__]
    return replace(Objects(*columns), id=np.arange(1, len(parts) + 1))


def scores(states: FloatArray, *parts: Objects, area: LaneArea = ROAD, reference: float | None = None) -> PdmScores:
    """Others go straight on from where ``parts`` say."""
    tracks = SampledTracks.of([merged(*parts)] if parts else [], 50, 0.1)
    return pdm_scores(states, EGO, tracks, area, PATH, reference)
