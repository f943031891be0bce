"""The world without a socket: actors, driving, walking, lights, signs, collisions; and that it is a pure function."""

from __future__ import annotations

import math

import numpy as np
import pytest

from support.carla_server import make_world
from takead_ros.simulators.carla_server import actor_commands
from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server.blueprints import blueprints
from takead_ros.simulators.carla_server.lights import GREEN, RED, YELLOW, Lights
from takead_ros.simulators.carla_server.map_sources import KnownTowns
from takead_ros.simulators.carla_server.server_world import Collision, ServerWorld
from takead_ros.simulators.carla_server.town_map import Signal
from takead_ros.simulators.carla_server.values import (
    IDENTITY,
    LEVEL,
    ORIGIN,
    ActorAttributeValue,
    ActorDescription,
    BoundingBox,
    CallRefused,
    Rotation,
    Transform,
    Vector3D,
    VehicleAckermannControl,
    VehicleControl,
    WalkerControl,
)

CAR = ActorDescription(0, "vehicle.tesla.model3", ())
WALKER = ActorDescription(0, "walker.pedestrian.0001", ())


def at(x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> Transform:
    return Transform(Vector3D(x, y, z), Rotation(0.0, yaw, 0.0))


def steps(world: ServerWorld, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        world.step()


def speed(world: ServerWorld, number: int) -> float:
    return float(np.hypot(*world.rows.velocity[world.rows.by_id[number].row, :2]))


def test_a_car_drives_brakes_and_turns_as_one(towns: KnownTowns) -> None:
    """0-100 km/h, full braking and the turning circle of a passenger car; steer is positive to the right."""
    world = make_world(towns)
    car = world.spawn(CAR, at(0.0, 0.0)).id
    actor_commands.control(world, car, VehicleControl(throttle=1.0))
    reached = 0.0
    while speed(world, car) < 100.0 / 3.6:
        world.step()
        reached += 0.05
        assert reached < 15.0
    assert 7.0 < reached < 11.0
    begun = world.rows.pose[world.rows.by_id[car].row, 0]
    actor_commands.control(world, car, VehicleControl(brake=1.0))
    steps(world, 5.0)
    way = world.rows.pose[world.rows.by_id[car].row, 0] - begun
    assert speed(world, car) == 0.0 and 30.0 < way < 48.0
    actor_commands.control(world, car, VehicleControl(throttle=0.3, steer=0.5))
    steps(world, 1.0)
    assert world.rows.pose[world.rows.by_id[car].row, c.YAW] > 1.0
    assert world.rows.spin[world.rows.by_id[car].row, 2] > 0.0


def test_a_car_stands_still_falls_to_the_ground_and_reverses(towns: KnownTowns) -> None:
    world = make_world(towns)
    car = world.spawn(CAR, at(10.0, 1.75, 1.5)).id
    steps(world, 2.0)
    row = world.rows.by_id[car].row
    assert world.rows.pose[row].tolist() == [10.0, 1.75, 0.0, 0.0, 0.0, 0.0]
    actor_commands.control(world, car, VehicleControl(throttle=0.5, reverse=True))
    steps(world, 2.0)
    assert world.rows.pose[row, 0] < 8.0 and world.rows.drive[row, c.GEAR] == -1.0


def test_no_pedal_and_no_wheel_leads_beyond_the_tyres(towns: KnownTowns) -> None:
    """The sideways acceleration stays within the grip, whatever is asked for."""
    world = make_world(towns)
    car = world.spawn(CAR, at(0.0, 0.0)).id
    row = world.rows.by_id[car].row
    actor_commands.control(world, car, VehicleControl(throttle=1.0))
    steps(world, 8.0)
    actor_commands.control(world, car, VehicleControl(throttle=1.0, steer=1.0))
    for _ in range(40):
        world.step()
        assert abs(math.radians(world.rows.spin[row, 2])) * speed(world, car) < 9.82


def test_cars_in_a_lane_are_not_in_one_line_to_the_last_digit(towns: KnownTowns) -> None:
    """CARLA's BasicAgent sees a car ahead only at an angle of more than 0, and the client's float32 axes round what is
    less than 0.005 degrees to it: one that keeps the middle of its lane has to sway a little, and not to leave it."""
    world = make_world(towns)
    cars = [world.spawn(CAR, at(x, -1.75)).id for x in (0.0, 20.0)]
    rows, seen, off = world.rows, 0, 0.0
    for frame in range(400):
        for car in cars:
            pose = rows.pose[rows.by_id[car].row]
            aside, turned = pose[c.Y] + 1.75, math.radians(pose[c.YAW])
            wheel = -0.05 * aside - 0.3 * turned
            actor_commands.control(world, car, VehicleControl(throttle=0.3, steer=wheel))
            off = max(off, abs(aside))
        world.step()
        if frame >= 100:
            (x, y, _, _, yaw, _), ahead = rows.pose[rows.by_id[cars[0]].row], rows.pose[rows.by_id[cars[1]].row]
            seen += abs(math.degrees(math.atan2(ahead[c.Y] - y, ahead[c.X] - x)) - yaw) > 0.005
    assert seen > 0.8 * 300 and off < 0.01


def test_torques_doors_wheels_and_telemetry(towns: KnownTowns) -> None:
    world = make_world(towns)
    car = world.spawn(CAR, at(0.0, 0.0)).id
    row = world.rows.by_id[car].row
    inertia = actor_commands.turning_inertia(world, row)
    assert 2000.0 < inertia < 6000.0  # kg m^2, of a car of 1.8 t
    actor_commands.twist(world, car, Vector3D(1e9, 1e9, 20.0 * 1e4 * inertia))
    world.step()
    assert world.rows.spin[row, 2] == pytest.approx(20.0, rel=0.2) and world.rows.pose[row, 3:].tolist()[::2] == [0, 0]
    actor_commands.move_door(world.rows.by_id[car], actor_commands.ALL_DOORS, True)
    actor_commands.move_door(world.rows.by_id[car], 2, False)
    assert world.rows.by_id[car].doors == {0, 1, 3, 4, 5}
    with pytest.raises(CallRefused, match="door 7"):
        actor_commands.move_door(world.rows.by_id[car], 7, True)
    actor_commands.control(world, car, VehicleControl(throttle=0.7))
    steps(world, 3.0)
    told = actor_commands.telemetry(world, car)
    assert told.speed == pytest.approx(speed(world, car), rel=0.01) and told.throttle == 0.7 and told.gear >= 1
    force = sum(wheel.long_force for wheel in told.wheels)
    assert force == pytest.approx(1845.0 * np.hypot(*world.rows.acceleration[row, :2]), rel=0.05)
    assert sum(wheel.tire_load for wheel in told.wheels) == pytest.approx(1845.0 * 9.81)
    assert told.wheels[0].omega * 0.355 == pytest.approx(told.speed)
    way = np.hypot(*world.rows.pose[row, :2])
    assert world.rows.drive[row, c.ROLLED] == pytest.approx(way, rel=0.02)


def test_ackermann_reaches_speed_and_stops(towns: KnownTowns) -> None:
    world = make_world(towns)
    car = world.spawn(CAR, at(0.0, 0.0)).id
    actor_commands.ackermann(world, car, VehicleAckermannControl(0.0, 0.0, 8.0, 2.0, 0.0))
    steps(world, 10.0)
    assert speed(world, car) == pytest.approx(8.0, abs=0.4)
    actor_commands.ackermann(world, car, VehicleAckermannControl(0.1, 0.0, 0.0, 3.0, 0.0))
    steps(world, 8.0)
    assert speed(world, car) < 0.05
    assert world.rows.drive[world.rows.by_id[car].row, c.STEER] == pytest.approx(0.1 / math.radians(70.0), rel=0.02)


def test_controls_of_many_are_those_of_each(towns: KnownTowns) -> None:
    driven = []
    for together in (False, True):
        world = make_world(towns)
        cars = [world.spawn(CAR, at(8.0 * i, 0.0)).id for i in range(3)]
        actor_commands.control(world, cars[1], VehicleControl(throttle=0.3, reverse=True))
        steps(world, 0.5)
        asked = [VehicleControl(throttle=0.2 * i, steer=0.1 * i, gear=i) for i in range(3)]
        if together:
            assert actor_commands.control_all(world, cars, asked)
        else:
            for car, control in zip(cars, asked, strict=True):
                actor_commands.control(world, car, control)
        steps(world, 1.0)
        driven.append(world.snapshot(0.0))
    assert driven[0] == driven[1]
    for odd in ([cars[0], cars[0]], [cars[0], 99999]):
        assert not actor_commands.control_all(world, odd, asked[:2])


def test_a_walker_walks_and_faces_where_it_goes(towns: KnownTowns) -> None:
    world = make_world(towns)
    walker = world.spawn(WALKER, at(20.0, 3.0, 1.0)).id
    actor_commands.walk(world, walker, WalkerControl(Vector3D(0.0, 2.0, 0.0), 1.5))
    steps(world, 2.0)
    pose = world.rows.pose[world.rows.by_id[walker].row]
    assert pose[:3] == pytest.approx([20.0, 6.0, 0.93]) and pose[c.YAW] == 90.0


def test_what_stands_there_keeps_others_from_being_spawned(towns: KnownTowns) -> None:
    world = make_world(towns)
    world.spawn(CAR, at(0.0, 0.0))
    count = len(world.rows)
    with pytest.raises(CallRefused, match="collision at spawn position"):
        world.spawn(CAR, at(2.0, 0.5, 0.3))
    assert len(world.rows) == count
    world.spawn(CAR, at(6.0, 0.0))


@pytest.mark.parametrize(("prop", "stops"), [("static.prop.dirtdebris01", False), ("static.prop.streetbarrier", True)])
def test_flat_litter_is_driven_over_and_what_stands_up_is_not(towns: KnownTowns, prop: str, stops: bool) -> None:
    world = make_world(towns)
    car = world.spawn(CAR, at(0.0, 1.75)).id
    world.spawn(ActorDescription(0, prop, ()), at(12.0, 1.75))
    actor_commands.set_velocity(world, car, Vector3D(10.0, 0.0, 0.0))
    steps(world, 2.0)
    assert bool(world.rows.pose[world.rows.by_id[car].row, 0] < 11.0) is stops


def test_a_crash_is_told_with_its_impulse_and_keeps_the_momentum(towns: KnownTowns) -> None:
    world = make_world(towns)
    hitting, hit = world.spawn(CAR, at(0.0, 0.0)).id, world.spawn(CAR, at(15.0, 0.0)).id
    actor_commands.set_velocity(world, hitting, Vector3D(10.0, 0.0, 0.0))
    contacts: list[Collision] = []
    for _ in range(60):
        before = sum(world.rows.velocity[world.rows.by_id[number].row, 0] for number in (hitting, hit))
        world.step()
        if world.contacts:
            contacts.extend(world.contacts)
            after = sum(world.rows.velocity[world.rows.by_id[number].row, 0] for number in (hitting, hit))
            assert after == pytest.approx(before, abs=0.4)
            break
    (contact,) = contacts
    assert {contact.first, contact.second} == {hitting, hit}
    assert abs(contact.impulse.x) == pytest.approx(0.55 * 1845.0 * before, rel=0.03) and contact.impulse.y == 0.0


@pytest.mark.parametrize(("ahead", "turns"), [(1.5, 1.0), (0.0, 0.0), (-1.5, -1.0)])
def test_an_impulse_turns_a_car_about_its_centre(towns: KnownTowns, ahead: float, turns: float) -> None:
    """Pushed to the right (positive y) before its centre it turns to the right (positive yaw)."""
    world = make_world(towns)
    car = world.spawn(CAR, at(20.0, 1.0)).id
    row = world.rows.by_id[car].row
    actor_commands.push(world, car, Vector3D(0.0, 1845.0, 0.0), Vector3D(20.0 + ahead, 1.0, 0.0))
    world.step()
    length, width = 2.0 * world.rows.box[row, c.HALF_X], 2.0 * world.rows.box[row, c.HALF_Y]
    expected = math.degrees(ahead * 1845.0 / (1845.0 * (length**2 + width**2) / 12.0))
    assert world.rows.spin[row, 2] == pytest.approx(expected, rel=0.2) and np.sign(world.rows.spin[row, 2]) == turns
    assert 0.0 < world.rows.velocity[row, 1] <= 1.0


def test_what_is_attached_goes_along_and_goes_with_its_parent(towns: KnownTowns) -> None:
    world = make_world(towns)
    car = world.spawn(CAR, at(10.0, 0.0, 0.0, 90.0)).id
    sensor = world.spawn(ActorDescription(0, "sensor.other.gnss", ()), at(1.0, 0.0, 2.0, 10.0), car)
    assert len(sensor.stream_token) == 24 and sensor.parent_id == car
    actor_commands.set_transform(world, car, at(20.0, 5.0, 0.0, 90.0))
    world.step()
    place = world.rows.transform(world.actor(sensor.id))
    assert place.location == pytest.approx((20.0, 6.0, 2.0)) and place.rotation.yaw == pytest.approx(100.0)
    assert world.destroy(car) and world.rows.by_id.keys().isdisjoint({car, sensor.id})
    assert not world.destroy(car) and not world.destroy(world.spectator)


def test_cameras_are_refused_with_one_clear_error(towns: KnownTowns) -> None:
    world = make_world(towns)
    for name in blueprints():
        if name.startswith("sensor.camera"):
            with pytest.raises(CallRefused, match=r"no renderer.*never faked"):
                world.spawn(ActorDescription(0, name, ()), IDENTITY)


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [("no_such", "1", "no attribute"), ("color", "red", "r,g,b"), ("sticky_control", "maybe", "true or false")],
)
def test_an_attribute_that_a_client_could_not_read_is_refused(
    towns: KnownTowns, attribute: str, value: str, expected: str
) -> None:
    """Told of such an actor, another client would end with an error."""
    description = ActorDescription(0, CAR.id, (ActorAttributeValue(attribute, 4, value),))
    with pytest.raises(CallRefused, match=expected):
        make_world(towns).spawn(description, at(0.0, 0.0))


def test_a_sign_tells_its_limit_in_kmh_and_only_to_those_who_pass_it(towns: KnownTowns) -> None:
    world = make_world(towns)
    with_it, against = world.spawn(CAR, at(5.0, 1.75)).id, world.spawn(CAR, at(60.0, -1.75, 0.0, 180.0)).id
    actor_commands.hold_velocity(world, with_it, Vector3D(10.0, 0.0, 0.0))
    actor_commands.hold_velocity(world, against, Vector3D(10.0, 0.0, 0.0))
    world.rows.drive[:, c.LIMIT] = 50.0
    steps(world, 3.0)
    limits = {number: world.rows.drive[world.rows.by_id[number].row, c.LIMIT] for number in (with_it, against)}
    assert limits == {with_it: 30.0, against: 50.0}


def signal(name: str, group: str, phase: str) -> Signal:
    box = BoundingBox(ORIGIN, Vector3D(1.0, 1.0, 1.0), LEVEL)
    return Signal(name, "traffic.traffic_light", IDENTITY, box, 0.0, group, phase)


def test_lights_of_a_junction_are_green_one_after_the_other() -> None:
    lights = Lights([signal("1", "a", "x"), signal("2", "a", "y"), signal("3", "a", "x"), signal("4", "b", "z")])
    assert lights.states.tolist() == [GREEN, RED, GREEN, GREEN] and lights.together(0) == [0, 1, 2]
    seen: list[tuple[int, ...]] = []
    for _ in range(31 * 20):
        lights.advance(0.05)
        states = tuple(lights.states[:3].tolist())
        if not seen or seen[-1] != states:
            seen.append(states)
    assert seen[:6] == [
        (GREEN, RED, GREEN), (YELLOW, RED, YELLOW), (RED, RED, RED), (RED, GREEN, RED), (RED, YELLOW, RED),
        (RED, RED, RED),
    ]  # fmt: skip
    lights.frozen = True
    before = lights.elapsed.tolist()
    lights.advance(5.0)
    assert lights.elapsed.tolist() == before
    lights.reset(0)
    assert lights.states[:3].tolist() == [GREEN, RED, GREEN]


def drive_around(towns: KnownTowns) -> list[bytes]:
    world = make_world(towns, seed=3)
    told = []
    cars = [world.spawn(CAR, at(8.0 * i, 1.75 - 3.5 * (i % 2))).id for i in range(6)]
    walker = world.spawn(WALKER, at(30.0, 6.0, 1.0)).id
    for step in range(60):
        for i, car in enumerate(cars):
            actor_commands.control(
                world, car, VehicleControl(throttle=0.2 + 0.1 * i, steer=0.1 * math.sin(step / 5.0 + i))
            )
        actor_commands.walk(world, walker, WalkerControl(Vector3D(math.cos(step), math.sin(step), 0.0), 1.0))
        world.step()
        told.append(world.snapshot(0.0))
    return told


def test_the_same_calls_give_the_same_bytes(towns: KnownTowns) -> None:
    assert drive_around(towns) == drive_around(towns)


def test_a_new_episode_begins_anew_but_counts_on(towns: KnownTowns) -> None:
    world = make_world(towns)
    world.spawn(CAR, at(0.0, 0.0))
    steps(world, 1.0)
    frame, episode = world.frame, world.episode
    world.load(towns.load("crossing"), reset_settings=True)
    assert world.episode == episode + 1 and world.elapsed == 0.0 and world.frame == frame
    assert not len(world.rows.vehicles)
    world.step()
    assert world.frame == frame + 1
