"""Somebody beside the stack under ROS 2: the person at ``/joy``, who hears what the arbiter says and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor

from takead_ros.domain.driving import ArbiterMode
from takead_ros.host import wiring
from takead_ros.messages import interfaces, types

RELEASED = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]  # an Xbox pad's axes at rest: both triggers are at 1


class Onlooker:
    """A node in ROS domain ``domain``. ``commands``, ``modes`` and ``scenes`` hold what came with its time of reception
    by the steady clock, in s; ``axes`` is what ``/joy`` says at 50 Hz (None: nothing)."""

    def __init__(self, domain: int) -> None:
        self.axes: list[float] | None = None
        self.commands: list[tuple[float, Any]] = []
        self.modes: list[tuple[float, ArbiterMode]] = []
        self.scenes: list[tuple[float, Any]] = []
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = rclpy.create_node("onlooker", context=self._context, namespace="takead")
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._joy = wiring.publisher(self.node, interfaces.JOY)
        self.node.create_timer(0.02, self._press)
        hear = self.hear
        hear(interfaces.COMMAND, lambda msg: self.commands.append((time.monotonic(), msg)))
        hear(interfaces.ARBITER_STATE, lambda msg: self.modes.append((time.monotonic(), ArbiterMode(msg.state))))
        hear(interfaces.SCENE, lambda msg: self.scenes.append((time.monotonic(), msg)))
        self._engage = wiring.client(self.node, interfaces.ENGAGE)

    def hear(self, interface: interfaces.Interface, callback: Callable[[Any], None]) -> None:
        wiring.subscription(self.node, interface, callback)

    def _press(self) -> None:
        if self.axes is not None:
            joy = types.Joy(axes=self.axes, buttons=[0] * 11)
            joy.header.stamp = self.node.get_clock().now().to_msg()
            self._joy.publish(joy)

    @property
    def mode(self) -> ArbiterMode:
        """The arbiter's, as it was told last."""
        return self.modes[-1][1] if self.modes else ArbiterMode.DISENGAGED

    @property
    def speed(self) -> float:
        """The ego's in m/s, as it was seen last."""
        return float(self.scenes[-1][1].ego.speed) if self.scenes else 0.0

    @property
    def driven(self) -> bool:
        """Whether the automation drives."""
        return self.mode in (ArbiterMode.POLICY, ArbiterMode.EXPERT)

    def until(self, seconds: float, holds: Callable[[], bool] = lambda: False) -> bool:
        """Hear for so long, or until ``holds``; whether it does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not holds():
            self._executor.spin_once(timeout_sec=0.02)
        return holds()

    def engage(self) -> None:
        """Call the service; the answer shows in what the arbiter does."""
        self._engage.call_async(interfaces.ENGAGE.service.Request())

    def since(self, moment: float) -> list[Any]:
        """The commands that were received after ``moment``."""
        return [msg for at, msg in self.commands if at > moment]

    def longest_gap(self, moment: float) -> float:
        """Seconds between two commands, or from ``moment`` to the first after it, or from the last one to now."""
        return _longest_gap(self.commands, moment)

    def longest_blindness(self, moment: float) -> float:
        """The same between two scenes."""
        return _longest_gap(self.scenes, moment)

    def modes_since(self, moment: float) -> list[ArbiterMode]:
        """What the arbiter's mode was after ``moment``, each change once."""
        found: list[ArbiterMode] = []
        for at, mode in self.modes:
            if at > moment and found[-1:] != [mode]:
                found.append(mode)
        return found

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)


def _longest_gap(received: list[tuple[float, Any]], moment: float) -> float:
    times = [moment, *(at for at, _ in received if at > moment), time.monotonic()]
    return max(later - earlier for earlier, later in pairwise(times))
