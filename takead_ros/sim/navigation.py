"""What navigation asks of the ego: reference path, target points, commands, progress."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.geometry import wrap_angle
from takead_ros.domain.scene import FloatArray, Route, RouteCommand
from takead_ros.sim.lanemap import LaneMap
from takead_ros.sim.scenarios.spec import LanePath
from takead_ros.sim.traffic import Path

BEHIND, AHEAD = 10, 100  # m of reference path
TARGETS = (15.0, 30.0, 45.0)  # m ahead of the ego along the path
ANNOUNCE = 20.0  # m before a junction from which its command holds
SEARCH = 25  # samples of the path around the last place in which the ego is looked for
TURN = np.deg2rad(20.0)


class Navigation:
    """Follows the ego along its route. ``goal`` m along the path ends the route; the path itself goes on beyond it."""

    def __init__(self, lane_map: LaneMap, route: LanePath, start: float, goal: float, speed_limit: float) -> None:
        self.path = Path(lane_map.path(route))
        self.start, self.goal, self.speed_limit = start, min(goal, float(self.path.arc[-1]) - 5.0), speed_limit
        self.s, self.lateral, self.heading_error = start, 0.0, 0.0
        self.furthest = start
        self._commands = _commands(lane_map, route, self.path.arc)

    @property
    def length(self) -> float:
        """m of the route, from start to goal."""
        return self.goal - self.start

    def update(self, x: float, y: float, yaw: float) -> None:
        """Finds the ego on the path, near where it was: a route that crosses itself keeps its order."""
        middle = int(np.searchsorted(self.path.arc, self.s))
        low, high = max(middle - SEARCH, 0), min(middle + SEARCH, len(self.path.arc))
        points = self.path.points[low:high]
        steps = points[1:] - points[:-1]
        offset = np.array([x, y]) - points[:-1]
        length2 = (steps**2).sum(1)
        share = np.clip((offset * steps).sum(1) / length2, 0.0, 1.0)
        nearest = offset - share[:, None] * steps
        i = int((nearest**2).sum(1).argmin())
        length = float(np.sqrt(length2[i]))
        self.s = float(self.path.arc[low + i] + share[i] * length)
        self.lateral = float(steps[i, 0] * offset[i, 1] - steps[i, 1] * offset[i, 0]) / length
        heading = self.path.yaw[low + i] + share[i] * (self.path.yaw[low + i + 1] - self.path.yaw[low + i])
        self.heading_error = float(wrap_angle(yaw - heading))
        self.furthest = max(self.furthest, self.s)

    def distance_from_path(self, x: float, y: float) -> float:
        return float(np.hypot(self.path.points[:, 0] - x, self.path.points[:, 1] - y).min())

    def route(self) -> Route:
        arc = self.path.arc
        first = int(np.searchsorted(arc, self.s - BEHIND))
        last = int(np.searchsorted(arc, self.s + AHEAD, side="right"))
        at = np.minimum(self.s + np.array(TARGETS), arc[-1])
        rows = np.minimum(np.round(at).astype(int), len(arc) - 1)
        points = np.stack([np.interp(at, arc, self.path.points[:, 0]), np.interp(at, arc, self.path.points[:, 1])], 1)
        commands = tuple(RouteCommand(int(self._commands[row])) for row in rows)
        return Route(
            path=self.path.points[first:last],
            targets=points,
            commands=(commands[0], commands[1], commands[2]),
            lateral_offset=self.lateral,
            heading_error=self.heading_error,
            remaining=max(self.goal - self.s, 0.0),
            completion=float(np.clip((self.furthest - self.start) / self.length, 0.0, 1.0)),
            speed_limit=self.speed_limit,
        )


def _commands(lane_map: LaneMap, route: LanePath, arc: FloatArray) -> FloatArray:
    """One RouteCommand for each sample of the path: from 20 m before a junction to its end the turn there, on a lane
    change its side, else LANE_FOLLOW."""
    commands = np.full(len(arc), int(RouteCommand.LANE_FOLLOW))
    previous = route.lanes[0]
    for (low, high, junction, turned), lane in zip(lane_map.edges(route), route.lanes, strict=True):
        if junction:
            side = RouteCommand.STRAIGHT
            if abs(turned) > TURN:
                side = RouteCommand.LEFT if turned > 0.0 else RouteCommand.RIGHT
            commands[(arc >= low - ANNOUNCE) & (arc < high)] = int(side)
        elif lane != previous:
            side = RouteCommand.CHANGE_LANE_LEFT if lane < previous else RouteCommand.CHANGE_LANE_RIGHT
            commands[(arc >= low) & (arc < min(low + 30.0, high))] = int(side)
        previous = lane
    return commands
