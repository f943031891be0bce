"""Runs a node over rclpy: ``spin(PolicyNode)`` is a ROS 2 executable's whole main function."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from takead_ros.domain.errors import TakeadError
from takead_ros.host.api import takes_info

NAMESPACE = "takead"
_BATCH = 100  # messages of one subscription that are taken in a row; then others have their turn
_POLL_S = 0.1  # rclpy's wait is not interrupted by a signal


class RosNode(Node):  # type: ignore[misc]  # rclpy has no types
    """rclpy's node, whose raw subscriptions hand over everything that has come in, not only the first message.

    rclpy's executor spends some 0.3 ms to find the next message, many times what taking it costs: a recorder would
    lose messages for that alone.
    """

    def create_subscription(
        self,
        msg_type: Any,
        topic: str,
        callback: Callable[..., None],
        qos_profile: Any,
        *,
        raw: bool = False,
        **more: Any,
    ) -> Any:
        if not raw:
            return super().create_subscription(msg_type, topic, callback, qos_profile, **more)

        informed = takes_info(callback)

        def take(data: bytes, info: dict[str, Any]) -> None:
            waiting: Any = (data, info)
            for _ in range(_BATCH):
                callback(*waiting[: 1 + informed])
                with subscription.handle:
                    waiting = subscription.handle.take_message(msg_type, True)
                if waiting is None:
                    return
            callback(*waiting[: 1 + informed])

        subscription = super().create_subscription(msg_type, topic, take, qos_profile, raw=True, **more)
        return subscription


def spin(node_class: Any, args: list[str] | None = None) -> None:
    """Run one node until SIGINT or SIGTERM, or until its ``ended``, where it has one, is an exit code; its ``close()``,
    if it has one, is called while it can still publish.

    Parameters, remappings and namespace are ROS arguments (``--params-file``, ``-p``, ``-r``). Bad input ends the
    process with code 2 and one line; what else a callback raises propagates.
    """
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: stop.append(received))
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    handle = RosNode(node_class.NAME, namespace=NAMESPACE)
    try:
        code = _run(node_class, handle, stop)
    except TakeadError as error:
        handle.get_logger().fatal(str(error))
        sys.exit(2)
    finally:
        handle.destroy_node()
        rclpy.shutdown()
    if code:
        sys.exit(code)


def _run(node_class: Any, handle: RosNode, stop: list[int]) -> int:
    """The exit code."""
    executor = SingleThreadedExecutor()
    executor.add_node(handle)
    node = node_class(handle, Clock(clock_type=ClockType.STEADY_TIME))
    try:
        while not stop and getattr(node, "ended", None) is None:
            executor.spin_once(timeout_sec=_POLL_S)
    except KeyboardInterrupt:  # a library that holds SIGINT back during its own work (Panda3D) raises it afterwards
        stop.append(signal.SIGINT)
    finally:
        if hasattr(node, "close"):
            node.close()
        executor.shutdown()
    return getattr(node, "ended", None) or 0
