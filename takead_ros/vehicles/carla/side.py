"""CARLA through carla_ros_bridge as a vehicle side: its topics in, scenes out; commands in, pedals and steer out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.domain.parameters import number
from takead_ros.domain.scene import Scene
from takead_ros.messages.convert import header_to_msg
from takead_ros.messages.fields import stamp_from_msg
from takead_ros.messages.interfaces import Interface, Qos
from takead_ros.vehicles.api import Input, VehicleParameters, vehicle_message
from takead_ros.vehicles.carla.assembly import EgoDimensions, SceneAssembly
from takead_ros.vehicles.carla.control import PedalParameters, actuate, steering_share

LATCHED, DEEP = Qos(1, latched=True), Qos(10)  # as the bridge has them
LONGEST_STEP_S = 0.1  # between two actuations, for the integral
SIMULATOR = "carla (carla_ros_bridge)"


class CarlaParameters(VehicleParameters, PedalParameters):
    """The bridge, the ego's box, and how its pedals answer. The defaults are the Tesla Model 3's."""

    vehicle: str = Field("carla", pattern="^carla$", description="which vehicle side")
    role_name: str = Field("ego_vehicle", pattern="^[A-Za-z_][A-Za-z0-9_]*$", description="the ego's role in CARLA")
    length_m: float = number(4.79, 1.0, 20.0, "the ego's box, which the bridge does not tell")
    width_m: float = number(2.16, 0.5, 4.0, "the same")
    max_input_age_s: float = number(0.2, 0.05, 1.0, "between odometry and vehicle_status or objects, by header stamp")
    bridge_waits: bool = Field(False, description="the bridge waits for a command in each step: one is sent for each")

    @classmethod
    def fixed_names(cls) -> frozenset[str]:
        return frozenset({"vehicle", "role_name", "length_m", "width_m", "max_input_age_s", "bridge_waits"})


class CarlaSide:
    """See ``vehicles.api``. Raises TakeadError where carla_msgs or derived_object_msgs is not installed."""

    def __init__(self, parameters: Callable[[], CarlaParameters]) -> None:
        self._parameters, p = parameters, parameters()
        self._assembly = a = SceneAssembly(
            EgoDimensions(p.length_m, p.width_m), p.max_input_age_s, lambda speed: steering_share(speed, parameters())
        )
        self._stamp = 0  # of the newest odometry
        self._actuated: int | None = None
        self._integral = 0.0
        self._scenes = 0
        self._overridden = False
        self._episode: EpisodeIdentity | None = None
        role = f"/carla/{p.role_name}"
        self.output = _bridge(f"{role}/vehicle_control_cmd", "carla_msgs/msg/CarlaEgoVehicleControl", DEEP)
        self.inputs = (
            Input(_bridge("/carla/world_info", "carla_msgs/msg/CarlaWorldInfo", LATCHED), _told(a.on_world)),
            Input(_bridge(f"{role}/vehicle_info", "carla_msgs/msg/CarlaEgoVehicleInfo", LATCHED), _told(a.on_info)),
            Input(_bridge(f"{role}/waypoints", "nav_msgs/msg/Path", LATCHED), _told(a.on_waypoints)),
            Input(
                _bridge("/carla/traffic_lights/info", "carla_msgs/msg/CarlaTrafficLightInfoList", LATCHED),
                _told(a.on_light_info),
            ),
            Input(
                _bridge("/carla/traffic_lights/status", "carla_msgs/msg/CarlaTrafficLightStatusList", LATCHED),
                _told(a.on_light_status),
            ),
            Input(
                _bridge(f"{role}/vehicle_control_manual_override", "std_msgs/msg/Bool", LATCHED), self._take_override
            ),
            Input(_bridge(f"{role}/vehicle_status", "carla_msgs/msg/CarlaEgoVehicleStatus", DEEP), _told(a.on_status)),
            # The last that the bridge tells of a step. A command that comes before, it takes for two steps.
            Input(
                _bridge(f"{role}/objects", "derived_object_msgs/msg/ObjectArray", DEEP),
                _told(a.on_objects),
                ends_step=p.bridge_waits,
            ),
            Input(_bridge(f"{role}/odometry", "nav_msgs/msg/Odometry", DEEP), self._take_odometry),
        )
        self._control = vehicle_message(self.output.type, "carla")
        for one in self.inputs:
            vehicle_message(one.interface.type, "carla")

    def _take_odometry(self, msg: Any, now: int) -> Scene | None:
        self._stamp = stamp_from_msg(msg)
        scene = self._assembly.scene(msg)
        self._scenes += scene is not None
        return scene

    def _take_override(self, msg: Any, now: int) -> None:
        self._overridden = bool(msg.data)

    def episode(self) -> EpisodeIdentity | None:
        """A new one for each map; a new route on it is the same episode."""
        town, route = self._assembly.map_name, self._assembly.route_text
        if not town or not route:
            return None
        known = self._episode
        if known is None or known.map != town:
            self._episode = EpisodeIdentity(self._stamp, town, route=route, map=town, simulator=SIMULATOR)
        elif known.route != route:
            self._episode = EpisodeIdentity(known.stamp, town, route=route, map=town, simulator=SIMULATOR)
        return self._episode

    def fault(self, now: int) -> str:
        if self._overridden:  # latched: it stays on when the program that switched it on has gone
            return "vehicle_control_manual_override is on: the bridge carries out none of our commands"
        return f"no scene: {self._assembly.fault}" if self._assembly.fault else ""

    def carry_out(self, command: DriveCommand, now: int) -> Any:
        ego, p = self._assembly.ego, self._parameters()
        if ego is None:
            return None
        passed_s = 0.0 if self._actuated is None else (now - self._actuated) / 1e9
        self._actuated = now
        pedals = actuate(
            command,
            ego.speed,
            ego.acceleration,
            ego.max_steering_angle,
            self._integral,
            min(max(passed_s, 0.0), LONGEST_STEP_S),
            p,
        )
        self._integral = pedals.integral
        return self._message(pedals.steer, pedals.throttle, pedals.brake)

    def stop(self, steering_angle: float, now: int) -> Any:
        """Also before the vehicle is known: a bridge that waits for a command in each step goes on by it."""
        p = self._parameters()
        braking = DriveCommand(self._stamp, steering_angle, -p.stopping_mps2, Source.MRM, Source.MRM)
        found = self.carry_out(braking, now)
        return found if found is not None else self._message(0.0, 0.0, p.hold_brake)

    def figures(self) -> Mapping[str, object]:
        return {"scenes": self._scenes}

    def _message(self, steer: float, throttle: float, brake: float) -> Any:
        header = header_to_msg(self._stamp, "base_link")
        return self._control(header=header, steer=steer, throttle=throttle, brake=brake)


def _bridge(name: str, type_name: str, qos: Qos) -> Interface:
    return Interface(name, type_name, qos, "carla_ros_bridge")


def _told(take: Callable[[Any], None]) -> Callable[[Any, int], None]:
    return lambda msg, now: take(msg)
