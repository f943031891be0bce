"""Calls about actors: spawning, moving, driving, and batches of commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from takead_ros.simulators.carla_server import actor_commands
from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server.methods import ServerHost, Table
from takead_ros.simulators.carla_server.methods_vehicles import angular_impulse, set_lights, torque
from takead_ros.simulators.carla_server.rpc import answer_of, refusal
from takead_ros.simulators.carla_server.values import (
    LEVEL,
    ORIGIN,
    AckermannControllerSettings,
    ActorDescription,
    ActorInfo,
    BoundingBox,
    CallRefused,
    Transform,
    Vector3D,
    VehiclePhysicsControl,
    WalkerControl,
)
from takead_ros.simulators.carla_server.wire_layout import Decoder

table = Table()
_FREE = BoundingBox(ORIGIN, ORIGIN, LEVEL)


@table.call("get_actors_by_id", "list:int")
def _actors(host: ServerHost, numbers: tuple[int, ...]) -> list[ActorInfo]:
    return host.world.infos(numbers)


@table.call("spawn_actor", "ActorDescription", "Transform")
def _spawn(host: ServerHost, description: ActorDescription, place: Transform) -> ActorInfo:
    return host.world.spawn(description, place)


@table.call("spawn_actor_with_parent", "ActorDescription", "Transform", "int", "AttachmentType", "str")
def _spawn_attached(
    host: ServerHost, description: ActorDescription, place: Transform, parent: int, attachment: int, socket: str
) -> ActorInfo:
    return host.world.spawn(description, place, parent)


@table.call("destroy_actor", "int")
def _destroy(host: ServerHost, actor: int) -> bool:
    return host.world.destroy(actor)


@table.call("get_actor_bounding_box", "int")
def _box(host: ServerHost, actor: int) -> BoundingBox:
    # an error for one that is gone would end the process of a traffic manager
    found = host.world.rows.by_id.get(actor)
    return found.info.bounding_box if found else _FREE


@table.call("set_actor_location", "int", "Location", returns=False)
def _location(host: ServerHost, actor: int, place: Vector3D) -> None:
    world = host.world
    found = world.actor(actor)
    now = found.place if found.place is not None else world.rows.transform(found)
    actor_commands.set_transform(world, actor, now._replace(location=place))


@table.call("set_actor_transform", "int", "Transform", returns=False)
def _transform(host: ServerHost, actor: int, place: Transform) -> None:
    actor_commands.set_transform(host.world, actor, place)


@table.call("set_actor_target_velocity", "int", "Vector3D", returns=False)
def _velocity(host: ServerHost, actor: int, velocity: Vector3D) -> None:
    actor_commands.set_velocity(host.world, actor, velocity)


@table.call("set_actor_target_angular_velocity", "int", "Vector3D", returns=False)
def _angular(host: ServerHost, actor: int, velocity: Vector3D) -> None:
    actor_commands.turn(host.world, actor, velocity.z)


@table.call("enable_actor_constant_velocity", "int", "Vector3D", returns=False)
def _hold(host: ServerHost, actor: int, velocity: Vector3D) -> None:
    actor_commands.hold_velocity(host.world, actor, velocity)


@table.call("disable_actor_constant_velocity", "int", returns=False)
def _free(host: ServerHost, actor: int) -> None:
    actor_commands.hold_velocity(host.world, actor, None)


@table.call("add_actor_impulse", "int", "Vector3D", returns=False)
def _impulse(host: ServerHost, actor: int, impulse: Vector3D) -> None:
    actor_commands.push(host.world, actor, impulse)


@table.call("add_actor_impulse_at_location", "int", "Vector3D", "Vector3D", returns=False)
def _impulse_at(host: ServerHost, actor: int, impulse: Vector3D, place: Vector3D) -> None:
    actor_commands.push(host.world, actor, impulse, place)


@table.call("add_actor_force", "int", "Vector3D", returns=False)
def _force(host: ServerHost, actor: int, force: Vector3D) -> None:
    actor_commands.add_force(host.world, actor, force)


@table.call("add_actor_force_at_location", "int", "Vector3D", "Vector3D", returns=False)
def _force_at(host: ServerHost, actor: int, force: Vector3D, place: Vector3D) -> None:
    actor_commands.add_force(host.world, actor, force, place)


@table.call("set_actor_simulate_physics", "int", "bool", returns=False)
def _physics(host: ServerHost, actor: int, enabled: bool) -> None:
    actor_commands.set_flag(host.world, actor, c.PHYSICS, enabled)


@table.call("set_actor_enable_gravity", "int", "bool", returns=False)
def _gravity(host: ServerHost, actor: int, enabled: bool) -> None:
    actor_commands.set_flag(host.world, actor, c.GRAVITY, enabled)


@table.call("set_actor_collisions", "int", "bool", returns=False)
def _collisions(host: ServerHost, actor: int, enabled: bool) -> None:
    actor_commands.set_flag(host.world, actor, c.COLLIDES, enabled)


@table.call("set_ignored_vehicles", "int", "list:int", returns=False)
def _pass_over(host: ServerHost, sensor: int, vehicles: tuple[int, ...]) -> None:
    actor_commands.pass_over(host.world, sensor, vehicles)


@table.call("set_actor_autopilot", "int", "bool", returns=False)
def _autopilot(host: ServerHost, actor: int, enabled: bool) -> None:
    """The traffic manager is the client's own; the server only hears of it."""
    host.world.vehicle(actor)


