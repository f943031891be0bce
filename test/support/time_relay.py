"""Between simulator and stack: what the simulator says of time and world goes on as it is, late, elsewhere or not."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

from takead_ros.domain.units import SECOND
from takead_ros.host import qos, wiring
from takead_ros.messages import interfaces, types
from takead_ros.messages.fields import time_from_msg, time_to_msg

REMAPPED = ("/clock:=/simulator/clock", "scene:=simulator/scene")  # of the simulator


class TimeRelay:
    """Publishes ``/clock`` and ``scene`` for a simulator that was started with ``REMAPPED``.

    clock_shift_s, scene_shift_s: added to the time that ``/clock`` says, and to the stamps of the scenes.
    clock_stands: no ``/clock`` goes on. picture_stands: the scenes keep what they showed, with the stamps of now.
    """

    def __init__(self, node: Node) -> None:
        self.clock_shift_s = self.scene_shift_s = 0.0
        self.clock_stands = self.picture_stands = False
        self._shown: Any = None
        self._clock, self._scene = (
            wiring.publisher(node, interfaces.CLOCK),
            wiring.publisher(node, interfaces.SCENE),
        )
        for interface, name, callback in (
            (interfaces.CLOCK, "/simulator/clock", self._on_clock),
            (interfaces.SCENE, "simulator/scene", self._on_scene),
        ):
            node.create_subscription(interface.message, name, callback, qos.profile(interface.qos))

    def mend(self) -> None:
        """Nothing is wrong any more: clock and scenes tell the same time and what is there."""
        self.clock_stands = self.picture_stands = False
        self.clock_shift_s = self.scene_shift_s

    def jump(self, seconds: float) -> None:
        """Time jumps for clock and scenes alike, as where a simulator begins anew or a recording is played again."""
        self.clock_shift_s += seconds
        self.scene_shift_s += seconds

    def _on_clock(self, msg: Any) -> None:
        if not self.clock_stands:
            self._clock.publish(types.Clock(clock=_shifted(msg.clock, self.clock_shift_s)))

    def _on_scene(self, msg: Any) -> None:
        stamp = _shifted(msg.header.stamp, self.scene_shift_s)
        if not self.picture_stands or self._shown is None:
            self._shown = msg
        self._shown.header.stamp = stamp
        self._scene.publish(self._shown)


def _shifted(time: Any, seconds: float) -> Any:
    return time_to_msg(max(time_from_msg(time) + round(seconds * SECOND), 0))
