"""Lanes of a built map as plain arrays: centre lines, boundaries, drivable area, paths through the network.

Everything is in ``map`` (m, rad), left positive. Built once per episode, whatever the lanes come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from takead_ros.domain.geometry import arc_lengths
from takead_ros.domain.scene import FloatArray, LineKind, Polyline
from takead_ros.maps.roads import Key, LanePath, Node

SPACING = 1.0  # m between samples of a centre line
POLYLINE_SPACING = 2.0  # m
POLYLINE_POINTS = 20
NEAR = 25.0  # m around a place within which lanes are looked at first
JOINED = 1.0  # m between the end of a lane and the beginning of the next that continues it
LANE_CHANGE = 30.0  # m over which a path passes from one lane to the next; less where a lane ends before that


@dataclass(frozen=True)
class Lane:
    """One lane, ``length`` m and ``width`` m (where it begins), by its ``key``.

    ``center`` (P, 2) m about 1 m apart; ``left_line`` and ``right_line`` (Q, 2) m about 2 m apart: its borders, and
    ``left`` and ``right`` what marks them (None: nothing, or the neighbour has it). ``junction``: it crosses one.
    """

    key: Key
    center: FloatArray
    length: float
    width: float
    left: LineKind | None
    right: LineKind | None
    junction: bool
    left_line: FloatArray
    right_line: FloatArray


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
        self._beginning: dict[Node, list[Lane]] = {}  # the lanes that begin at a node
        for lane in lanes:
            self._beginning.setdefault(lane.key[0], []).append(lane)
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
        for start, end, index in path.keys:
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
                    low,
                    low + length,
                    lane.junction,
                    float(np.arctan2(step_in[1], step_in[0])),
                    float(np.arctan2(step_out[1], step_out[0])),
                    entered_on,
                    None if change is None else (low + change[0], low + change[1]),
                )
            )
            low += length
            pieces.append(piece if not pieces else piece[1:])
        return np.concatenate(pieces), edges

    def _entrance(self, start: Node, end: Node, point: FloatArray) -> int:
        """The lane of an edge that begins where the path has come to."""
        group = [lane for lane in self._beginning[start] if lane.key[1] == end]
        return min(group, key=lambda lane: float(np.hypot(*(lane.center[0] - point)))).key[2]

    def successors(self, key: Key) -> tuple[Key, ...]:
        """The lanes that go on where lane ``key`` ends."""
        lane = self.lanes[key]
        return tuple(
            other.key
            for other in self._beginning.get(key[1], ())
            if float(np.hypot(*(other.center[0] - lane.center[-1]))) < JOINED
        )

    def neighbours(self, key: Key) -> tuple[Key | None, Key | None]:
        """The lanes of the same direction to the left and to the right of lane ``key``."""
        start, end, index = key
        left, right = (start, end, index - 1), (start, end, index + 1)
        return left if left in self.lanes else None, right if right in self.lanes else None

    def beyond(self, points: FloatArray) -> FloatArray:
        """How far (N,) m points (N, 2) m lie outside of every lane; 0 on the road. To about 5 cm in bends."""
        near = (np.abs(self._centers - points[0]) < NEAR).all(1)
        if near.any():
            found = beyond(points, self._centers[near], self._half_widths[near])
            # a lane left out is at least this far from every point
            if found.max() < NEAR - SPACING - np.abs(points - points[0]).sum(1).max() - self._half_widths.max():
                return found
        return beyond(points, self._centers, self._half_widths)

    def polylines(self, route: LanePath) -> tuple[Polyline, ...]:
        """Static polylines of the whole map, each of at most 20 points about 2 m apart."""
        on_route = set(route.keys)
        entered = [edge.entered_on for edge in self.edges(route)]
        on_route |= set(zip(route.nodes[:-1], route.nodes[1:], entered, strict=True))
        result: list[Polyline] = []

        def add(points: FloatArray, kind: LineKind, **extra: Any) -> None:
            for piece in _split(points):
                result.append(Polyline(len(result) + 1, kind, piece, **extra))

        for lane in self.lanes.values():
            step = max(round(POLYLINE_SPACING / SPACING), 1)
            center = (
                lane.center[::step]
                if (len(lane.center) - 1) % step == 0
                else np.concatenate([lane.center[::step], lane.center[-1:]])
            )
            add(
                center,
                LineKind.LANE_CENTER,
                on_route=lane.key in on_route,
                speed_limit=self.speed_limit,
                width=lane.width,
            )
            if lane.left is not None:
                add(lane.left_line, lane.left)
            if lane.right is not None:
                add(lane.right_line, lane.right)
        return tuple(result)


def beyond(points: FloatArray, centers: FloatArray, half_widths: FloatArray) -> FloatArray:
    """How far (N,) m points (N, 2) m lie outside of lanes that are half_widths (P,) m to each side of their centers
    (P, 2) m, SPACING apart."""
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
