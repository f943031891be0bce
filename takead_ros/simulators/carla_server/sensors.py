"""What the sensors measure: collision, GNSS, IMU, obstacle, and lidar and radar by rays against boxes and ground."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgpack
import numpy as np
from numpy.typing import NDArray

from takead_ros.simulators.carla_server.actors import ServerActor, bodies
from takead_ros.simulators.carla_server.blueprints import Kind
from takead_ros.simulators.carla_server.frames import rotation_matrix
from takead_ros.simulators.carla_server.kernel_arrays import RayHits
from takead_ros.simulators.carla_server.rays import GROUND, NOTHING, cast
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.snapshot import header
from takead_ros.simulators.carla_server.values import LEVEL, Transform, Vector3D

MOST_RAYS = 200_000  # of one measurement
MOST_CHANNELS = 512
ROADS = "Roads"  # what the ground is to a ray


@dataclass
class _Memory:
    """What a sensor remembers from one measurement to the next."""

    random: np.random.Generator
    due: float = 0.0  # s
    angle: float = 0.0  # degrees, of a lidar


@dataclass(frozen=True)
class Echoes:
    """What rays hit: points (R, 3) m in the sensor's frame, distances, boxes or GROUND, cosines; hits only."""

    points: NDArray[np.float64]
    distances: NDArray[np.float64]
    hits: NDArray[np.int64]
    cosines: NDArray[np.float64]
    actors: list[ServerActor]


class Sensors:
    """All sensors of a world. Only those that somebody listens to measure."""

    def __init__(self, world: ServerWorld) -> None:
        self._world = world
        self._memories: dict[int, _Memory] = {}
        self._episode = world.episode

    def messages(self, number: int) -> Iterator[bytes]:
        """The messages of the sensor with this id for this frame, none where it has nothing to say."""
        world = self._world
        if self._episode != world.episode:
            self._memories, self._episode = {}, world.episode
        actor = world.rows.by_id.get(number)
        if actor is None or actor.blueprint is None or actor.blueprint.sensor not in _MEASURE:
            return
        if number not in self._memories:
            seed = int(actor.number("noise_seed"))
            self._memories[number] = _Memory(np.random.default_rng((world.seed, number, abs(seed))), world.elapsed)
        memory = self._memories[number]
        if world.elapsed + 1e-6 < memory.due:
            return
        memory.due = max(memory.due + actor.number("sensor_tick"), world.elapsed - actor.number("sensor_tick"))
        place = world.rows.transform(actor)
        told = header(world.layout, actor.blueprint.sensor, world.frame, world.elapsed, place)
        for body in _MEASURE[actor.blueprint.sensor](world, actor, place, memory):
            yield told + body


def _collision(world: ServerWorld, actor: ServerActor, place: Transform, memory: _Memory) -> Iterator[bytes]:
    parent = actor.info.parent_id
    for contact in world.contacts:
        if parent in (contact.first, contact.second):
            other = contact.second if parent == contact.first else contact.first
            sign = 1.0 if parent == contact.first else -1.0
            impulse = tuple(sign * value for value in contact.impulse)
            infos = world.infos((parent, other))
            if len(infos) == 2:
                yield _packed([*infos, impulse])


def _gnss(world: ServerWorld, actor: ServerActor, place: Transform, memory: _Memory) -> Iterator[bytes]:
    latitude, longitude, altitude = world.town.geolocation(place.location)
    noise = [
        actor.number(f"noise_{name}_bias") + actor.number(f"noise_{name}_stddev") * memory.random.standard_normal()
        for name in ("lat", "lon", "alt")
    ]
    yield _packed([latitude + noise[0], longitude + noise[1], altitude + noise[2]])


def _imu(world: ServerWorld, actor: ServerActor, place: Transform, memory: _Memory) -> Iterator[bytes]:
    turned = rotation_matrix(place.rotation)
    pull = world.rows.acceleration[actor.row] + (0.0, 0.0, world.gravity)
    acceleration = turned.T @ pull
    rate = turned.T @ np.deg2rad(world.rows.spin[actor.row])
    noise = memory.random.standard_normal(6)
    for i, axis in enumerate("xyz"):
        acceleration[i] += actor.number(f"noise_accel_stddev_{axis}") * noise[i]
        rate[i] += actor.number(f"noise_gyro_bias_{axis}") + actor.number(f"noise_gyro_stddev_{axis}") * noise[3 + i]
    # north is -y in CARLA
    compass = (math.radians(place.rotation.yaw) + math.pi / 2.0) % (2.0 * math.pi)
    yield _packed([acceleration.tolist(), rate.tolist(), compass])