@table.call("show_vehicle_debug_telemetry", "int", "bool", returns=False)
def _telemetry(host: ServerHost, actor: int, enabled: bool) -> None:
    """There is no screen."""


@table.call("apply_control_to_vehicle", "int", "VehicleControl", returns=False)
def _control(host: ServerHost, actor: int, control: Any) -> None:
    actor_commands.control(host.world, actor, control)


@table.call("apply_ackermann_control_to_vehicle", "int", "VehicleAckermannControl", returns=False)
def _ackermann(host: ServerHost, actor: int, control: Any) -> None:
    actor_commands.ackermann(host.world, actor, control)


@table.call("get_ackermann_controller_settings", "int")
def _ackermann_settings(host: ServerHost, actor: int) -> AckermannControllerSettings:
    host.world.vehicle(actor)
    return host.world.ackermann_settings.get(actor, AckermannControllerSettings())


@table.call("apply_ackermann_controller_settings", "int", "AckermannControllerSettings", returns=False)
def _set_ackermann_settings(host: ServerHost, actor: int, settings: AckermannControllerSettings) -> None:
    host.world.vehicle(actor)
    host.world.ackermann_settings[actor] = settings


@table.call("apply_control_to_walker", "int", "WalkerControl", returns=False)
def _walk(host: ServerHost, actor: int, control: WalkerControl) -> None:
    actor_commands.walk(host.world, actor, control)


@table.call("get_physics_control", "int")
def _physics_control(host: ServerHost, actor: int) -> VehiclePhysicsControl:
    return actor_commands.physics(host.world, actor)


@table.call("apply_physics_control", "int", "VehiclePhysicsControl", returns=False)
def _set_physics_control(host: ServerHost, actor: int, physics: VehiclePhysicsControl) -> None:
    actor_commands.set_physics(host.world, actor, physics)


# --- batches ----------------------------------------------------------------------------------------------------------


def _spawn_then(
    host: ServerHost,
    description: ActorDescription,
    place: Transform,
    parent: Any,
    attachment: int,
    socket: str,
    after: Any,
) -> int:
    world = host.world
    info = world.spawn(description, place, parent[1]) if len(parent) == 2 else world.spawn(description, place)
    for index, (actor, *rest) in after:
        _do(host, index, (actor or info.id, *rest))
    return info.id


def _destroy_one(host: ServerHost, actor: int) -> None:
    if not host.world.destroy(actor):
        raise CallRefused(f"unable to destroy actor {actor}: not found, or it belongs to the map")


def _walker_state(host: ServerHost, actor: int, place: Transform, speed: float) -> None:
    host.world.walker(actor)
    _transform(host, actor, place)


def _nothing(host: ServerHost, *arguments: Any) -> None:
    """Of no consequence here."""


_COMMANDS: dict[str, Callable[..., Any]] = {
    "SpawnActor": _spawn_then, "DestroyActor": _destroy_one, "ApplyVehicleControl": _control,
    "ApplyVehicleAckermannControl": _ackermann, "ApplyWalkerControl": _walk,
    "ApplyVehiclePhysicsControl": _set_physics_control, "ApplyTransform": _transform,
    "ApplyWalkerState": _walker_state, "ApplyTargetVelocity": _velocity, "ApplyTargetAngularVelocity": _angular,
    "ApplyImpulse": _impulse, "ApplyForce": _force, "ApplyAngularImpulse": angular_impulse, "ApplyTorque": torque,
    "SetSimulatePhysics": _physics, "SetEnableGravity": _gravity, "SetAutopilot": _nothing,
    "ShowDebugTelemetry": _nothing, "SetVehicleLightState": set_lights, "ApplyLocation": _location,
}  # fmt: skip


def _do(host: ServerHost, index: int, arguments: tuple[Any, ...]) -> int:
    """One command; the id of the actor it was about."""
    name = host.world.layout.commands[index]
    if name == "SetTrafficLightState":
        actor, state = arguments
        host.world.lights.set_state(host.world.light(actor), state)
        return int(actor)
    if name not in _COMMANDS:
        raise CallRefused(f"command {name}: not answered by this server")
    result = _COMMANDS[name](host, *arguments)
    first = arguments[0]
    return int(result) if name == "SpawnActor" else first if isinstance(first, int) else 0


def apply_batch(host: ServerHost, commands: tuple[Any, ...]) -> list[Any]:
    """An answer for each command."""
    decode = host.world.layout.decoder("Command")
    if len(commands) > 1:
        many = _controls(host, decode, commands)
        if many is not None:
            return many
    answers = []
    for command in commands:
        try:
            answers.append(answer_of(_do(host, *decode(command))))
        except CallRefused as problem:
            answers.append(refusal(str(problem)))
    return answers


def _controls(host: ServerHost, decode: Decoder, commands: tuple[Any, ...]) -> list[Any] | None:
    """A batch of nothing but controls, each of another vehicle, in one go (sent every frame). None: it is not one."""
    try:
        decoded = [decode(command) for command in commands]
    except CallRefused:
        return None
    control = host.world.layout.commands.index("ApplyVehicleControl")
    if not decoded or any(index != control for index, _ in decoded):
        return None
    numbers = [actor for _, (actor, _) in decoded]
    if not actor_commands.control_all(host.world, numbers, [asked for _, (_, asked) in decoded]):
        return None
    return [answer_of(number) for number in numbers]


@table.call("apply_batch", "list:any", "bool", bare=True)
def _batch(host: ServerHost, commands: tuple[Any, ...], tick: bool) -> list[Any]:
    return apply_batch(host, commands)
