"""From ``sensor_msgs/Joy`` to what a person asks for: a mapping, a deadband, a dead-man button, a calibration check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.domain.parameters import Parameters

TOLERANCE = 1e-3  # beyond [-1, 1]


class Steering(Parameters):
    """An axis that reads ``left`` at the left stop; within ``deadband`` of the centre nobody steers."""

    axis: int = Field(ge=0, le=63)
    left: Literal[1, -1] = 1
    deadband: float = Field(0.05, ge=0.005, le=0.5)
    lock_rad: float = Field(0.5, ge=0.05, le=1.0, description="steering angle at the stop")
    exponent: float = Field(1.5, ge=1.0, le=4.0, description="finer around the centre: share ** exponent")


class Pedal(Parameters):
    """An axis that reads ``released`` when let go and ``pressed`` at the stop; ``full_mps2`` is asked for there."""

    axis: int = Field(ge=0, le=63)
    released: float = Field(ge=-1.0, le=1.0)
    pressed: float = Field(ge=-1.0, le=1.0)
    deadband: float = Field(0.05, ge=0.005, le=0.5)
    full_mps2: float = Field(ge=0.5, le=12.0)

    @model_validator(mode="after")
    def _moves(self) -> Pedal:
        if abs(self.pressed - self.released) < 0.5:
            raise ValueError(f"released {self.released} and pressed {self.pressed} must be at least 0.5 apart")
        return self

    def share(self, value: float) -> float:
        """How far it is pressed, 0..1."""
        return min(max((value - self.released) / (self.pressed - self.released), 0.0), 1.0)


class Buttons(Parameters):
    """Button numbers. ``dead_man``: input counts only while it is held; None: it always counts."""

    engage: int = Field(ge=0, le=63)
    disengage: int = Field(ge=0, le=63)
    bookmark: int = Field(ge=0, le=63)
    dead_man: int | None = Field(None, ge=0, le=63)


class JoystickMapping(Parameters):
    """What the axes and buttons of a pad or wheel mean."""

    name: str = Field(min_length=1)
    steering: Steering
    throttle: Pedal
    brake: Pedal
    buttons: Buttons

    @property
    def axes_needed(self) -> int:
        return 1 + max(self.steering.axis, self.throttle.axis, self.brake.axis)

    @property
    def buttons_needed(self) -> int:
        b = self.buttons
        return 1 + max(b.engage, b.disengage, b.bookmark, b.dead_man or 0)


@dataclass(frozen=True)
class JoystickState:
    """Begin with ``JoystickState()``."""

    calibrated: frozenset[str] = frozenset()  # pedals seen released since the device came up
    held: frozenset[str] | None = None  # buttons; None: before the first message, when none counts as pressed


@dataclass(frozen=True)
class Reading:
    """What a person asks for: rad and m/s^2, None where an axis is not touched. ``pressed``: buttons pressed just now;
    ``uncalibrated``: pedals not seen released yet, which therefore do not count; ``fault``: why there is no reading."""

    steering_angle: float | None = None
    acceleration: float | None = None
    pressed: frozenset[str] = frozenset()
    uncalibrated: frozenset[str] = frozenset()
    allowed: bool = True
    fault: str = ""


def interpret(
    axes: Sequence[float], buttons: Sequence[int], memory: JoystickState, mapping: JoystickMapping
) -> tuple[Reading, JoystickState]:
    """The reading of one Joy message. A message that does not fit the mapping is a fault, never a zero input.

    Linux reports a trigger as 0.0 until it is first touched, which would be half pressed: a pedal counts only after it
    was seen released.
    """
    if len(axes) < mapping.axes_needed or len(buttons) < mapping.buttons_needed:
        fault = (
            f"{len(axes)} axes and {len(buttons)} buttons, mapping '{mapping.name}' needs "
            f"{mapping.axes_needed} and {mapping.buttons_needed}"
        )
        return Reading(fault=fault), memory
    used = {"steering": axes[mapping.steering.axis], "throttle": axes[mapping.throttle.axis]}
    used["brake"] = axes[mapping.brake.axis]
    for name, value in used.items():
        if not math.isfinite(value) or abs(value) > 1.0 + TOLERANCE:
            return Reading(fault=f"axis of {name} reads {value}, expected -1 to 1"), memory

    calibrated, shares = memory.calibrated, {}
    for name, pedal in (("throttle", mapping.throttle), ("brake", mapping.brake)):
        share = pedal.share(used[name])
        if share <= pedal.deadband:
            calibrated |= {name}
        shares[name] = share if name in calibrated and share > pedal.deadband else 0.0
    number = mapping.buttons
    held = frozenset(
        name
        for name, i in (("engage", number.engage), ("disengage", number.disengage), ("bookmark", number.bookmark))
        if buttons[i]
    )
    allowed = number.dead_man is None or bool(buttons[number.dead_man])
    uncalibrated = frozenset({"throttle", "brake"}) - calibrated
    reading = Reading(
        steering_angle=_steering(used["steering"], mapping.steering) if allowed else None,
        acceleration=_acceleration(shares, mapping) if allowed else None,
        pressed=held - (held if memory.held is None else memory.held),
        uncalibrated=uncalibrated,
        allowed=allowed,
    )
    return reading, JoystickState(calibrated, held)


def _steering(value: float, steering: Steering) -> float | None:
    """rad, positive left; the deadband is cut out, so that the angle begins at zero at its edge."""
    share = (abs(value) - steering.deadband) / (1.0 - steering.deadband)
    if share <= 0.0:
        return None
    return math.copysign(min(share, 1.0) ** steering.exponent, value * steering.left) * steering.lock_rad


def _acceleration(shares: dict[str, float], mapping: JoystickMapping) -> float | None:
    """m/s^2; the brake wins over the throttle."""
    if shares["brake"] > 0.0:
        return -shares["brake"] * mapping.brake.full_mps2
    return shares["throttle"] * mapping.throttle.full_mps2 if shares["throttle"] > 0.0 else None


def command(reading: Reading, stamp: int) -> DriveCommand:
    """The reading as a human's command; an axis that is not touched has source NONE."""
    return DriveCommand(
        stamp,
        reading.steering_angle if reading.steering_angle is not None else 0.0,
        reading.acceleration if reading.acceleration is not None else 0.0,
        Source.HUMAN if reading.steering_angle is not None else Source.NONE,
        Source.HUMAN if reading.acceleration is not None else Source.NONE,
        reason="joystick",
    )
