"""The learned policy as a node: answers scenes at a fixed rate, whoever drives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import SceneConverter, driver_to_msg, header_to_msg, stamp_from_msg
from takead_ros.nodes.answer_period import slot
from takead_ros.policy.model import Policy, load_model

SECOND = 1_000_000_000


class PolicyNode:
    """Subscribes ``scene``; publishes ``policy/output`` and, every second, ``/diagnostics``; serves
    ``policy/load_model``.

    Answers the first scene of each period, by the same rule as the expert, so that both speak about the same scenes.
    Where scenes stay away for two periods, or are older than ``max_scene_age``, or no model is loaded, it publishes an
    output whose status says so: there is no silence.

    Parameters: ``model`` (path of an ONNX file; empty: none until the service loads one), ``provider``, ``rate`` (Hz),
    ``max_scene_age`` (s by the host's clock). ``policy``, where given, is used instead of loading ``model``, so that an
    embedded run keeps its session. Raises TakeadError for a bad parameter or model.
    """

    NAME = "policy_node"

    def __init__(self, node: NodeHandle, steady: Clock, policy: Policy | None = None) -> None:
        self._clock, self._steady, self._logger = node.get_clock(), steady, node.get_logger()
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
        self._provider, self._period_ns, self._max_age_ns = str(provider), round(SECOND / rate), int(max_age * SECOND)
        self._policy = policy if policy is not None or not model else load_model(model, self._provider)
        self._name = node.get_name()
        self._converter = SceneConverter()
        self._answered: int | None = None
        self._published_at: int | None = None
        self._last: DriverOutput | None = None
        self._answers = self._failures = 0
        self._slowest_ms = 0.0
        self._output = wiring.publisher(node, interfaces.POLICY_OUTPUT)
        self._diagnostics = wiring.publisher(node, interfaces.DIAGNOSTICS)
        wiring.subscription(node, interfaces.SCENE, self._on_scene)
        wiring.server(node, interfaces.LOAD_MODEL, self._on_load)
        node.create_timer(1.0 / rate, self._on_watch)
        node.create_timer(1.0, self._on_report)

    @property
    def _sha256(self) -> str:
        return self._policy.sha256 if self._policy else ""

    def _on_scene(self, msg: Any) -> None:
        stamp = stamp_from_msg(msg)
        period, last = self._period_ns, self._answered
        if last is not None and stamp >= last and slot(stamp, period) == slot(last, period):
            return
        self._answered = stamp
        self._publish(self._answer(msg, stamp))

    def _answer(self, msg: Any, stamp: int) -> DriverOutput:
        """The policy's output for a scene, or one whose status says why there is none."""
        if self._policy is None:
            return DriverOutput.failed(stamp, "policy", DriverStatus.NO_MODEL, "no model is loaded")
        age = self._clock.now().nanoseconds - stamp
        if abs(age) > self._max_age_ns:
            text = f"scene is {age / SECOND:.2f} s old, at most {self._max_age_ns / SECOND:.2f} s is allowed"
            return DriverOutput.failed(stamp, "policy", DriverStatus.STALE_INPUT, text, self._sha256)
        start = self._steady.now().nanoseconds
        try:
            output = self._policy.infer(self._converter.from_msg(msg))
        except TakeadError as error:
            return DriverOutput.failed(stamp, "policy", DriverStatus.ERROR, str(error), self._sha256)
        return replace(output, inference_ms=(self._steady.now().nanoseconds - start) / 1e6)

    def _publish(self, output: DriverOutput) -> None:
        self._last, self._published_at = output, self._clock.now().nanoseconds
        self._answers += 1
        self._failures += output.status is not DriverStatus.OK
        self._slowest_ms = max(self._slowest_ms, output.inference_ms)
        self._output.publish(driver_to_msg(output))

    def _on_watch(self) -> None:
        """Say that there is no answer where scenes stay away."""
        now = self._clock.now().nanoseconds
        if self._published_at is not None and 0 <= now - self._published_at < 2 * self._period_ns:
            return
        text = "no scene received yet" if self._answered is None else f"no scene since stamp {self._answered} ns"
        self._publish(DriverOutput.failed(now, "policy", DriverStatus.STALE_INPUT, text, self._sha256))

    def _on_report(self) -> None:
        sound = self._last is not None and self._last.status is DriverStatus.OK
        reason = "no answer yet" if self._last is None else self._last.status_text
        status = types.DiagnosticStatus(
            level=types.DiagnosticStatus.OK if sound else types.DiagnosticStatus.ERROR,
            name=self._name,
            message="answering" if sound else reason,
        )
        values = {
            "model_sha256": self._sha256,
            "provider": self._policy.provider if self._policy else "",
            "answers": str(self._answers),
            "failures": str(self._failures),
            "slowest_ms": f"{self._slowest_ms:.2f}",
        }
        status.values = [types.KeyValue(key=key, value=value) for key, value in values.items()]
        header = header_to_msg(self._clock.now().nanoseconds, "")
        self._diagnostics.publish(types.DiagnosticArray(header=header, status=[status]))
        self._answers = self._failures = 0
        self._slowest_ms = 0.0

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
        self._logger.info(f"policy model {self._policy.sha256[:12]} from {request.path}")
        return response
