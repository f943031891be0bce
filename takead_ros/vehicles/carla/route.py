"""A route from carla_waypoint_publisher as navigation needs it.

The publisher drops the turn commands (RoadOption) of its own planner: they are derived here from junctions, headings
and lane changes. Speed limits, stop and yield signs are read from the OpenDRIVE map along the route.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Any

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import Path, arc_lengths, wrap_angle
from takead_ros.domain.navigation import ANNOUNCE, turn_command
from takead_ros.domain.scene import ControlKind, FloatArray, IntArray, RouteCommand
from takead_ros.maps.carla_map import waypoint_at

SHORTEST = 10.0  # m
LONGEST = 1e5  # the same
BEYOND = 6  # m that the path goes on beyond the goal: navigation ends a route 5 m before its path at the latest
REACH = 200  # samples, 1 m apart, that are looked ahead for a lower limit
LANE_CHANGE = 15.0  # m before and after a change of lane in which its command holds
SPEED_UNITS = {"km/h": 1.0 / 3.6, "mph": 0.44704, "m/s": 1.0, "": 1.0 / 3.6}  # of OpenDRIVE's roads
SIGN_UNIT = 1.0 / 3.6  # CARLA takes a sign's value as km/h, whatever its unit says (USpeedLimitComponent)
SLOWING = 2.0  # m/s^2: a lower limit is told from so far ahead that this much deceleration is enough
FIRST_SIGN = 1_000_000  # numbers of signs begin here; below are the actor numbers of CARLA's lights
SPEED_LIMIT, STOP, YIELD = "274", "206", "205"  # landmark types, by the German catalogue that CARLA's maps follow


@dataclass(frozen=True)
class Sign:
    """A stop or yield sign at ``along`` m of the route, with the driving direction there in ``map``."""

    id: int
    kind: ControlKind
    along: float
    x: float
    y: float
    yaw: float


@dataclass(frozen=True)
class PlannedRoute:
    """points (P, 2) m, ``map``, 1 m apart; commands (P,) [RouteCommand]; limits (P,) m/s, NaN where unknown.

    The route ends ``goal`` m along; the points go straight on for BEYOND m, so that there is a path to stop on.
    """

    points: FloatArray
    commands: IntArray
    limits: FloatArray
    signs: tuple[Sign, ...]
    goal: float

    @property
    def end(self) -> tuple[float, float]:
        """Where the route ends, m in ``map``."""
        x, y = self.points[round(self.goal)]
        return float(x), float(y)


def road_speeds(opendrive: str) -> dict[int, float]:
    """Speed limit in m/s of each road that declares one at its beginning, by road id.

    Raises TakeadError for a text that is no OpenDRIVE; CARLA's own reader takes some that are none.
    """
    speeds = {}
    try:
        for road in ElementTree.fromstring(opendrive).iter("road"):
            number, speed = int(road.get("id", "-1")), road.find("type/speed")
            value = _number(speed.get("max", "")) if speed is not None else math.nan
            if speed is not None and 0.0 < value < math.inf:
                # OpenDRIVE 1.4: without a unit it is m/s
                speeds[number] = value * SPEED_UNITS.get(speed.get("unit", "m/s"), 1.0)
    except (ElementTree.ParseError, ValueError) as error:
        raise TakeadError(f"map: expected OpenDRIVE text: {error}") from error
    return speeds


def _number(text: str) -> float:
    """NaN for a word: "no limit" and "undefined" are allowed."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def plan_route(carla_map: Any, speeds: dict[int, float], waypoints: FloatArray) -> PlannedRoute:
    """The route along ``waypoints`` (W, 2) m in ``map`` on a ``carla.Map``.

    Raises TakeadError for a route shorter than 10 m or longer than 100 km, and for one that leads over no lane.
    """
    steps = np.hypot(*np.diff(waypoints, axis=0).T) if len(waypoints) > 1 else np.zeros(0)
    if not SHORTEST <= steps.sum() <= LONGEST:  # not so for NaN
        raise TakeadError(
            f"waypoints: a route of {steps.sum():.1f} m ({len(waypoints)} points), expected {SHORTEST:.0f} m to "
            f"{LONGEST / 1000:.0f} km"
        )
    waypoints = waypoints[np.concatenate([[True], steps > 1e-3])]  # planners repeat points where segments join
    arc = arc_lengths(waypoints)
    at = np.arange(0.0, arc[-1], 1.0)
    points = np.stack([np.interp(at, arc, waypoints[:, 0]), np.interp(at, arc, waypoints[:, 1])], axis=-1)
    path = Path(points)
    lanes = [waypoint_at(carla_map, float(x), float(y)) for x, y in points]
    limits, signs = _signs(lanes, speeds, path)
    onwards = np.arange(1, BEYOND + 1)[:, None] * np.array([np.cos(path.yaw[-1]), np.sin(path.yaw[-1])])
    more = (0, BEYOND)
    return PlannedRoute(
        np.concatenate([points, points[-1] + onwards]),
        np.pad(_commands(lanes, path), more, mode="edge"),
        np.pad(limits, more, mode="edge"),
        signs,
        goal=float(path.arc[-1]),
    )


