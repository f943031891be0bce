"""Calls about what a vehicle has besides pedals: lights, doors, wheels, telemetry, torques."""

from __future__ import annotations

import math
from typing import Any

from takead_ros.simulators.carla_server import actor_commands
from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server.actors import ServerActor
from takead_ros.simulators.carla_server.methods import ServerHost, Table
from takead_ros.simulators.carla_server.values import CallRefused, Vector3D, VehicleTelemetryData

table = Table()


@table.call("get_vehicle_light_state", "int")
def _lights(host: ServerHost, actor: int) -> Any:
    return [host.world.vehicle(actor).lights]


@table.call("set_vehicle_light_state", "int", "VehicleLightState", returns=False)
def _set_lights(host: ServerHost, actor: int, state: Any) -> None:
    set_lights(host, actor, state.light_state)


@table.call("get_vehicle_light_states")
def _all_lights(host: ServerHost) -> Any:
    rows = host.world.rows
    return [(rows.actors[row].id, rows.actors[row].lights) for row in rows.vehicles]


def set_lights(host: ServerHost, actor: int, flags: int) -> None:
    if not 0 <= flags < 2**32:
        raise CallRefused(f"lights of a vehicle {flags}, expected flags of 32 bits")
    host.world.vehicle(actor).lights = flags


@table.call("get_wheel_steer_angle", "int", "int")
def _wheel_angle(host: ServerHost, actor: int, wheel: int) -> float:
    found = _with_wheel(host, actor, wheel)
    assert found.physics is not None
    turned = found.physics.wheels[wheel].max_steer_angle * float(host.world.rows.drive[found.row, c.STEER])
    return found.shown.get(("steer", wheel), turned)


@table.call("set_wheel_steer_direction", "int", "int", "float", returns=False)
def _show_steer(host: ServerHost, actor: int, wheel: int, degrees: float) -> None:
    """Only the picture of the wheel turns, as in CARLA; there is none here."""
    found = _with_wheel(host, actor, wheel)
    found.shown["steer", wheel] = degrees


@table.call("set_wheel_pitch_angle", "int", "int", "float", returns=False)
def _show_pitch(host: ServerHost, actor: int, wheel: int, degrees: float) -> None:
    found = _with_wheel(host, actor, wheel)
    found.shown["pitch", wheel] = degrees


@table.call("get_wheel_pitch_angle", "int", "int")
def _wheel_pitch(host: ServerHost, actor: int, wheel: int) -> float:
    """How far the wheel has rolled, within a turn."""
    found = _with_wheel(host, actor, wheel)
    rows = host.world.rows
    rolled = float(rows.drive[found.row, c.ROLLED] / rows.car[found.row, c.RADIUS])
    return found.shown.get(("pitch", wheel), math.degrees(rolled) % 360.0)


def _with_wheel(host: ServerHost, actor: int, wheel: int) -> ServerActor:
    found = host.world.vehicle(actor)
    assert found.physics is not None
    if not 0 <= wheel < len(found.physics.wheels):
        raise CallRefused(f"wheel {wheel} of actor {actor}, expected 0 to {len(found.physics.wheels) - 1}")
    return found


@table.call("open_vehicle_door", "int", "int", returns=False)
def _open(host: ServerHost, actor: int, door: int) -> None:
    """It is kept and recorded; nothing bumps into an open door."""
    actor_commands.move_door(host.world.vehicle(actor), door, True)


@table.call("close_vehicle_door", "int", "int", returns=False)
def _close(host: ServerHost, actor: int, door: int) -> None:
    actor_commands.move_door(host.world.vehicle(actor), door, False)


@table.call("add_actor_angular_impulse", "int", "Vector3D", returns=False)
def angular_impulse(host: ServerHost, actor: int, impulse: Vector3D) -> None:
    actor_commands.twist(host.world, actor, impulse)


@table.call("add_actor_torque", "int", "Vector3D", returns=False)
def torque(host: ServerHost, actor: int, torque: Vector3D) -> None:
    """For the next step."""
    actor_commands.twist(host.world, actor, Vector3D(*(value * host.world.delta for value in torque)))


@table.call("get_telemetry_data", "int")
def _telemetry(host: ServerHost, actor: int) -> VehicleTelemetryData:
    return actor_commands.telemetry(host.world, actor)


@table.call("restore_physx_physics", "int", returns=False)
def _restore(host: ServerHost, actor: int) -> None:
    """There is no other physics than the server's own."""
    host.world.vehicle(actor)
