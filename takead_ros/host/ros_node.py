"""rclpy's node as the stack's nodes need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from takead_ros.host.api import takes_info

_BATCH = 100  # messages of one subscription that are taken in a row; then others have their turn


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
