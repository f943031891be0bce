"""Serialized messages are all handed over, under an rclpy that tells a message's info and under one that does not."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from takead_ros.host.raw_messages import BATCH, Message, take_all


class Arrived:
    """What the middleware holds."""

    def __init__(self, number: int) -> None:
        self.waiting: list[Message] = [(b"%d" % n, {"publication_sequence_number": n}) for n in range(number)]

    def take(self) -> Message | None:
        return self.waiting.pop(0) if self.waiting else None


@pytest.mark.parametrize("gives_info", [True, False])
@pytest.mark.parametrize("number", [1, 2, BATCH, BATCH + 1, BATCH + 5])
def test_all_that_came_in_is_handed_over_in_order_and_others_get_their_turn(gives_info: bool, number: int) -> None:
    arrived, heard = Arrived(number), list[Message]()
    callback = take_all(lambda data, info: heard.append((data, info)), arrived.take, gives_info)
    assert len(inspect.signature(callback).parameters) == 1 + gives_info  # by which rclpy decides what it gives
    first = arrived.take()
    assert first is not None
    callback(*first[: 1 + gives_info])
    assert [data for data, _ in heard] == [b"%d" % n for n in range(min(number, BATCH + 1))]
    numbers = [info.get("publication_sequence_number") for _, info in heard]
    assert numbers == [0 if gives_info else None, *range(1, len(heard))]


def test_who_wants_the_message_alone_gets_it_alone() -> None:
    arrived, heard = Arrived(3), list[Any]()
    take_all(heard.append, arrived.take, True)(b"first", {})
    assert heard == [b"first", b"0", b"1", b"2"]
