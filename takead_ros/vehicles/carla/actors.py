"""A scene's ego, objects and lights from the actors of CARLA's world, as privileged-track agents read it. Duck-typed on
the classes of the ``carla`` package.

CARLA's world is left-handed: y, yaw and turning rates flip into ``map``. ``carla.Transform.transform`` moves the very
point that it is given, so that places are moved here without it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import to_outer
from takead_ros.domain.scene import EgoState, FloatArray, LightState, ObjectKind, Objects
from takead_ros.vehicles.carla.convert import Chassis
from takead_ros.vehicles.carla.surroundings import Surroundings, TriggerVolume

STOREY = 5.0  # m above or below the ego beyond which nobody is on its road (scenarios park actors under ground)
FLAT = 0.2  # m of height, at most
_BASES = {
    "car": ObjectKind.CAR,
    "van": ObjectKind.TRUCK,
    "truck": ObjectKind.TRUCK,
    "bus": ObjectKind.TRUCK,
    "motorcycle": ObjectKind.CYCLIST,
    "bicycle": ObjectKind.CYCLIST,
}
_SIREN = 128  # VehicleLightState.Special1
_LIGHTS = {"Red": LightState.RED, "Yellow": LightState.YELLOW, "Green": LightState.GREEN}


def chassis_of(vehicle: Any) -> Chassis:
    """From a ``carla.Vehicle``. Raises TakeadError for one whose wheels make no sense."""
    extent, wheels = vehicle.bounding_box.extent, vehicle.get_physics_control().wheels
    places = np.array([(wheel.position.x, wheel.position.y) for wheel in wheels]) / 100.0  # cm, in the world
    axles = [places[i : i + 2].mean(0) for i in (0, 2)] if len(wheels) >= 4 else list(places[:2])
    wheelbase = math.dist(*axles) if len(axles) == 2 else 0.0
    lock = math.radians(max((wheel.max_steer_angle for wheel in wheels), default=0.0))
    if not 0.5 < wheelbase < 15.0 or not 0.05 < lock < 1.5:
        raise TakeadError(
            f"{vehicle.type_id}: wheelbase {wheelbase:.2f} m and full lock {lock:.2f} rad by its physics control, "
            "expected 0.5 to 15 m and 0.05 to 1.5 rad"
        )
    return Chassis(2.0 * extent.x, 2.0 * extent.y, wheelbase, lock)


def ego_from_actor(
    vehicle: Any, chassis: Chassis, previous: EgoState | None, dt: float, steering_share: Callable[[float], float]
) -> EgoState:
    """The ego's state. steering_share: how much of the lock full steer reaches at a speed (m/s). The acceleration is
    the difference against ``previous`` over ``dt`` s."""
    transform, velocity = vehicle.get_transform(), vehicle.get_velocity()
    x, y, yaw = _pose(transform)
    vx, vy = velocity.x, -velocity.y
    speed = math.cos(yaw) * vx + math.sin(yaw) * vy
    yaw_rate = -math.radians(vehicle.get_angular_velocity().z)
    reached = chassis.max_steering_angle * steering_share(speed)
    return EgoState(
        x=x,
        y=y,
        yaw=yaw,
        speed=speed,
        lateral_speed=math.cos(yaw) * vy - math.sin(yaw) * vx,
        yaw_rate=yaw_rate,
        acceleration=0.0 if previous is None else (speed - previous.speed) / dt,
        lateral_acceleration=speed * yaw_rate,
        steering_angle=-vehicle.get_control().steer * reached,
        length=chassis.length,
        width=chassis.width,
        wheelbase=chassis.wheelbase,
        max_steering_angle=chassis.max_steering_angle,
    )


class ActorObjects:
    """Everyone but the ego, from the world's actors. Boxes are asked of the server once for each actor."""

    def __init__(self) -> None:
        self._boxes: dict[int, Any] = {}

    def read(self, actors: Iterable[Any], ego_id: int, height: float) -> Objects:
        """Those of ``actors`` that stand within a storey of ``height`` m, sorted by id, all in full view; without what
        lies flat on the road and is driven over, as CARLA's dirt."""
        rows = []
        for actor in actors:
            kind = kind_of(actor.type_id, actor.attributes)
            if kind is None or actor.id == ego_id:
                continue
            transform, velocity = actor.get_transform(), actor.get_velocity()
            if abs(transform.location.z - height) > STOREY:
                continue
            if actor.id not in self._boxes:
                self._boxes[actor.id] = actor.bounding_box
            box, (x, y, yaw) = self._boxes[actor.id], _pose(transform)
            if kind is ObjectKind.OBSTACLE and 2.0 * box.extent.z < FLAT:
                continue
            x, y = to_outer(np.array([box.location.x, -box.location.y]), x, y, yaw)
            if actor.attributes.get("special_type") == "emergency" and int(actor.get_light_state()) & _SIREN:
                kind = ObjectKind.EMERGENCY_VEHICLE
            rows.append(
                (
                    actor.id,
                    int(kind),
                    float(x),
                    float(y),
                    yaw,
                    velocity.x,
                    -velocity.y,
                    2.0 * box.extent.x,
                    2.0 * box.extent.y,
                    1.0,
                )
            )
        if not rows:
            return Objects.empty()
        columns = list(zip(*sorted(rows), strict=True))
        ids, kinds = (np.array(column, dtype=np.int64) for column in columns[:2])
        return Objects(ids, kinds, *(np.array(column, dtype=float) for column in columns[2:]))


def kind_of(type_id: str, attributes: Mapping[str, str]) -> ObjectKind | None:
    """What an actor is to a driver; None for what is no body on the road (lights, signs, sensors)."""
    if type_id.startswith("vehicle."):
        return _BASES.get(attributes.get("base_type", ""), ObjectKind.CAR)
    if type_id.startswith("walker."):
        return ObjectKind.PEDESTRIAN
    if type_id.startswith("static.prop."):
        return ObjectKind.CONE if "cone" in type_id else ObjectKind.OBSTACLE
    return None


def place_lights(surroundings: Surroundings, lights: Iterable[Any]) -> None:
    """Tell where the traffic lights among the actors stop the traffic: their trigger volumes' places and sizes."""
    volumes = []
    for light in lights:
        volume, (x, y, yaw) = light.trigger_volume, _pose(light.get_transform())
        x, y = to_outer(np.array([volume.location.x, -volume.location.y]), x, y, yaw)
        yaw -= math.radians(volume.rotation.yaw)
        size = 2.0 * volume.extent.x, 2.0 * volume.extent.y
        volumes.append(TriggerVolume(light.id, float(x), float(y), yaw, *size))
    surroundings.place_lights(volumes)


def light_states(lights: Iterable[Any]) -> dict[int, LightState]:
    """The state of each traffic light by its actor's id; those that are off are UNKNOWN."""
    return {light.id: _LIGHTS.get(str(light.state), LightState.UNKNOWN) for light in lights}


def waypoints_of(plan: Iterable[tuple[Any, Any]]) -> FloatArray:
    """(W, 2) m in ``map`` of a leaderboard's plan: (carla.Transform, RoadOption) pairs."""
    return np.array([(transform.location.x, -transform.location.y) for transform, _ in plan]).reshape(-1, 2)


def _pose(transform: Any) -> tuple[float, float, float]:
    return transform.location.x, -transform.location.y, -math.radians(transform.rotation.yaw)
