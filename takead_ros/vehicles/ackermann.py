"""From steering angle and acceleration to ackermann_msgs/AckermannDrive, which asks for a speed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from takead_ros.domain.driving import DriveCommand
from takead_ros.domain.parameters import Parameters

CREEP = 0.2  # m/s below which a braking command asks for standstill


class AckermannParameters(Parameters):
    """How the vehicle's own speed controller is led."""

    lead_s: float = Field(0.5, ge=0.1, le=2.0, description="s: the speed asked for is the one so far ahead")
    stopping_mps2: float = Field(3.0, ge=0.5, le=9.0, description="m/s^2 where there is no command fit to apply")


@dataclass(frozen=True)
class Drive:
    """Fields of AckermannDrive: rad (positive left), m/s, m/s^2 (a magnitude: how fast the speed may be reached)."""

    steering_angle: float
    speed: float
    acceleration: float


def drive(command: DriveCommand, speed: float, parameters: AckermannParameters) -> Drive:
    """What carries out ``command`` at ``speed`` m/s. It never asks for reversing; braking at a crawl asks for 0 m/s.

    An acceleration of zero means "as fast as possible" in that message, so that it is never sent as zero.
    """
    wanted = max(speed + command.acceleration * parameters.lead_s, 0.0)
    if command.acceleration < 0.0 and speed < CREEP:
        wanted = 0.0
    return Drive(command.steering_angle, wanted, max(abs(command.acceleration), 0.1))


def stop(steering_angle: float, parameters: AckermannParameters) -> Drive:
    """Brake to a standstill with the wheel held."""
    return Drive(steering_angle, 0.0, parameters.stopping_mps2)
