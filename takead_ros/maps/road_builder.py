"""Strings pieces of road together, and keeps the places along the route and its length."""

from __future__ import annotations

import math

from takead_ros.maps.roads import (
    ARMS,
    CORNER,
    RAMP_BEND,
    RAMP_EXTRA,
    RAMP_OUT,
    RAMP_SLANT,
    RAMP_SWING,
    Arm,
    Crossing,
    Curve,
    LaneDrop,
    LanePath,
    OffRamp,
    OnRamp,
    Piece,
    Place,
    Roads,
    Roundabout,
    Straight,
    TJunction,
    Ways,
    round_ring,
)


class RoadBuilder:
    """A road with ``lanes`` per direction, ``lane_width`` m wide, whose first ``entry`` m are straight; ``arm`` m as in
    ``Roads``. ``places``: along the route so far; ``length`` m: of the route so far, measured along its right lane."""

    def __init__(self, lanes: int, lane_width: float, entry: float, arm: float = 35.0) -> None:
        self.lanes, self.lane_width, self.entry, self.arm = lanes, lane_width, entry, arm
        self._lanes_at_start = lanes
        self.pieces: list[Piece] = []
        self.places = [Place(0, "start"), Place(0, "entrance"), Place(0, "end")]
        self.length = entry

    def _add(self, piece: Piece, places: tuple[str, ...], metres: float) -> int:
        self.pieces.append(piece)
        index = len(self.pieces)
        self.places.extend(Place(index, name) for name in places)
        self.length += metres
        return index

    def straight(self, length: float) -> RoadBuilder:
        """``length`` m straight on."""
        self._add(Straight(length), ("end",), length)
        return self

    def curve(self, radius: float, angle: float, left: bool, run_out: float) -> RoadBuilder:
        """A bend of ``angle`` degrees whose rightmost lane has ``radius`` m, then ``run_out`` m straight."""
        length = radius * angle * math.pi / 180.0 + run_out
        self._add(Curve(radius, angle, left, run_out), ("bent", "end"), length)
        return self

    def crossing(self, leave: Arm, radius: float = CORNER) -> Ways:
        """A four-way junction that the route leaves by ``leave``.

        ``radius`` m: of its corners as ``length`` counts them. They are always built with CORNER, so that what a family
        places beyond the junction varies by some metres along the road.
        """
        return self._junction(Crossing(leave), leave, radius)

    def t_junction(self, leave: Arm, closed: Arm, radius: float = CORNER) -> Ways:
        """A three-way junction, a crossing whose arm ``closed`` is missing, that the route leaves by ``leave``."""
        return self._junction(TJunction(leave, closed), leave, radius)

    def _junction(self, piece: Crossing | TJunction, leave: Arm, radius: float) -> Ways:
        entrance = (self.places[-2], self.places[-1])
        across = 2.0 * radius + (2 * self.lanes - 1) * self.lane_width
        return Ways(self._add(piece, (f"{leave}_mouth", f"{leave}_end"), across + self.arm), entrance)

    def roundabout(self, leave: Arm, exit_radius: float, inner_radius: float) -> Ways:
        """A roundabout with four arms that the route leaves by ``leave``; radii m as in ``Roundabout``."""
        entrance = (self.places[-2], self.places[-1])
        edge = (2 * self.lanes - 1) * self.lane_width
        sixty, arm = math.pi / 3.0, ARMS.index(leave)
        metres = sixty * (2.0 * exit_radius + 0.5 * (arm + 1) * (inner_radius + edge) + arm * (exit_radius + edge))
        metres += self.arm
        ring = round_ring(len(self.pieces) + 1, 0, leave)
        places = (*(place.name for place in ring), f"{leave}_mouth", f"{leave}_end")
        return Ways(self._add(Roundabout(leave, exit_radius, inner_radius), places, metres), entrance, ring=True)

    def on_ramp(self, length: float, taper: float) -> tuple[LanePath, float]:
        """A ramp that joins from the right, with an acceleration lane of ``length`` m and then its taper.

        Returns the path up the ramp, onto the acceleration lane and from ``change_after`` m there on over to the right
        lane of the road, and its length (m) up to the acceleration lane.
        """
        beside = RAMP_SWING + self.arm + RAMP_EXTRA
        index = self._add(OnRamp(length, taper), ("merge", "merged", "end"), beside + length + taper + RAMP_OUT)
        names = ("ramp_start", "ramp_bend", "ramp_slant", "ramp_slanted", "merge", "merged", "end")
        right = self.lanes - 1
        path = LanePath(tuple(Place(index, name) for name in names), (0, 0, 0, 0, right, right))
        return path, self.arm + 2.0 * RAMP_BEND + RAMP_SLANT

    def off_ramp(self, length: float, taper: float) -> Place:
        """A deceleration lane of ``length`` m that opens over ``taper`` m on the right, then a ramp that the route
        takes: on lane ``lanes`` of the first edge, then on lane 0. Returns the end of the road beside it."""
        metres = taper + length + 2.0 * RAMP_BEND + RAMP_SLANT + self.arm
        places = ("diverge", "ramp_bent", "ramp_slanted", "ramp_straight", "ramp_end")
        return Place(self._add(OffRamp(length, taper), places, metres), "end")

    def lane_drop(self, wave: float, length: float) -> Place:
        """The right lane ends by swinging into its neighbour over ``wave`` m; ``length`` m of road follow.

        The route follows the ending lane; returns the place at which that has ended, for paths that keep straight on.
        """
        index = self._add(LaneDrop(wave, length), ("middle", "dropped", "end"), wave + length)
        self.lanes -= 1
        return Place(index, "dropped")

    def build(self, passable_centre: bool = False) -> Roads:
        """The road as it is now."""
        return Roads(self._lanes_at_start, self.lane_width, self.entry, tuple(self.pieces), passable_centre, self.arm)

    def route(self, lane: int) -> LanePath:
        """Along the whole road on ``lane``."""
        return LanePath.along(tuple(self.places), lane)

    def against(self, lane: int) -> LanePath:
        """The oncoming direction of the whole route (valid where the route goes straight through every junction)."""
        return LanePath.along(tuple(place.turned() for place in reversed(self.places)), lane)
