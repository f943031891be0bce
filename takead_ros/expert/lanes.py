"""The road's lines as arrays: lane centres with what follows on them, and the road's edges."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.scene import LineKind, Polyline
from takead_ros.expert.arrays import LaneGraph
from takead_ros.expert.kernels.lanes import continued


def read_lanes(polylines: tuple[Polyline, ...]) -> LaneGraph:
    """The lane centres and the road's edges among ``polylines``."""
    centers = [line.points for line in polylines if line.kind == LineKind.LANE_CENTER and len(line.points) > 1]
    sides = [line.points for line in polylines if line.kind == LineKind.ROAD_EDGE and len(line.points)]
    edges = np.concatenate(sides).astype(float) if sides else np.zeros((0, 2))
    if not centers:
        none, nobody = np.zeros(0), np.zeros(0, dtype=np.int64)
        return LaneGraph(none, none, none, none, nobody, nobody, edges)
    starts = np.concatenate([[0], np.cumsum([len(points) for points in centers])])
    return LaneGraph(*continued(np.concatenate(centers).astype(float), starts), edges)
