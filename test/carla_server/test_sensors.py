"""What sensors measure, against what can be worked out by hand."""

from __future__ import annotations

import math

import msgpack
import numpy as np
import pytest

from support.carla_server import make_world
from takead_ros.simulators.carla_server import actor_commands
from takead_ros.simulators.carla_server.frames import inside, rotation_matrix, rotation_of
from takead_ros.simulators.carla_server.map_sources import KnownTowns
from takead_ros.simulators.carla_server.sensors import Sensors, points_along
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import (
    IDENTITY,
    ActorAttributeValue,
    ActorDescription,
    CallRefused,
    Rotation,
    Transform,
    Vector3D,
)

CAR = ActorDescription(0, "vehicle.tesla.model3", ())
HALF_LENGTH, TOP = 4.7918 / 2.0, 1.4877


def described(name: str, **attributes: object) -> ActorDescription:
    return ActorDescription(
        0, name, tuple(ActorAttributeValue(key, 3, str(value)) for key, value in attributes.items())
    )


def at(x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> Transform:
    return Transform(Vector3D(x, y, z), Rotation(0.0, yaw, 0.0))


def with_sensor(
    towns: KnownTowns, description: ActorDescription, place: Transform = IDENTITY
) -> tuple[ServerWorld, int, int]:
    """A world with a car at the origin, another 20 m ahead, and a sensor on the first: world, sensor, other car."""
    world = make_world(towns)
    car = world.spawn(CAR, at(0.0, 0.0)).id
    other = world.spawn(CAR, at(20.0, 0.0)).id
    sensor = world.spawn(description, place, car).id
    world.step()
    return world, sensor, other


def bodies_of(world: ServerWorld, sensor: int) -> list[bytes]:
    return [message[world.layout.header.itemsize :] for message in Sensors(world).messages(sensor)]


def lidar_points(body: bytes, columns: int) -> tuple[np.ndarray, np.ndarray]:
    channels = int.from_bytes(body[4:8], "little")
    counts = np.frombuffer(body[8 : 8 + 4 * channels], "<u4")
    rows = np.frombuffer(body[8 + 4 * channels :], "<f4").reshape(-1, columns)
    assert counts.sum() == len(rows)
    return counts, rows


def test_a_lidar_sees_the_car_ahead_and_the_ground(towns: KnownTowns) -> None:
    settings = {"channels": 16, "range": 50.0, "points_per_second": 160_000, "rotation_frequency": 20.0,
                "dropoff_general_rate": 0.0, "dropoff_zero_intensity": 0.0}  # fmt: skip
    world, sensor, _ = with_sensor(towns, described("sensor.lidar.ray_cast", **settings), at(0.0, 0.0, 2.4))
    (body,) = bodies_of(world, sensor)
    _, rows = lidar_points(body, 4)
    ground = np.isclose(rows[:, 2], -2.4, atol=1e-3)
    ahead = ~ground & (rows[:, 0] > 0.0) & (np.abs(rows[:, 1]) < 1.2)
    assert ground.sum() > 2000 and ahead.any()
    assert rows[ahead, 0].min() == pytest.approx(20.0 - HALF_LENGTH, abs=0.01)
    assert np.linalg.norm(rows[:, :3], axis=1).max() <= 50.0 + 1e-3
    assert rows[:, 3] == pytest.approx(np.exp(-0.004 * np.linalg.norm(rows[:, :3], axis=1)), abs=1e-4)


def test_a_semantic_lidar_names_what_it_hits(towns: KnownTowns) -> None:
    settings = {"channels": 16, "range": 50.0, "points_per_second": 160_000, "rotation_frequency": 20.0}
    world, sensor, other = with_sensor(
        towns, described("sensor.lidar.ray_cast_semantic", **settings), at(0.0, 0.0, 2.4)
    )
    (body,) = bodies_of(world, sensor)
    _, rows = lidar_points(body, 6)
    objects, tags = rows[:, 4].copy().view("<u4"), rows[:, 5].copy().view("<u4")
    labels = world.layout.enums["CityObjectLabel"]
    assert set(objects.tolist()) == {0, other}
    assert set(tags[objects == other].tolist()) == {labels["Car"]} and set(tags[objects == 0].tolist()) == {
        labels["Roads"]
    }
    assert (rows[:, 3] > 0.0).all() and (rows[:, 3] <= 1.0).all()


def test_a_sensor_passes_over_the_vehicles_that_it_was_told_to(towns: KnownTowns) -> None:
    settings = {"channels": 16, "range": 50.0, "points_per_second": 160_000, "rotation_frequency": 20.0}
    world, sensor, other = with_sensor(
        towns, described("sensor.lidar.ray_cast_semantic", **settings), at(0.0, 0.0, 2.4)
    )

    def hit() -> set[int]:
        (body,) = bodies_of(world, sensor)
        return set(lidar_points(body, 6)[1][:, 4].copy().view("<u4").tolist())

    actor_commands.pass_over(world, sensor, (other,))
    assert hit() == {0}
    actor_commands.pass_over(world, sensor, ())
    assert hit() == {0, other}
    with pytest.raises(CallRefused, match=f"actor {other} is a vehicle.tesla.model3, expected a sensor"):
        actor_commands.pass_over(world, other, ())
    with pytest.raises(CallRefused, match=f"{sensor}"):
        actor_commands.pass_over(world, sensor, (sensor,))


def test_a_radar_measures_distance_and_closing_speed(towns: KnownTowns) -> None:
    settings = {"horizontal_fov": 4.0, "vertical_fov": 2.0, "range": 60.0, "points_per_second": 20_000}
    world, sensor, other = with_sensor(towns, described("sensor.other.radar", **settings), at(0.0, 0.0, 0.8))
    actor_commands.hold_velocity(world, other, Vector3D(-4.0, 0.0, 0.0))
    world.step()
    (body,) = bodies_of(world, sensor)
    rows = np.frombuffer(body, world.layout.radar)
    on_car = rows["velocity"] < -1.0
    assert on_car.any()
    assert rows["velocity"][on_car] == pytest.approx(-4.0, abs=0.05)
    assert rows["depth"][on_car].min() == pytest.approx(20.0 - 4.0 * 0.05 - HALF_LENGTH, abs=0.05)


def test_an_obstacle_ahead_is_told_once_within_reach(towns: KnownTowns) -> None:
    world, sensor, other = with_sensor(
        towns, described("sensor.other.obstacle", distance=30.0, hit_radius=0.5), at(0, 0, 0.8)
    )
    (body,) = bodies_of(world, sensor)
    _, hit, distance = msgpack.unpackb(body)
    assert hit[0] == other and distance == pytest.approx(20.0 - HALF_LENGTH - 0.5, abs=0.01)
    world, sensor, _ = with_sensor(towns, described("sensor.other.obstacle", distance=5.0), at(0.0, 0.0, 0.8))
    assert bodies_of(world, sensor) == []


def test_an_imu_at_rest_measures_gravity_and_the_heading(towns: KnownTowns) -> None:
    world, sensor, _ = with_sensor(towns, described("sensor.other.imu"))
    (body,) = bodies_of(world, sensor)
    acceleration, rate, compass = msgpack.unpackb(body)
    assert acceleration == pytest.approx([0.0, 0.0, 9.81]) and rate == [0.0, 0.0, 0.0]
    assert compass == pytest.approx(math.pi / 2.0)  # east


def test_gnss_is_the_map_s_own_projection_and_its_noise_is_seeded(towns: KnownTowns) -> None:
    world, sensor, _ = with_sensor(towns, described("sensor.other.gnss"), at(1.0, 0.0, 1.5))
    (body,) = bodies_of(world, sensor)
    assert tuple(msgpack.unpackb(body)) == pytest.approx(world.town.geolocation(Vector3D(1.0, 0.0, 1.5)))
    noisy = described("sensor.other.gnss", noise_alt_stddev=1.0, noise_seed=4)
    told = [bodies_of(*with_sensor(towns, noisy)[:2]) for _ in range(2)]
    assert told[0] == told[1] and abs(msgpack.unpackb(told[0][0])[2]) > 1e-6


def test_a_sensor_keeps_its_own_time(towns: KnownTowns) -> None:
    world, sensor, _ = with_sensor(towns, described("sensor.other.gnss", sensor_tick=0.2))
    sensors, told = Sensors(world), 0
    for _ in range(40):
        world.step()
        told += len(list(sensors.messages(sensor)))
    assert told == 10


def test_a_collision_is_told_to_both(towns: KnownTowns) -> None:
    world = make_world(towns)
    first, second = world.spawn(CAR, at(0.0, 0.0)).id, world.spawn(CAR, at(8.0, 0.0)).id
    sensors = Sensors(world)
    ears = [world.spawn(described("sensor.other.collision"), IDENTITY, car).id for car in (first, second)]
    actor_commands.set_velocity(world, first, Vector3D(10.0, 0.0, 0.0))
    for _ in range(40):
        world.step()
        heard = [list(sensors.messages(ear)) for ear in ears]
        if heard[0]:
            break
    told = [msgpack.unpackb(messages[0][world.layout.header.itemsize :]) for messages in heard]
    assert [(own[0], other[0]) for own, other, _ in told] == [(first, second), (second, first)]
    assert told[0][2][0] < 0.0 and told[0][2][0] == pytest.approx(-told[1][2][0])


def test_rays_through_the_world(towns: KnownTowns) -> None:
    world = make_world(towns)
    world.spawn(CAR, at(0.0, 0.0))
    ((point, label),) = points_along(world, Vector3D(0.0, 0.0, 10.0), Vector3D(0.0, 0.0, -1.0), 20.0)
    assert point.z == pytest.approx(TOP, abs=1e-3) and label == "Car"
    assert points_along(world, Vector3D(0.0, 0.0, 10.0), Vector3D(0.0, 0.0, 1.0), 20.0) == []


@pytest.mark.parametrize(
    "rotation", [Rotation(10.0, 20.0, 30.0), Rotation(-80.0, 170.0, -120.0), Rotation(90.0, 30.0, 0.0)]
)
def test_rotations_are_carla_s_own(rotation: Rotation) -> None:
    import carla

    own = Transform(Vector3D(1.0, 2.0, 3.0), rotation)
    theirs = carla.Transform(carla.Location(*own.location), carla.Rotation(*rotation))
    assert np.array(theirs.get_matrix())[:3, :3] == pytest.approx(rotation_matrix(rotation), abs=1e-5)
    point = theirs.transform(carla.Location(4.0, -5.0, 6.0))
    assert inside(own, at(4.0, -5.0, 6.0)).location == pytest.approx((point.x, point.y, point.z), abs=1e-4)
    assert rotation_matrix(rotation_of(rotation_matrix(rotation))) == pytest.approx(rotation_matrix(rotation), abs=1e-9)
