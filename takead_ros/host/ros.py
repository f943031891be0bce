"""Runs a node over rclpy: ``spin(PolicyNode)`` is a ROS 2 executable's whole main function."""

from __future__ import annotations

import signal
import sys
from typing import Any

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from takead_ros.domain.errors import TakeadError
from takead_ros.host.managed_node import ManagedNode
from takead_ros.host.ros_node import RosNode

NAMESPACE = "takead"
_ENDING = (signal.SIGINT, signal.SIGTERM)
_POLL_S = 0.1  # rclpy's wait is not interrupted by a signal


def spin(node_class: Any, args: list[str] | None = None) -> None:
    """Run one node until SIGINT or SIGTERM, or until its ``ended``, where it has one, is an exit code; its ``close()``,
    if it has one, is called while it can still publish.

    A class that says ``MANAGED = True`` runs as a managed node (``ManagedNode``). Parameters, remappings and namespace
    are ROS arguments (``--params-file``, ``-p``, ``-r``). Bad input ends the process with code 2 and one line; what
    else a callback raises propagates.
    """
    stop: list[int] = []
    for number in _ENDING:
        signal.signal(number, lambda received, _frame: stop.append(received))
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    steady = Clock(clock_type=ClockType.STEADY_TIME)
    managed = getattr(node_class, "MANAGED", False)
    handle = ManagedNode(node_class, steady, NAMESPACE) if managed else RosNode(node_class.NAME, namespace=NAMESPACE)
    try:
        node = handle if managed else node_class(handle, steady)
        if managed:
            handle.begin()
        code = _run(node, handle, stop)
    except TakeadError as error:
        handle.get_logger().fatal(str(error))
        sys.exit(2)
    finally:
        # Launch repeats the Ctrl-C of a terminal; Python's own last steps would end by it as by a fault.
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        handle.destroy_node()
        rclpy.shutdown()
    if code:
        sys.exit(code)


def _run(node: Any, handle: RosNode, stop: list[int]) -> int:
    """The exit code."""
    executor = SingleThreadedExecutor()
    executor.add_node(handle)
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
