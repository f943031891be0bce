"""CARLA by carla_ros_bridge as a node: the bridge's topics in, ``scene`` out; ``command`` in, pedals and steer out."""

from __future__ import annotations

from typing import Any

from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.domain.errors import TakeadError
from takead_ros.host import qos, wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import SceneConverter, command_from_msg, header_to_msg
from takead_ros.messages.fields import stamp_from_msg
from takead_ros.messages.interfaces import Qos
from takead_ros.nodes.parameters import declared, guard
from takead_ros.vehicles.carla.assembly import Body, SceneAssembly
from takead_ros.vehicles.carla.control import PedalParameters, actuate

LATCHED, BRIDGE = qos.profile(Qos(1, latched=True)), qos.profile(Qos(10))  # as carla_ros_bridge has them
SECOND = 1_000_000_000
WATCH_S = 0.05
STOPPING = -3.0  # m/s^2 while there is no command fit to apply


class CarlaNode:
    """Publishes ``scene`` for every ``/carla/<role>/odometry`` and ``/carla/<role>/vehicle_control_cmd`` for every
    ``command``; ``/diagnostics`` every second.

    Parameters: ``role_name``; ``length``, ``width`` (m, the ego's box, which the bridge does not tell; the default is
    the Tesla Model 3's); ``max_input_age`` (s between odometry and the other topics); ``max_command_age`` (s after
    which the vehicle brakes to a stop without straightening the wheel); the fields of ``PedalParameters``.

    Subscribes under ``/carla/<role>``: odometry, vehicle_status, vehicle_info, objects, waypoints; under ``/carla``:
    world_info, traffic_lights/info, traffic_lights/status. Raises TakeadError for a bad parameter or where carla_msgs
    or derived_object_msgs is not installed.
    """

    NAME = "carla_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._steady, self._logger = steady, node.get_logger()
        entries: list[tuple[str, Any]] = [
            ("role_name", "ego_vehicle"), ("length", 4.79), ("width", 2.16), ("max_input_age", 0.2),
            ("max_command_age", 0.25),
        ]  # fmt: skip
        given = node.declare_parameters("", entries)
        values = {name: p.value for (name, _), p in zip(entries, given, strict=True)}
        for name in ("length", "width", "max_input_age", "max_command_age"):
            if not values[name] > 0.0:
                raise TakeadError(f"{self.NAME}: parameter '{name}' = {values[name]}, expected a number above 0")
        if not values["role_name"].isidentifier():
            raise TakeadError(f"{self.NAME}: parameter 'role_name' = '{values['role_name']}', expected a topic name")
        self._pedals = declared(node, self.NAME, PedalParameters)
        guard(node, lambda: self._pedals, self._set_pedals)
        self._max_command_age_ns = round(values["max_command_age"] * SECOND)
        self._assembly = SceneAssembly(Body(values["length"], values["width"]), values["max_input_age"])
        self._converter = SceneConverter()
        self._command: DriveCommand | None = None
        self._received = self._actuated = self._reported_at = steady.now().nanoseconds
        self._integral = 0.0
        self._scenes = 0
        self._rejected = ""
        self._stamp = 0

        control = _message("carla_msgs/msg/CarlaEgoVehicleControl")
        role, a = f"/carla/{values['role_name']}", self._assembly
        self._scene = wiring.publisher(node, interfaces.SCENE)
        self._control = node.create_publisher(control, f"{role}/vehicle_control_cmd", BRIDGE)
        self._control_type = control
        self._diagnostics = wiring.publisher(node, interfaces.DIAGNOSTICS)
        self._name = f"{node.get_namespace().rstrip('/')}/{node.get_name()}"
        for kind, topic, take, profile in (
            ("carla_msgs/msg/CarlaWorldInfo", "/carla/world_info", a.on_world, LATCHED),
            ("carla_msgs/msg/CarlaEgoVehicleInfo", f"{role}/vehicle_info", a.on_info, LATCHED),
            ("nav_msgs/msg/Path", f"{role}/waypoints", a.on_waypoints, LATCHED),
            ("carla_msgs/msg/CarlaTrafficLightInfoList", "/carla/traffic_lights/info", a.on_light_info, LATCHED),
            ("carla_msgs/msg/CarlaTrafficLightStatusList", "/carla/traffic_lights/status", a.on_light_status,
             LATCHED),
            ("carla_msgs/msg/CarlaEgoVehicleStatus", f"{role}/vehicle_status", a.on_status, BRIDGE),
            ("derived_object_msgs/msg/ObjectArray", f"{role}/objects", a.on_objects, BRIDGE),
            ("nav_msgs/msg/Odometry", f"{role}/odometry", self._on_odometry, BRIDGE),
        ):  # fmt: skip
            node.create_subscription(_message(kind), topic, self._guarded(topic, take), profile)
        wiring.subscription(node, interfaces.COMMAND, self._on_command)
        node.create_timer(WATCH_S, self._on_watch, clock=steady)

    def _set_pedals(self, parameters: PedalParameters) -> None:
        self._pedals = parameters

    def _guarded(self, topic: str, take: Any) -> Any:
        def receive(msg: Any) -> None:
            try:
                take(msg)
                return
            except TakeadError as error:
                self._rejected = f"{topic}: {error}"
            self._logger.error(self._rejected)

        return receive

    def _on_odometry(self, msg: Any) -> None:
        self._stamp = stamp_from_msg(msg)
        scene = self._assembly.scene(msg)
        if scene is not None:
            self._scenes += 1
            self._scene.publish(self._converter.to_msg(scene))

    def _on_command(self, msg: Any) -> None:
        try:
            self._command = command_from_msg(msg)
        except TakeadError as error:
            self._logger.error(f"command dropped: {error}")
            return
        self._received = self._steady.now().nanoseconds
        self._actuate(self._command)

    def _actuate(self, command: DriveCommand) -> None:
        ego = self._assembly.ego
        if ego is None:
            return
        now = self._steady.now().nanoseconds
        dt, self._actuated = min((now - self._actuated) / SECOND, 2.0 * WATCH_S), now
        pedals = actuate(
            command, ego.speed, ego.acceleration, ego.max_steering_angle, self._integral, dt, self._pedals
        )  # fmt: skip
        self._integral = pedals.integral
        self._control.publish(
            self._control_type(
                header=header_to_msg(self._stamp, "base_link"), steer=pedals.steer, throttle=pedals.throttle,
                brake=pedals.brake,
            )
        )  # fmt: skip

    def _on_watch(self) -> None:
        """Brake where commands stay away, and report."""
        now = self._steady.now().nanoseconds
        silent = now - self._received > self._max_command_age_ns
        if silent:
            steering = 0.0 if self._command is None else self._command.steering_angle
            self._actuate(DriveCommand(self._stamp, steering, STOPPING, Source.MRM, Source.MRM, reason="no_command"))
        if now - self._reported_at >= SECOND:
            self._reported_at = now
            self._report(silent)

    def _report(self, silent: bool) -> None:
        status, fault = types.DiagnosticStatus, self._assembly.fault
        level, message = status.OK, "driving"
        if silent:
            level, message = status.WARN, f"no command for {self._max_command_age_ns / SECOND:.2f} s: braking to a stop"
        if fault:
            level, message = status.ERROR, f"no scene: {fault}"
        values = {"scenes": str(self._scenes), "last_rejected": self._rejected}
        entry = status(
            level=level, name=f"{self._name}: bridge", message=message, hardware_id="carla",
            values=[types.KeyValue(key=key, value=value) for key, value in values.items()],
        )  # fmt: skip
        self._diagnostics.publish(types.DiagnosticArray(header=header_to_msg(self._stamp, ""), status=[entry]))


def _message(kind: str) -> Any:
    """A message class of another package. Raises TakeadError where that package is not there."""
    try:
        return types.message(kind)
    except (ImportError, AttributeError, KeyError) as error:
        package = kind.split("/")[0]
        raise TakeadError(
            f"carla_node: message type {kind} is not there ({error!r}); expected the ROS package '{package}' sourced"
        ) from error
