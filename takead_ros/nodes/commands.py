"""Commands as those who carry them out read them: what is no number, or no vehicle's, is never carried out."""

from __future__ import annotations

import math
from typing import Any

from takead_ros.domain.driving import DriveCommand
from takead_ros.domain.errors import TakeadError
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
