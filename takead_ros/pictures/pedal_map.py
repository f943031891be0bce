"""The identified map of a vehicle's pedals and steering, over what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from takead_ros.vehicles.carla.control import longitudinal_map, steering_share
from takead_ros.vehicles.carla.convert import Chassis
from takead_ros.vehicles.carla.identification import STEERED, TURNING, Identified, Samples, wheel_angle

SPEEDS = np.linspace(0.0, 35.0, 141)
MEASURED, MAP = "#9ca3af", "#0f766e"


def draw_pedal_map(samples: Samples, identified: Identified, chassis: Chassis, path: Path) -> None:
    """Three panels into ``path`` (its ending says how): throttle and coasting, brakes, steering."""
    figure = Figure(figsize=(12.0, 3.8), layout="constrained")
    pedals, brakes, steering = figure.subplots(1, 3)
    p = identified.parameters
    maps = np.array([longitudinal_map(float(speed), p) for speed in SPEEDS])
    straight, none = np.abs(samples.steer) < 1e-3, samples.brake == 0.0
    for throttle in np.unique(samples.throttle[straight & none]):
        rows = straight & none & (samples.throttle == throttle)
        pedals.plot(samples.speed[rows], samples.acceleration[rows], ".", color=MEASURED, markersize=2)
        pedals.plot(SPEEDS, throttle**p.throttle_exponent * maps.sum(1) - maps[:, 1], color=MAP, linewidth=1)
    pedals.set(title="throttle, and no pedal", xlabel="m/s", ylabel="m/s^2")
    braking = straight & (samples.brake > 0.0)
    for brake in np.unique(samples.brake[braking]):
        rows = braking & (samples.brake == brake)
        brakes.plot(samples.speed[rows], samples.acceleration[rows], ".", color=MEASURED, markersize=2)
        brakes.plot(SPEEDS, -maps[:, 1] - brake * p.full_brake_mps2, color=MAP, linewidth=1)
    brakes.set(title="brakes", xlabel="m/s", ylabel="m/s^2")
    turning = (np.abs(samples.steer) > STEERED) & (samples.speed > TURNING)
    share = wheel_angle(samples, chassis)[turning] / (-samples.steer[turning] * chassis.max_steering_angle)
    steering.plot(samples.speed[turning], share, ".", color=MEASURED, markersize=2)
    steering.plot(SPEEDS, [steering_share(float(speed), p) for speed in SPEEDS], color=MAP, linewidth=1)
    steering.set(title="share of the lock that full steer reaches", xlabel="m/s", ylim=(0.0, 1.2))
    figure.savefig(path, format=path.suffix.split(".")[1], metadata={"Date": None} if ".svg" in path.suffixes else None)
