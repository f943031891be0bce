"""The tracker that policy and expert share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takead_ros.domain.driving import Plan
from takead_ros.domain.geometry import bicycle_rollout
from takead_ros.domain.scene import EgoState
from takead_ros.policy.arrays import TrackingParameters
from takead_ros.policy.tracking import track_plan

REAL = {"allow_nan": False, "allow_infinity": False}
T = np.arange(1, 9) * 0.5


def follow(radius: float, speed: float, offset: float, yaw: float, seconds: float) -> np.ndarray:
    """Offsets (T,) m from a circle to the left of ``radius`` m, planned afresh at 10 Hz, driven at 20 Hz."""
    ego, errors, command = EgoState(0.0, offset, yaw, speed), [], (0.0, 0.0)
    for tick in range(round(seconds / 0.05)):
        if tick % 2 == 0:
            at = np.arctan2(ego.x, radius - ego.y) + speed * T / radius
            x, y = radius * np.sin(at) - ego.x, radius * (1.0 - np.cos(at)) - ego.y
            cos, sin = np.cos(ego.yaw), np.sin(ego.yaw)
            plan = Plan(cos * x + sin * y, cos * y - sin * x, at - ego.yaw, np.full(8, speed))
            command = track_plan(plan, ego)
        x1, y1, yaw1, speed1 = bicycle_rollout(
            ego.x, ego.y, ego.yaw, ego.speed, np.array([command[0]]), np.array([command[1]]), ego.wheelbase, 0.05
        )[0].tolist()
        ego = replace(ego, x=x1, y=y1, yaw=yaw1, speed=speed1, steering_angle=command[0])
        errors.append(radius - np.hypot(ego.x, radius - ego.y))
    return np.array(errors)


@pytest.mark.parametrize("speed", [2.0, 5.0, 10.0, 15.0, 20.0, 25.0])
def test_an_offset_decays_without_swinging(speed: float) -> None:
    errors = follow(1e5, speed, 1.0, 0.0, 12.0)
    assert errors.min() > -0.12  # overshoot
    assert np.abs(errors[-40:]).max() < 0.03


@pytest.mark.parametrize(("radius", "speed"), [(8.0, 3.0), (12.0, 5.0), (30.0, 8.0), (80.0, 14.0), (400.0, 25.0)])
def test_a_bend_is_followed(radius: float, speed: float) -> None:
    assert np.abs(follow(radius, speed, 0.0, 0.0, 10.0)).max() < 0.25


def straight_plan(speeds: np.ndarray, start: float) -> Plan:
    steps = 0.25 * (np.concatenate([[start], speeds[:-1]]) + speeds)
    return Plan(np.cumsum(steps), np.zeros(len(speeds)), np.zeros(len(speeds)), speeds)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-20, 60, **REAL), st.floats(-30, 30, **REAL), st.floats(0, 40, **REAL)),
        min_size=1,
        max_size=12,
    ),
    st.floats(-1, 40, **REAL),
    st.floats(-0.69, 0.69, **REAL),
)
def test_any_plan_gives_a_command_within_limits(
    rows: list[tuple[float, float, float]], speed: float, steering: float
) -> None:
    x, y, v = np.array(rows).T
    ego, limits = EgoState(0.0, 0.0, 0.0, speed, steering_angle=steering), TrackingParameters()
    angle, acceleration = track_plan(Plan(x, y, np.zeros(len(x)), v), ego, limits)
    assert np.isfinite([angle, acceleration]).all()
    assert abs(angle) <= ego.max_steering_angle
    assert -limits.max_deceleration_mps2 <= acceleration <= limits.max_acceleration_mps2
    if speed > 1.0:
        assert abs(np.tan(angle)) / ego.wheelbase * speed**2 <= limits.max_lateral_acceleration_mps2 * 1.001


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 20, **REAL), st.floats(-3, 3, **REAL), st.floats(2, 40, **REAL))
def test_left_and_right_are_mirror_images(speed: float, side: float, ahead: float) -> None:
    x, y = np.linspace(ahead / 8, ahead, 8), side * np.linspace(0.1, 1.0, 8) ** 2
    ego = EgoState(0.0, 0.0, 0.0, speed)
    left, right = (track_plan(Plan(x, sign * y, np.zeros(8), np.full(8, speed)), ego) for sign in (1.0, -1.0))
    assert left[0] == pytest.approx(-right[0], abs=1e-9)
    assert left[1] == right[1]


def test_standing_still_keeps_the_wheel_and_the_brake() -> None:
    ego = EgoState(0.0, 0.0, 0.0, 0.0, steering_angle=0.3)
    still = Plan(np.zeros(8), np.zeros(8), np.zeros(8), np.zeros(8))
    for _ in range(50):
        angle, acceleration = track_plan(still, ego)
        ego = replace(ego, steering_angle=angle)
    assert angle == pytest.approx(0.3)
    assert acceleration < 0.0


def test_it_starts_from_standstill() -> None:
    angle, acceleration = track_plan(straight_plan(0.5 * 2.0 * np.arange(1, 9), 0.0), EgoState(0.0, 0.0, 0.0, 0.0))
    assert angle == 0.0
    assert acceleration == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("wanted", [-8.0, -5.0, -2.0, 0.0, 1.5])
def test_a_planned_acceleration_is_commanded(wanted: float) -> None:
    speeds = np.maximum(15.0 + wanted * T, 0.0)
    assert track_plan(straight_plan(speeds, 15.0), EgoState(0.0, 0.0, 0.0, 15.0))[1] == pytest.approx(wanted, abs=0.05)


def test_it_comes_to_a_stand_where_the_plan_does() -> None:
    ego, stop = EgoState(0.0, 0.0, 0.0, 8.0), 20.0
    for _ in range(160):
        room = max(stop - ego.x, 0.01)
        rate = ego.speed**2 / (2.0 * room)
        speeds = np.maximum(ego.speed - rate * T, 0.0)
        command = track_plan(straight_plan(speeds, ego.speed), ego)
        x, y, yaw, speed = bicycle_rollout(
            ego.x, ego.y, ego.yaw, ego.speed, np.array([command[0]]), np.array([command[1]]), ego.wheelbase, 0.05
        )[0].tolist()
        ego = replace(ego, x=x, y=y, yaw=yaw, speed=speed, steering_angle=command[0])
    assert ego.speed == 0.0
    assert abs(ego.x - stop) < 0.6


def test_an_empty_plan_is_an_error() -> None:
    none = np.zeros(0)
    with pytest.raises(ValueError, match="no steps"):
        track_plan(Plan(none, none, none, none), EgoState(0.0, 0.0, 0.0, 5.0))
