"""What a command may ask of the vehicle: by formula, at the edge, and with numbers that are none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from takead_ros.domain.driving import Limit
from takead_ros.domain.errors import TakeadError
from takead_ros.takeover import limits
from takead_ros.takeover.mrm import DeadReckoning
from takead_ros.takeover.parameters import ArbiterParameters

P = ArbiterParameters()
FREE = limits.Rates(1e3, 1e3, 1e3)


def cut(steering: float, acceleration: float, before: Any = (0.0, 0.0), speed: float = 0.0, rates: Any = FREE) -> Any:
    motion = DeadReckoning(0.0, 0.0, 0.0, speed, 4.5, 1.9, wheelbase=2.7, full_lock=0.6)
    return limits.limit_command(steering, acceleration, before, motion, rates, 0.05, P)


FAST = limits.Rates(1.0, 10.0, 20.0)


@pytest.mark.parametrize(
    ("steering", "acceleration", "others", "expected"),
    [
        (0.5, 3.0, {}, (0.5, 3.0, Limit.NONE)),
        (0.7, 0.0, {}, (0.6, 0.0, Limit.STEERING_ANGLE)),
        (-0.7, 0.0, {}, (-0.6, 0.0, Limit.STEERING_ANGLE)),
        (0.0, 4.5, {}, (0.0, 4.0, Limit.ACCELERATION)),
        (0.0, -9.5, {}, (0.0, -9.0, Limit.ACCELERATION)),
        (0.0, 1.0, {"speed": 36.0}, (0.0, 0.0, Limit.SPEED)),
        (0.0, 0.5, {"speed": 36.0}, (0.0, 0.0, Limit.SPEED)),
        (0.0, 0.0, {"speed": 36.0}, (0.0, 0.0, Limit.NONE)),
        (0.0, 1.0, {"speed": 35.9}, (0.0, 1.0, Limit.NONE)),
        (0.0, -1.0, {"speed": 40.0}, (0.0, -1.0, Limit.NONE)),
        (0.3, 0.0, {"before": (0.1, 0.0), "rates": FAST}, (0.15, 0.0, Limit.STEERING_RATE)),
        (-0.3, 0.0, {"before": (0.1, 0.0), "rates": FAST}, (0.05, 0.0, Limit.STEERING_RATE)),
        (0.0, 3.0, {"before": (0.0, 1.0), "rates": FAST}, (0.0, 1.5, Limit.JERK)),
        (0.0, -3.0, {"before": (0.0, 1.0), "rates": FAST}, (0.0, 0.0, Limit.JERK)),
        (0.7, 9.0, {"rates": FAST},
         (0.05, 0.5, Limit.STEERING_ANGLE | Limit.STEERING_RATE | Limit.ACCELERATION | Limit.JERK)),
        (0.0, 9.0, {"before": (0.0, 2.0), "rates": FAST, "speed": 36.0},
         (0.0, 1.0, Limit.ACCELERATION | Limit.SPEED | Limit.JERK)),
        (0.7, 9.0, {"speed": 36.0}, (0.0145, 0.0, Limit.STEERING_ANGLE | Limit.ACCELERATION | Limit.SPEED)),
    ],
)  # fmt: skip
def test_limits(
    steering: float, acceleration: float, others: dict[str, Any], expected: tuple[float, float, Limit]
) -> None:
    given = cut(steering, acceleration, **others)
    assert given[:2] == pytest.approx(expected[:2], abs=1e-4) and given[2] == expected[2]


def test_limits_of_a_crawling_short_vehicle() -> None:
    """Where the speed is below 1 m/s, the limits by speed still divide by its square."""
    p = ArbiterParameters(max_lateral_jerk_mps3=2.0, max_steering_rate_radps=2.0, max_lateral_acceleration_mps2=1.0)
    assert limits.rates(0.8, 0.6, p).steering == pytest.approx(2.0 * 0.6 / 0.64)
    assert limits.largest_angle(0.8, 0.6, 1.2, p) == pytest.approx(math.atan(0.6 / 0.64))
    assert limits.rates(0.0, 0.6, p).steering == 2.0 and limits.largest_angle(0.0, 0.6, 1.2, p) == 1.2


def test_the_angle_at_speed_keeps_the_lateral_acceleration() -> None:
    for speed in (8.0, 15.0, 30.0):
        angle = limits.largest_angle(speed, 2.7, 0.7, P)
        assert speed**2 * math.tan(angle) / 2.7 == pytest.approx(P.max_lateral_acceleration_mps2)
    assert limits.largest_angle(0.0, 2.7, 0.7, P) == 0.7
    assert cut(0.5, 0.0, speed=20.0)[2] == Limit.STEERING_ANGLE


def test_the_rate_at_speed_keeps_the_lateral_jerk() -> None:
    for speed in (10.0, 20.0, 30.0):
        rate = limits.rates(speed, 2.7, P)
        assert speed**2 * rate.steering / 2.7 == pytest.approx(P.max_lateral_jerk_mps3)
        assert (rate.jerk_up, rate.jerk_down) == (P.max_jerk_up_mps3, P.max_jerk_down_mps3)
    assert limits.rates(0.0, 2.7, P).steering == P.max_steering_rate_radps


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_limit_never_hides_what_is_no_number(place: int, value: float) -> None:
    numbers = [0.1, 1.0, 10.0, 2.7, 0.7]
    numbers[place] = value
    with pytest.raises(TakeadError, match="not finite, expected numbers"):
        steering, acceleration, speed, wheelbase, full_lock = numbers
        limits.bounded(steering, acceleration, DeadReckoning(0.0, 0.0, 0.0, speed, 4.5, 1.9, wheelbase, full_lock), P)
