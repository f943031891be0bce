"""Pieces of road without a junction: straights, bends, ramps, a lane that ends."""

from __future__ import annotations

import math

import numpy as np

from takead_ros.maps.road_network import BROKEN, EDGE, NONE, SOLID, Network, Strip, straight, strips
from takead_ros.maps.roads import (
    ENTRANCE,
    RAMP_BEHIND,
    RAMP_EXTRA,
    RAMP_OUT,
    RAMP_RADIUS,
    RAMP_SLANT,
    Curve,
    LaneDrop,
    OffRamp,
    OnRamp,
    Place,
    Straight,
)
from takead_ros.maps.shapes import Line, Shape, bend, wave

RAMP_ANGLE = np.deg2rad(10)


def build_entry(road: Network) -> None:
    """The first straight."""
    roads = road.roads
    start, entrance, end = Place(0, "start"), Place(0, "entrance"), Place(0, "end")
    origin = np.array(roads.origin)
    first = Line.between(origin, origin + np.array([ENTRANCE, 0.0]))
    road.add_two_way(start, entrance, strips(first, roads.lanes, road.width))
    second = first.onwards(roads.entry - ENTRANCE)
    road.add_two_way(entrance, end, strips(second, roads.lanes, road.width))
    road.join_at(entrance, end)


def build_straight(road: Network, index: int, piece: Straight) -> None:
    lanes, end = road.last, Place(index, "end")
    ahead = straight(lanes[-1]).onwards(piece.length)
    road.add_two_way(road.end, end, strips(ahead, len(lanes), road.width))
    road.join_at(road.end, end)


def build_curve(road: Network, index: int, piece: Curve) -> None:
    lanes, bent, end = road.last, Place(index, "bent"), Place(index, "end")
    arc, ahead = bend(straight(lanes[-1]), piece.run_out, piece.radius, np.deg2rad(piece.angle), not piece.left)
    road.add_two_way(road.end, bent, strips(arc, len(lanes), road.width))
    road.add_two_way(bent, end, strips(ahead, len(lanes), road.width))
    road.join_at(bent, end)


def build_on_ramp(road: Network, index: int, piece: OnRamp) -> None:
    lanes, count, width = road.last, len(road.last), road.width
    merge, merged, end = (Place(index, name) for name in ("merge", "merged", "end"))
    single = count == 1
    sin, cos = math.sin(RAMP_ANGLE), math.cos(RAMP_ANGLE)
    swing = sin * RAMP_RADIUS * 2 + cos * RAMP_SLANT + road.roads.arm
    beside = straight(lanes[-1]).onwards(swing + RAMP_EXTRA)
    main = strips(beside, count, width, side=SOLID)
    main[-1].left = SOLID if single else BROKEN
    back = road.add_two_way(road.end, merge, main)
    back[-1].left = NONE if single else BROKEN
    along = beside.onwards(piece.length + piece.taper)
    fast = strips(along, count, width, side=SOLID)
    road.add_two_way(merge, merged, fast)
    fast[-1].left, fast[-1].right = (SOLID if single else BROKEN), BROKEN
    road.add_two_way(merged, end, strips(along.onwards(RAMP_OUT), count, width, side=SOLID))

    aside = (1 - cos) * RAMP_RADIUS * 2 + sin * RAMP_SLANT + width
    first = Line.between(beside.at(RAMP_EXTRA, -aside), beside.at(RAMP_EXTRA + road.roads.arm, -aside))
    places = [Place(index, name) for name in ("ramp_start", "ramp_bend", "ramp_slant", "ramp_slanted")]
    bend_in, slant = bend(first, RAMP_SLANT, RAMP_RADIUS, RAMP_ANGLE, False)
    bend_out, joining = bend(slant, piece.length, RAMP_RADIUS, RAMP_ANGLE, True)
    shapes: tuple[Shape, ...] = (first, bend_in, slant, bend_out)
    for start, to, shape in zip(places, [*places[1:], merge], shapes, strict=True):
        road.add(start, to, [Strip(shape, SOLID, SOLID, width)])
    road.add(merge, merged, [Strip(joining, BROKEN, SOLID, width)])
    _taper(road, index, joining.end, piece.taper, width)
    road.join_at(merged, end)


def build_off_ramp(road: Network, index: int, piece: OffRamp) -> None:
    lanes, count, width = road.last, len(road.last), road.width
    diverge, end = Place(index, "diverge"), Place(index, "end")
    single = count == 1
    sin, cos = math.sin(RAMP_ANGLE), math.cos(RAMP_ANGLE)
    beyond = sin * RAMP_RADIUS * 2 + cos * RAMP_SLANT + road.roads.arm + RAMP_BEHIND
    slowing = straight(lanes[-1]).onwards(piece.length + piece.taper)
    main = strips(slowing, count, width, side=SOLID)
    begins = road.end
    road.add_two_way(begins, diverge, main)
    main[-1].left, main[-1].right = (SOLID if single else BROKEN), BROKEN
    back = road.add_two_way(diverge, end, strips(slowing.onwards(beyond), count, width, side=SOLID))
    back[-1].left = NONE if single else BROKEN

    opens = slowing.at(0, -width)
    _taper(road, index, opens, piece.taper, 0.0)
    opened = Line.between(opens + np.array([piece.taper, 0.0]), slowing.at(slowing.length, -width))
    road.add(begins, diverge, [Strip(opened, BROKEN, SOLID, width)])
    bend_out, slant = bend(opened, RAMP_SLANT, RAMP_RADIUS, RAMP_ANGLE, True)
    bend_in, last = bend(slant, road.roads.arm, RAMP_RADIUS, RAMP_ANGLE, False)
    places = [diverge, *(Place(index, name) for name in ("ramp_bent", "ramp_slanted", "ramp_straight", "ramp_end"))]
    shapes: tuple[Shape, ...] = (bend_out, slant, bend_in, last)
    for start, to, shape in zip(places[:-1], places[1:], shapes, strict=True):
        road.add(start, to, [Strip(shape, SOLID, SOLID, width)])
    road.join_at(diverge, end)


def _taper(road: Network, index: int, start: np.ndarray, length: float, width: float) -> None:
    """Where an extra lane opens or closes: along x, as ramps lie on the first, straight part of a road only."""
    strip = Strip(Line.between(start, start + np.array([length, 0.0])), NONE, SOLID, width)
    road.tapers.append((Place(index, "taper"), Place(index, "tapered"), strip))


def build_lane_drop(road: Network, index: int, piece: LaneDrop) -> None:
    lanes, count, width = road.last, len(road.last) - 1, road.width
    begins, middle, dropped, end = road.end, *(Place(index, name) for name in ("middle", "dropped", "end"))
    ahead = straight(lanes[count - 1]).onwards(piece.wave)
    through = strips(ahead, count, width, inner=NONE, side=NONE)
    road.add_two_way(begins, dropped, through, inner=NONE, side=NONE)
    behind = strips(ahead.onwards(piece.length), count, width)
    back = road.add_two_way(dropped, end, behind)

    def swing(start: Place, to: Place, shape: Shape) -> None:
        road.add(start, to, strips(shape, 1, width, center=NONE, side=EDGE))

    first, second, _ = wave(straight(lanes[count]), width / 2, piece.wave, 5, left=True)
    swing(begins, middle, first)
    swing(middle, dropped, second)
    first, second, _ = wave(straight(back[-1]), width / 2, piece.wave, 5, left=False)
    swing(dropped.turned(), middle.turned(), first)
    swing(middle.turned(), begins.turned(), second)
    road.join_at(dropped, end)
