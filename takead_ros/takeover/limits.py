"""What a command may ask of the vehicle: applied last, whoever drives, and reported as a bit mask."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from takead_ros.domain.driving import Limit
from takead_ros.domain.errors import TakeadError
from takead_ros.takeover.parameters import ArbiterParameters


class Moving(Protocol):
    """What the limits depend on: speed m/s, wheelbase m, full lock rad."""

    @property
    def speed(self) -> float: ...
    @property
    def wheelbase(self) -> float: ...
    @property
    def full_lock(self) -> float: ...


@dataclass(frozen=True)
class Rates:
    """How fast a command may change: steering rad/s, acceleration up and down m/s^3."""

    steering: float
    jerk_up: float
    jerk_down: float


def rates(speed: float, wheelbase: float, p: ArbiterParameters) -> Rates:
    """Limits of change at ``speed`` m/s: lateral jerk is v^2 / wheelbase times the steering rate."""
    by_jerk = p.max_lateral_jerk_mps3 * wheelbase / max(speed * speed, 1e-3)
    return Rates(min(p.max_steering_rate_radps, by_jerk), p.max_jerk_up_mps3, p.max_jerk_down_mps3)


def largest_angle(speed: float, wheelbase: float, full_lock: float, p: ArbiterParameters) -> float:
    """Steering angle (rad) whose lateral acceleration at ``speed`` m/s is the allowed one, at most ``full_lock``."""
    return min(full_lock, math.atan(p.max_lateral_acceleration_mps2 * wheelbase / max(speed * speed, 1e-3)))


def bounded(steering: float, acceleration: float, motion: Moving, p: ArbiterParameters) -> tuple[float, float, Limit]:
    """The nearest command (rad, m/s^2) whose values are allowed at that ``motion``, and which limits cut it.

    Raises TakeadError for a number that is not finite: ``min`` and ``max`` would let it pass for one of their others.
    """
    speed, wheelbase, full_lock = motion.speed, motion.wheelbase, motion.full_lock
    if not all(map(math.isfinite, (steering, acceleration, speed, wheelbase, full_lock))):
        raise TakeadError(
            f"command: steering {steering} rad, acceleration {acceleration} m/s^2 at {speed} m/s "
            f"(wheelbase {wheelbase} m, lock {full_lock} rad): not finite, expected numbers"
        )
    angle = largest_angle(speed, wheelbase, full_lock, p)
    wanted = min(max(steering, -angle), angle)
    cut = Limit.STEERING_ANGLE if wanted != steering else Limit.NONE
    pushed = min(max(acceleration, -p.max_deceleration_mps2), p.max_acceleration_mps2)
    if pushed != acceleration:
        cut |= Limit.ACCELERATION
    if speed >= p.max_speed_mps and pushed > 0.0:
        pushed = 0.0
        cut |= Limit.SPEED
    return wanted, pushed, cut


def limit_command(
    steering: float,
    acceleration: float,
    before: tuple[float, float],
    motion: Moving,
    allowed: Rates,
    dt: float,
    p: ArbiterParameters,
) -> tuple[float, float, Limit]:
    """The nearest command within the limits, and which of them cut it.

    steering rad, acceleration m/s^2; ``before``: the command of the last tick, ``dt`` s ago.
    Values first, rates last: where both bind, the change stays within its rate.
    """
    wanted, pushed, cut = bounded(steering, acceleration, motion, p)
    reach = allowed.steering * dt
    turned = min(max(wanted, before[0] - reach), before[0] + reach)
    if turned != wanted:
        cut |= Limit.STEERING_RATE
    eased = min(max(pushed, before[1] - allowed.jerk_down * dt), before[1] + allowed.jerk_up * dt)
    if eased != pushed:
        cut |= Limit.JERK
    return turned, eased, cut
