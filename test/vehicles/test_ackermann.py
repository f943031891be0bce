from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import fuzz
from support.fuzz_ackermann import ackermann_subject, know_ackermann
from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.domain.errors import TakeadError
from takead_ros.messages import interfaces
from takead_ros.vehicles.ackermann import AckermannParameters, AckermannSide, to_ackermann

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


@pytest.mark.parametrize("speed", [math.nan, math.inf, -math.inf, 1e9, -1e9, 141.0])
def test_a_speed_that_is_none_is_refused_and_the_one_before_stays(speed: float) -> None:
    """Found by the fuzz: a scene at 1e9 m/s made it ask the vehicle for 1e9 m/s."""
    know_ackermann()
    side = AckermannSide(lambda: P)
    (scene,) = side.inputs
    msg = fuzz.sensible(interfaces.SCENE, 1)
    assert scene.take(msg, 1) is None and not side.fault(1)
    msg.ego.speed = speed
    with pytest.raises(TakeadError, match=r"ego\.speed is .*, expected at most 140 m/s either way"):
        scene.take(msg, 2)
    assert side.carry_out(command(0.2, 1.5), 2).drive.speed == pytest.approx(8.75)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_node_survives_any_scene_and_any_command(seed: int) -> None:
    """The long run: ``python benchmarks/node_fuzz.py --nodes ackermann``."""
    said = fuzz.fuzz(ackermann_subject(), 300, seed)
    assert said["ackermann_cmd"] > 100
