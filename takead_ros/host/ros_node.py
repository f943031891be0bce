"""rclpy's node as the stack's nodes need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription

from takead_ros.host.raw_messages import Message, take_all

GIVES_INFO = hasattr(Subscription, "CallbackType")  # whether callbacks are given a message's info


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

        def next_one() -> Message | None:
            with subscription.handle:
                taken: Message | None = subscription.handle.take_message(msg_type, True)
            return taken

        take = take_all(callback, next_one, GIVES_INFO)
        subscription = super().create_subscription(msg_type, topic, take, qos_profile, raw=True, **more)
        return subscription
