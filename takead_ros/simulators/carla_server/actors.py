"""The actors of an episode: what is fixed for each, and the arrays of what moves (array_columns.py), a row an actor."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server.blueprints import Blueprint, Kind
from takead_ros.simulators.carla_server.frames import inside, rotation_matrix
from takead_ros.simulators.carla_server.kernel_arrays import Bodies
from takead_ros.simulators.carla_server.town_map import Signal
from takead_ros.simulators.carla_server.values import (
    LEVEL,
    ORIGIN,
    ActorDescription,
    ActorInfo,
    BoundingBox,
    Rotation,
    Transform,
    Vector3D,
    VehicleAckermannControl,
    VehiclePhysicsControl,
)

DRIVEN_OVER = 0.2  # m: props as flat as dirt and planks are driven over, and in nobody's way
START_LIMIT_KMH = 30.0  # of a vehicle that has passed no sign yet, as in CARLA


@dataclass
class ServerActor:
    """One actor. ``row``: where it stands in the arrays. ``place`` of an attached one is told in its parent's frame."""

    info: ActorInfo
    kind: Kind
    blueprint: Blueprint | None = None
    row: int = -1
    place: Transform | None = None
    signal: Signal | None = None
    physics: VehiclePhysicsControl | None = None
    ackermann: VehicleAckermannControl | None = None
    pedal: float = 0.0  # of the Ackermann controller, -1 brake to 1 throttle
    lights: int = 0
    doors: set[int] = field(default_factory=set)  # that are open
    unseen: frozenset[int] = frozenset()  # vehicles that this sensor's rays pass through
    shown: dict[tuple[str, int], float] = field(default_factory=dict)  # degrees that a wheel is to be drawn with
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return self.info.id

    @property
    def type_id(self) -> str:
        return self.info.description.id

    def number(self, name: str) -> float:
        """The attribute ``name`` as a number, 0 where it is none."""
        try:
            value = float(self.attributes.get(name, "0"))
        except ValueError:
            return 0.0
        return value if np.isfinite(value) else 0.0


class Rows:
    """The arrays; rows are in the order of the ids."""

    def __init__(self) -> None:
        self.actors: list[ServerActor] = []
        self.by_id: dict[int, ServerActor] = {}
        self.pose = np.zeros((0, 6))
        self.velocity = np.zeros((0, 3))
        self.spin = np.zeros((0, 3))
        self.acceleration = np.zeros((0, 3))
        self.box = np.zeros((0, 6))
        self.kinds = np.zeros(0, np.int64)
        self.flags = np.zeros((0, 3), np.bool_)
        self.drive = np.zeros((0, c.DRIVE_COLUMNS))
        self.car = np.zeros((0, c.CAR_COLUMNS))
        self.vehicles = np.zeros(0, np.int64)  # rows
        self.walkers = np.zeros(0, np.int64)
        self.lights = np.zeros(0, np.int64)
        self.attached: list[ServerActor] = []
        self.changes = 0  # counts what was added and removed

    def __len__(self) -> int:
        return len(self.actors)

    def add(self, actor: ServerActor, place: Transform, car: NDArray[np.float64] | None) -> None:
        """A new last row for an actor with a higher id than all before."""
        actor.row = len(self.actors)
        self.actors.append(actor)
        self.by_id[actor.id] = actor
        box = actor.info.bounding_box
        drive = np.zeros((1, c.DRIVE_COLUMNS))
        drive[0, c.LIGHT], drive[0, c.LIGHT_ROW], drive[0, c.LIMIT] = 2.0, -1.0, START_LIMIT_KMH
        drive[0, c.GEAR] = 1.0
        self.pose = np.append(self.pose, [[*place.location, *place.rotation]], axis=0)
        self.box = np.append(self.box, [[*box.location, *box.extent]], axis=0)
        self.velocity = np.append(self.velocity, np.zeros((1, 3)), axis=0)
        self.spin = np.append(self.spin, np.zeros((1, 3)), axis=0)
        self.acceleration = np.append(self.acceleration, np.zeros((1, 3)), axis=0)
        self.kinds = np.append(self.kinds, actor.kind.value)
        flat = actor.kind is Kind.PROP and 2.0 * box.extent.z < DRIVEN_OVER
        collides = actor.kind.value <= Kind.PROP.value and not flat
        self.flags = np.append(self.flags, [[True, True, collides]], axis=0)
        self.drive = np.append(self.drive, drive, axis=0)
        self.car = np.append(self.car, np.ones((1, c.CAR_COLUMNS)) if car is None else car[None], axis=0)
        self._changed()

    def remove(self, numbers: set[int]) -> None:
        """Take the actors with the ids ``numbers`` out."""
        rows = [self.by_id.pop(number).row for number in numbers]
        self.actors = [actor for actor in self.actors if actor.id not in numbers]
        for row, actor in enumerate(self.actors):
            actor.row = row
        for name in Bodies._fields:
            setattr(self, name, np.delete(getattr(self, name), rows, axis=0))
        self._changed()

    def bodies(self) -> Bodies:
        """The arrays as kernels take them, until an actor is added or removed."""
        return Bodies(*(getattr(self, name) for name in Bodies._fields))

    def _changed(self) -> None:
        self.vehicles = np.flatnonzero(self.kinds == Kind.VEHICLE.value)
        self.walkers = np.flatnonzero(self.kinds == Kind.WALKER.value)
        self.lights = np.flatnonzero(self.kinds == Kind.LIGHT.value)
        self.attached = [actor for actor in self.actors if actor.place is not None]
        self.changes += 1

    def transform(self, actor: ServerActor) -> Transform:
        """Where an actor is, in the world."""
        pose = self.pose[actor.row].tolist()
        return Transform(Vector3D(*pose[:3]), Rotation(*pose[3:]))

    def put(self, actor: ServerActor, place: Transform) -> None:
        """Place an actor."""
        self.pose[actor.row] = (*place.location, *place.rotation)


