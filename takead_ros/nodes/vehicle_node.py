"""A vehicle as a node: its messages in, ``scene`` and ``episode`` out; ``command`` in, its own message out."""

from __future__ import annotations

from typing import Any

from takead_ros.domain.driving import DRIVERS, DriveCommand
from takead_ros.domain.errors import TakeadError
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces
from takead_ros.messages.convert import SceneConverter, episode_to_msg
from takead_ros.nodes.commands import usable_command
from takead_ros.nodes.diagnostics import Diagnostics, Level, Part
from takead_ros.nodes.parameters import Declared
from takead_ros.vehicles import Input, open_vehicle

SECOND = 1_000_000_000
WATCH_S = 0.05
SLOWEST, FASTEST = 0.7, 1.4  # of real time; ages of inputs hold for scenes that come in real time


class VehicleNode:
    """Publishes ``scene`` and ``episode`` as the vehicle side tells them, the vehicle's own message for every
    ``command``, and ``/diagnostics`` every second.

    Where commands stay away, or cannot be carried out, the vehicle is told to stop with the wheel held. Parameters:
    ``vehicle``, a row of ``vehicles.VEHICLES``, and that row's own. Raises TakeadError for one that does not fit or
    where the vehicle's message packages are not installed.
    """

    NAME = "vehicle_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._steady, self._logger = steady, node.get_logger()
        (chosen,) = node.declare_parameters("", [("vehicle", "carla")])
        row = open_vehicle(chosen.value)
        self._parameters = Declared(node, self.NAME, row.parameters, {"vehicle": chosen.value})
        self._side = row.make(lambda: self._parameters.value)
        self._converter = SceneConverter()
        self._command: DriveCommand | None = None
        self._carried = False  # whether the last command could be carried out
        self._received = self._reported_at = steady.now().nanoseconds
        self._stamp = self._reported_stamp = 0  # of the newest scene, and of the one at the last report
        self._rejected, self._dropped = 0, ""
        self._told = self._side.episode()
        self._scene = wiring.publisher(node, interfaces.SCENE)
        self._episode = wiring.publisher(node, interfaces.EPISODE)
        self._output = wiring.publisher(node, self._side.output)
        self._diagnostics = Diagnostics(node)
        for one in self._side.inputs:
            wiring.subscription(node, one.interface, self._receiver(one))
        wiring.subscription(node, interfaces.COMMAND, self._on_command)
        node.create_timer(WATCH_S, self._on_watch, clock=steady)

    def _receiver(self, one: Input) -> Any:
        def receive(msg: Any) -> None:
            try:
                scene = one.take(msg, self._steady.now().nanoseconds)
            except (TakeadError, ValueError, ArithmeticError, IndexError) as error:
                self._reject(f"{one.interface.name}: {error}")
                return
            episode = self._side.episode()
            if episode is not None and episode != self._told:
                self._told = episode
                self._episode.publish(episode_to_msg(episode))
            if scene is not None:
                self._stamp = scene.stamp
                self._scene.publish(self._converter.to_msg(scene))

        return receive

    def _reject(self, why: str) -> None:
        self._rejected += 1
        if why != self._dropped:
            self._logger.error(f"rejected: {why}")
        self._dropped = why

    def _on_command(self, msg: Any) -> None:
        try:
            self._command = usable_command(msg)
        except TakeadError as error:
            self._reject(f"command: {error}")
            return
        now = self._received = self._steady.now().nanoseconds
        carried = self._side.carry_out(self._command, now)
        self._carried = carried is not None
        if carried is not None:
            self._output.publish(carried)

    def _on_watch(self) -> None:
        """Stop where commands stay away or cannot be carried out, and report."""
        now, most_s = self._steady.now().nanoseconds, self._parameters.value.max_command_age_s
        silent = self._command is None or now - self._received > most_s * SECOND
        if silent or not self._carried:
            held = 0.0 if self._command is None else self._command.steering_angle
            self._output.publish(self._side.stop(held, now))
        if now - self._reported_at >= SECOND:
            pace = (self._stamp - self._reported_stamp) / (now - self._reported_at)
            self._reported_at, self._reported_stamp = now, self._stamp
            level, message = self._state(silent, self._side.fault(now), pace)
            values = {
                **self._side.figures(),
                "real_time_factor": f"{pace:.2f}",
                "rejected": self._rejected,
                "last_rejected": self._dropped,
            }
            self._diagnostics.publish(self._stamp, Part("vehicle", level, message, values))

    def _state(self, silent: bool, fault: str, pace: float) -> tuple[Level, str]:
        """Green only while somebody drives, in real time. pace: time of the scenes over the steady clock's; 0: none."""
        if fault:
            return Level.ERROR, fault
        if silent or self._command is None:
            return Level.WARN, f"no command for {self._parameters.value.max_command_age_s:.2f} s: told to stop"
        if self._command.longitudinal not in DRIVERS:
            return Level.WARN, f"nobody drives ({self._command.longitudinal.name}): {self._command.reason}"
        if pace > 0.0 and not SLOWEST <= pace <= FASTEST:
            return Level.WARN, f"scenes come at {pace:.2f} of real time: nobody can drive by them"
        return Level.OK, f"driven by {self._command.longitudinal.name}"
