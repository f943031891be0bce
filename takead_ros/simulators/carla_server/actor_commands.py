"""What clients do to actors of a world: places, pedals, velocities, forces, physics."""

from __future__ import annotations

import math

import numpy as np

from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server.actors import ServerActor
from takead_ros.simulators.carla_server.blueprints import Kind
from takead_ros.simulators.carla_server.frames import inside
from takead_ros.simulators.carla_server.motion import EARTH
from takead_ros.simulators.carla_server.physics import car_row, own, placed
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import (
    CallRefused,
    Transform,
    Vector3D,
    VehicleAckermannControl,
    VehicleControl,
    VehiclePhysicsControl,
    VehicleTelemetryData,
    WalkerControl,
    WheelTelemetryData,
)

FASTEST = 1000.0  # m/s that anybody may be given


def set_transform(world: ServerWorld, number: int, place: Transform) -> None:
    """Put an actor somewhere; an attached one within its parent's frame. What drives goes on driving."""
    actor = world.actor(number)
    if actor.place is not None:
        actor.place = place
        place = inside(world.rows.transform(world.actor(actor.info.parent_id)), place)
    world.rows.put(actor, place)
    world.rows.drive[actor.row, c.FALL] = 0.0


def control(world: ServerWorld, number: int, control: VehicleControl) -> None:
    """Pedals and wheel from now on."""
    actor = world.vehicle(number)
    actor.ackermann = None
    world.rows.drive[actor.row, : c.WANTED_GEAR + 1] = control
    if control.reverse is False and world.rows.drive[actor.row, c.GEAR] < 0.0 and not control.manual_gear_shift:
        world.rows.drive[actor.row, c.GEAR] = 1.0


def control_all(world: ServerWorld, numbers: list[int], controls: list[VehicleControl]) -> bool:
    """``control`` of many vehicles at once; False, and nothing done, where one of them is none or there twice."""
    actors = [world.rows.by_id.get(number) for number in numbers]
    if len(set(numbers)) < len(numbers) or not all(actor and actor.kind is Kind.VEHICLE for actor in actors):
        return False
    rows = []
    for actor in actors:
        assert actor is not None
        actor.ackermann = None
        rows.append(actor.row)
    drive, asked = world.rows.drive, np.array(controls, np.float64)
    drive[rows, : c.WANTED_GEAR + 1] = asked
    forwards = (asked[:, c.REVERSE] == 0.0) & (asked[:, c.MANUAL] == 0.0) & (drive[rows, c.GEAR] < 0.0)
    drive[np.array(rows)[forwards], c.GEAR] = 1.0
    return True


def ackermann(world: ServerWorld, number: int, control: VehicleAckermannControl) -> None:
    """A speed, acceleration and steering angle from now on."""
    world.vehicle(number).ackermann = control


def walk(world: ServerWorld, number: int, control: WalkerControl) -> None:
    """A direction and speed from now on."""
    row = world.walker(number).row
    speed = min(max(control.speed, 0.0), 20.0)
    world.rows.drive[row, c.WALK_X : c.WALK_SPEED + 1] = (*control.direction, speed)


def pass_over(world: ServerWorld, number: int, vehicles: tuple[int, ...]) -> None:
    """What a sensor's rays pass through from now on, in the place of what it was told before."""
    sensor = world.actor(number)
    if sensor.kind is not Kind.SENSOR:
        raise CallRefused(f"actor {number} is a {sensor.type_id}, expected a sensor")
    sensor.unseen = frozenset(world.vehicle(vehicle).id for vehicle in vehicles)


def set_velocity(world: ServerWorld, number: int, velocity: Vector3D) -> None:
    """A velocity in the world for now; what drives it goes on from there."""
    actor = world.actor(number)
    x, y, z = (min(max(value, -FASTEST), FASTEST) for value in velocity)
    rows = world.rows
    yaw = math.radians(rows.pose[actor.row, c.YAW])
    ahead = x * math.cos(yaw) + y * math.sin(yaw)
    rows.drive[actor.row, c.FORWARD] = ahead
    rows.drive[actor.row, c.SLIDE_X] = x - ahead * math.cos(yaw)
    rows.drive[actor.row, c.SLIDE_Y] = y - ahead * math.sin(yaw)
    if z != 0.0:
        rows.drive[actor.row, c.FALL] = z


def hold_velocity(world: ServerWorld, number: int, velocity: Vector3D | None) -> None:
    """Keep a velocity in the vehicle's own frame whatever its pedals say; None: no more."""
    row = world.actor(number).row
    world.rows.drive[row, c.HELD] = velocity is not None
    limited = (min(max(value, -FASTEST), FASTEST) for value in velocity or (0.0, 0.0, 0.0))
    world.rows.drive[row, c.HELD_X : c.HELD_Z + 1] = tuple(limited)


