"""Junctions: crossings, T junctions, roundabouts."""

from __future__ import annotations

import math

import numpy as np

from takead_ros.maps.road_network import BROKEN, EDGE, NONE, Network, Strip, straight, strips
from takead_ros.maps.roads import ARMS, CORNER, Arm, Crossing, Place, Roundabout, TJunction
from takead_ros.maps.shapes import Line, bend

QUARTER = np.deg2rad(90)
SIXTY = np.deg2rad(60.0)


def build_crossing(road: Network, index: int, piece: Crossing) -> None:
    _build_arms(road, index, None)
    road.join_at(Place(index, f"{piece.leave}_mouth"), Place(index, f"{piece.leave}_end"))


def build_t_junction(road: Network, index: int, piece: TJunction) -> None:
    _build_arms(road, index, piece.closed)
    road.join_at(Place(index, f"{piece.leave}_mouth"), Place(index, f"{piece.leave}_end"))


def _build_arms(road: Network, index: int, closed: Arm | None) -> None:
    """From each arm its three ways through, then the next arm to the right of it; nothing that has to do with the arm
    ``closed``, along which the road has an edge."""
    count, width = len(road.last), road.width
    back = (road.end, road.end.turned())  # (where one enters from the arm, where one leaves by it)
    doors = {arm: (Place(index, f"{arm}_mouth", True), Place(index, f"{arm}_mouth")) for arm in ARMS[:3]} | {
        "back": back
    }
    entering = road.last
    for i in range(4):
        source = ARMS[i - 1]  # the back first, then its right-hand neighbour, and so on round
        right, ahead, left = (ARMS[(i + k) % 4] for k in range(3))

        def through(to: Arm, lanes: list[Strip], source: Arm = source) -> None:
            if closed not in (source, to):
                road.add(doors[source][0], doors[to][1], lanes)

        leftmost, rightmost = straight(entering[0]), straight(entering[-1])
        arc, _ = bend(leftmost, road.roads.arm, CORNER + count * width, QUARTER, False)
        through(left, strips(arc, count, width, center=NONE, inner=NONE, side=NONE, leftwards=False, junction=True))
        across = 2 * CORNER + (2 * count - 1) * width
        onwards = [Strip(straight(lane).onwards(across), NONE, NONE, width, True) for lane in entering]
        if closed == right:
            onwards[-1].right = EDGE
        through(ahead, onwards)
        arc, arm = bend(rightmost, road.roads.arm, CORNER, QUARTER, True)
        through(right, strips(arc, count, width, center=NONE, inner=NONE, side=EDGE, junction=True))
        if i < 3:
            mouth, end = Place(index, f"{right}_mouth"), Place(index, f"{right}_end")
            outwards = strips(arm, count, width)
            if closed == right:
                entering = strips(arm.opposite((2 * count - 1) * width), count, width)
            else:
                entering = road.add_two_way(mouth, end, outwards)


def build_roundabout(road: Network, index: int, piece: Roundabout) -> None:
    count, width = len(road.last), road.width
    outer = (count * 2 - 1) * width + piece.inner_radius
    beneath = (count * 2 - 1) * width / 2 + piece.exit_radius
    ring_radius = beneath / math.cos(SIXTY) - piece.exit_radius
    enters, entering = road.end, road.last
    leaves_back = road.end.turned()
    for i, arm in enumerate(ARMS):
        join, fork = Place(index, f"{arm}_join"), Place(index, f"{arm}_fork")
        mouth, end = Place(index, f"{arm}_mouth"), Place(index, f"{arm}_end")
        arc, behind = bend(straight(entering[-1]), 10, piece.exit_radius, SIXTY, True)
        road.add(enters, join, strips(arc, count, width, center=NONE, inner=NONE, junction=True))
        arc, behind = bend(_before(behind, 5), 10, outer, np.deg2rad(2 * 60.0 - 90), False)
        road.add(join, fork, strips(arc, count, width, junction=True))
        arc, out = bend(_before(behind, 5), road.roads.arm, piece.exit_radius, SIXTY, True)
        leaves = mouth if i < 3 else leaves_back
        road.add(fork, leaves, strips(arc, count, width, center=NONE, inner=NONE, junction=True))
        if i < 3:
            entering = road.add_two_way(mouth, end, strips(out, count, width))
            enters = mouth.turned()
        arc, _ = bend(_before(behind, 6), 5, ring_radius, np.deg2rad(180 - 2 * 60.0), False)
        on = strips(arc, count, width, inner=BROKEN, side=BROKEN if count > 1 else NONE, junction=True)
        road.add(fork, Place(index, f"{ARMS[(i + 1) % 4]}_join"), on)
    road.join_at(Place(index, f"{piece.leave}_mouth"), Place(index, f"{piece.leave}_end"))


def _before(line: Line, metres: float) -> Line:
    """The ``metres`` before a line's start."""
    return Line.between(line.at(-metres), line.at(0))
