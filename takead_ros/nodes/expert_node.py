"""The rule-based expert as a node: answers scenes at 10 Hz, whoever drives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from takead_ros.compiled import prepare
from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import SceneConverter, driver_to_msg, header_to_msg
from takead_ros.nodes.answer_period import slot
from takead_ros.nodes.parameters import declared, guard

SECOND = 1_000_000_000
_LONG = 3.0  # s; loading compiled code takes less


class ExpertNode:
    """Subscribes ``scene``; publishes ``expert/output`` and, every second, ``/diagnostics``.

    Answers the first scene of each period, as the policy does. A scene that cannot be driven, and scenes
    that stay away for two periods, give an output whose status says why. A stamp that jumps back (a reset world) starts
    anew. Parameters: the fields of ``ExpertParameters``. Raises TakeadError for a value that does not fit.
    """

    NAME = "expert_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._clock, self._steady, self._logger = node.get_clock(), steady, node.get_logger()
        self._parameters = declared(node, self.NAME, ExpertParameters)
        guard(node, lambda: self._parameters, self._set_parameters)
        start = steady.now().nanoseconds
        prepare()  # no scene waits for the compiler
        seconds = (steady.now().nanoseconds - start) / SECOND
        if seconds > _LONG:
            self._logger.info(f"the planner was compiled in {seconds:.0f} s; where its cache lasts, this is done once")
        self._period_ns = round(self._parameters.period_s * SECOND)
        self._name = node.get_name()
        self._memory = Memory()
        self._converter = SceneConverter()
        self._answered: int | None = None
        self._published_at: int | None = None
        self._last: DriverOutput | None = None
        self._answers = self._failures = 0
        self._slowest_ms = 0.0
        self._output = wiring.publisher(node, interfaces.EXPERT_OUTPUT)
        self._diagnostics = wiring.publisher(node, interfaces.DIAGNOSTICS)
        wiring.subscription(node, interfaces.SCENE, self._on_scene)
        node.create_timer(self._parameters.period_s, self._on_watch)
        node.create_timer(1.0, self._on_report)

    def _set_parameters(self, parameters: ExpertParameters) -> None:
        self._parameters = parameters

    def _on_scene(self, msg: Any) -> None:
        stamp = msg.header.stamp.sec * SECOND + msg.header.stamp.nanosec
        if self._answered is not None:
            if stamp >= self._answered and slot(stamp, self._period_ns) == slot(self._answered, self._period_ns):
                return
            if stamp < self._answered:
                self._memory = Memory()
        self._answered = stamp
        self._publish(self._answer(msg, stamp))

    def _answer(self, msg: Any, stamp: int) -> DriverOutput:
        start = self._steady.now().nanoseconds
        try:
            output, self._memory = plan(self._converter.from_msg(msg), self._memory, self._parameters)
        except TakeadError as error:
            return DriverOutput.failed(stamp, "expert", DriverStatus.ERROR, str(error))
        except (ValueError, ArithmeticError, IndexError) as error:
            self._logger.error(f"scene {stamp}: {error}")
            return DriverOutput.failed(stamp, "expert", DriverStatus.ERROR, f"planner: {error}")
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
        self._publish(DriverOutput.failed(now, "expert", DriverStatus.STALE_INPUT, text))

    def _on_report(self) -> None:
        status = types.DiagnosticStatus(level=types.DiagnosticStatus.OK, name=self._name, message="driving")
        if self._last is None or self._last.status is not DriverStatus.OK:
            status.level = types.DiagnosticStatus.ERROR
            status.message = "no answer yet" if self._last is None else self._last.status_text
        values = {
            "answers": str(self._answers),
            "failures": str(self._failures),
            "slowest_ms": f"{self._slowest_ms:.2f}",
            "cause": "" if self._last is None else self._last.cause.text,
        }
        status.values = [types.KeyValue(key=key, value=value) for key, value in values.items()]
        header = header_to_msg(self._clock.now().nanoseconds, "")
        self._diagnostics.publish(types.DiagnosticArray(header=header, status=[status]))
        self._answers = self._failures = 0
        self._slowest_ms = 0.0