def turn(world: ServerWorld, number: int, rate: float) -> None:
    """A yaw rate (degrees/s) on top, which decays."""
    world.rows.drive[world.actor(number).row, c.TURN] = min(max(rate, -720.0), 720.0)


def push(world: ServerWorld, number: int, impulse: Vector3D, place: Vector3D | None = None) -> None:
    """An impulse in N s (world) on a vehicle, at ``place`` (m, world) or at its centre."""
    add_force(world, number, Vector3D(*(value / world.delta for value in impulse)), place)


def add_force(world: ServerWorld, number: int, force: Vector3D, place: Vector3D | None = None) -> None:
    """A force in N (world) on a vehicle for the next step, at ``place`` (m, world) or at its centre; it turns about
    the vertical as a box of even weight does."""
    row, rows = world.vehicle(number).row, world.rows
    mass = rows.car[row, c.MASS]
    most = FASTEST * mass / world.delta
    cut = [min(max(value, -most), most) for value in force]
    rows.drive[row, c.FORCE_X : c.FORCE_Z + 1] += cut
    if place is not None:
        x, y = place.x - rows.pose[row, c.X], place.y - rows.pose[row, c.Y]
        turned = math.degrees((x * cut[1] - y * cut[0]) * world.delta / turning_inertia(world, row))
        turn(world, number, rows.drive[row, c.TURN] + turned)


def twist(world: ServerWorld, number: int, impulse: Vector3D) -> None:
    """An angular impulse on a vehicle, in kg cm^2 degree/s as CARLA hands it to Unreal; about the vertical alone."""
    row = world.vehicle(number).row
    inertia = turning_inertia(world, row)
    turn(world, number, world.rows.drive[row, c.TURN] + impulse.z / (1e4 * inertia))


def turning_inertia(world: ServerWorld, row: int) -> float:
    """kg m^2 about the vertical, of a box of even weight."""
    rows = world.rows
    return float(rows.car[row, c.MASS] * (rows.box[row, c.HALF_X] ** 2 + rows.box[row, c.HALF_Y] ** 2) / 3.0)


ALL_DOORS = 6  # CARLA's number for all of front left and right, rear left and right, hood, trunk


def move_door(actor: ServerActor, door: int, is_open: bool) -> None:
    """Open or close one door, or all. Raises Refused for one that no vehicle has."""
    if not 0 <= door <= ALL_DOORS:
        raise CallRefused(f"door {door}, expected 0 to {ALL_DOORS}")
    doors = set(range(ALL_DOORS)) if door == ALL_DOORS else {door}
    actor.doors = actor.doors | doors if is_open else actor.doors - doors


def telemetry(world: ServerWorld, number: int) -> VehicleTelemetryData:
    """What a vehicle and its wheels do: they carry and push alike, and roll without slip."""
    actor, rows = world.vehicle(number), world.rows
    assert actor.physics is not None
    row, drive, car = actor.row, rows.drive[actor.row], rows.car[actor.row]
    yaw = math.radians(rows.pose[row, c.YAW])
    ax, ay = rows.acceleration[row, :2]
    share = float(car[c.MASS]) / max(len(actor.physics.wheels), 1)
    ahead = share * float(ax * math.cos(yaw) + ay * math.sin(yaw))
    aside = share * float(ay * math.cos(yaw) - ax * math.sin(yaw))
    load, speed = share * EARTH, float(drive[c.FORWARD])
    wheels = tuple(
        WheelTelemetryData(
            wheel.tire_friction, 0.0, 0.0, speed / float(car[c.RADIUS]), load, 1.0, ahead * float(car[c.RADIUS]), ahead,
            aside, abs(ahead) / load, abs(aside) / load,
        )
        for wheel in actor.physics.wheels
    )  # fmt: skip
    steer, throttle, brake, engine = (float(drive[i]) for i in (c.STEER, c.THROTTLE, c.BRAKE, c.ENGINE))
    drag = float(car[c.DRAG]) * speed * speed
    return VehicleTelemetryData(speed, steer, throttle, brake, engine, int(drive[c.GEAR]), drag, wheels)


def set_flag(world: ServerWorld, number: int, flag: int, value: bool) -> None:
    """Physics, gravity or collisions of an actor (array_columns.py) on or off."""
    actor = world.actor(number)
    if actor.kind.value <= Kind.PROP.value:
        world.rows.flags[actor.row, flag] = value


def physics(world: ServerWorld, number: int) -> VehiclePhysicsControl:
    """A vehicle's parameters, wheels where they are in the world."""
    actor = world.vehicle(number)
    assert actor.physics is not None
    return placed(actor.physics, world.rows.transform(actor))


def set_physics(world: ServerWorld, number: int, physics: VehiclePhysicsControl) -> None:
    """Another car under the same body. Raises Refused for one that cannot drive."""
    actor = world.vehicle(number)
    assert actor.physics is not None and actor.blueprint is not None
    actor.physics = own(physics, actor.physics)
    world.rows.car[actor.row] = car_row(actor.physics, actor.blueprint.size)
