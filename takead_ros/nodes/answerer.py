"""What policy_node and expert_node have in common: they answer the first scene of each period, and are never silent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from takead_ros.compiled import prepare
from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces
from takead_ros.messages.convert import driver_to_msg, stamp_from_msg
from takead_ros.messages.interfaces import Interface
from takead_ros.nodes.diagnostics import PERIOD_S, Diagnostics, Level, Part

EARLY_NS = 5_000_000  # a stamp this much before its period still counts as in it: stamps are rounded
LONG_S = 3.0  # loading compiled code takes less
UNUSABLE = (TakeadError, ValueError, ArithmeticError, IndexError)  # what a scene that makes no sense leads to


def slot(stamp: int, period_ns: int) -> int:
    """Number of the period that a scene's stamp (ns) lies in; the first scene of each is the one to answer. Policy and
    expert must answer the same ones, or no frame would hold both sides."""
    return (stamp + EARLY_NS) // period_ns


class Answerer:
    """Subscribes ``scene``, publishes ``output`` and, every second, ``/diagnostics``.

    answer: a takead_ros/Scene message and its stamp (ns) to an output; what it raises for a scene that makes no sense
    becomes an output whose status says so, as do scenes that stay away for two periods. figures: more figures for the
    diagnostics. model: the model's sha256. truth: answers ``scene/truth`` instead, where that comes.
    """

    def __init__(
        self,
        node: NodeHandle,
        steady: Clock,
        source: str,
        output: Interface,
        period_s: float,
        answer: Callable[[Any, int], DriverOutput],
        figures: Callable[[], Mapping[str, object]],
        model: Callable[[], str] = str,
        truth: bool = False,
    ) -> None:
        self._clock, self._steady, self._logger = node.get_clock(), steady, node.get_logger()
        self._source, self._period_ns = source, round(period_s * SECOND)
        self._answer, self._figures, self._model = answer, figures, model
        start = steady.now().nanoseconds
        prepare()  # no scene waits for the compiler
        seconds = (steady.now().nanoseconds - start) / SECOND
        if seconds > LONG_S:
            self._logger.info(f"compiled in {seconds:.0f} s; where the cache lasts, this is done once")
        self._answered: int | None = None  # stamp of the last scene that was answered
        self._truth_came = False  # the truth has come since the world began; then nothing else is answered
        self._published_at: tuple[int, int] | None = None  # ns of ROS time and of the steady clock
        self._last: DriverOutput | None = None
        self._answers = self._failures = 0
        self._slowest_ms = 0.0
        self._output = wiring.publisher(node, output)
        self._diagnostics = Diagnostics(node)
        wiring.subscription(node, interfaces.SCENE, self._on_scene)
        if truth:
            wiring.subscription(node, interfaces.SCENE_TRUTH, self._on_truth)
        node.create_timer(period_s, self._on_watch)
        node.create_timer(PERIOD_S, self._on_report)

    def failed(self, stamp: int, status: DriverStatus, text: str) -> DriverOutput:
        """An output that says why there is none."""
        return DriverOutput.failed(stamp, self._source, status, text, self._model())

    def _on_truth(self, msg: Any) -> None:
        self._truth_came = True
        self._take(msg)

    def _on_scene(self, msg: Any) -> None:
        if self._answered is not None and stamp_from_msg(msg) < self._answered:
            self._truth_came = False  # another world
        if not self._truth_came:
            self._take(msg)

    def _take(self, msg: Any) -> None:
        stamp, last, period = stamp_from_msg(msg), self._answered, self._period_ns
        if last is not None and stamp >= last and slot(stamp, period) == slot(last, period):
            return
        self._answered = stamp
        start = self._steady.now().nanoseconds
        try:
            output = self._answer(msg, stamp)
            if output.status is DriverStatus.OK and not _finite(output):
                output = self.failed(stamp, DriverStatus.NOT_FINITE, "the answer is not finite")
        except UNUSABLE as error:
            self._logger.error(f"scene {stamp}: {error}")
            output = self.failed(stamp, DriverStatus.ERROR, str(error) or type(error).__name__)
        self._publish(replace(output, inference_ms=(self._steady.now().nanoseconds - start) / 1e6))

    def _publish(self, output: DriverOutput) -> None:
        self._last, self._published_at = output, self._times()
        self._answers += 1
        self._failures += output.status is not DriverStatus.OK
        self._slowest_ms = max(self._slowest_ms, output.inference_ms)
        self._output.publish(driver_to_msg(output))

    def _on_watch(self) -> None:
        """Say that there is no answer where scenes stay away, by both clocks: where ROS time jumps none is late yet,
        and a slow simulator's come late by the steady one."""
        now, most = self._clock.now().nanoseconds, 2 * self._period_ns
        if self._published_at is not None:
            passed, steady = (a - b for a, b in zip(self._times(), self._published_at, strict=True))
            if 0 <= passed < most or steady < most:
                return
        text = "no scene received yet" if self._answered is None else f"no scene since stamp {self._answered} ns"
        self._publish(self.failed(now, DriverStatus.STALE_INPUT, text))

    def _times(self) -> tuple[int, int]:
        return self._clock.now().nanoseconds, self._steady.now().nanoseconds

    def _on_report(self) -> None:
        level, message = Level.OK, "answering"
        if self._last is None or self._last.status is not DriverStatus.OK:
            level, message = Level.ERROR, "no answer yet" if self._last is None else self._last.status_text
        figures = {"answers": self._answers, "failures": self._failures, "slowest_ms": f"{self._slowest_ms:.2f}"}
        part = Part("answers", level, message, {**self._figures(), **figures})
        self._diagnostics.publish(self._clock.now().nanoseconds, part)
        self._answers = self._failures = 0
        self._slowest_ms = 0.0


def _finite(output: DriverOutput) -> bool:
    plan = output.plan
    path = (*plan.x.tolist(), *plan.y.tolist(), *plan.yaw.tolist(), *plan.speed.tolist())
    command = (output.steering_angle, output.acceleration, output.control_steering_angle, output.control_acceleration)
    return all(map(math.isfinite, (*path, *command)))
