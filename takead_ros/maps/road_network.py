"""A road under construction: its lanes by where they begin and end, and where the next piece is joined on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from takead_ros.domain.scene import FloatArray, LineKind
from takead_ros.maps.lanemap import POLYLINE_SPACING, SPACING, Lane
from takead_ros.maps.roads import Place, Roads
from takead_ros.maps.shapes import Line, Shape


class Marking(Enum):
    """What lies along a lane's side."""

    NONE = "none"
    BROKEN = "broken"
    SOLID = "solid"
    EDGE = "edge"  # of the road


NONE, BROKEN, SOLID, EDGE = Marking


@dataclass
class Strip:
    """One lane under construction; ``width`` m where it begins (a taper's may be 0 there)."""

    shape: Shape
    left: Marking
    right: Marking
    width: float
    junction: bool = False


def strips(
    shape: Shape,
    count: int,
    width: float,
    *,
    center: Marking = SOLID,
    inner: Marking = BROKEN,
    side: Marking = EDGE,
    leftwards: bool = True,
    junction: bool = False,
) -> list[Strip]:
    """``count`` lanes side by side from the left on, of which ``shape`` is the rightmost (else, not ``leftwards``, the
    leftmost). ``center``, ``inner``, ``side``: what marks the left border, those between lanes, and the right one."""
    shapes = [shape]
    for _ in range(count - 1):
        shapes.append(shapes[-1].beside(width if leftwards else -width))
    if leftwards:
        shapes.reverse()
    return [
        Strip(
            shape=each,
            left=center if i == 0 else inner,
            right=side if i == count - 1 else inner,
            width=width,
            junction=junction,
        )
        for i, each in enumerate(shapes)
    ]


class Network:
    """The lanes of ``roads`` as far as they are built, and the two last places, behind which the next piece comes."""

    def __init__(self, roads: Roads) -> None:
        self.roads, self.width = roads, roads.lane_width
        self.edges: dict[Place, dict[Place, list[Strip]]] = {}  # as MetaDrive orders them: by start, as first named
        self.tapers: list[tuple[Place, Place, Strip]] = []
        self.before = self.end = Place(0, "start")

    def add(self, start: Place, end: Place, lanes: list[Strip]) -> list[Strip]:
        """``lanes`` of one edge, from the left; an edge that is there already gets them on its right."""
        self.edges.setdefault(start, {}).setdefault(end, []).extend(lanes)
        return lanes

    def add_two_way(
        self,
        start: Place,
        end: Place,
        lanes: list[Strip],
        *,
        center: Marking = SOLID,
        inner: Marking = BROKEN,
        side: Marking = EDGE,
    ) -> list[Strip]:
        """``lanes`` from ``start`` to ``end``, and as many back, marked as said. Returns those back."""
        self.add(start, end, lanes)
        back = lanes[-1].shape.opposite((2 * len(lanes) - 1) * self.width)
        return self.add(
            end.turned(), start.turned(), strips(back, len(lanes), self.width, center=center, inner=inner, side=side)
        )

    def lanes_at(self, before: Place, end: Place) -> list[Strip]:
        """The lanes of an edge, from the left."""
        return self.edges[before][end]

    @property
    def last(self) -> list[Strip]:
        """The lanes at whose end the next piece begins."""
        return self.lanes_at(self.before, self.end)

    def join_at(self, before: Place, end: Place) -> None:
        """The next piece begins where the edge from ``before`` to ``end`` ends."""
        self.before, self.end = before, end

    def lanes(self) -> list[Lane]:
        """All lanes, sampled."""
        result = [
            self._lane(start, end, i, len(group), strip)
            for start, ends in self.edges.items()
            for end, group in ends.items()
            for i, strip in enumerate(group)
        ]
        return result + [self._lane(start, end, 0, 1, strip) for start, end, strip in self.tapers]

    def _lane(self, start: Place, end: Place, index: int, count: int, strip: Strip) -> Lane:
        passable = self.roads.passable_centre and index == 0
        # both directions name the centre line; one is enough
        named = index == 0 and start.against and count == self.roads.lanes
        return Lane(
            key=(start, end, index),
            center=_sample(strip.shape, SPACING, 0.0),
            length=float(strip.shape.length),
            width=strip.width,
            left=None if named else _line_kind(strip.left, passable),
            # the other lanes' right line is their neighbour's left one
            right=_line_kind(strip.right, False) if index == count - 1 else None,
            junction=strip.junction,
            left_line=_sample(strip.shape, POLYLINE_SPACING, strip.width / 2.0),
            right_line=_sample(strip.shape, POLYLINE_SPACING, -strip.width / 2.0),
        )


def straight(lane: Strip) -> Line:
    """The centre line of a lane that has to be straight there."""
    if not isinstance(lane.shape, Line):
        raise TypeError("a piece of road begins behind a straight lane only")
    return lane.shape


def _sample(shape: Shape, spacing: float, lateral: float) -> FloatArray:
    """Points (P, 2) m along the shape at most ``spacing`` m apart, ``lateral`` m to its left."""
    count = max(int(np.ceil(shape.length / spacing)), 1) + 1
    return shape.points(np.linspace(0.0, shape.length, count), lateral)


def _line_kind(marking: Marking, passable: bool) -> LineKind | None:
    if marking is EDGE:
        return LineKind.ROAD_EDGE
    if marking is BROKEN or (passable and marking is SOLID):
        return LineKind.BOUNDARY_BROKEN
    return LineKind.BOUNDARY_SOLID if marking is SOLID else None
