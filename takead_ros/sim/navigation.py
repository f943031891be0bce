"""The navigation of a scenario: its route along the lanes of the built map, with the turn commands."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.geometry import arc_lengths
from takead_ros.domain.navigation import ANNOUNCE, Navigation, turn_command
from takead_ros.domain.scene import FloatArray, IntArray, RouteCommand
from takead_ros.sim.lanemap import LaneMap
from takead_ros.sim.scenarios.spec import LanePath


def navigate(lane_map: LaneMap, route: LanePath, start: float, goal: float, speed_limit: float) -> Navigation:
    """Navigation along ``route`` from ``start`` m to ``goal`` m; the path itself goes on beyond it."""
    points = lane_map.path(route)
    return Navigation(points, _commands(lane_map, route, arc_lengths(points)), start, goal, speed_limit)


def _commands(lane_map: LaneMap, route: LanePath, arc: FloatArray) -> IntArray:
    """One RouteCommand for each sample of the path: from 20 m before a junction to its end the turn there, on a lane
    change its side, else LANE_FOLLOW."""
    commands = np.full(len(arc), int(RouteCommand.LANE_FOLLOW))
    previous = route.lanes[0]
    for (low, high, junction, turned), lane in zip(lane_map.edges(route), route.lanes, strict=True):
        if junction:
            commands[(arc >= low - ANNOUNCE) & (arc < high)] = int(turn_command(turned))
        elif lane != previous:
            side = RouteCommand.CHANGE_LANE_LEFT if lane < previous else RouteCommand.CHANGE_LANE_RIGHT
            commands[(arc >= low) & (arc < min(low + 30.0, high))] = int(side)
        previous = lane
    return commands