def _commands(lanes: list[Any], path: Path) -> IntArray:
    """A command for each sample: the turn from 20 m before a junction to its end, the side around a lane change."""
    arc = path.arc
    commands = np.full(len(arc), int(RouteCommand.LANE_FOLLOW))
    for i in range(1, len(lanes)):
        before, here = lanes[i - 1], lanes[i]
        moved = before.lane_id != here.lane_id and before.lane_id * here.lane_id > 0
        if moved and before.road_id == here.road_id and before.section_id == here.section_id and not here.is_junction:
            # OpenDRIVE counts lanes outwards from the centre, so the greater number is the one to the right
            left = abs(here.lane_id) < abs(before.lane_id)
            side = RouteCommand.CHANGE_LANE_LEFT if left else RouteCommand.CHANGE_LANE_RIGHT
            commands[np.abs(arc - arc[i]) <= LANE_CHANGE] = int(side)
    inside = np.array([lane.is_junction for lane in lanes], dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        last = min(end, len(arc) - 1)
        turned = float(wrap_angle(path.yaw[last] - path.yaw[max(first - 1, 0)]))
        commands[(arc >= arc[first] - ANNOUNCE) & (arc <= arc[last])] = int(turn_command(turned))
    return commands


def _signs(lanes: list[Any], speeds: dict[int, float], path: Path) -> tuple[FloatArray, tuple[Sign, ...]]:
    """Limits along the route, and its stop and yield signs.

    A speed sign holds until the next one; before the first one it is the road's own limit, where the map declares it.
    """
    limits = np.full(len(lanes), np.nan)
    kinds = {STOP: ControlKind.STOP_SIGN, YIELD: ControlKind.YIELD_SIGN}
    signs: dict[int, Sign] = {}
    limit, road, signed = float("nan"), None, False
    for i, lane in enumerate(lanes):
        if lane.road_id != road:
            road = lane.road_id
            limit = limit if signed else speeds.get(road, limit)
        for mark in lane.get_landmarks(1.0, False):
            if mark.type == SPEED_LIMIT and mark.value > 0.0:
                limit, signed = mark.value * SIGN_UNIT, True
            elif mark.type in kinds:
                number = FIRST_SIGN + len(signs)
                x, y, yaw = path.at(float(path.arc[i]) + mark.distance)
                if not any(sign.along > path.arc[i] - 2.0 and sign.kind is kinds[mark.type] for sign in signs.values()):
                    signs[number] = Sign(number, kinds[mark.type], float(path.arc[i]) + mark.distance, x, y, yaw)
        limits[i] = limit
    return limits, tuple(signs.values())


def limit_ahead(planned: PlannedRoute, s: float) -> float | None:
    """m/s that may be driven at ``s`` m of the route so that every limit within reach is met at SLOWING; None where
    nothing is known."""
    first = min(max(round(s), 0), len(planned.limits) - 1)
    ahead = planned.limits[first : first + REACH]
    allowed = np.sqrt(ahead**2 + 2.0 * SLOWING * np.arange(len(ahead)))
    return None if np.isnan(allowed).all() else float(np.nanmin(allowed))
