"""A vehicle that takes ackermann_msgs/AckermannDriveStamped, which asks for a speed; its scene comes from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from takead_ros.domain.driving import DriveCommand
from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import number
from takead_ros.domain.scene import Scene
from takead_ros.messages import interfaces
from takead_ros.messages.convert import header_to_msg
from takead_ros.messages.interfaces import Interface, Qos
from takead_ros.vehicles.api import Input, VehicleParameters, vehicle_message

CREEP = 0.2  # m/s below which a braking command asks for standstill
FASTEST_MPS = 140.0  # either way: no road vehicle's speed is beyond, nor does the arbiter take such a scene


class AckermannParameters(VehicleParameters):
    """How the vehicle's own speed controller is led."""

    vehicle: str = Field("ackermann", pattern="^ackermann$", description="which vehicle side")
    lead_s: float = number(0.5, 0.1, 2.0, "the speed asked for is the one so far ahead")
    max_speed_age_s: float = number(0.25, 0.05, 1.0, "without a speed (from scene) so fresh the vehicle stops")


@dataclass(frozen=True)
class AckermannCommand:
    """Fields of AckermannDrive: rad (positive left), m/s, m/s^2 (a magnitude: how fast the speed may be reached)."""

    steering_angle: float
    speed: float
    acceleration: float


def to_ackermann(command: DriveCommand, speed: float, parameters: AckermannParameters) -> AckermannCommand:
    """What carries out ``command`` at ``speed`` m/s. It never asks for reversing; braking at a crawl asks for 0 m/s.

    An acceleration of zero means "as fast as possible" in that message, so that it is never sent as zero.
    """
    wanted = max(speed + command.acceleration * parameters.lead_s, 0.0)
    if command.acceleration < 0.0 and speed < CREEP:
        wanted = 0.0
    return AckermannCommand(command.steering_angle, wanted, max(abs(command.acceleration), 0.1))


class AckermannSide:
    """See ``vehicles.api``. Raises TakeadError where ackermann_msgs is not installed."""

    def __init__(self, parameters: Callable[[], AckermannParameters]) -> None:
        self._parameters = parameters
        self._speed, self._speed_at, self._stamp = math.nan, 0, 0
        self._stamped = vehicle_message("ackermann_msgs/msg/AckermannDriveStamped", "ackermann")
        self._drive = vehicle_message("ackermann_msgs/msg/AckermannDrive", "ackermann")
        self.inputs = (Input(interfaces.SCENE, self._take_scene),)
        self.output = Interface(
            "ackermann_cmd", "ackermann_msgs/msg/AckermannDriveStamped", Qos(1), "vehicle_node", recorded=False
        )

    def _take_scene(self, msg: Any, now: int) -> Scene | None:
        speed = float(msg.ego.speed)
        if not abs(speed) <= FASTEST_MPS:  # written so that NaN is refused
            raise TakeadError(f"ego.speed is {speed} m/s, expected at most {FASTEST_MPS:.0f} m/s either way")
        self._speed, self._speed_at = speed, now
        return None

    def episode(self) -> EpisodeIdentity | None:
        return None

    def fault(self, now: int) -> str:
        old = now - self._speed_at > self._parameters().max_speed_age_s * 1e9
        return "no scene, so no speed" if old or not math.isfinite(self._speed) else ""

    def carry_out(self, command: DriveCommand, now: int) -> Any:
        if self.fault(now):
            return None
        self._stamp = command.stamp
        return self._message(to_ackermann(command, self._speed, self._parameters()))

    def stop(self, steering_angle: float, now: int) -> Any:
        return self._message(AckermannCommand(steering_angle, 0.0, self._parameters().stopping_mps2))

    def figures(self) -> Mapping[str, object]:
        return {"speed_mps": f"{self._speed:.2f}"}

    def _message(self, command: AckermannCommand) -> Any:
        return self._stamped(
            header=header_to_msg(self._stamp, "base_link"),
            drive=self._drive(
                steering_angle=command.steering_angle, speed=command.speed, acceleration=command.acceleration
            ),
        )
