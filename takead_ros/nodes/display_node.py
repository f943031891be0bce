"""The drive as markers for RViz and Foxglove: looks on, asks for nothing, and draws only where somebody watches."""

from __future__ import annotations

from functools import partial
from typing import Any

from takead_ros.display.picture import draw
from takead_ros.display.shapes import Key, vanished
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces
from takead_ros.messages.interfaces import Interface
from takead_ros.nodes.diagnostics import Diagnostics, Level, Part
from takead_ros.nodes.display_inputs import SHOWN, Gathered
from takead_ros.nodes.markers import to_markers
from takead_ros.nodes.parameters import Declared
from takead_ros.nodes.settings import DisplayParameters
from takead_ros.takeover.inputs import Now

LIFETIME_PERIODS = 5  # a marker outlives the message that it came with by so many periods


class DisplayNode:
    """Subscribes what the nodes of a drive say (``display_inputs.SHOWN``); publishes ``display/markers``,
    ``/diagnostics``.

    Parameters: the fields of ``DisplayParameters``. Raises TakeadError for a value that does not fit, and where ROS has
    no visualization_msgs.
    """

    NAME = "display_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._node, self._clock, self._steady = node, node.get_clock(), steady
        self._parameters = Declared(node, self.NAME, DisplayParameters)
        self._gathered = Gathered()
        self._last_keys: list[Key] = []
        self._reported_at = steady.now().nanoseconds
        try:
            self._markers = wiring.publisher(node, interfaces.DISPLAY)
        except ImportError as error:
            raise TakeadError(f"{self.NAME} needs ROS's package visualization_msgs, which is not here") from error
        self._diagnostics = Diagnostics(node)
        for interface in SHOWN:
            wiring.subscription(node, interface, partial(self._on_message, interface))
        node.create_timer(self._parameters.value.period_s, self._on_timer, clock=steady)

    def _on_message(self, interface: Interface, msg: Any) -> None:
        self._gathered.take(interface, msg, self._steady.now().nanoseconds)

    def _on_timer(self) -> None:
        now, p = Now(self._clock.now().nanoseconds, self._steady.now().nanoseconds), self._parameters.value
        if self._node.count_subscribers(interfaces.DISPLAY.name):
            shapes = draw(self._gathered.overview(now, p.stale_s), LIFETIME_PERIODS * p.period_s)
            self._markers.publish(to_markers(shapes, vanished(self._last_keys, shapes), self._gathered.stamp))
            self._last_keys = [shape.key for shape in shapes]
        else:
            self._last_keys = []
        if now.steady - self._reported_at >= SECOND:
            self._reported_at = now.steady
            self._report(now, p.stale_s)

    def _report(self, now: Now, stale_s: float) -> None:
        seen = self._gathered.overview(now, stale_s).scene is not None
        level, message = (Level.OK, "drawing") if seen else (Level.WARN, "no fresh scene to draw")
        if not self._last_keys:
            level, message = Level.OK, "nobody watches"
        values = {"markers": len(self._last_keys), "unreadable": self._gathered.unreadable}
        self._diagnostics.publish(now.ros, Part("markers", level, message, values))