def box_of(blueprint: Blueprint) -> BoundingBox:
    """The bounding box of what is made of a blueprint."""
    length, width, height = blueprint.size
    return BoundingBox(blueprint.centre, Vector3D(length / 2.0, width / 2.0, height / 2.0), LEVEL)


def plain_info(number: int, type_id: str, tags: bytes = b"", box: BoundingBox | None = None) -> ActorInfo:
    """An actor that no client spawned: the spectator, a light, a sign."""
    nothing = BoundingBox(ORIGIN, ORIGIN, LEVEL)
    return ActorInfo(number, 0, ActorDescription(0, type_id, ()), box or nothing, tags, b"")


def signal_volumes(actors: list[ServerActor]) -> NDArray[np.float64]:
    """The volumes (B, 10) of all lights and speed signs in the world (array_columns.py)."""
    found = []
    for actor in actors:
        signal = actor.signal
        if signal is None or (actor.kind is Kind.SIGN and signal.speed_limit <= 0.0):
            continue
        at = inside(signal.transform, Transform(signal.volume.location, signal.volume.rotation))
        yaw = math.radians(at.rotation.yaw)
        is_sign = actor.kind is Kind.SIGN
        value = signal.speed_limit if is_sign else float(actor.row)
        found.append((*at.location, math.cos(yaw), math.sin(yaw), *signal.volume.extent, float(is_sign), value))
    return np.array(found, np.float64).reshape(-1, c.VOLUME_COLUMNS)


def bodies(rows: Rows, but: frozenset[int]) -> tuple[NDArray[np.float64], list[ServerActor]]:
    """The boxes (B, 15) of all bodies (rays.py), and their actors, without those with the ids ``but``."""
    kept = [actor for actor in rows.actors if actor.kind.value <= Kind.PROP.value and actor.id not in but]
    found = np.zeros((len(kept), 15))
    for i, actor in enumerate(kept):
        turned = rotation_matrix(rows.transform(actor).rotation)
        box = rows.box[actor.row]
        found[i, :3] = rows.pose[actor.row, :3] + turned @ box[:3]
        found[i, 3:6] = box[3:]
        found[i, 6:] = turned.ravel()
    return found, kept
