"""The launched stack under ROS 2: what the arbiter asks of the person reaches the device, and is answered."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.node_kills import Launched
from support.onlooker import RELEASED
from takead_ros.messages import interfaces
from takead_ros.takeover.haptics import TAKE_OVER, TAKEN

LATE_S = 0.5  # ten control periods: on a loaded test machine any process may wait for a core


@pytest.fixture
def stack(tmp_path: Any) -> Iterator[Launched]:
    made = Launched(tmp_path, domain=20 + (os.getpid() + 45) % 60)
    yield made
    made.close()


@pytest.mark.ros
def test_a_minimum_risk_stop_is_felt_until_the_person_takes_over(stack: Launched) -> None:
    person = stack.person
    felt: list[tuple[float, float]] = []
    asked: list[float] = []

    def hear_status(msg: Any) -> None:
        if msg.asked == msg.TAKE_OVER and not asked:
            asked.append(time.monotonic())

    person.hear(interfaces.JOY_FEEDBACK, lambda msg: felt.append((time.monotonic(), msg.intensity)))
    person.hear(interfaces.OPERATOR_STATUS, hear_status)
    assert stack.reach("minimum-risk stop"), f"no such stop, but {person.mode.name}"
    strong = lambda: [at for at, strength in felt if strength == TAKE_OVER.strength]  # noqa: E731
    assert person.until(3.0, lambda: len(strong()) >= 2), f"felt: {felt}"
    assert strong()[0] - asked[0] < LATE_S
    felt.clear()
    touched = time.monotonic()
    person.axes = [0.2, *RELEASED[1:]]
    taken = lambda: [at for at, strength in felt if strength == pytest.approx(TAKEN.strength)]  # noqa: E731
    assert person.until(3.0, lambda: bool(taken())), f"felt: {felt}"
    assert taken()[0] - touched < LATE_S
    person.until(1.0)
    assert felt[-1][1] == 0.0 and not any(at > taken()[0] for at in strong()), "it goes on although somebody steers"
