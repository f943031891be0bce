"""How somebody at the wheel keeps their distance: IDM, for simulated and for imagined road users.

Source: Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805.
"""

from __future__ import annotations

import math

from takead_ros.compiled import part

STANDSTILL_GAP = 2.5  # m
MAX_ACCELERATION = 1.8  # m/s^2
COMFORT_DECELERATION = 2.5  # m/s^2


def idm_acceleration(
    speed: float, desired: float, gap: float, lead_speed: float, braking: float, headway: float
) -> float:
    """IDM acceleration m/s^2 behind something ``gap`` m ahead that moves with ``lead_speed`` m/s; at least -braking.

    ``headway`` s: time gap that is kept at speed.
    """
    gap = max(gap, 0.1)
    closing = speed * (speed - lead_speed) / (2.0 * math.sqrt(MAX_ACCELERATION * COMFORT_DECELERATION))
    wanted = STANDSTILL_GAP + max(0.0, headway * speed + closing)
    free = 1.0 - (speed / max(desired, 0.1)) ** 4
    return max(MAX_ACCELERATION * (free - (wanted / gap) ** 2), -braking)


idm_acceleration_part = part(idm_acceleration)  # the same, for kernels
