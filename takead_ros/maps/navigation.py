"""The navigation of a scenario: its route along the lanes of the built map, with the turn commands."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from takead_ros.domain.geometry import arc_lengths, wrap_angle
from takead_ros.domain.navigation import ANNOUNCE, Navigation, turn_command
from takead_ros.domain.scene import FloatArray, IntArray, RouteCommand
from takead_ros.maps.lanemap import LaneMap
from takead_ros.maps.roads import LanePath


def navigate(lane_map: LaneMap, route: LanePath, start: float, goal: float, speed_limit: float) -> Navigation:
    """Navigation along ``route`` from ``start`` m to ``goal`` m; the path itself goes on beyond it."""
    points = lane_map.path(route)
    return Navigation(points, _commands(lane_map, route, arc_lengths(points)), start, goal, speed_limit)


def _commands(lane_map: LaneMap, route: LanePath, arc: FloatArray) -> IntArray:
    """One RouteCommand for each sample of the path: from 20 m before a junction to its end the turn there (of a
    roundabout: from its entrance to its exit), on a lane change its side, else LANE_FOLLOW."""
    commands = np.full(len(arc), int(RouteCommand.LANE_FOLLOW))
    edges = lane_map.edges(route)
    for edge, lane in zip(edges, route.lanes, strict=True):
        if edge.change is not None:
            side = RouteCommand.CHANGE_LANE_LEFT if lane < edge.entered_on else RouteCommand.CHANGE_LANE_RIGHT
            commands[(arc >= edge.change[0]) & (arc < edge.change[1])] = int(side)
    for junction, group in groupby(edges, key=lambda edge: edge.junction):
        if junction:
            through = list(group)
            turned = float(wrap_angle(through[-1].heading_out - through[0].heading_in))
            at = (arc >= through[0].low - ANNOUNCE) & (arc < through[-1].high)
            commands[at] = int(turn_command(turned))
    return commands
