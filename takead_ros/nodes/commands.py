"""Commands as those who carry them out read them: what is no number, or no vehicle's, is never carried out."""

from __future__ import annotations

import math
from typing import Any

from takead_ros.domain.driving import DRIVERS, DriveCommand
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.messages.convert import command_from_msg

STEERING_RAD = math.pi / 2.0  # no wheel stands farther
ACCELERATION_MPS2 = 30.0  # no road vehicle brakes harder


def usable_command(msg: Any) -> DriveCommand:
    """The command in a takead_ros/DriveCommand. Raises TakeadError for one that must not be carried out."""
    command = command_from_msg(msg)
    for name, value, most in (
        ("steering_angle", command.steering_angle, STEERING_RAD),
        ("acceleration", command.acceleration, ACCELERATION_MPS2),
    ):
        if not abs(value) <= most:  # written so that NaN is refused
            raise TakeadError(f"DriveCommand.{name} is {value}, expected at most {most:.2f} either way")
    return command


class CommandInput:
    """The newest command to carry out, if any, and whether it is fresh; times are ns of the steady clock."""

    def __init__(self) -> None:
        self.value: DriveCommand | None = None
        self._received = 0

    def take(self, msg: Any, now: int) -> DriveCommand:
        """Keep the command in ``msg``. Raises TakeadError, and keeps the one before, where it must not be carried
        out."""
        self.value, self._received = usable_command(msg), now
        return self.value

    def forget(self) -> None:
        """What came so far was meant for another drive."""
        self.value = None

    @property
    def driven(self) -> bool:
        """Whether somebody drives, by the newest command."""
        return self.value is not None and self.value.longitudinal in DRIVERS

    @property
    def steering_angle(self) -> float:
        """rad, where the wheel is to be held without a fresh command."""
        return 0.0 if self.value is None else self.value.steering_angle

    def silence(self, now: int, most_s: float) -> str:
        """Why there is no command to carry out, in words; empty where one is at most ``most_s`` s old."""
        if self.value is None:
            return "no command received yet"
        return f"no command for {most_s:.2f} s" if now - self._received > most_s * SECOND else ""
