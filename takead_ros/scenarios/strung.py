"""Roads strung together of pieces: each is a whole scenario of a family, on its own stretch behind the piece before.

A piece's actors enter the world as the ego comes to it and leave when it is behind. What stands there is there before
it can be seen; who moves appears when the ego is where that family's own episodes begin, so that an event is as fair as
it is there.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar

import numpy as np

from takead_ros.domain.scene import ControlKind, FloatArray
from takead_ros.maps.roads import ARMS, CORNER, Crossing, Curve, LanePath, Node, Piece, Place, Roads, Straight
from takead_ros.scenarios import junctions
from takead_ros.scenarios.families import SHORT
from takead_ros.scenarios.family import Case, Setting
from takead_ros.scenarios.spec import Actor, Change, Control, Phase, Scenario, When

Trigger = TypeVar("Trigger", Phase, Change)

STREETS = tuple(each for each in SHORT if each.setting is Setting.STREET)
JUNCTIONS = tuple(each for each in SHORT if each.setting is Setting.JUNCTION)
WIDTHS = (3.25, 3.5, 3.75)  # m
AHEAD = 100.0  # m before a piece's start at which what stands there is put into the world, out of sensor range
BEHIND = 90.0  # m beyond a piece at which the last of it leaves the world
CLEARANCE = 12.0  # m between the outer lanes of two stretches of road that are not neighbours
NEIGHBOURS = 90.0  # m along the route within which two places may be close to each other
SPACING = 5.0  # m


class StrungRoad:
    """A road that grows by pieces. Everything is measured along the right lane, the ego's.

    ``own_lights``: others mind the light of their own junction, and a light's time runs from where its piece begins;
    else all mind the route's first, and its time is the episode's.
    """

    def __init__(self, lanes: int, width: float, own_lights: bool = False) -> None:
        self.lanes, self.width, self._own_lights = lanes, width, own_lights
        self.length = 0.0  # m
        self.pieces: list[Scenario] = []
        self._pieces: list[Piece] = []
        self._places: list[Node] = [Place(0, "start"), Place(0, "entrance"), Place(0, "end")]
        self._actors: list[Actor] = []
        self._controls: list[Control] = []
        self._limits: list[tuple[float, float]] = []
        self._events: list[tuple[float, str]] = []
        self._pose = (0.0, 0.0, 0.0)
        self._points: FloatArray = np.zeros((0, 2))
        self._arcs: FloatArray = np.zeros(0)
        self._last_start = 0.0

    def fits(self, piece: Scenario) -> bool:
        """Whether the piece has this road's cross-section, is of known shapes, and stays clear of the road so far."""
        return self.alike(piece) and self.clear(piece)

    def alike(self, piece: Scenario) -> bool:
        """Whether the piece has this road's cross-section and is of known shapes."""
        roads = _roads(piece)
        alike = (roads.lanes, roads.lane_width) == (self.lanes, self.width) and set(piece.route.lanes) == {
            self.lanes - 1
        }
        last = roads.pieces[-1]
        known = all(isinstance(part, Straight | Curve) for part in roads.pieces[:-1]) and (
            isinstance(last, Straight | Curve) or (isinstance(last, Crossing) and roads.arm == junctions.ARM)
        )
        return alike and known

    def clear(self, piece: Scenario) -> bool:
        """Whether a piece that is alike stays clear of the road so far."""
        points, arcs, _, _ = self._trace(piece)
        if not len(self._points):
            return True
        gap = np.hypot(*(points[:, None] - self._points[None]).transpose(2, 0, 1))
        near = gap < 2.0 * self.lanes * self.width + CLEARANCE
        return not bool((near & (arcs[:, None] - self._arcs[None] > NEIGHBOURS)).any())

    def add(self, piece: Scenario) -> None:
        """Append the piece: its roads, its route, and its actors with everything moved to where it now begins."""
        offset, base, before = len(self._pieces), self.length, self._places[-1]
        if self.pieces:
            offset += 1
            self._pieces.append(Straight(_roads(piece).entry))
            self._places.append(Place(offset, "end"))
        self._pieces += _roads(piece).pieces

        def path(old: LanePath) -> LanePath:
            if not self.pieces:
                return old
            moved = [_moved_place(node, offset, before) for node in old.nodes]
            kept = [i for i, node in enumerate(moved) if node is not None]
            return LanePath(tuple(n for n in moved if n is not None), tuple(old.lanes[i - 1] for i in kept[1:]))

        self._places += [place for place in path(piece.route).nodes if place not in self._places]
        points, arcs, length, pose = self._trace(piece)
        self._points, self._arcs = np.concatenate([self._points, points]), np.concatenate([self._arcs, arcs])
        start, end = base + piece.start, base + length
        light = next((i for i, each in enumerate(piece.controls) if each.kind is ControlKind.TRAFFIC_LIGHT), None)
        index = None if light is None or not self._own_lights else len(self._controls) + light
        for actor in piece.actors:
            stands = actor.speed == 0.0 and not actor.cruise and not any(p.when is When.TIME for p in actor.phases)
            appears = max(start - AHEAD, 0.0) if stands else start
            phases = tuple(_moved(phase, base) for phase in actor.phases)
            self._actors.append(
                replace(
                    actor,
                    path=path(actor.path),
                    phases=phases,
                    present=(appears, end + BEHIND),
                    light_index=None if actor.light is None else index,
                )
            )
        for control in piece.controls:
            timed = _timed_from(control, piece.start) if self._own_lights else control.changes
            changes = tuple(_moved(change, base) for change in timed)
            self._controls.append(replace(control, s=base + control.s, changes=changes))
        self._events.append((base, piece.family))
        self._limits.append((base, piece.speed_limit))
        self._limits += [(base + s, limit) for s, limit in piece.limits]
        self._last_start, self.length, self._pose = base, end, pose
        self.pieces.append(piece)

    def scenario(self, case: Case) -> Scenario:
        """The pieces so far as one scenario."""
        first, last = self.pieces[0], self.pieces[-1]
        passable = any(_roads(piece).passable_centre for piece in self.pieces)
        return case.scenario(
            roads=Roads(self.lanes, self.width, _roads(first).entry, tuple(self._pieces), passable, junctions.ARM),
            route=LanePath.along(tuple(self._places), self.lanes - 1),
            start=first.start,
            goal=self._last_start + last.goal,
            speed=first.speed,
            speed_limit=first.speed_limit,
            time_limit=round(sum(piece.time_limit for piece in self.pieces), 1),
            actors=self._actors,
            threat=any(piece.threat for piece in self.pieces),
            controls=self._controls,
            limits=tuple(self._limits),
            events=tuple(self._events),
        )

    def _trace(self, piece: Scenario) -> tuple[FloatArray, FloatArray, float, tuple[float, float, float]]:
        """Where the piece's road would lie: points (P, 2) m about 5 m apart, m along the route of each (arms of a
        junction: of the junction), its length m, and the pose of its end."""
        x, y, yaw = self._pose
        points: list[tuple[float, float]] = []
        arcs: list[float] = []
        s = self.length

        def straight(length: float, from_: tuple[float, float, float], at: float | None = None) -> None:
            for metre in np.arange(0.0, length, SPACING):
                points.append((from_[0] + metre * math.cos(from_[2]), from_[1] + metre * math.sin(from_[2])))
                arcs.append(s + metre if at is None else at)

        def ahead(length: float) -> None:
            nonlocal x, y, s
            straight(length, (x, y, yaw))
            x, y, s = x + length * math.cos(yaw), y + length * math.sin(yaw), s + length

        def bend(radius: float, angle: float) -> None:
            nonlocal x, y, yaw, s
            side = math.copysign(1.0, angle)
            centre = (x - side * radius * math.sin(yaw), y + side * radius * math.cos(yaw))
            for turned in np.arange(0.0, abs(angle), SPACING / radius):
                at = yaw + side * turned
                points.append((centre[0] + side * radius * math.sin(at), centre[1] - side * radius * math.cos(at)))
                arcs.append(s + radius * turned)
            yaw += angle
            x, y = centre[0] + side * radius * math.sin(yaw), centre[1] - side * radius * math.cos(yaw)
            s += radius * abs(angle)

        ahead(_roads(piece).entry)
        for part in _roads(piece).pieces:
            if isinstance(part, Straight):
                ahead(part.length)
            elif isinstance(part, Curve):
                bend(part.radius, math.radians(part.angle) * (1.0 if part.left else -1.0))
                ahead(part.run_out)
            elif isinstance(part, Crossing):
                radius, lanes, width = CORNER, self.lanes, self.width
                across = 2.0 * radius + (2 * lanes - 1) * width
                middle = (x + 0.5 * across * math.cos(yaw), y + 0.5 * across * math.sin(yaw))
                taken = ARMS.index(part.leave)
                for arm in {0, 1, 2} - {taken}:
                    straight(0.5 * across + junctions.ARM, (*middle, yaw + (arm - 1) * 0.5 * math.pi), at=s)
                if taken == 1:
                    ahead(across)
                else:
                    bend(radius if taken == 0 else radius + (2 * lanes - 1) * width, (taken - 1) * 0.5 * math.pi)
                ahead(junctions.ARM)
        return np.array(points), np.array(arcs), s - self.length, (x, y, yaw)


