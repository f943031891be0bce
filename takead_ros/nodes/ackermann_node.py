"""``command`` to a vehicle that takes ackermann_msgs/AckermannDriveStamped."""

from __future__ import annotations

import math
from typing import Any

from takead_ros.domain.driving import DriveCommand
from takead_ros.domain.errors import TakeadError
from takead_ros.host import qos, wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import command_from_msg, header_to_msg
from takead_ros.messages.interfaces import Qos
from takead_ros.nodes.parameters import declared, guard
from takead_ros.vehicles.ackermann import AckermannParameters, Drive, drive, stop

SECOND = 1_000_000_000
WATCH_S = 0.05


class AckermannNode:
    """Subscribes ``command`` and ``scene`` (the ego's speed); publishes ``ackermann_cmd`` for every command and
    ``/diagnostics`` every second.

    Parameters: ``max_input_age`` (s by the steady clock: without a command or a speed that fresh the vehicle is told to
    stop, the wheel held) and the fields of ``AckermannParameters``. Raises TakeadError for a value that does not fit or
    where ackermann_msgs is not installed.
    """

    NAME = "ackermann_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._steady, self._logger = steady, node.get_logger()
        (max_age,) = (p.value for p in node.declare_parameters("", [("max_input_age", 0.25)]))
        if not 0.05 <= max_age <= 1.0:
            raise TakeadError(f"{self.NAME}: parameter 'max_input_age' = {max_age}, expected 0.05 to 1 s")
        self._parameters = declared(node, self.NAME, AckermannParameters)
        guard(node, lambda: self._parameters, self._set_parameters)
        self._max_age_ns = round(max_age * SECOND)
        try:
            self._stamped = types.message("ackermann_msgs/msg/AckermannDriveStamped")
            self._drive = types.message("ackermann_msgs/msg/AckermannDrive")
        except (ImportError, AttributeError, KeyError) as error:
            raise TakeadError(f"{self.NAME}: expected the ROS package 'ackermann_msgs' sourced ({error!r})") from error
        self._command: DriveCommand | None = None
        self._commanded = self._seen = self._reported_at = steady.now().nanoseconds
        self._speed = math.nan
        self._name = f"{node.get_namespace().rstrip('/')}/{node.get_name()}"
        self._output = node.create_publisher(self._stamped, "ackermann_cmd", qos.profile(Qos(1)))
        self._diagnostics = wiring.publisher(node, interfaces.DIAGNOSTICS)
        wiring.subscription(node, interfaces.COMMAND, self._on_command)
        wiring.subscription(node, interfaces.SCENE, self._on_scene)
        node.create_timer(WATCH_S, self._on_watch, clock=steady)

    def _set_parameters(self, parameters: AckermannParameters) -> None:
        self._parameters = parameters

    def _on_scene(self, msg: Any) -> None:
        self._speed, self._seen = float(msg.ego.speed), self._steady.now().nanoseconds

    def _on_command(self, msg: Any) -> None:
        try:
            self._command = command_from_msg(msg)
        except TakeadError as error:
            self._logger.error(f"command dropped: {error}")
            return
        self._commanded = self._steady.now().nanoseconds
        if not self._fault():
            self._publish(drive(self._command, self._speed, self._parameters))

    def _fault(self) -> str:
        """Why the vehicle is told to stop, or empty."""
        now = self._steady.now().nanoseconds
        if self._command is None or now - self._commanded > self._max_age_ns:
            return "no command"
        if not math.isfinite(self._speed) or now - self._seen > self._max_age_ns:
            return "no scene, so no speed"
        return ""

    def _on_watch(self) -> None:
        fault, now = self._fault(), self._steady.now().nanoseconds
        if fault:
            held = 0.0 if self._command is None else self._command.steering_angle
            self._publish(stop(held, self._parameters))
        if now - self._reported_at >= SECOND:
            self._reported_at = now
            self._report(fault)

    def _publish(self, wanted: Drive) -> None:
        stamp = 0 if self._command is None else self._command.stamp
        self._output.publish(
            self._stamped(
                header=header_to_msg(stamp, "base_link"),
                drive=self._drive(
                    steering_angle=wanted.steering_angle, speed=wanted.speed, acceleration=wanted.acceleration
                ),
            )
        )

    def _report(self, fault: str) -> None:
        status = types.DiagnosticStatus
        entry = status(
            level=status.WARN if fault else status.OK, name=f"{self._name}: vehicle", hardware_id="",
            message=f"{fault}: told to stop" if fault else "driving",
        )  # fmt: skip
        stamp = 0 if self._command is None else self._command.stamp
        self._diagnostics.publish(types.DiagnosticArray(header=header_to_msg(stamp, ""), status=[entry]))
