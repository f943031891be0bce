"""What carla_ros_bridge published, put together into a scene. Takes messages and returns values; knows no node."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import project, to_outer
from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import (
    EgoState,
    FloatArray,
    LightState,
    Objects,
    Polyline,
    Scene,
    TrafficControl,
)  # fmt: skip
from takead_ros.domain.units import SECOND
from takead_ros.domain.visibility import RANGE, in_view
from takead_ros.maps.carla_map import Road, load_map, stop_points
from takead_ros.messages.fields import stamp_from_msg
from takead_ros.vehicles.carla.convert import ego_from_bridge, light_on_route, light_state, objects_from_bridge, yaw_of
from takead_ros.vehicles.carla.route import PlannedRoute, limit_ahead, plan_route, road_speeds

MAP_RANGE = 80.0  # m of map around the ego
MAP_REFRESH = 4.0  # m that the ego goes before the polylines around it are chosen anew
CONTROL_AHEAD, CONTROL_BEHIND = 100.0, 10.0  # m along the route within which controls are told


@dataclass(frozen=True)
class Body:
    """The ego's box, which the bridge does not tell, in m."""

    length: float
    width: float


class SceneAssembly:
    """Feed it the bridge's messages as they come; ``scene`` answers an odometry.

    ``fault`` says why there is no scene, or is empty. Inputs older than ``max_age_s`` (by header stamps, against the
    odometry's) give none: an old picture must not look like a new one. steering_share: see ``ego_from_bridge``.
    """

    def __init__(self, body: Body, max_age_s: float, steering_share: Callable[[float], float]) -> None:
        self._body, self._max_age_ns, self._steering_share = body, round(max_age_s * SECOND), steering_share
        self.fault = "no message yet"
        self._map: Any = None
        self._map_name = ""
        self._speeds: dict[int, float] = {}
        self._road: Road | None = None
        self._waypoints: FloatArray | None = None
        self._planned: PlannedRoute | None = None
        self._navigation: Navigation | None = None
        self._ego_id = 0
        self._max_steering: float | None = None
        self._wheelbase = 0.0
        self._status: Any = None
        self._objects: tuple[int, Objects] | None = None
        self._light_info: Any = None
        self._lights: dict[int, LightState] = {}
        self._stops: dict[int, FloatArray] = {}
        self._ego: EgoState | None = None
        self._ego_stamp = 0
        self._near_at: tuple[float, float] | None = None
        self._near: tuple[Polyline, ...] = ()

    @property
    def map_name(self) -> str:
        """Name of the map; empty before there is one."""
        return self._map_name

    @property
    def route_text(self) -> str:
        """Where the route leads from and to, in m of ``map``; empty where there is none."""
        if self._planned is None:
            return ""
        (x0, y0), (x1, y1) = self._planned.points[0], self._planned.end
        return f"({x0:.1f}, {y0:.1f}) to ({x1:.1f}, {y1:.1f})"

    @property
    def ego(self) -> EgoState | None:
        """The newest ego state."""
        return self._ego

    def on_world(self, msg: Any) -> None:
        """carla_msgs/CarlaWorldInfo. Raises TakeadError for a map that cannot be read."""
        loaded, speeds = load_map(msg.map_name or "map", msg.opendrive), road_speeds(msg.opendrive)
        road = Road(loaded, speeds)
        self._map, self._speeds, self._road = loaded, speeds, road
        self._map_name = str(msg.map_name or "map")
        self._near_at = None
        self._plan()
        self._place_lights()

    def on_waypoints(self, msg: Any) -> None:
        """nav_msgs/Path of carla_waypoint_publisher. Raises TakeadError for a route that is none."""
        self._waypoints = np.array([(p.pose.position.x, p.pose.position.y) for p in msg.poses]).reshape(-1, 2)
        self._planned = self._navigation = None
        self._plan()

    def on_info(self, msg: Any) -> None:
        """carla_msgs/CarlaEgoVehicleInfo. Raises TakeadError for a vehicle that cannot be; it is then not used."""
        if len(msg.wheels) < 2:
            raise TakeadError(f"vehicle_info: {len(msg.wheels)} wheels, expected at least 2")
        along = [wheel.position.x for wheel in msg.wheels]
        wheelbase, lock = max(along) - min(along), max(wheel.max_steer_angle for wheel in msg.wheels)
        if not 0.5 < wheelbase < 15.0 or not 0.05 < lock < 1.5:
            raise TakeadError(
                f"vehicle_info: wheelbase {wheelbase:.2f} m and full lock {lock:.2f} rad, "
                "expected 0.5 to 15 m and 0.05 to 1.5 rad"
            )
        self._ego_id, self._wheelbase, self._max_steering = int(msg.id), wheelbase, float(lock)

    def on_status(self, msg: Any) -> None:
        """carla_msgs/CarlaEgoVehicleStatus."""
        self._status = msg

    def on_objects(self, msg: Any) -> None:
        """derived_object_msgs/ObjectArray."""
        self._objects = (stamp_from_msg(msg), objects_from_bridge(msg.objects, self._ego_id))

    def on_light_info(self, msg: Any) -> None:
        """carla_msgs/CarlaTrafficLightInfoList."""
        self._light_info = msg
        self._place_lights()

    def on_light_status(self, msg: Any) -> None:
        """carla_msgs/CarlaTrafficLightStatusList. Comes on change only, so that it does not age."""
        self._lights = {int(light.id): light_state(light.state) for light in msg.traffic_lights}

    def scene(self, odometry: Any) -> Scene | None:
        """The scene at a nav_msgs/Odometry, or None, and then ``fault`` says why."""
        stamp = stamp_from_msg(odometry)
        self.fault = self._missing(stamp)
        planned, road = self._planned, self._road
        if self.fault or self._max_steering is None or self._objects is None or road is None or planned is None:
            return None
        ego = ego_from_bridge(
            odometry, self._status, self._ego, (stamp - self._ego_stamp) / SECOND, self._max_steering,
            self._steering_share, self._body.length, self._body.width, self._wheelbase,
        )  # fmt: skip
        self._ego, self._ego_stamp = ego, stamp
        navigation = self._followed(planned, ego)
        route = replace(navigation.route(), speed_limit=limit_ahead(planned, navigation.s))
        controls = self._controls(planned, navigation, ego)
        return Scene(stamp, ego, _seen(*self._objects, stamp, ego), self._around(road, ego), route, controls)

    def _missing(self, stamp: int) -> str:
        for name, value in (
            ("/carla/world_info", self._map), ("vehicle_info", self._max_steering), ("vehicle_status", self._status),
            ("objects", self._objects), ("waypoints", self._planned),
        ):  # fmt: skip
            if value is None:
                return f"no {name} yet"
        ages = {"vehicle_status": stamp_from_msg(self._status), "objects": self._objects[0] if self._objects else 0}
        allowed = self._max_age_ns / SECOND
        for name, at in ages.items():
            if stamp - at > self._max_age_ns:
                return f"{name} is {(stamp - at) / SECOND:.2f} s older than odometry, at most {allowed} s is allowed"
        return ""

    def _plan(self) -> None:
        if self._map is None or self._waypoints is None or len(self._waypoints) == 0:
            return
        self._planned = plan_route(self._map, self._speeds, self._waypoints)
        self._navigation = None
        if self._road is not None:
            self._road.mark_route(self._planned.points, self._planned.limits)
            self._near_at = None

    def _place_lights(self) -> None:
        """Stop points of every light; its trigger volume is given in the light's own frame."""
        if self._map is None or self._light_info is None:
            return
        self._stops = {}
        for light in self._light_info.traffic_lights:
            pose, volume = light.transform, light.trigger_volume
            yaw = yaw_of(pose.orientation)
            x, y = to_outer(np.array([volume.center.x, volume.center.y]), pose.position.x, pose.position.y, yaw)
            stops = stop_points(self._map, float(x), float(y), yaw, volume.size.x, volume.size.y)
            self._stops[int(light.id)] = stops

    def _followed(self, planned: PlannedRoute, ego: EgoState) -> Navigation:
        if self._navigation is None:
            start = project(planned.points, ego.x, ego.y)[0]
            self._navigation = Navigation(planned.points, planned.commands, start, planned.goal, None)
        self._navigation.update(ego.x, ego.y, ego.yaw)
        return self._navigation

    def _controls(self, planned: PlannedRoute, navigation: Navigation, ego: EgoState) -> tuple[TrafficControl, ...]:
        path = navigation.path
        low, high = np.searchsorted(path.arc, [navigation.s - CONTROL_BEHIND, navigation.s + CONTROL_AHEAD])
        piece, along = path.points[low:high], navigation.s - float(path.arc[low])
        found = []
        for light, stops in self._stops.items():
            state = self._lights.get(light, LightState.UNKNOWN)
            near = stops[np.hypot(stops[:, 0] - ego.x, stops[:, 1] - ego.y) < CONTROL_AHEAD]
            control = light_on_route(light, state, near, piece, along, ego.length / 2.0)
            if control is not None:
                seen = math.hypot(control.x - ego.x, control.y - ego.y) <= RANGE
                found.append(replace(control, visible=seen))
        for sign in planned.signs:
            distance = sign.along - navigation.s - ego.length / 2.0
            if -CONTROL_BEHIND < distance < CONTROL_AHEAD:
                seen = math.hypot(sign.x - ego.x, sign.y - ego.y) <= RANGE
                found.append(
                    TrafficControl(
                        sign.id, sign.kind, LightState.UNKNOWN, sign.x, sign.y, sign.yaw, distance, visible=seen
                    )
                )
        return tuple(sorted(found, key=lambda control: control.distance))

    def _around(self, road: Road, ego: EgoState) -> tuple[Polyline, ...]:
        at = (ego.x, ego.y)
        if self._near_at is None or math.dist(at, self._near_at) > MAP_REFRESH:
            self._near_at, self._near = at, road.near(*at, MAP_RANGE)
        return self._near


def _seen(at: int, objects: Objects, stamp: int, ego: EgoState) -> Objects:
    """The objects of time ``at`` moved on to ``stamp`` (ns), with what the ego's sensors could see of them."""
    passed = (stamp - at) / SECOND  # one tick, where the bridge sent odometry first
    moved = replace(objects, x=objects.x + passed * objects.vx, y=objects.y + passed * objects.vy)
    return in_view(moved, ego.x, ego.y)