def _obstacle(world: ServerWorld, actor: ServerActor, place: Transform, memory: _Memory) -> Iterator[bytes]:
    reach, radius = actor.number("distance"), max(actor.number("hit_radius"), 0.0)
    boxes, actors = bodies(world.rows, _ignored(actor))
    if actor.attributes.get("only_dynamics") == "true":
        moving = [i for i, body in enumerate(actors) if body.kind is not Kind.PROP]
        boxes, actors = boxes[moving], [actors[i] for i in moving]
    boxes[:, 3:6] += radius  # a sphere along the ray is a ray against boxes that are as much larger
    found = _cast(world, place, np.array([[1.0, 0.0, 0.0]]), reach, boxes, actors)
    for distance, hit in zip(found.distances, found.hits, strict=True):
        infos = world.infos((actor.info.parent_id or actor.id, actors[hit].id)) if hit >= 0 else []
        if len(infos) == 2:
            yield _packed([*infos, float(distance)])


def _lidar_echoes(
    world: ServerWorld, actor: ServerActor, place: Transform, memory: _Memory
) -> tuple[Echoes, NDArray[np.int64], float]:
    """Echoes in order of their channels, how many each channel has, and the horizontal angle (rad) now."""
    channels = min(max(int(actor.number("channels")), 1), MOST_CHANNELS)
    dt = max(world.delta, actor.number("sensor_tick"))
    columns = max(round(actor.number("points_per_second") * dt / channels), 0)
    columns = min(columns, MOST_RAYS // channels)
    sweep = actor.number("horizontal_fov") or 360.0
    turn = actor.number("rotation_frequency") * sweep * dt
    rings = np.linspace(actor.number("upper_fov"), actor.number("lower_fov"), channels)
    bearings = (memory.angle + np.arange(columns) * turn / max(columns, 1)) % sweep - sweep / 2.0
    memory.angle = (memory.angle + turn) % sweep
    pitch, yaw = np.deg2rad(np.repeat(rings, columns)), np.deg2rad(np.tile(bearings, channels))
    rays = np.stack([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)], axis=-1)
    boxes, actors = bodies(world.rows, _ignored(actor))
    found, kept = _cast_all(world, place, rays, actor.number("range"), boxes, actors)
    counts = np.bincount(np.flatnonzero(kept) // max(columns, 1), minlength=channels)
    return found, counts, math.radians(memory.angle)


def _lidar(world: ServerWorld, actor: ServerActor, place: Transform, memory: _Memory) -> Iterator[bytes]:
    found, counts, angle = _lidar_echoes(world, actor, place, memory)
    intensity = np.exp(-actor.number("atmosphere_attenuation_rate") * found.distances)
    drop, limit = actor.number("dropoff_general_rate"), actor.number("dropoff_intensity_limit")
    zero = actor.number("dropoff_zero_intensity")
    # points are lost at random, the more so the weaker they are
    weak = np.clip(zero * (1.0 - intensity / limit), 0.0, 1.0) if limit > 0.0 else 0.0 * intensity
    kept = memory.random.random(len(intensity)) >= np.maximum(drop, weak)
    noise = actor.number("noise_stddev")
    points = found.points + (
        noise
        * memory.random.standard_normal((len(found.points), 1))
        * found.points
        / np.maximum(found.distances, 1e-6)[:, None]
        if noise > 0.0
        else 0.0
    )
    channel = np.repeat(np.arange(len(counts)), counts)[kept]
    rows = np.column_stack([points[kept], intensity[kept]]).astype("<f4")
    yield _lidar_head(angle, np.bincount(channel, minlength=len(counts))) + rows.tobytes()


def _semantic_lidar(world: ServerWorld, actor: ServerActor, place: Transform, memory: _Memory) -> Iterator[bytes]:
    found, counts, angle = _lidar_echoes(world, actor, place, memory)
    labels = world.layout.enums["CityObjectLabel"]
    objects = np.array([body.id for body in found.actors] + [0], np.uint32)  # the last one is the ground
    tags = np.array([(body.info.semantic_tags or b"\0")[0] for body in found.actors] + [labels[ROADS]], np.uint32)
    rows = np.zeros(len(found.hits), np.dtype([("xyz", "<f4", 3), ("cos", "<f4"), ("id", "<u4"), ("tag", "<u4")]))
    rows["xyz"], rows["cos"] = found.points, found.cosines
    rows["id"], rows["tag"] = objects[found.hits], tags[found.hits]  # GROUND is -1
    yield _lidar_head(angle, counts) + rows.tobytes()


def _lidar_head(angle: float, counts: NDArray[np.int64]) -> bytes:
    head = np.array([angle], "<f4").tobytes() + np.array([len(counts)], "<u4").tobytes()
    return head + counts.astype("<u4").tobytes()


def _radar(world: ServerWorld, actor: ServerActor, place: Transform, memory: _Memory) -> Iterator[bytes]:
    dt = max(world.delta, actor.number("sensor_tick"))
    count = min(max(round(actor.number("points_per_second") * dt), 0), MOST_RAYS)
    radius, turn = np.sqrt(memory.random.random(count)), 2.0 * np.pi * memory.random.random(count)
    azimuth = np.deg2rad(actor.number("horizontal_fov")) / 2.0 * radius * np.cos(turn)
    altitude = np.deg2rad(actor.number("vertical_fov")) / 2.0 * radius * np.sin(turn)
    rays = np.stack([np.cos(altitude) * np.cos(azimuth), np.cos(altitude) * np.sin(azimuth), np.sin(altitude)], axis=-1)
    boxes, actors = bodies(world.rows, _ignored(actor))
    found, kept = _cast_all(world, place, rays, actor.number("range"), boxes, actors)
    speeds = np.array([world.rows.velocity[body.row] for body in actors] + [np.zeros(3)])  # the last: the ground
    relative = speeds[found.hits] - world.rows.velocity[actor.row]
    away = found.points @ rotation_matrix(place.rotation).T / np.maximum(found.distances, 1e-6)[:, None]
    rows = np.zeros(len(found.hits), world.layout.radar)
    rows["velocity"] = (relative * away).sum(-1)
    rows["azimuth"], rows["altitude"], rows["depth"] = azimuth[kept], altitude[kept], found.distances
    yield rows.tobytes()


_MEASURE: dict[str, Callable[[ServerWorld, ServerActor, Transform, _Memory], Iterator[bytes]]] = {
    "ACollisionSensor": _collision, "AGnssSensor": _gnss, "AInertialMeasurementUnit": _imu,
    "AObstacleDetectionSensor": _obstacle, "ARadar": _radar, "ARayCastLidar": _lidar,
    "ARayCastSemanticLidar": _semantic_lidar,
}  # fmt: skip


def _ignored(actor: ServerActor) -> frozenset[int]:
    """A sensor sees neither what carries it nor the vehicles that it was told to pass over."""
    return actor.unseen | {actor.id, actor.info.parent_id}


def _cast(
    world: ServerWorld,
    place: Transform,
    rays: NDArray[np.float64],
    reach: float,
    boxes: NDArray[np.float64],
    actors: list[ServerActor],
) -> Echoes:
    return _cast_all(world, place, rays, reach, boxes, actors)[0]


def _cast_all(
    world: ServerWorld,
    place: Transform,
    rays: NDArray[np.float64],
    reach: float,
    boxes: NDArray[np.float64],
    actors: list[ServerActor],
) -> tuple[Echoes, NDArray[np.bool_]]:
    """The echoes of rays (R, 3) in the sensor's frame, and which (R,) had one."""
    reach = min(max(reach, 0.0), 1000.0)
    near = np.flatnonzero(
        np.linalg.norm(boxes[:, :3] - place.location, axis=1) - np.linalg.norm(boxes[:, 3:6], axis=1) < reach
    )
    count = len(rays)
    found = RayHits(np.empty(count), np.empty(count, np.int64), np.empty(count))
    origin, turned = (
        np.array(place.location, np.float64),
        np.ascontiguousarray(rays @ rotation_matrix(place.rotation).T),
    )
    cast(origin, turned, reach, np.ascontiguousarray(boxes[near]), world.town.ground.grid, found)
    kept = found.hits != NOTHING
    distances, which = found.distances[kept], np.append(near, GROUND)[found.hits[kept]]  # -1 stays the ground
    return Echoes(rays[kept] * distances[:, None], distances, which, found.cosines[kept], actors), kept


def points_along(world: ServerWorld, start: Vector3D, direction: Vector3D, reach: float) -> list[tuple[Vector3D, str]]:
    """What a ray through the world hits first, with its label; none where it hits nothing."""
    size = math.sqrt(sum(value * value for value in direction))
    if size < 1e-9 or reach <= 0.0:
        return []
    boxes, actors = bodies(world.rows, frozenset())
    ray = np.array([[value / size for value in direction]])
    found = _cast(world, Transform(start, LEVEL), ray, reach, boxes, actors)
    if not len(found.hits):
        return []
    place = Vector3D(*(float(a + b) for a, b in zip(start, found.points[0], strict=True)))
    hit = int(found.hits[0])
    blueprint = actors[hit].blueprint if hit != GROUND else None
    return [(place, blueprint.label if blueprint else ROADS)]


def _packed(value: object) -> bytes:
    return msgpack.packb(value)  # type: ignore[no-any-return]
