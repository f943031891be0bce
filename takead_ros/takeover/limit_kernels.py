"""The limits of commands for many vehicles at once; ``limits`` is the definition, and says what each of them is."""

from __future__ import annotations

import math
from typing import NamedTuple

from takead_ros.compiled import Matrix, Vector, kernel


class Limits(NamedTuple):
    """Those of ``parameters.ArbiterParameters``."""

    max_lateral_acceleration_mps2: float
    max_deceleration_mps2: float
    max_acceleration_mps2: float
    max_speed_mps: float
    max_lateral_jerk_mps3: float
    max_steering_rate_radps: float
    max_jerk_up_mps3: float
    max_jerk_down_mps3: float


@kernel
def limit_all(
    asked: Matrix, commands: Matrix, speed: Vector, wheelbase: float, full_lock: float, p: Limits, dt: float
) -> None:
    """``limits.limit_command`` for N: commands (N, 2), those of ``dt`` s ago, become the nearest to ``asked``
    (N, 2) that may follow them at ``speed`` (N,) m/s. Columns: steering angle rad, acceleration m/s^2."""
    for n in range(len(asked)):
        square = max(speed[n] * speed[n], 1e-3)
        angle = min(full_lock, math.atan(p.max_lateral_acceleration_mps2 * wheelbase / square))
        wanted = min(max(asked[n, 0], -angle), angle)
        pushed = min(max(asked[n, 1], -p.max_deceleration_mps2), p.max_acceleration_mps2)
        if speed[n] >= p.max_speed_mps and pushed > 0.0:
            pushed = 0.0
        reach = min(p.max_steering_rate_radps, p.max_lateral_jerk_mps3 * wheelbase / square) * dt
        commands[n, 0] = min(max(wanted, commands[n, 0] - reach), commands[n, 0] + reach)
        low, high = commands[n, 1] - p.max_jerk_down_mps3 * dt, commands[n, 1] + p.max_jerk_up_mps3 * dt
        commands[n, 1] = min(max(pushed, low), high)
