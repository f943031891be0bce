"""A vehicle's pedal and steering maps from what it did under known pedals. Pure: samples in, parameters out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.vehicles.carla.control import CURVE_KMH, PedalParameters, longitudinal_map, steering_share
from takead_ros.vehicles.carla.convert import Chassis

BIN = 1.0  # m/s
EXPONENTS = np.arange(0.4, 1.61, 0.05)  # of the throttle, tried in turn
LEAST = 40  # samples of each pedal
MOVING = 0.5  # m/s below which brakes and coasting say nothing
TURNING = 2.0  # m/s below which a yaw rate says nothing of the wheels
STEERED = 0.003  # of full steer, below which the same
KNOTS = len(CURVE_KMH)
IDENTIFIED = tuple(
    name
    for name in PedalParameters.model_fields
    if name.startswith(("throttle_", "coasting_at_", "steering_at_", "full_brake"))
)


@dataclass(frozen=True)
class Samples:
    """What a vehicle did, one row a tick, all (N,): speed m/s and throttle, brake (0..1) and steer (-1..1, positive to
    the right) at its beginning; acceleration m/s^2 over it; yaw_rate rad/s, positive to the left, at its end."""

    speed: FloatArray
    throttle: FloatArray
    brake: FloatArray
    steer: FloatArray
    acceleration: FloatArray
    yaw_rate: FloatArray

    def __len__(self) -> int:
        return len(self.speed)


@dataclass(frozen=True)
class Residuals:
    """Root of the mean squared error of the identified map, in m/s^2 by pedal, and of the steering angle in rad; with
    how many samples each. Gear changes are in it."""

    throttle_mps2: float
    coasting_mps2: float
    brake_mps2: float
    steering_rad: float
    samples: tuple[int, int, int, int]


@dataclass(frozen=True)
class Identified:
    """The parameters, and how far the samples are from them."""

    parameters: PedalParameters
    residuals: Residuals


def identify_from(samples: Samples, chassis: Chassis) -> Identified:
    """Least squares over medians: a map linear in the brake, a power of the throttle, and linear between speeds.

    Raises TakeadError where a pedal was hardly used, or where the result is no vehicle's.
    """
    straight = np.abs(samples.steer) < 1e-3
    braking = straight & (samples.brake > 0.0) & (samples.speed > MOVING)
    coasting = straight & (samples.brake == 0.0) & (samples.throttle == 0.0) & (samples.speed > MOVING)
    pushing = straight & (samples.brake == 0.0) & (samples.throttle > 0.0)
    turning = (np.abs(samples.steer) > STEERED) & (samples.speed > TURNING)
    rows = (("throttle", pushing), ("no pedal", coasting), ("brake", braking), ("steering", turning))
    for name, chosen in rows:
        if chosen.sum() < LEAST:
            raise TakeadError(f"identification: {chosen.sum()} samples with {name}, expected at least {LEAST}")
    found = {**_pedals(samples, pushing | coasting | braking), **_steering(samples, turning, chassis)}
    try:
        parameters = PedalParameters(**found)
    except ValueError as error:
        first = str(error).splitlines()[1]
        raise TakeadError(f"identification: {first} is no vehicle's: {found}; expected a whole drive") from error
    return Identified(parameters, _residuals(samples, [chosen for _, chosen in rows], chassis, parameters))


def parameter_file(parameters: PedalParameters, vehicle: str) -> str:
    """The identified ones as a ROS parameter file for vehicle_node."""
    values = parameters.model_dump()
    lines = [
        f"# Pedals and steering of {vehicle}, by 'takead vehicle identify'.",
        "/**/vehicle_node:",
        "  ros__parameters:",
    ]
    lines += [f"    {name}: {values[name]}" for name in IDENTIFIED]
    return "\n".join(lines) + "\n"


def predicted(samples: Samples, parameters: PedalParameters) -> FloatArray:
    """Acceleration (N,) m/s^2 by the map."""
    maps = np.array([longitudinal_map(float(speed), parameters) for speed in samples.speed]).reshape(-1, 2)
    full, coasting = maps.T
    pushed = samples.throttle**parameters.throttle_exponent * (full + coasting)
    return np.asarray(pushed - coasting - samples.brake * parameters.full_brake_mps2)


def wheel_angle(samples: Samples, chassis: Chassis) -> FloatArray:
    """Angle (N,) rad of the front wheels, positive left, that the yaw rate shows; for rows that move."""
    return np.arctan(chassis.wheelbase * samples.yaw_rate / np.maximum(samples.speed, 0.1))


def _hats(speed: FloatArray) -> FloatArray:
    """How much of each knot of CURVE_KMH counts at a speed: (N, KNOTS)."""
    kmh = np.abs(speed) * 3.6
    return np.stack([np.interp(kmh, CURVE_KMH, row) for row in np.eye(KNOTS)], axis=-1)


def _pedals(samples: Samples, mask: np.ndarray) -> dict[str, float]:
    """The map whose exponent fits best."""
    speed, throttle, brake, acceleration = _medians(samples, mask)
    hats = _hats(speed)
    fits = []
    for exponent in EXPONENTS:
        # acceleration = throttle^exponent * (full + coasting) - coasting - brake * full_brake
        left = np.concatenate([hats * throttle[:, None] ** exponent, -hats, -brake[:, None]], axis=1)
        solution = np.linalg.lstsq(left, acceleration, rcond=None)[0]
        fits.append((float(((acceleration - left @ solution) ** 2).sum()), float(exponent), solution))
    _, exponent, solution = min(fits, key=lambda fit: fit[0])
    both, coasting = solution[:KNOTS], np.maximum(solution[KNOTS : 2 * KNOTS], 0.0)
    found = {"full_brake_mps2": float(solution[-1]), "throttle_exponent": exponent}
    for i, kmh in enumerate(CURVE_KMH):
        found[f"throttle_at_{kmh:.0f}_kmh_mps2"] = float(both[i] - coasting[i])
        found[f"coasting_at_{kmh:.0f}_kmh_mps2"] = float(coasting[i])
    return {name: round(value, 3) for name, value in found.items()}


def _medians(samples: Samples, mask: np.ndarray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Speed, throttle, brake and acceleration of each pressure at each speed, one row a cell of BIN m/s: the median of
    its samples, so that a gear change is not seen, nor how long a cell was stayed in."""
    cells = np.stack([samples.throttle, samples.brake, np.floor(samples.speed / BIN)], axis=-1)
    rows = []
    for cell in np.unique(cells[mask], axis=0):
        same = mask & (cells == cell).all(1)
        rows.append((samples.speed[same].mean(), cell[0], cell[1], np.median(samples.acceleration[same])))
    speed, throttle, brake, acceleration = np.array(rows).T
    return speed, throttle, brake, acceleration


