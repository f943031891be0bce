"""Pedal and steering maps from what a vehicle did: a made one is found again, and too little is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import yaml

from takead_ros.domain.errors import TakeadError
from takead_ros.vehicles.carla.control import PedalParameters, longitudinal_map, steering_share
from takead_ros.vehicles.carla.convert import Chassis
from takead_ros.vehicles.carla.identification import IDENTIFIED, Samples, identify_from, parameter_file
from takead_ros.vehicles.carla.side import CarlaParameters

CHASSIS = Chassis(4.8, 2.0, 2.9, 1.2)
TRUTH = PedalParameters(
    throttle_at_0_kmh_mps2=4.0, throttle_at_20_kmh_mps2=3.5, throttle_at_60_kmh_mps2=2.0, throttle_at_120_kmh_mps2=0.8,
    throttle_exponent=1.3, coasting_at_0_kmh_mps2=0.3, coasting_at_20_kmh_mps2=0.5, coasting_at_60_kmh_mps2=0.9,
    coasting_at_120_kmh_mps2=1.6, full_brake_mps2=7.0, steering_at_20_kmh=0.95, steering_at_60_kmh=0.75,
    steering_at_120_kmh=0.6,
)  # fmt: skip


def drive(noise: float = 0.0, lost: float = 0.0) -> Samples:
    """Every pedal at every speed from 0 to 35 m/s; ``lost``: share of the samples without drive, as in gear changes."""
    rng = np.random.default_rng(3)
    rows = []
    for speed in np.arange(0.05, 35.0, 0.1):
        full, coasting = longitudinal_map(speed, TRUTH)
        for throttle, brake in ((0.3, 0.0), (0.6, 0.0), (1.0, 0.0), (0.0, 0.0), (0.0, 0.4), (0.0, 1.0)):
            pushed = 0.0 if rng.random() < lost else throttle**TRUTH.throttle_exponent * (full + coasting)
            done = pushed - coasting - brake * TRUTH.full_brake_mps2 + rng.normal(0.0, noise)
            rows.append((speed, throttle, brake, 0.0, done, 0.0))
        for steer in (-0.05, 0.05):
            angle = -steer * CHASSIS.max_steering_angle * steering_share(speed, TRUTH)
            rows.append((speed, 0.4, 0.0, steer, 0.0, speed * math.tan(angle) / CHASSIS.wheelbase))
    return Samples(*np.array(rows).T)


def test_a_made_vehicle_is_found_again() -> None:
    found = identify_from(drive(), CHASSIS)
    for name in IDENTIFIED:
        assert getattr(found.parameters, name) == pytest.approx(getattr(TRUTH, name), abs=0.01), name
    assert found.residuals.throttle_mps2 < 0.01 and found.residuals.steering_rad < 1e-4
    assert min(found.residuals.samples) > 300


def test_noise_and_gear_changes_do_not_bend_the_map() -> None:
    found = identify_from(drive(noise=0.1, lost=0.1), CHASSIS)
    for name in IDENTIFIED:
        assert getattr(found.parameters, name) == pytest.approx(getattr(TRUTH, name), abs=0.3), name
    assert 0.3 < found.residuals.throttle_mps2 < 2.0  # what is lost in gear changes is told


@pytest.mark.parametrize(
    ("column", "value", "words"), [("throttle", 0.0, "throttle"), ("brake", 0.0, "brake"), ("steer", 0.0, "steering")]
)
def test_a_pedal_that_was_not_used_is_named(column: str, value: float, words: str) -> None:
    samples = drive()
    with pytest.raises(TakeadError, match=f"0 samples with {words}, expected at least"):
        identify_from(replace(samples, **{column: np.full(len(samples), value)}), CHASSIS)


def test_what_is_no_vehicle_is_refused() -> None:
    samples = drive()
    with pytest.raises(TakeadError, match="is no vehicle's"):
        identify_from(replace(samples, acceleration=-samples.acceleration), CHASSIS)


def test_the_file_is_one_for_the_vehicle_s_node() -> None:
    content = yaml.safe_load(parameter_file(TRUTH, "vehicle.x.y"))
    values = content["/**/vehicle_node"]["ros__parameters"]
    assert CarlaParameters(**values).throttle_exponent == 1.3
    assert set(values) == set(IDENTIFIED)
