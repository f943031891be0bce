"""The learned policy as a node: answers the newest scene at a fixed rate, whoever drives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.host import qos
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import types
from takead_ros.messages.convert import SceneConverter, driver_to_msg, stamp_from_msg
from takead_ros.nodes.cadence import slot
from takead_ros.policy.model import Policy, load_model


class PolicyNode:
    """Subscribes ``scene``; publishes ``policy/output`` at ``rate`` Hz; serves ``policy/load_model``.

    Answers the first scene of each period, as the expert does; where scenes stay away, a timer says so.

    Parameters: ``model`` (path of an ONNX file; empty: none until the service loads one), ``provider``, ``rate`` (Hz),
    ``max_scene_age`` (s by the host's clock; an older scene is answered with STALE_INPUT). ``policy``, where given, is
    used instead of loading ``model``, so that an embedded run keeps its session. Raises TakeadError for a bad one.
    """

    NAME = "policy_node"

    def __init__(self, node: NodeHandle, steady: Clock, policy: Policy | None = None) -> None:
        self._node, self._steady = node, steady
        model, provider, rate, max_age = (
            p.value
            for p in node.declare_parameters(
                "", [("model", ""), ("provider", "cpu"), ("rate", 10.0), ("max_scene_age", 0.3)]
            )
        )
        if not rate > 0.0:
            raise TakeadError(f"{self.NAME}: parameter 'rate' = {rate}, expected a rate above 0 Hz")
        if not max_age > 0.0:
            raise TakeadError(f"{self.NAME}: parameter 'max_scene_age' = {max_age}, expected seconds above 0")
        self._provider, self._max_age_ns = str(provider), int(max_age * 1e9)
        self._policy = policy if policy is not None or not model else load_model(model, self._provider)
        self._converter = SceneConverter()
        self._period_ns = round(1e9 / rate)
        self._slot: int | None = None
        self._published_at: int | None = None
        self._scene: Any = None
        self._output = node.create_publisher(types.PolicyOutput, "policy/output", qos.OUTPUT)
        node.create_subscription(types.Scene, "scene", self._on_scene, qos.SCENE)
        node.create_service(types.LoadModel, "policy/load_model", self._on_load)
        node.create_timer(1.0 / rate, self._on_timer)

    def _on_scene(self, msg: Any) -> None:
        self._scene = msg
        number = slot(stamp_from_msg(msg), self._period_ns)
        if number != self._slot:
            self._slot = number
            self._publish(self._node.get_clock().now().nanoseconds)

    def _on_timer(self) -> None:
        now = self._node.get_clock().now().nanoseconds
        if self._published_at is None or not 0 <= now - self._published_at < 1.5 * self._period_ns:
            self._publish(now)

    def _publish(self, now: int) -> None:
        self._published_at = now
        self._output.publish(driver_to_msg(self._answer(now)))

    def _answer(self, now: int) -> DriverOutput:
        """The policy's output for the newest scene, or an output whose status says why there is none."""
        sha256 = self._policy.sha256 if self._policy else ""
        if self._scene is None:
            return DriverOutput.failed(now, "policy", DriverStatus.STALE_INPUT, "no scene received yet", sha256)
        try:
            scene: Scene = self._converter.from_msg(self._scene)
        except TakeadError as error:
            return DriverOutput.failed(now, "policy", DriverStatus.ERROR, str(error), sha256)
        if self._policy is None:
            return DriverOutput.failed(scene.stamp, "policy", DriverStatus.NO_MODEL, "no model is loaded")
        age = now - scene.stamp
        if abs(age) > self._max_age_ns:
            text = f"scene is {age / 1e9:.2f} s old, at most {self._max_age_ns / 1e9:.2f} s is allowed"
            return DriverOutput.failed(scene.stamp, "policy", DriverStatus.STALE_INPUT, text, sha256)
        start = self._steady.now().nanoseconds
        output = self._policy.infer(scene)
        return replace(output, inference_ms=(self._steady.now().nanoseconds - start) / 1e6)

    def _on_load(self, request: Any, response: Any) -> Any:
        """Change to another model. A refused one leaves the present one in place."""
        if not Path(request.path).is_file():
            response.accepted, response.code = False, "no_such_file"
            response.message = f"model {request.path}: no such file"
            return response
        try:
            self._policy = load_model(request.path, self._provider)
        except TakeadError as error:
            response.accepted, response.code, response.message = False, "model_refused", str(error)
            return response
        response.accepted, response.code = True, "ok"
        response.message, response.model_sha256 = f"loaded {request.path}", self._policy.sha256
        self._node.get_logger().info(f"policy model {self._policy.sha256[:12]} from {request.path}")
        return response
