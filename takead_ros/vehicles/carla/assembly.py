"""What carla_ros_bridge published, put together into a scene. Takes messages and returns values; knows no node."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import to_outer
from takead_ros.domain.scene import EgoState, FloatArray, LightState, Objects, Scene
from takead_ros.domain.units import SECOND
from takead_ros.messages.fields import stamp_from_msg
from takead_ros.vehicles.carla.convert import Chassis, ego_from_bridge, light_state, objects_from_bridge, yaw_of
from takead_ros.vehicles.carla.surroundings import Surroundings, TriggerVolume, route_text


@dataclass(frozen=True)
class EgoDimensions:
    """The ego's box, which the bridge does not tell, in m."""

    length: float
    width: float


class SceneAssembly:
    """Feed it the bridge's messages as they come; ``scene`` answers an odometry.

    ``fault`` says why there is no scene, or is empty. Inputs older than ``max_age_s`` (by header stamps, against the
    odometry's) give none: an old picture must not look like a new one. steering_share: see ``ego_from_bridge``.
    """

    def __init__(self, body: EgoDimensions, max_age_s: float, steering_share: Callable[[float], float]) -> None:
        self._body, self._max_age_ns, self._steering_share = body, round(max_age_s * SECOND), steering_share
        self.fault = "no message yet"
        self._around: Surroundings | None = None
        self._waypoints: FloatArray | None = None
        self._ego_id = 0
        self._chassis: Chassis | None = None
        self._status: Any = None
        self._objects: tuple[int, Objects] | None = None
        self._light_info: Any = None
        self._lights: dict[int, LightState] = {}
        self._ego: EgoState | None = None
        self._ego_stamp = 0

    @property
    def map_name(self) -> str:
        """Name of the map; empty before there is one."""
        return "" if self._around is None else self._around.name

    @property
    def route_text(self) -> str:
        """Where the route leads from and to, in m of ``map``; empty where there is none."""
        if self._around is None or self._around.planned is None:
            return ""
        return route_text(self._around.planned)

    @property
    def ego(self) -> EgoState | None:
        """The newest ego state."""
        return self._ego

    def on_world(self, msg: Any) -> None:
        """carla_msgs/CarlaWorldInfo. Raises TakeadError for a map that cannot be read, and keeps the one before; and
        where the route or the lights of before do not fit it, which are then waited for."""
        self._around = Surroundings(str(msg.map_name or "map"), msg.opendrive)
        problems = []
        for fit in (partial(self._place_lights, self._light_info), self._plan):  # one that fails holds up no other
            try:
                fit()
            except TakeadError as problem:
                problems.append(str(problem))
        if problems:
            raise TakeadError("; ".join(problems))

    def on_waypoints(self, msg: Any) -> None:
        """nav_msgs/Path of carla_waypoint_publisher. Raises TakeadError for a route that is none."""
        self._waypoints = np.array([(p.pose.position.x, p.pose.position.y) for p in msg.poses]).reshape(-1, 2)
        if self._around is not None:
            self._around.planned = None  # the old route holds no more, whatever the new one is
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
        self._ego_id, self._chassis = int(msg.id), Chassis(self._body.length, self._body.width, wheelbase, float(lock))

    def on_status(self, msg: Any) -> None:
        """carla_msgs/CarlaEgoVehicleStatus."""
        self._status = msg

    def on_objects(self, msg: Any) -> None:
        """derived_object_msgs/ObjectArray."""
        self._objects = (stamp_from_msg(msg), objects_from_bridge(msg.objects, self._ego_id))

    def on_light_info(self, msg: Any) -> None:
        """carla_msgs/CarlaTrafficLightInfoList. Raises TakeadError for a light that is nowhere; then none is moved."""
        self._place_lights(msg)
        self._light_info = msg

    def on_light_status(self, msg: Any) -> None:
        """carla_msgs/CarlaTrafficLightStatusList. Comes on change only, so that it does not age."""
        self._lights = {int(light.id): light_state(light.state) for light in msg.traffic_lights}

    def scene(self, odometry: Any) -> Scene | None:
        """The scene at a nav_msgs/Odometry, or None, and then ``fault`` says why.

        Raises TakeadError for one with a number that is none; it changes nothing.
        """
        stamp = stamp_from_msg(odometry)
        self.fault = self._missing(stamp)
        around = self._around
        if self.fault or self._chassis is None or self._objects is None or around is None:
            return None
        ego = ego_from_bridge(
            odometry, self._status, self._ego, (stamp - self._ego_stamp) / SECOND, self._chassis, self._steering_share
        )
        unsound = {name: value for name, value in asdict(ego).items() if not math.isfinite(value)}
        if unsound:
            raise TakeadError(f"odometry with vehicle_status: ego {unsound}, expected finite numbers")
        self._ego, self._ego_stamp = ego, stamp
        at, objects = self._objects  # one tick older, where the bridge sent odometry first
        return around.scene(stamp, ego, objects, self._lights, (stamp - at) / SECOND)

    def _missing(self, stamp: int) -> str:
        planned = None if self._around is None else self._around.planned
        for name, value in (
            ("/carla/world_info", self._around), ("vehicle_info", self._chassis),
            ("vehicle_status", self._status), ("objects", self._objects), ("waypoints", planned),
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
        if self._around is not None and self._waypoints is not None and len(self._waypoints):
            self._around.follow(self._waypoints)

    def _place_lights(self, info: Any) -> None:
        """Stop points of every light; its trigger volume is given in the light's own frame."""
        if self._around is None or info is None:
            return
        volumes = []
        for light in info.traffic_lights:
            pose, volume = light.transform, light.trigger_volume
            yaw = yaw_of(pose.orientation)
            x, y = to_outer(np.array([volume.center.x, volume.center.y]), pose.position.x, pose.position.y, yaw)
            size = volume.size.x, volume.size.y
            volumes.append(TriggerVolume(int(light.id), float(x), float(y), yaw, *size))
        self._around.place_lights(volumes)
