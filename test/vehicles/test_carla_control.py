from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.vehicles.carla.control import PedalParameters, actuate, longitudinal_map, steering_share

LOCK = 1.22
P = PedalParameters()


def command(steering: float, acceleration: float) -> DriveCommand:
    return DriveCommand(0, steering, acceleration, Source.POLICY, Source.POLICY)


def test_left_in_ros_is_negative_in_carla() -> None:
    assert actuate(command(LOCK / 2.0, 1.0), 0.0, 1.0, LOCK, 0.0, 0.05, P).steer == pytest.approx(-0.5)
    assert actuate(command(-LOCK / 2.0, 1.0), 0.0, 1.0, LOCK, 0.0, 0.05, P).steer == pytest.approx(0.5)


@pytest.mark.parametrize(("kmh", "share"), [(0.0, 1.0), (20.0, 0.9), (-20.0, 0.9), (40.0, 0.85), (200.0, 0.7)])
def test_full_steer_reaches_less_at_speed(kmh: float, share: float) -> None:
    assert steering_share(kmh / 3.6, P) == pytest.approx(share)
    pedals = actuate(command(0.3, 1.0), kmh / 3.6, 1.0, LOCK, 0.0, 0.05, P)
    assert pedals.steer == pytest.approx(-0.3 / (LOCK * share))


@given(
    st.floats(-10, 10), st.floats(-15, 15), st.floats(-5, 40), st.floats(-12, 12), st.floats(-2, 2)
)  # fmt: skip
def test_every_pedal_stays_in_its_range_and_never_both(
    steering: float, acceleration: float, speed: float, measured: float, integral: float
) -> None:
    pedals = actuate(command(steering, acceleration), speed, measured, LOCK, integral, 0.05, P)
    assert -1.0 <= pedals.steer <= 1.0
    assert 0.0 <= pedals.throttle <= 1.0
    assert 0.0 <= pedals.brake <= 1.0
    assert pedals.throttle == 0.0 or pedals.brake == 0.0
    assert abs(pedals.integral) <= P.integral_limit_mps2


def test_a_standing_vehicle_that_is_told_to_brake_is_held_and_forgets() -> None:
    pedals = actuate(command(0.1, -0.5), 0.01, 0.0, LOCK, 1.5, 0.05, P)
    assert (pedals.throttle, pedals.brake, pedals.integral) == (0.0, P.hold_brake, 0.0)
    assert pedals.steer == pytest.approx(-0.1 / LOCK, rel=1e-3)


@pytest.mark.parametrize("speed", [0.5, 8.0, 25.0])
@pytest.mark.parametrize("asked", [0.8, 0.0, -1.0, -4.0])
def test_a_vehicle_of_just_this_map_does_what_is_asked(speed: float, asked: float) -> None:
    pedals = actuate(command(0.0, asked), speed, asked, LOCK, 0.0, 0.05, P)
    full, coasting = longitudinal_map(speed, P)
    done = (full + coasting) * pedals.throttle**P.throttle_exponent - coasting - pedals.brake * P.full_brake_mps2
    assert done == pytest.approx(asked, abs=1e-9)


def test_the_integral_closes_what_the_pedal_model_gets_wrong() -> None:
    """A vehicle with three quarters of the assumed engine: the acceleration asked for is reached nevertheless."""
    speed, measured, integral = 3.0, 0.0, 0.0
    for _ in range(200):
        pedals = actuate(command(0.0, 1.0), speed, measured, LOCK, integral, 0.05, P)
        integral = pedals.integral
        full, coasting = longitudinal_map(speed, P)
        measured = 0.75 * (full + coasting) * pedals.throttle**P.throttle_exponent - coasting
        speed += measured * 0.05
    assert measured == pytest.approx(1.0, abs=0.1)


def test_the_integral_does_not_wind_up_at_full_throttle() -> None:
    assert actuate(command(0.0, 12.0), 10.0, 0.0, LOCK, 0.3, 0.05, P).integral == 0.3


def test_a_jump_of_the_speed_moves_the_integral_little() -> None:
    pedals = actuate(command(0.0, 1.5), 8.0, 160.0, LOCK, 0.0, 0.05, P)
    assert abs(pedals.integral) < 0.2
    assert actuate(command(0.0, 1.5), 8.0, 0.0, LOCK, pedals.integral, 0.05, P).throttle > 0.0
