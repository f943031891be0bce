"""The road's lines as arrays: lane centres with what follows on them, the road's edges and solid lines."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.scene import FloatArray, LineKind, Polyline
from takead_ros.expert.arrays import LaneGraph
from takead_ros.expert.kernels.lanes import continued


def read_lanes(polylines: tuple[Polyline, ...]) -> LaneGraph:
    """The lane centres, the road's edges and the solid lines among ``polylines``."""
    centers = [line.points for line in polylines if line.kind == LineKind.LANE_CENTER and len(line.points) > 1]
    edges, solid = (_points(polylines, kind) for kind in (LineKind.ROAD_EDGE, LineKind.BOUNDARY_SOLID))
    if not centers:
        none, nobody = np.zeros(0), np.zeros(0, dtype=np.int64)
        return LaneGraph(none, none, none, none, nobody, nobody, edges, solid)
    starts = np.concatenate([[0], np.cumsum([len(points) for points in centers])])
    return LaneGraph(*continued(np.concatenate(centers).astype(float), starts), edges, solid)


def _points(polylines: tuple[Polyline, ...], kind: LineKind) -> FloatArray:
    found = [line.points for line in polylines if line.kind == kind and len(line.points)]
    return np.concatenate(found).astype(float) if found else np.zeros((0, 2))
