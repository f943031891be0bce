"""How somebody at the wheel keeps their distance, compiled: IDM, for kernels of simulated and of imagined road users.

Source: Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805.
"""

from __future__ import annotations

import math

from takead_ros.compiled import part

STANDSTILL_GAP = 2.5  # m
MAX_ACCELERATION = 1.8  # m/s^2
COMFORT_DECELERATION = 2.5  # m/s^2


@part
def idm_acceleration(
    speed: float, desired: float, gap: float, lead_speed: float, braking: float, headway: float
) -> float:
    """``scenarios.traffic.idm_acceleration``: IDM acceleration m/s^2, at least -braking."""
    gap = max(gap, 0.1)
    closing = speed * (speed - lead_speed) / (2.0 * math.sqrt(MAX_ACCELERATION * COMFORT_DECELERATION))
    wanted = STANDSTILL_GAP + max(0.0, headway * speed + closing)
    free = 1.0 - (speed / max(desired, 0.1)) ** 4
    return max(MAX_ACCELERATION * (free - (wanted / gap) ** 2), -braking)
