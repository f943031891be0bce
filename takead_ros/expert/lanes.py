"""The road's lines as arrays: lane centres with what follows on them, and the road's edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import FloatArray, IntArray, LineKind, Polyline
from takead_ros.expert.kernels.network import continued


@dataclass(frozen=True)
class Lanes:
    """The lane centres of ``source`` in ``map``, each continued over its straightest successors.

    x y yaw arc (Q,): all points, arc growing over all of them; end (Q,): index of the last point of each one's lane;
    own (R,): indices of the points that belong to the lane itself, to be matched. edges (E, 2) m: points on the road's
    edges.
    """

    source: tuple[Polyline, ...]
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    arc: FloatArray
    end: IntArray
    own: IntArray
    edges: FloatArray


def read_lanes(polylines: tuple[Polyline, ...], known: Lanes | None) -> Lanes:
    """The lines among ``polylines``; ``known`` where it was read from the very same ones."""
    if known is not None and known.source is polylines:
        return known
    centers = [line.points for line in polylines if line.kind == LineKind.LANE_CENTER and len(line.points) > 1]
    sides = [line.points for line in polylines if line.kind == LineKind.ROAD_EDGE and len(line.points)]
    edges = np.concatenate(sides).astype(float) if sides else np.zeros((0, 2))
    if not centers:
        none, nobody = np.zeros(0), np.zeros(0, dtype=np.int64)
        return Lanes(polylines, none, none, none, none, nobody, nobody, edges)
    starts = np.concatenate([[0], np.cumsum([len(points) for points in centers])])
    return Lanes(polylines, *continued(np.concatenate(centers).astype(float), starts), edges)
