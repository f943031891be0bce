"""Serialized messages, all that have come in at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from takead_ros.host.api import takes_info

BATCH = 100  # messages of one subscription that are taken in a row; then others have their turn
Message = tuple[bytes, dict[str, Any]]  # CDR bytes, and what the middleware tells of them


def take_all(
    callback: Callable[..., None], more: Callable[[], Message | None], gives_info: bool
) -> Callable[..., None]:
    """A callback for rclpy that hands its message to ``callback``, and those behind it that ``more`` takes.

    gives_info: whether this rclpy gives a callback a message's info (from Iron on it does to one that takes two
    arguments; in Humble to none, and the first message of each turn then comes with an empty one).
    """
    informed = takes_info(callback)

    def take(data: bytes, info: dict[str, Any]) -> None:
        message: Message = (data, info)
        for _ in range(BATCH):
            callback(*message[: 1 + informed])
            following = more()
            if following is None:
                return
            message = following
        callback(*message[: 1 + informed])

    return take if gives_info else lambda data: take(data, {})
