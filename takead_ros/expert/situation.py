"""What the expert knows at one scene: the value of its first stage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from takead_ros.domain.driving import Cause
from takead_ros.domain.scene import IntArray, ObjectKind, Scene
from takead_ros.expert.arrays import Band, Ego, LaneGraph, Neighbours, Places, RouteGrid
from takead_ros.expert.forecast import Actors
from takead_ros.expert.kernels.route import band
from takead_ros.expert.memory import Memory


@dataclass(frozen=True)
class ClosedLine:
    """A stop line that is closed now, ``line`` m ahead of the ego's centre; the front is to stop at ``stop`` m."""

    line: float
    stop: float
    kind: str
    control_id: int
    visible: bool


@dataclass(frozen=True)
class Oncoming:
    """Vehicles that come towards the ego: against (N,) bool; ``limit`` m: the offset from the route up to which the ego
    is out of their way, inf where there are none; ``row``: the one that leaves least room, or -1."""

    against: np.ndarray
    limit: float
    row: int


@dataclass(frozen=True)
class Situation:
    """A scene as the expert sees it, in ``base_link``.

    limit m/s: the speed that the route allows; impatience 0..1 of having waited long. places: the actors along the
    route now; others: as the kernels take them, at the knots and times of their forecast. closed: the nearest closed
    stop line; yield_line m: ahead of the front, inf for none. What stands out among the actors, as rows: urgent (the
    emergency vehicle to make room for, or -1), hiding (what may hide somebody), blockers (who stands in the way,
    nearest first), cyclists (slow ones in the way, nearest first), oncoming. memory: that of the next scene, but for
    what is chosen.
    """

    scene: Scene
    ego: Ego
    grid: RouteGrid
    lanes: LaneGraph
    actors: Actors
    places: Places
    others: Neighbours
    limit: float
    impatience: float
    closed: ClosedLine | None
    yield_line: float
    urgent: int
    hiding: IntArray
    blockers: IntArray
    cyclists: IntArray
    oncoming: Oncoming
    memory: Memory

    @cached_property
    def band(self) -> Band:
        """How far the road reaches beside the route; worked out where somebody asks for it."""
        return band(self.grid, self.ego, self.lanes.edges)

    @cached_property
    def solid(self) -> Band:
        """The nearest solid lines beside the route, likewise."""
        return band(self.grid, self.ego, self.lanes.solid)

    def about(self, row: int, text: str, kind: str = "") -> Cause:
        """The cause that is actor ``row``: ``text`` says what the ego does about it, ``kind`` what it is, by default by
        the actor's own kind and whether it moves."""
        actors = self.actors
        if not kind and actors.person[row]:
            kind = "pedestrian" if actors.kind[row] == ObjectKind.PEDESTRIAN else "cyclist"
        elif not kind:
            kind = "crossing" if actors.speed[row] > 0.5 else "obstacle"
        number = int(actors.id[row])
        return Cause(kind, number, bool(actors.visible[row]), f"{text} {kind} {number}")
