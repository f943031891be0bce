from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.vehicles.ackermann import AckermannParameters, to_ackermann

P = AckermannParameters()


def command(steering: float, acceleration: float) -> DriveCommand:
    return DriveCommand(0, steering, acceleration, Source.POLICY, Source.POLICY)


def test_the_speed_asked_for_lies_ahead_by_the_lead_time() -> None:
    wanted = to_ackermann(command(0.2, 1.5), 8.0, P)
    assert (wanted.steering_angle, wanted.speed, wanted.acceleration) == pytest.approx((0.2, 8.75, 1.5))
    assert to_ackermann(command(0.0, -4.0), 8.0, P).speed == pytest.approx(6.0)


@given(st.floats(-0.9, 0.9), st.floats(-9, 4), st.floats(-1, 36))
def test_it_never_reverses_and_never_sends_the_zero_that_means_without_limit(
    steering: float, acceleration: float, speed: float
) -> None:
    wanted = to_ackermann(command(steering, acceleration), speed, P)
    assert wanted.speed >= 0.0
    assert wanted.acceleration > 0.0
    assert wanted.steering_angle == steering


def test_braking_at_a_crawl_asks_for_standstill() -> None:
    assert to_ackermann(command(0.0, -0.1), 0.19, P).speed == 0.0
