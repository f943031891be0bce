"""The conformance suite over rclpy. Needs a sourced ROS 2 in which this package is built (``colcon test`` runs it)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    InvalidTopicNameException,
    ParameterAlreadyDeclaredException,
    ParameterNotDeclaredException,
)
from rclpy.executors import InvalidHandle, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

pytest.register_assert_rewrite("support.conformance")

from support.conformance import Conformance  # noqa: E402
from takead_ros.host import wiring  # noqa: E402
from takead_ros.messages import interfaces, types  # noqa: E402
from takead_ros.messages.fields import time_to_msg  # noqa: E402

STEP_NS = 10_000_000
QUIET_S = 0.08


class RclpyDriver:
    """Real nodes in one executor; their clock is simulated, by /clock, so that timers are exact here too."""

    parameter_errors = (
        InvalidParameterTypeException,
        InvalidParameterValueException,
        ParameterAlreadyDeclaredException,
        ParameterNotDeclaredException,
        ValueError,
    )
    name_errors = (InvalidTopicNameException, ValueError)

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.nodes: list[Node] = []
        self.now = 1_000_000_000
        self.time_node = Node("time_source", context=self.context)
        self.clock = wiring.publisher(self.time_node, interfaces.CLOCK)

    def node(self, name: str, namespace: str = "/takead", overrides: dict[str, Any] | None = None) -> Node:
        given = {"use_sim_time": True, **(overrides or {})}
        node = Node(
            name,
            namespace=namespace,
            context=self.context,
            parameter_overrides=[self.parameter(key, value) for key, value in given.items()],
        )
        self.executor.add_node(node)
        self.nodes.append(node)
        self._tell_time()
        return node

    def settle(self) -> None:
        end = time.monotonic() + QUIET_S
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=QUIET_S / 8)

    def advance(self, seconds: float) -> None:
        end = self.now + round(seconds * 1e9)
        while self.now < end:
            self.now = min(self.now + STEP_NS, end)
            self._tell_time()

    @staticmethod
    def parameter(name: str, value: Any) -> Parameter:
        return Parameter(name, value=value)

    def close(self) -> None:
        for node in [*self.nodes, self.time_node]:
            node.destroy_node()
        self.executor.shutdown()
        rclpy.shutdown(context=self.context)

    def _tell_time(self) -> None:
        """Publish the time until every node has it, then let the timers run that it made due."""
        give_up = time.monotonic() + 5.0
        while any(node.get_clock().now().nanoseconds != self.now for node in self._alive()):
            assert time.monotonic() < give_up, "/clock does not reach the nodes"
            self.clock.publish(types.Clock(clock=time_to_msg(self.now)))
            for _ in range(2 * len(self.nodes)):
                self.executor.spin_once(timeout_sec=0.002)
        for _ in range(4):
            self.executor.spin_once(timeout_sec=0.0)

    def _alive(self) -> list[Node]:
        for node in list(self.nodes):
            try:
                node.get_name()
            except InvalidHandle:
                self.nodes.remove(node)
                self.executor.remove_node(node)
        return self.nodes


class TestRclpy(Conformance):
    @pytest.fixture
    def driver(self) -> Iterator[RclpyDriver]:
        driver = RclpyDriver()
        yield driver
        driver.close()
