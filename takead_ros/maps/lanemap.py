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
from takead_ros.maps.roads import LanePath, Roads

SPACING = 1.0  # m between samples of a centre line
POLYLINE_SPACING = 2.0  # m
POLYLINE_POINTS = 20
NEAR = 25.0  # m around a place within which lanes are looked at first
LANE_CHANGE = 30.0  # m over which a path passes from one lane to the next; less where a lane ends before that


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
    if re.match(r"-?\d+O", start) or re.match(r"\d+O", end):
        return bool(re.match(r"\d+O\d_[01]_$", start) or re.match(r"\d+O\d_0_$", end))
    return bool(re.match(r"-\d+[XT]\d_0_$", start) or re.match(r"\d+[XT]\d_0_$", end))


@dataclass(frozen=True)
class Edge:
    """An edge of a path: from ``low`` to ``high`` m along it, whether it lies within a junction, its headings (rad) at
    both ends, the lane that the path enters it on, and where on it (from, to m) it passes to its own lane."""

    low: float
    high: float
    junction: bool
    heading_in: float
    heading_out: float
    entered_on: int
    change: tuple[float, float] | None


class LaneMap:
    """Lanes, polylines and the drivable area of one episode's map."""

    def __init__(self, lanes: list[Lane], speed_limit: float | None) -> None:
        self.lanes = {lane.key: lane for lane in lanes}
        self.speed_limit = speed_limit
        self._centers = np.concatenate([lane.center for lane in lanes])
        self._half_widths = np.concatenate([np.full(len(lane.center), lane.width / 2.0) for lane in lanes])

    def path(self, path: LanePath) -> FloatArray:
        """Points (P, 2) m, 1 m apart, along the lanes of ``path``; a change of lane is eased over 30 m."""
        points = self._trace(path)[0]
        arc = arc_lengths(points)
        at = np.arange(0.0, arc[-1], SPACING)
        return np.stack([np.interp(at, arc, points[:, 0]), np.interp(at, arc, points[:, 1])], axis=-1)

    def edges(self, path: LanePath) -> list[Edge]:
        """The edges of ``path`` in order."""
        return self._trace(path)[1]

    def _trace(self, path: LanePath) -> tuple[FloatArray, list[Edge]]:
        pieces: list[FloatArray] = []
        edges: list[Edge] = []
        low = 0.0
        for start, end, index in zip(path.nodes[:-1], path.nodes[1:], path.lanes, strict=True):
            lane = self.lanes[(start, end, index)]
            piece, entered_on, change = lane.center, index, None
            if pieces:
                entered_on = self._entrance(start, end, pieces[-1][-1])
            if entered_on != index:
                piece, change = _change(self.lanes[(start, end, entered_on)].center, piece, path.change_after)
            length = float(arc_lengths(piece)[-1])
            step_in, step_out = piece[1] - piece[0], piece[-1] - piece[-2]
            edges.append(
                Edge(
                    low, low + length, lane.junction, float(np.arctan2(step_in[1], step_in[0])),
                    float(np.arctan2(step_out[1], step_out[0])), entered_on,
                    None if change is None else (low + change[0], low + change[1]),
                )
            )  # fmt: skip
            low += length
            pieces.append(piece if not pieces else piece[1:])
        return np.concatenate(pieces), edges

    def _entrance(self, start: str, end: str, point: FloatArray) -> int:
        """The lane of an edge that begins where the path has come to."""
        group = [lane for lane in self.lanes.values() if lane.key[:2] == (start, end)]
        return min(group, key=lambda lane: float(np.hypot(*(lane.center[0] - point)))).key[2]

    def beyond(self, points: FloatArray) -> FloatArray:
        """How far (N,) m points (N, 2) m lie outside of every lane; 0 on the road. To about 5 cm in bends."""
        near = (np.abs(self._centers - points[0]) < NEAR).all(1)
        if near.any():
            found = _beyond(points, self._centers[near], self._half_widths[near])
            # a lane left out is at least this far from every point
            if found.max() < NEAR - SPACING - np.abs(points - points[0]).sum(1).max() - self._half_widths.max():
                return found
        return _beyond(points, self._centers, self._half_widths)

    def polylines(self, route: LanePath) -> tuple[Polyline, ...]:
        """Static polylines of the whole map, each of at most 20 points about 2 m apart."""
        on_route = set(zip(route.nodes[:-1], route.nodes[1:], route.lanes, strict=True))
        entered = [edge.entered_on for edge in self.edges(route)]
        on_route |= set(zip(route.nodes[:-1], route.nodes[1:], entered, strict=True))
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


def _beyond(points: FloatArray, centers: FloatArray, half_widths: FloatArray) -> FloatArray:
    offset = points[:, None, :] - centers[None, :, :]
    squared = (offset**2).sum(-1)
    # between two samples the true distance is up to half a spacing less along the lane
    distance = np.sqrt(np.maximum(squared - (SPACING / 2.0) ** 2, 0.0))
    return np.asarray(np.maximum((distance - half_widths).min(1), 0.0))


def _change(old: FloatArray, new: FloatArray, after: float) -> tuple[FloatArray, tuple[float, float]]:
    """From lane centre ``old`` (P, 2) to ``new`` (Q, 2) by a raised cosine that begins ``after`` m along the old one,
    or where the new one begins, and is done before the old one ends; also from where to where (m along the result)."""
    along_old, along_new = arc_lengths(old), arc_lengths(new)
    begin = max(after, _nearest(new[:1], old, along_old)[1][0])
    length = max(min(LANE_CHANGE, along_old[-1] - begin), 2.0 * SPACING)
    beside, at = _nearest(old, new, along_new)
    share = 0.5 - 0.5 * np.cos(np.pi * np.clip((along_old - begin) / length, 0.0, 1.0))
    changing = share < 1.0
    eased = (old + share[:, None] * (beside - old))[changing]
    rest = new[along_new > at[changing][-1] + 0.5 * SPACING]
    return np.concatenate([eased, rest]), (float(begin), float(begin + length))


def _nearest(points: FloatArray, line: FloatArray, arc: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The nearest points (N, 2) m on a polyline to ``points`` (N, 2) m, and how far (N,) m along it they are."""
    step = np.diff(line, axis=0)
    share = ((points[:, None] - line[:-1]) * step).sum(-1) / (step**2).sum(-1)
    share = np.clip(share, 0.0, 1.0)
    foot = line[:-1] + share[..., None] * step
    best = ((foot - points[:, None]) ** 2).sum(-1).argmin(1)
    rows = np.arange(len(points))
    return foot[rows, best], arc[best] + share[rows, best] * np.diff(arc)[best]


def _split(points: FloatArray) -> list[FloatArray]:
    """Pieces of at most 20 points that share their end points."""
    pieces, start = [], 0
    while start < len(points) - 1:
        pieces.append(np.ascontiguousarray(points[start : start + POLYLINE_POINTS]))
        start += POLYLINE_POINTS - 1
    return pieces
