"""What a node may use of its handle: rclpy's own method names and nothing else.

``rclpy.node.Node`` satisfies ``NodeHandle`` as it is; ``takead_ros.host.lockstep`` implements the same subset with a
simulated clock and a deterministic order. A node class takes ``(node, steady)`` where ``steady`` is a steady clock
(``rclpy.clock.Clock(STEADY_TIME)`` or the lockstep host's); it reads no other clock.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Time(Protocol):
    @property
    def nanoseconds(self) -> int: ...


class Clock(Protocol):
    def now(self) -> Time: ...


class Publisher(Protocol):
    def publish(self, msg: Any) -> None: ...


class Logger(Protocol):
    def debug(self, message: str) -> Any: ...
    def info(self, message: str) -> Any: ...
    def warning(self, message: str) -> Any: ...
    def error(self, message: str) -> Any: ...


class NodeHandle(Protocol):
    """The subset of ``rclpy.node.Node`` that both hosts honour (names, meanings and defaults are rclpy's)."""

    def get_name(self) -> str: ...
    def get_namespace(self) -> str: ...
    def get_clock(self) -> Clock: ...
    def get_logger(self) -> Logger: ...
    def create_publisher(self, msg_type: Any, topic: str, qos_profile: Any) -> Publisher: ...
    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callable[..., None], qos_profile: Any, *, raw: bool = False
    ) -> Any: ...
    def create_timer(
        self, timer_period_sec: float, callback: Callable[[], None], callback_group: Any = None, clock: Any = None
    ) -> Any: ...
    def create_service(self, srv_type: Any, srv_name: str, callback: Callable[[Any, Any], Any]) -> Any: ...
    def create_client(self, srv_type: Any, srv_name: str) -> Any: ...
    def declare_parameters(self, namespace: str, parameters: Sequence[Any]) -> Sequence[Any]: ...
    def get_parameter(self, name: str) -> Any: ...
    def add_on_set_parameters_callback(self, callback: Callable[[Sequence[Any]], Any]) -> None: ...
    def destroy_node(self) -> Any: ...


def takes_info(callback: Callable[..., None]) -> bool:
    """Whether a subscription's callback wants the message's info (a dict) as its second argument, decided as rclpy
    does."""
    try:
        signature = inspect.signature(callback)
    except ValueError:  # some built-in functions do not tell
        return False
    try:
        signature.bind(object())
    except TypeError:
        return True
    return False
