"""A clip played to policy_node, scene by scene: the next one goes out when the last one is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from takead_ros.domain.driving import DriverOutput
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import convert, interfaces, types
from takead_ros.messages.fields import time_to_msg
from takead_ros.nodes.parameters import Declared
from takead_ros.nodes.settings import ReplayParameters
from takead_ros.recording.comparison import TOLERANCE, ReplayDifference, judge, recorded_outputs
from takead_ros.recording.gaps import header_stamp

TICK_S = 0.01
AGAIN_NS = SECOND // 2  # a scene without its answer is sent again after so long
SETTLE_NS = SECOND  # from the first sight of a subscriber to the first scene: it is to hear /clock before


class ReplayNode:
    """Publishes the clip's ``scene`` messages as they were recorded, and ``/clock``, which stands at the clip's first
    moment; subscribes ``policy/output``. At the end it says how far the answers are from the recorded ones: ``ended``
    is 0 where they are the same within ``recording.comparison.TOLERANCE``, else 1.

    Scenes are sent best effort and can be lost: one that has an answer in the clip is waited for and sent again, for
    ``patience_s`` at most. Parameters: ``ReplayParameters``. Raises TakeadError for a clip that cannot be replayed.
    """

    NAME = "replay_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._node, self._steady, self._logger = node, steady, node.get_logger()
        p = self._parameters = Declared(node, self.NAME, ReplayParameters).value
        if not p.clip:
            raise TakeadError(f"{self.NAME}: parameter 'clip' is empty, expected the folder of a clip")
        self._scenes, self._before = recorded_outputs(Path(p.clip))
        self._answers: dict[int, DriverOutput] = {}
        self._next = 0  # the scene to send
        self._waits_for: int | None = None  # stamp of the scene whose answer is waited for
        self._since = steady.now().nanoseconds
        self._sent = 0  # when a scene went out last
        self._listener = False  # whether somebody listens to scenes
        self.ended: int | None = None
        self.result: ReplayDifference | None = None
        self._clock = wiring.publisher(node, interfaces.CLOCK)
        self._scene = wiring.publisher(node, interfaces.SCENE)
        wiring.subscription(node, interfaces.POLICY_OUTPUT, self._on_output)
        node.create_timer(TICK_S, self._on_tick, clock=steady)

    def _on_output(self, msg: Any) -> None:
        output = convert.driver_from_msg(msg)
        if output.stamp in self._before:
            self._answers.setdefault(output.stamp, output)

    def _on_tick(self) -> None:
        now = self._steady.now().nanoseconds
        if self.ended is not None:
            return
        # No scene has this stamp, so that no word of policy_node's about missing scenes passes for an answer.
        self._clock.publish(types.Clock(clock=time_to_msg(self._scenes[0][0] - 1)))
        if not self._listener:
            self._listener, self._since = self._node.count_subscribers(interfaces.SCENE.name) > 0, now
        elif self._next == 0 and now - self._since < SETTLE_NS:
            pass
        elif self._answered(now):
            self._send(now)
        elif now - self._sent >= AGAIN_NS:  # it may be lost: whoever answered it does not answer it again
            self._sent = now
            self._scene.publish(self._scenes[self._next - 1][1])

    def _answered(self, now: int) -> bool:
        waited = now - self._since > self._parameters.patience_s * SECOND
        return self._waits_for is None or self._waits_for in self._answers or waited

    def _send(self, now: int) -> None:
        """The next scene, or the verdict behind the last."""
        if self._next == len(self._scenes):
            self._judge()
            return
        data = self._scenes[self._next][1]
        stamp = header_stamp(data)
        self._next, self._since, self._sent = self._next + 1, now, now
        self._waits_for = stamp if stamp in self._before else None
        self._scene.publish(data)

    def _judge(self) -> None:
        p = self._parameters
        result = self.result = judge(Path(p.clip), self._before, self._answers, p.any_model)
        for name, value in result.worst.items():
            self._logger.info(f"{name}: at most {value:.6f} apart, {TOLERANCE[name]} allowed")
        for problem in result.problems[:10]:
            self._logger.error(problem)
        self._logger.info(f"{result.frames} outputs compared: {'the same' if result.ok else 'NOT THE SAME'}")
        self.ended = 0 if result.ok else 1