def _roads(piece: Scenario) -> Roads:
    """The roads of a piece, whose family writes them down itself."""
    assert isinstance(piece.roads, Roads)
    return piece.roads


def _moved_place(node: Node, offset: int, before: Node) -> Place | None:
    """A piece's place on the whole road, where its own first straight is piece ``offset`` behind the place ``before``;
    None for the one inside that straight, which the whole road does not have."""
    assert isinstance(node, Place) and isinstance(before, Place)
    if node.piece > 0:
        return replace(node, piece=node.piece + offset)
    if node.name == "entrance":
        return None
    place = before if node.name == "start" else Place(offset, "end")
    return replace(place, against=node.against)


def _moved(trigger: Trigger, base: float) -> Trigger:
    """A trigger whose distance along the ego's route is counted from the start of the whole road."""
    if trigger.when is When.EGO_TRAVELLED:
        return replace(trigger, value=trigger.value + base)
    return trigger


def _timed_from(control: Control, start: float) -> tuple[Change, ...]:
    """The changes of ``control`` with those at a time (the first only, by what families write) counted from where the
    ego passes ``start`` m."""
    first = control.changes[:1]
    if not first or first[0].when is not When.TIME:
        return control.changes
    begins = Change(When.EGO_TRAVELLED, start, control.state)
    return (begins, replace(first[0], when=When.SINCE), *control.changes[1:])