def _steering(samples: Samples, mask: np.ndarray, chassis: Chassis) -> dict[str, float]:
    """Shares of the lock; at rest it is all of it by definition."""
    part = Samples(*(getattr(samples, name)[mask] for name in Samples.__dataclass_fields__))
    hats = _hats(part.speed)
    reached = wheel_angle(part, chassis) / (-part.steer * chassis.max_steering_angle)
    shares = np.linalg.lstsq(hats[:, 1:], reached - hats[:, 0], rcond=None)[0]
    return {
        f"steering_at_{kmh:.0f}_kmh": round(float(min(share, 1.0)), 3)
        for kmh, share in zip(CURVE_KMH[1:], shares, strict=True)
    }


def _residuals(samples: Samples, masks: list[np.ndarray], chassis: Chassis, parameters: PedalParameters) -> Residuals:
    error = predicted(samples, parameters) - samples.acceleration
    share = np.array([steering_share(float(speed), parameters) for speed in samples.speed])
    wheels = wheel_angle(samples, chassis) + samples.steer * chassis.max_steering_angle * share
    throttle, coasting, brake = (_rms(error[rows]) for rows in masks[:3])
    counts = tuple(int(rows.sum()) for rows in masks)
    return Residuals(throttle, coasting, brake, _rms(wheels[masks[3]]), counts)  # type: ignore[arg-type]


def _rms(values: FloatArray) -> float:
    return math.sqrt(float((values**2).mean()))
