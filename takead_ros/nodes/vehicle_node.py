"""A vehicle as a node: its messages in, ``scene`` and ``episode`` out; ``command`` in, its own message out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from takead_ros.domain.driving import DRIVERS, DriveCommand
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces
from takead_ros.messages.convert import SceneConverter, episode_to_msg
from takead_ros.nodes.commands import CommandInput
from takead_ros.nodes.diagnostics import Diagnostics, Level, Part
from takead_ros.nodes.parameters import Declared
from takead_ros.vehicles import Input, open_vehicle

WATCH_S = 0.05
LONGEST_STEP_S = 0.5  # for so long a command is held for the end of a step
SLOWEST, FASTEST = 0.7, 1.4  # of real time; ages of inputs hold for scenes that come in real time


class VehicleNode:
    """Publishes ``scene`` and ``episode`` as the vehicle side tells them, the vehicle's own message for every
    ``command``, and ``/diagnostics`` every second.

    Where commands stay away, or cannot be carried out, the vehicle is told to stop with the wheel held. A simulator
    whose steps have an end (``Input.ends_step``) gets one message for each, behind it. Parameters: ``vehicle``, a row
    of ``vehicles.VEHICLES``, and that row's own. Raises TakeadError for one that does not fit or where the vehicle's
    message packages are not installed.
    """

    NAME = "vehicle_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._steady, self._logger = steady, node.get_logger()
        (chosen,) = node.declare_parameters("", [("vehicle", "carla")])
        row = open_vehicle(chosen.value)
        self._parameters = Declared(node, self.NAME, row.parameters, {"vehicle": chosen.value})
        self._side = row.make(lambda: self._parameters.value)
        self._converter = SceneConverter()
        self._command = CommandInput()
        self._carried = False  # whether the last command could be carried out
        self._stepped = any(one.ends_step for one in self._side.inputs)
        self._answered, self._answered_at = False, 0  # whether and when the step that ended last had its command
        self._held: DriveCommand | None = None  # for the end of a step
        self._reported_at = steady.now().nanoseconds
        self._stamp = self._reported_stamp = 0  # of the newest scene, and of the one at the last report
        self._rejected, self._dropped = 0, ""
        self._announced = self._side.episode()
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
            if episode is not None and episode != self._announced:
                self._announced = episode
                self._episode.publish(episode_to_msg(episode))
            if scene is not None:
                self._stamp = scene.stamp
                self._scene.publish(self._converter.to_msg(scene))
            if one.ends_step:
                self._answered = False
                if self._held is not None:
                    self._carry_out(self._held, self._steady.now().nanoseconds)

        return receive

    def _reject(self, why: str) -> None:
        self._rejected += 1
        if why != self._dropped:
            self._logger.error(f"rejected: {why}")
        self._dropped = why

    def _on_command(self, msg: Any) -> None:
        now = self._steady.now().nanoseconds
        try:
            command = self._command.take(msg, now)
        except TakeadError as error:
            self._reject(f"command: {error}")
            return
        if self._stepped and self._answered and now - self._answered_at < LONGEST_STEP_S * SECOND:
            self._held = command
        else:
            self._carry_out(command, now)

    def _carry_out(self, command: DriveCommand, now: int) -> None:
        self._held, self._answered, self._answered_at = None, True, now
        carried = self._side.carry_out(command, now)
        self._carried = carried is not None
        if carried is not None:
            self._output.publish(carried)

    def _on_watch(self) -> None:
        """Stop where commands stay away or cannot be carried out, and report."""
        now, most_s = self._steady.now().nanoseconds, self._parameters.value.max_command_age_s
        if self._held is not None and now - self._answered_at >= LONGEST_STEP_S * SECOND:
            self._carry_out(self._held, now)
        silence = self._command.silence(now, most_s)
        if silence or not self._carried:
            self._output.publish(self._side.stop(self._command.steering_angle, now))
        if now - self._reported_at >= SECOND:
            pace = (self._stamp - self._reported_stamp) / (now - self._reported_at)
            self._reported_at, self._reported_stamp = now, self._stamp
            figures = {**self._side.figures(), "rejected": self._rejected, "last_rejected": self._dropped}
            part = vehicle_part(self._side.fault(now), silence, self._command.value, pace, figures)
            self._diagnostics.publish(self._stamp, part)


def vehicle_part(
    fault: str, silence: str, command: DriveCommand | None, pace: float, figures: Mapping[str, object]
) -> Part:
    """Green only while somebody drives, in real time. fault: of the vehicle's side; silence: why there is no command to
    carry out; pace: time of the scenes over the steady clock's, 0 where there was no scene."""
    values = {**figures, "real_time_factor": f"{pace:.2f}"}
    level, message = Level.WARN, ""
    if fault:
        level, message = Level.ERROR, fault
    elif silence or command is None:
        message = f"{silence}: told to stop"
    elif command.longitudinal not in DRIVERS:
        message = f"nobody drives ({command.longitudinal.name}): {command.reason}"
    elif pace > 0.0 and not SLOWEST <= pace <= FASTEST:
        message = f"scenes come at {pace:.2f} of real time: nobody can drive by them"
    else:
        level, message = Level.OK, f"driven by {command.longitudinal.name}"
    return Part("vehicle", level, message, values)
