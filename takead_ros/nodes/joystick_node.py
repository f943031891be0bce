"""The safety driver's pad or wheel as a node. Silence is the loss of the person, never a zero input."""

from __future__ import annotations

from typing import Any

from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import command_to_msg, stamp_from_msg
from takead_ros.nodes.diagnostics import Diagnostics, Level, Part
from takead_ros.nodes.joystick_feedback import JoystickFeedback
from takead_ros.nodes.joystick_mapping import load_mapping
from takead_ros.nodes.parameters import Declared
from takead_ros.nodes.settings import JoystickParameters
from takead_ros.takeover.joystick import JoystickState, Reading, command, interpret

WATCH_S = 0.05
REPEATED = "the stamp does not advance: an old message again"  # no sign of life of a device


class JoystickNode:
    """Subscribes ``/joy``; publishes ``human/command`` for every usable message and ``/diagnostics`` every second;
    calls ``engage``, ``disengage`` and ``recorder/bookmark`` when their buttons are pressed. What the arbiter tells the
    person is felt in the device (``JoystickFeedback``).

    Parameters: ``JoystickParameters``. Raises TakeadError for one that does not fit.

    Without ``/joy``, or with messages that do not fit the mapping or only repeat an old one, nothing is published: the
    arbiter then sees the person's heartbeat end. The stamp is the node's time of reception, because joy_node may run by
    another clock.
    """

    NAME = "joystick_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._clock, self._steady, self._logger = node.get_clock(), steady, node.get_logger()
        p = Declared(node, self.NAME, JoystickParameters).value
        self._mapping = load_mapping(p.mapping)
        if p.dead_man >= 0:
            buttons = self._mapping.buttons.model_copy(update={"dead_man": p.dead_man})
            self._mapping = self._mapping.model_copy(update={"buttons": buttons})
        self._heartbeat_ns = round(p.heartbeat_s * SECOND)
        self._memory, self._reading = JoystickState(), Reading(fault="no /joy yet")
        self._stamp = 0  # ns, of the last message; 0: its driver does not stamp
        self._received: int | None = None
        self._reported_at = steady.now().nanoseconds
        self._rejected = self._losses = 0

        self._human = wiring.publisher(node, interfaces.HUMAN_COMMAND)
        self._feedback = JoystickFeedback(node, steady, p.rumble, p.bell)
        self._diagnostics = Diagnostics(node)
        self._clients = {
            "engage": (wiring.client(node, interfaces.ENGAGE), types.Engage.Request),
            "disengage": (wiring.client(node, interfaces.DISENGAGE), types.Disengage.Request),
            "bookmark": (wiring.client(node, interfaces.BOOKMARK), types.Bookmark.Request),
        }
        wiring.subscription(node, interfaces.JOY, self._on_joy)
        node.create_timer(WATCH_S, self._on_watch, clock=steady)

    def _on_joy(self, msg: Any) -> None:
        stamp, before = stamp_from_msg(msg), self._stamp
        self._stamp = stamp
        if stamp and stamp == before:
            reading = Reading(fault=REPEATED)
        else:
            reading, self._memory = interpret(msg.axes, msg.buttons, self._memory, self._mapping)
        if reading.fault:
            self._rejected += 1
            if reading.fault != self._reading.fault:
                self._logger.error(f"/joy rejected: {reading.fault}")
            self._reading = reading
            return
        if self._received is None:
            self._logger.info(f"joystick '{self._mapping.name}' is there")
        self._reading, self._received = reading, self._steady.now().nanoseconds
        self._human.publish(command_to_msg(command(reading, self._clock.now().nanoseconds)))
        for button in sorted(reading.pressed):
            self._call(button)

    def _call(self, button: str) -> None:
        client, request = self._clients[button]
        if not client.service_is_ready():
            self._logger.warning(f"button {button}: nobody offers the service")
            return
        client.call_async(request()).add_done_callback(lambda future: self._answered(button, future.result()))

    def _answered(self, button: str, response: Any) -> None:
        if response.accepted:
            self._logger.info(f"{button}: {response.message}")
        else:
            self._logger.warning(f"{button} refused ({response.code}): {response.message}")

    def _on_watch(self) -> None:
        self._feedback.update()
        now = self._steady.now().nanoseconds
        if self._received is not None and now - self._received > self._heartbeat_ns:
            self._losses += 1
            self._logger.error(f"joystick lost: no usable /joy for {(now - self._received) / SECOND:.2f} s")
            # it may come back uncalibrated, with other buttons held
            self._received, self._memory = None, JoystickState()
        if now - self._reported_at >= SECOND:
            self._reported_at = now
            self._report(now)

    def _report(self, now: int) -> None:
        level, message = Level.OK, "receiving"
        if self._received is None:
            level, message = Level.ERROR, "no joystick"
        elif self._reading.uncalibrated:
            level, message = Level.WARN, f"press and release once: {', '.join(sorted(self._reading.uncalibrated))}"
        values = {
            "mapping": self._mapping.name,
            "age_s": "never" if self._received is None else f"{(now - self._received) / SECOND:.3f}",
            "rejected": self._rejected,
            "losses": self._losses,
            "dead_man_held": self._reading.allowed,
            "fault": self._reading.fault,
            "hand_over_s": "never" if (took := self._feedback.hand_over_s) is None else f"{took:.2f}",
        }
        self._diagnostics.publish(self._clock.now().nanoseconds, Part("joystick", level, message, values))
