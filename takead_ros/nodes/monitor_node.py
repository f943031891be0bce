"""The monitor as a node: asks for the expert while a trigger is active, and is heard ten times a second otherwise."""

from __future__ import annotations

from typing import Any

from takead_ros.compiled import prepare
from takead_ros.domain.driving import DriverOutput, TakeoverRequest, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces
from takead_ros.messages.convert import SceneConverter, driver_from_msg, request_to_msg
from takead_ros.nodes.diagnostics import Diagnostics, Level, Part
from takead_ros.nodes.parameters import Declared
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.triggers import MonitorState, evaluate_triggers

DIAGNOSTICS_PERIOD_NS = 1_000_000_000
HEARTBEAT_NS = 100_000_000  # of scene time between two words where there is nothing to ask for


class MonitorNode:
    """Subscribes ``scene``, ``policy/output``, ``expert/output``; publishes ``takeover/request``, ``/diagnostics``.

    A request with trigger NONE says that the policy was looked at and nothing is wrong: the arbiter lets the policy
    drive only while it hears that.

    Parameters: the fields of ``MonitorParameters``. Raises TakeadError for a value that does not fit.
    """

    NAME = "monitor_node"
    MANAGED = True

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        prepare()  # no scene waits for the compiler
        self._steady = steady
        self._parameters = Declared(node, self.NAME, MonitorParameters)
        self._converter, self._memory = SceneConverter(), MonitorState()
        self._scene: Scene | None = None
        self._outputs: dict[str, DriverOutput | None] = {"policy": None, "expert": None}
        self._evaluated, self._asking = -1, False
        self._last_stamp: int | None = None  # stamp (ns) of the last word
        self._unreadable, self._why, self._last = 0, "", "none"
        self._reported_at = steady.now().nanoseconds
        self._request = wiring.publisher(node, interfaces.REQUEST)
        self._diagnostics = Diagnostics(node)
        wiring.subscription(node, interfaces.SCENE, self._on_scene)
        wiring.subscription(node, interfaces.POLICY_OUTPUT, self._on_policy)
        wiring.subscription(node, interfaces.EXPERT_OUTPUT, self._on_expert)
        node.create_timer(self._parameters.value.period_s, self._on_timer, clock=steady)

    def _on_scene(self, msg: Any) -> None:
        try:
            self._scene = self._converter.from_msg(msg)
        except TakeadError as error:
            self._unreadable, self._why = self._unreadable + 1, str(error)

    def _on_policy(self, msg: Any) -> None:
        self._keep("policy", msg)

    def _on_expert(self, msg: Any) -> None:
        self._keep("expert", msg)

    def _keep(self, name: str, msg: Any) -> None:
        try:
            self._outputs[name] = driver_from_msg(msg)
        except TakeadError as error:  # as good as no output: the policy is unhealthy, the expert no witness
            self._outputs[name] = None
            self._unreadable, self._why = self._unreadable + 1, str(error)

    def _on_timer(self) -> None:
        scene = self._scene
        if scene is not None and scene.stamp != self._evaluated:
            self._evaluated = scene.stamp
            try:
                request, self._memory = evaluate_triggers(
                    scene, self._outputs["policy"], self._outputs["expert"], self._memory, self._parameters.value
                )
            except TakeadError as error:  # no word: the arbiter lets nobody's policy drive unwatched
                self._unreadable, self._why = self._unreadable + 1, str(error)
            else:
                self._say(request)
        self._publish_diagnostics()

    def _say(self, request: TakeoverRequest) -> None:
        """Publish a request while it asks, once when it no longer does, and as a heartbeat."""
        asking = request.trigger is not Trigger.NONE
        rested = self._last_stamp is None or not 0 <= request.stamp - self._last_stamp < HEARTBEAT_NS
        if asking or self._asking or rested:
            self._request.publish(request_to_msg(request))
            self._last_stamp = request.stamp
        if asking:
            self._last = f"{request.trigger.name}: {request.text}"
        self._asking = asking

    def _publish_diagnostics(self) -> None:
        now = self._steady.now().nanoseconds
        if now - self._reported_at < DIAGNOSTICS_PERIOD_NS:
            return
        self._reported_at = now
        level, message = (Level.WARN, "asks for the expert") if self._asking else (Level.OK, "no trigger")
        if self._scene is None:
            level, message = Level.ERROR, "no scene"
        values = {"last": self._last, "unreadable": self._unreadable, "last_unreadable": self._why}
        stamp = self._scene.stamp if self._scene is not None else 0
        self._diagnostics.publish(stamp, Part("triggers", level, message, values))
