"""From steering angle and acceleration to CARLA's steer, throttle and brake. Pure.

CARLA's steer is in [-1, 1] and positive to the RIGHT; throttle and brake are in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from takead_ros.domain.driving import DriveCommand
from takead_ros.domain.parameters import Parameters, number

CURVE_KMH = (0.0, 20.0, 60.0, 120.0)


class PedalParameters(Parameters):
    """How pedals and wheels answer, for the vehicle at hand; what is between the speeds named is interpolated. The
    defaults were identified on ``takead carla-server``'s Tesla Model 3 (``takead vehicle identify``); the integral term
    closes the rest."""

    throttle_at_0_kmh_mps2: float = number(5.5, 0.1, 30.0, "m/s^2 with full throttle")
    throttle_at_20_kmh_mps2: float = number(4.4, 0.1, 30.0, "the same")
    throttle_at_60_kmh_mps2: float = number(2.6, 0.1, 30.0, "the same")
    throttle_at_120_kmh_mps2: float = number(1.5, 0.1, 30.0, "the same")
    throttle_exponent: float = number(0.75, 0.2, 3.0, "part throttle gives its value to this power of all it can do")
    coasting_at_0_kmh_mps2: float = number(1.8, 0.0, 10.0, "m/s^2 of slowing down with no pedal pressed")
    coasting_at_20_kmh_mps2: float = number(2.0, 0.0, 10.0, "the same")
    coasting_at_60_kmh_mps2: float = number(2.0, 0.0, 10.0, "the same")
    coasting_at_120_kmh_mps2: float = number(2.7, 0.0, 10.0, "the same")
    full_brake_mps2: float = number(8.3, 0.5, 30.0, "m/s^2 of slowing down that full brake adds to coasting")
    integral_gain_per_s: float = Field(0.4, ge=0, description="m/s^2 of correction for a second of 1 m/s^2 error")
    integral_limit_mps2: float = Field(2.0, gt=0, description="m/s^2")
    hold_speed_mps: float = Field(0.15, gt=0, description="m/s below which a braking command holds the vehicle")
    hold_brake: float = Field(0.5, gt=0, le=1, description="brake at standstill")

    steering_at_20_kmh: float = number(0.9, 0.1, 1.0, "share of the lock that full steer reaches there, as at rest 1")
    steering_at_60_kmh: float = number(0.8, 0.1, 1.0, "the same: CARLA's steering curve, not told by the bridge")
    steering_at_120_kmh: float = number(0.7, 0.1, 1.0, "the same")


@dataclass(frozen=True)
class Pedals:
    """One actuation: steer (positive right), throttle, brake, and the controller's memory ``integral`` (m/s^2)."""

    steer: float
    throttle: float
    brake: float
    integral: float = field(default=0.0)


def steering_share(speed: float, parameters: PedalParameters) -> float:
    """Share of the lock that full steer reaches at ``speed`` m/s: CARLA's steering curve."""
    p = parameters
    shares = (1.0, p.steering_at_20_kmh, p.steering_at_60_kmh, p.steering_at_120_kmh)
    return float(np.interp(abs(speed) * 3.6, CURVE_KMH, shares))


def longitudinal_map(speed: float, parameters: PedalParameters) -> tuple[float, float]:
    """At ``speed`` m/s: the acceleration with full throttle, and the deceleration with no pedal pressed, in m/s^2."""
    p = parameters
    full = (p.throttle_at_0_kmh_mps2, p.throttle_at_20_kmh_mps2, p.throttle_at_60_kmh_mps2, p.throttle_at_120_kmh_mps2)
    coasting = (
        p.coasting_at_0_kmh_mps2,
        p.coasting_at_20_kmh_mps2,
        p.coasting_at_60_kmh_mps2,
        p.coasting_at_120_kmh_mps2,
    )
    kmh = abs(speed) * 3.6
    return float(np.interp(kmh, CURVE_KMH, full)), float(np.interp(kmh, CURVE_KMH, coasting))


def actuate(
    command: DriveCommand,
    speed: float,
    acceleration: float,
    max_steering_angle: float,
    integral: float,
    dt: float,
    parameters: PedalParameters,
) -> Pedals:
    """Pedals for a command at ``speed`` m/s and measured ``acceleration`` m/s^2, ``dt`` s after the last one.

    The integral is held while a pedal is at its end (anti-windup) and forgotten at standstill.
    """
    reached = max_steering_angle * steering_share(speed, parameters)
    steer = -float(np.clip(command.steering_angle / reached, -1.0, 1.0))
    if command.acceleration <= 0.0 and abs(speed) < parameters.hold_speed_mps:
        return Pedals(steer, 0.0, parameters.hold_brake)
    full, coasting = longitudinal_map(speed, parameters)
    wanted = command.acceleration + coasting + integral  # of the pedals: beyond what it does by itself
    throttle = float(np.clip(wanted / (full + coasting), 0.0, 1.0)) ** (1.0 / parameters.throttle_exponent)
    brake = float(np.clip(-wanted / parameters.full_brake_mps2, 0.0, 1.0))
    # A vehicle that is set elsewhere seems to accelerate without bounds.
    most = parameters.full_brake_mps2
    error = float(np.clip(command.acceleration - acceleration, -most, most))
    saturated = (throttle >= 1.0 and error > 0.0) or (brake >= 1.0 and error < 0.0)
    if not saturated:
        bound = parameters.integral_limit_mps2
        integral = float(np.clip(integral + parameters.integral_gain_per_s * error * dt, -bound, bound))
    return Pedals(steer, throttle, brake, integral)
