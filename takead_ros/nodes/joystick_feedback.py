"""What the safety driver is told through the pad or wheel, and how long a hand-over that was asked for took."""

from __future__ import annotations

from typing import Any

from takead_ros.domain.driving import Source
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces, types
from takead_ros.takeover.haptics import Pulses, Told, pulses
from takead_ros.takeover.notice import Asked, NoticeLevel

BELL = "\a"
BELL_NS = 2 * SECOND  # between two rings


class JoystickFeedback:
    """Subscribes ``operator/status``; publishes ``/joy/set_feedback``, which joy_node makes the device's rumble, and
    rings the terminal's bell while a takeover is asked for. ``rumble``: how strong at most, 0..1.

    ``hand_over_s``: from the moment that a takeover was asked for until the person had steering or pedals, the last
    time; None before that.
    """

    def __init__(self, node: NodeHandle, steady: Clock, rumble: float, bell: bool) -> None:
        self._steady, self._logger = steady, node.get_logger()
        self._rumble, self._bell = rumble, bell
        self._feedback = wiring.publisher(node, interfaces.JOY_FEEDBACK)
        self._told: Told | None = None
        self._pulses: Pulses | None = None
        self._began = 0  # ns of the steady clock
        self._strength = 0.0  # what the device was told last
        self._asked_at: int | None = None
        self._rung_at: int | None = None
        self.hand_over_s: float | None = None
        wiring.subscription(node, interfaces.OPERATOR_STATUS, self._on_status)

    def _on_status(self, msg: Any) -> None:
        try:
            drivers = frozenset({Source(msg.lateral_source), Source(msg.longitudinal_source)})
            told = Told(drivers, Asked(msg.asked), NoticeLevel(msg.alarm))
        except ValueError:  # of another version: what is not known is not told
            return
        if told == self._told:
            return
        now = self._steady.now().nanoseconds
        self._measure(told, now)
        self._pulses, self._began, self._told = pulses(self._told, told), now, told
        self.update()

    def _measure(self, told: Told, now: int) -> None:
        if self._asked_at is not None and Source.HUMAN in told.drivers:
            self.hand_over_s = (now - self._asked_at) / SECOND
            self._logger.info(f"taken over {self.hand_over_s:.2f} s after it was asked for")
        if told.asked is not Asked.TAKE_OVER or Source.HUMAN in told.drivers:
            self._asked_at = self._rung_at = None
        elif self._asked_at is None:
            self._asked_at = now

    def update(self) -> None:
        """Tell the device what it should do now, where that is something else than before. To be called often."""
        now = self._steady.now().nanoseconds
        felt = 0.0 if self._pulses is None else self._pulses.at((now - self._began) / SECOND)
        strength = self._rumble * felt
        if strength != self._strength:
            self._strength = strength
            kind = types.JoyFeedback.TYPE_RUMBLE
            self._feedback.publish(types.JoyFeedback(type=kind, id=0, intensity=strength))
        if self._bell and self._asked_at is not None and (self._rung_at is None or now - self._rung_at >= BELL_NS):
            self._rung_at = now
            self._logger.error(f"TAKE OVER{BELL}")
