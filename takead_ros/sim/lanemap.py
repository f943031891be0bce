"""Lanes of a built map as plain arrays: centre lines, boundaries, drivable area, paths through the network.

Everything is in ``map`` (m, rad), left positive. Built once per episode from MetaDrive's road network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from takead_ros.domain.geometry import arc_lengths
from takead_ros.domain.scene import FloatArray, LineKind, Polyline
from takead_ros.sim.scenarios.spec import LanePath, Roads

SPACING = 1.0  # m between samples of a centre line
POLYLINE_SPACING = 2.0  # m
POLYLINE_POINTS = 20
LANE_CHANGE = 30.0  # m over which a path passes from one lane to the next


@dataclass(frozen=True)
class Lane:
    """One lane: ``key`` (from node, to node, index from the left), ``center`` (P, 2) m about 1 m apart."""

    key: tuple[str, str, int]
    center: FloatArray
    length: float
    width: float
    left: LineKind | None
    right: LineKind | None
    junction: bool
    left_line: FloatArray
    right_line: FloatArray


def _sample(lane: Any, spacing: float, lateral: float) -> FloatArray:
    """Points (P, 2) m along a MetaDrive lane; ``lateral`` m positive to the left (MetaDrive counts to the right)."""
    count = max(int(np.ceil(lane.length / spacing)), 1) + 1
    return np.array([tuple(lane.position(s, -lateral)) for s in np.linspace(0.0, lane.length, count)])


def _line_kind(line_type: str, passable: bool) -> LineKind | None:
    if "BOUNDARY" in line_type or "SIDEWALK" in line_type or "GUARDRAIL" in line_type:
        return LineKind.ROAD_EDGE
    if "BROKEN" in line_type or (passable and "SOLID" in line_type):
        return LineKind.BOUNDARY_BROKEN
    return LineKind.BOUNDARY_SOLID if "SOLID" in line_type else None


def read_lanes(network: Any, roads: Roads) -> list[Lane]:
    """All lanes of a MetaDrive road network in the order in which its blocks were built."""
    lanes = []
    for start, ends in network.graph.items():
        for end, group in ends.items():
            for index, lane in enumerate(group):
                width = float(lane.width_at(0))
                left, right = (
                    _line_kind(str(kind), roads.passable_centre and index == 0 and side == 0)
                    for side, kind in enumerate(lane.line_types)
                )
                # the other lanes' right line is their neighbour's left one
                right = right if index == len(group) - 1 else None
                # both directions name the centre line; one is enough
                left = None if index == 0 and start.startswith("-") and len(group) == roads.lanes else left
                lanes.append(
                    Lane(
                        key=(start, end, index),
                        center=_sample(lane, SPACING, 0.0),
                        length=float(lane.length),
                        width=width,
                        left=left,
                        right=right,
                        junction=_in_junction(start, end),
                        left_line=_sample(lane, POLYLINE_SPACING, width / 2.0),
                        right_line=_sample(lane, POLYLINE_SPACING, -width / 2.0),
                    )
                )
    return lanes


def _in_junction(start: str, end: str) -> bool:
    """Whether an edge crosses a junction: it leaves an arm's entrance or reaches an arm's exit (MetaDrive's names)."""
    return bool(re.match(r"-\d+[XT]\d_0_$", start) or re.match(r"\d+[XT]\d_0_$", end))


class LaneMap:
    """Lanes, polylines and the drivable area of one episode's map."""

    def __init__(self, lanes: list[Lane], roads: Roads, speed_limit: float | None) -> None:
        self.lanes = {lane.key: lane for lane in lanes}
        self.roads = roads
        self.speed_limit = speed_limit
        self._centers = np.concatenate([lane.center for lane in lanes])
        self._half_widths = np.concatenate([np.full(len(lane.center), lane.width / 2.0) for lane in lanes])

    def path(self, path: LanePath) -> FloatArray:
        """Points (P, 2) m, 1 m apart, along the lanes of ``path``; a change of lane index is eased over 30 m."""
        pieces: list[FloatArray] = []
        previous: int | None = None
        for start, end, index in zip(path.nodes[:-1], path.nodes[1:], path.lanes, strict=True):
            center = self.lanes[(start, end, index)].center
            if previous is not None and previous != index and (start, end, previous) in self.lanes:
                center = _ease(self.lanes[(start, end, previous)].center, center)
            pieces.append(center if not pieces else center[1:])
            previous = index
        points = np.concatenate(pieces)
        arc = arc_lengths(points)
        at = np.arange(0.0, arc[-1], SPACING)
        return np.stack([np.interp(at, arc, points[:, 0]), np.interp(at, arc, points[:, 1])], axis=-1)

    def edges(self, path: LanePath) -> list[tuple[float, float, bool, float]]:
        """For each edge of ``path``: (from s m, to s m, whether it crosses a junction, turned angle rad left)."""
        result, s = [], 0.0
        for start, end, index in zip(path.nodes[:-1], path.nodes[1:], path.lanes, strict=True):
            lane = self.lanes[(start, end, index)]
            first, last = lane.center[1] - lane.center[0], lane.center[-1] - lane.center[-2]
            turned = np.arctan2(first[0] * last[1] - first[1] * last[0], first @ last)
            result.append((s, s + lane.length, lane.junction, float(turned)))
            s += lane.length
        return result

    def beyond(self, points: FloatArray) -> FloatArray:
        """How far (N,) m points (N, 2) m lie outside of every lane; 0 on the road. To about 5 cm in bends."""
        offset = points[:, None, :] - self._centers[None, :, :]
        squared = (offset**2).sum(-1)
        # between two samples the true distance is up to half a spacing less along the lane
        distance = np.sqrt(np.maximum(squared - (SPACING / 2.0) ** 2, 0.0))
        return np.asarray(np.maximum((distance - self._half_widths).min(1), 0.0))

    def polylines(self, route: LanePath) -> tuple[Polyline, ...]:
        """Static polylines of the whole map, each of at most 20 points about 2 m apart."""
        on_route = set(zip(route.nodes[:-1], route.nodes[1:], route.lanes, strict=True))
        result: list[Polyline] = []

        def add(points: FloatArray, kind: LineKind, **extra: Any) -> None:
            for piece in _split(points):
                result.append(Polyline(len(result) + 1, kind, piece, **extra))

        for lane in self.lanes.values():
            step = max(round(POLYLINE_SPACING / SPACING), 1)
            center = lane.center[::step] if (len(lane.center) - 1) % step == 0 else np.concatenate(
                [lane.center[::step], lane.center[-1:]]
            )  # fmt: skip
            add(center, LineKind.LANE_CENTER, on_route=lane.key in on_route, speed_limit=self.speed_limit,
                width=lane.width)  # fmt: skip
            if lane.left is not None:
                add(lane.left_line, lane.left)
            if lane.right is not None:
                add(lane.right_line, lane.right)
        return tuple(result)


def _ease(old: FloatArray, new: FloatArray) -> FloatArray:
    """From lane centre ``old`` to its neighbour ``new`` (P, 2) by a raised cosine over ``LANE_CHANGE`` m."""
    old = old[np.linspace(0, len(old) - 1, len(new)).round().astype(int)]
    share = 0.5 - 0.5 * np.cos(np.pi * np.clip(arc_lengths(new) / LANE_CHANGE, 0.0, 1.0))
    return np.asarray(old + share[:, None] * (new - old))


def _split(points: FloatArray) -> list[FloatArray]:
    """Pieces of at most 20 points that share their end points."""
    pieces, start = [], 0
    while start < len(points) - 1:
        pieces.append(np.ascontiguousarray(points[start : start + POLYLINE_POINTS]))
        start += POLYLINE_POINTS - 1
    return pieces
