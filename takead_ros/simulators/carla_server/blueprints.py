"""The blueprints: names, attributes and boxes of CARLA's public catalogue (``catalogue.json``), and the sensors.

The boxes are CARLA's own (length, width, height in m), as printed from it and published by several projects; the
attributes are those of its documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path

from takead_ros.files import parse_json
from takead_ros.simulators.carla_server.values import (
    ActorAttribute,
    ActorAttributeValue,
    ActorDefinition,
    ActorDescription,
    CallRefused,
    Vector3D,
)

BOOL, INT, FLOAT, STRING, COLOR = 1, 2, 3, 4, 5
_NAMES = {BOOL: "true or false", INT: "a whole number", FLOAT: "a number", STRING: "a text", COLOR: "r,g,b"}
WALKER_CENTRE = 0.93  # m: a walker's place is the middle of its capsule
COLORS = ("17,37,103", "180,44,44", "255,255,255", "66,65,64", "137,0,0")


class Kind(Enum):
    """What an actor is to the world."""

    VEHICLE = 0
    WALKER = 1
    PROP = 2
    SENSOR = 3
    LIGHT = 4
    SIGN = 5
    OTHER = 6


@dataclass(frozen=True)
class Blueprint:
    """A definition and what the world has to know: box (length, width, height m), label number, sensor of the table."""

    definition: ActorDefinition
    kind: Kind
    size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    centre: Vector3D = field(default=Vector3D(0.0, 0.0, 0.0))
    label: str = "Any"
    sensor: str = ""
    wheels: int = 0
    base: str = ""

    @property
    def id(self) -> str:
        return self.definition.id


# sensor: CARLA's class, attributes with their defaults; those of cameras are refused when they are spawned
_NOISE_GNSS = {f"noise_{a}_{b}": 0.0 for a in ("alt", "lat", "lon") for b in ("bias", "stddev")}
_NOISE_IMU = {f"noise_{a}_{x}": 0.0 for a in ("accel_stddev", "gyro_bias", "gyro_stddev") for x in "xyz"}
_LIDAR = {
    "channels": 32, "range": 10.0, "points_per_second": 56000, "rotation_frequency": 10.0, "upper_fov": 10.0,
    "lower_fov": -30.0, "horizontal_fov": 360.0, "sensor_tick": 0.0,
}  # fmt: skip
_CAMERA: Mapping[str, float | int | str] = {"image_size_x": 800, "image_size_y": 600, "fov": 90.0, "sensor_tick": 0.0}
SENSORS: dict[str, tuple[str, Mapping[str, float | int | str | bool]]] = {
    "sensor.other.collision": ("ACollisionSensor", {}),
    "sensor.other.lane_invasion": ("", {}),
    "sensor.other.gnss": ("AGnssSensor", {**_NOISE_GNSS, "noise_seed": 0, "sensor_tick": 0.0}),
    "sensor.other.imu": ("AInertialMeasurementUnit", {**_NOISE_IMU, "noise_seed": 0, "sensor_tick": 0.0}),
    "sensor.other.obstacle": (
        "AObstacleDetectionSensor",
        {"distance": 5.0, "hit_radius": 0.5, "only_dynamics": False, "debug_linetrace": False, "sensor_tick": 0.0},
    ),
    "sensor.other.radar": (
        "ARadar",
        {"horizontal_fov": 30.0, "vertical_fov": 30.0, "points_per_second": 1500, "range": 100.0, "sensor_tick": 0.0},
    ),
    "sensor.lidar.ray_cast": (
        "ARayCastLidar",
        {
            **_LIDAR, "atmosphere_attenuation_rate": 0.004, "dropoff_general_rate": 0.45,
            "dropoff_intensity_limit": 0.8, "dropoff_zero_intensity": 0.4, "noise_stddev": 0.0, "noise_seed": 0,
        },
    ),
    "sensor.lidar.ray_cast_semantic": ("ARayCastSemanticLidar", _LIDAR),
    "sensor.camera.rgb": ("ASceneCaptureCamera", _CAMERA),
    "sensor.camera.depth": ("ADepthCamera", _CAMERA),
    "sensor.camera.semantic_segmentation": ("ASemanticSegmentationCamera", _CAMERA),
    "sensor.camera.instance_segmentation": ("AInstanceSegmentationCamera", _CAMERA),
    "sensor.camera.normals": ("ANormalsCamera", _CAMERA),
    "sensor.camera.optical_flow": ("AOpticalFlowCamera", _CAMERA),
    "sensor.camera.dvs": ("ADVSCamera", _CAMERA),
}  # fmt: skip
CAMERAS = "sensor.camera."
_LABELS = {"car": "Car", "van": "Car", "truck": "Truck", "bus": "Bus", "motorcycle": "Motorcycle", "bicycle": "Bicycle"}


class _Shelf:
    """Blueprints in the making, each with the next number."""

    def __init__(self) -> None:
        self.made: dict[str, Blueprint] = {}

    def add(self, name: str, kind: Kind, attributes: list[ActorAttribute], role: str, **more: object) -> None:
        tags = ",".join(name.split("."))
        attributes = [*attributes, attribute("role_name", STRING, role, ("autopilot", "scenario", "ego_vehicle"))]
        definition = ActorDefinition(len(self.made) + 1, name, tags, tuple(attributes))
        self.made[name] = Blueprint(definition, kind, **more)  # type: ignore[arg-type]


def attribute(
    name: str,
    kind: int,
    value: object,
    recommended: tuple[str, ...] = (),
    modifiable: bool = True,
    restricted: bool = False,
) -> ActorAttribute:
    """An attribute with its default; text as CARLA writes it."""
    text = ("true" if value else "false") if kind == BOOL else str(value)
    return ActorAttribute(name, kind, text, recommended or (text,), modifiable, restricted)


def _fixed(name: str, kind: int, value: object) -> ActorAttribute:
    return attribute(name, kind, value, modifiable=False)


def _kind_of(value: object) -> int:
    return (
        BOOL
        if isinstance(value, bool)
        else INT
        if isinstance(value, int)
        else FLOAT
        if isinstance(value, float)
        else STRING
    )


_WRITTEN = {
    BOOL: re.compile(r"true|false", re.IGNORECASE),
    INT: re.compile(r"[-+]?\d{1,9}"),
    FLOAT: re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,2})?"),
    STRING: re.compile(r"[^\0]{0,1000}", re.DOTALL),
    COLOR: re.compile(r"\d{1,3},\d{1,3},\d{1,3}"),
}


def describe_actor(blueprint: Blueprint, request: ActorDescription) -> ActorDescription:
    """What is spawned: every attribute of the blueprint, with what the ``request`` says where it may be changed.

    Raises Refused for an attribute that it does not have, or a value that is not of its type: a client that is told of
    such an actor could not read it.
    """
    values = {item.id: item.value for item in request.attributes}
    unknown = sorted(set(values) - {item.id for item in blueprint.definition.attributes})
    if unknown:
        raise CallRefused(f"{blueprint.id}: no attribute '{unknown[0][:60]}'")
    made = []
    for item in blueprint.definition.attributes:
        value = values.get(item.id, item.value) if item.is_modifiable else item.value
        if not _WRITTEN[item.type].fullmatch(value):
            raise CallRefused(f"{blueprint.id}: attribute '{item.id}' is '{value[:60]}', expected {_NAMES[item.type]}")
        made.append(ActorAttributeValue(item.id, item.type, value))
    return ActorDescription(blueprint.definition.uid, blueprint.id, tuple(made))


@cache
def blueprints() -> Mapping[str, Blueprint]:
    """Every blueprint by its id, in a fixed order."""
    catalogue = parse_json((Path(__file__).parent / "catalogue.json").read_bytes())
    shelf = _Shelf()
    for name, base, special, generation, *size in catalogue["vehicles"]:
        wheels = 2 if base in ("bicycle", "motorcycle") else 4
        own = [
            _fixed("number_of_wheels", INT, wheels), _fixed("generation", INT, generation),
            _fixed("base_type", STRING, base), _fixed("special_type", STRING, special),
            _fixed("object_type", STRING, ""), _fixed("has_lights", BOOL, base != "bicycle"),
            _fixed("has_dynamic_doors", BOOL, False), attribute("sticky_control", BOOL, True),
            attribute("terramechanics", BOOL, False), attribute("color", COLOR, COLORS[0], COLORS),
            attribute("ros_name", STRING, ""),
        ]  # fmt: skip
        if wheels == 2:
            own.append(attribute("driver_id", INT, 0))
        length, width, height = size
        shelf.add(
            name,
            Kind.VEHICLE,
            own,
            "autopilot",
            size=(length, width, height),
            label=_LABELS[base],
            centre=Vector3D(0.0, 0.0, height / 2.0),
            wheels=wheels,
            base=base,
        )
    for name, age, *size in catalogue["walkers"]:
        own = [
            _fixed("age", STRING, age), _fixed("gender", STRING, "other"), _fixed("generation", INT, 2),
            attribute("is_invincible", BOOL, True), attribute("speed", FLOAT, 0.0, ("0.0", "1.4", "2.1")),
            attribute("can_use_wheelchair", BOOL, False), attribute("use_wheelchair", BOOL, False),
            attribute("ros_name", STRING, ""),
        ]  # fmt: skip
        shelf.add(
            name,
            Kind.WALKER,
            own,
            "pedestrian",
            size=tuple(size),
            label="Pedestrians",
            centre=Vector3D(0.0, 0.0, size[2] / 2.0 - WALKER_CENTRE),
        )
    for name, *size in catalogue["props"]:
        extent = "big" if max(size) > 2.0 else "medium" if max(size) > 0.5 else "small"
        shelf.add(
            name,
            Kind.PROP,
            [_fixed("size", STRING, extent)],
            "prop",
            size=tuple(size),
            label="Static",
            centre=Vector3D(0.0, 0.0, size[2] / 2.0),
        )
    friction = [attribute("friction", FLOAT, 3.5)] + [attribute(f"extent_{axis}", FLOAT, 1.0) for axis in "xyz"]
    shelf.add("static.trigger.friction", Kind.OTHER, friction, "trigger")
    shelf.add("controller.ai.walker", Kind.OTHER, [], "controller")
    for name, (sensor, values) in SENSORS.items():
        own = [attribute(key, _kind_of(value), value) for key, value in values.items()]
        shelf.add(name, Kind.SENSOR, own, "front", sensor=sensor)
    return shelf.made
