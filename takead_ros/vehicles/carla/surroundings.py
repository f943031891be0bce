"""A CARLA map, a route planned on it and where the traffic lights stop: what a scene shows beside ego and objects.

Told by the bridge's messages (``assembly``) or by the world's actors (``actors``), it makes the same scene of both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from takead_ros.domain.geometry import project
from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import (
    ControlKind,
    EgoState,
    FloatArray,
    LightState,
    Objects,
    Polyline,
    Scene,
    TrafficControl,
)
from takead_ros.domain.stop_signs import stands_before
from takead_ros.domain.visibility import RANGE, in_view
from takead_ros.maps.carla_map import Road, load_map, stop_points
from takead_ros.vehicles.carla.convert import light_on_route
from takead_ros.vehicles.carla.route import PlannedRoute, limit_ahead, plan_route, road_speeds

MAP_RANGE = 80.0  # m of map around the ego
MAP_REFRESH = 4.0  # m that the ego goes before the polylines around it are chosen anew
CONTROL_AHEAD, CONTROL_BEHIND = 100.0, 10.0  # m along the route within which controls are told


class TriggerVolume(NamedTuple):
    """Light ``light`` stops the lanes below this box: at (x, y) m, yaw rad, length and width in m, in ``map``."""

    light: int
    x: float
    y: float
    yaw: float
    length: float
    width: float


class Surroundings:
    """The map ``name`` of OpenDRIVE text ``opendrive``; ``follow`` gives it a route, ``place_lights`` the lights.

    Raises TakeadError for a map that cannot be read.
    """

    def __init__(self, name: str, opendrive: str) -> None:
        self.name = name
        self.planned: PlannedRoute | None = None
        self.navigation: Navigation | None = None
        self._map = load_map(name, opendrive)
        self._speeds = road_speeds(opendrive)
        self._road = Road(self._map, self._speeds)
        self._stops: dict[int, FloatArray] = {}
        self._served: set[int] = set()  # stop signs that the ego has stood at
        self._near_at: tuple[float, float] | None = None
        self._near: tuple[Polyline, ...] = ()

    def follow(self, waypoints: FloatArray) -> None:
        """The route along waypoints (W, 2) m in ``map``. Raises TakeadError for one that is none, and has no route
        then."""
        self.planned = self.navigation = None
        self._served = set()
        self.planned = plan_route(self._map, self._speeds, waypoints)
        self._road.mark_route(self.planned.points, self.planned.limits)
        self._near_at = None

    def place_lights(self, volumes: Iterable[TriggerVolume]) -> None:
        """The lights that there are, in the place of those before. Raises TakeadError for one that is nowhere; the
        lights are then as they were."""
        self._stops = {one.light: stop_points(self._map, *one[1:]) for one in volumes}

    def scene(
        self, stamp: int, ego: EgoState, objects: Objects, lights: Mapping[int, LightState], passed_s: float
    ) -> Scene:
        """The scene at ``stamp`` ns; ``objects`` as they were ``passed_s`` s before. Needs a route (``planned``)."""
        planned = self.planned
        assert planned is not None
        navigation = self._followed(planned, ego)
        route = replace(navigation.route(), speed_limit=limit_ahead(planned, navigation.s))
        controls = self._controls(planned, navigation, ego, lights)
        moved = replace(objects, x=objects.x + passed_s * objects.vx, y=objects.y + passed_s * objects.vy)
        return Scene(stamp, ego, in_view(moved, ego.x, ego.y), self._around(ego), route, controls)

    def _followed(self, planned: PlannedRoute, ego: EgoState) -> Navigation:
        if self.navigation is None:
            start = project(planned.points, ego.x, ego.y)[0]
            self.navigation = Navigation(planned.points, planned.commands, start, planned.goal, None)
        self.navigation.update(ego.x, ego.y, ego.yaw)
        return self.navigation

    def _controls(
        self, planned: PlannedRoute, navigation: Navigation, ego: EgoState, lights: Mapping[int, LightState]
    ) -> tuple[TrafficControl, ...]:
        path = navigation.path
        low, high = np.searchsorted(path.arc, [navigation.s - CONTROL_BEHIND, navigation.s + CONTROL_AHEAD])
        piece, along = path.points[low:high], navigation.s - float(path.arc[low])
        found = []
        for light, stops in self._stops.items():
            near = stops[np.hypot(stops[:, 0] - ego.x, stops[:, 1] - ego.y) < CONTROL_AHEAD]
            state = lights.get(light, LightState.UNKNOWN)
            control = light_on_route(light, state, near, piece, along, ego.length / 2.0)
            if control is not None:
                seen = math.hypot(control.x - ego.x, control.y - ego.y) <= RANGE
                found.append(replace(control, visible=seen))
        for sign in planned.signs:
            distance = sign.along - navigation.s - ego.length / 2.0
            if -CONTROL_BEHIND < distance < CONTROL_AHEAD:
                seen = math.hypot(sign.x - ego.x, sign.y - ego.y) <= RANGE
                if sign.kind is ControlKind.STOP_SIGN and stands_before(distance, ego.speed):
                    self._served.add(sign.id)
                state = LightState.GREEN if sign.id in self._served else LightState.UNKNOWN
                found.append(
                    TrafficControl(sign.id, sign.kind, state, sign.x, sign.y, sign.yaw, distance, visible=seen)
                )
        return tuple(sorted(found, key=lambda control: control.distance))

    def _around(self, ego: EgoState) -> tuple[Polyline, ...]:
        at = (ego.x, ego.y)
        if self._near_at is None or math.dist(at, self._near_at) > MAP_REFRESH:
            self._near_at, self._near = at, self._road.near(*at, MAP_RANGE)
        return self._near


def route_text(planned: PlannedRoute) -> str:
    """Where a route leads from and to, in m of ``map``, for people."""
    (x0, y0), (x1, y1) = planned.points[0], planned.end
    return f"({x0:.1f}, {y0:.1f}) to ({x1:.1f}, {y1:.1f})"
