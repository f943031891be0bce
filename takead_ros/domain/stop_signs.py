"""When the ego has served a stop sign: one rule for every simulator, every vehicle side and the measures."""

from __future__ import annotations

STOPPED = 0.2  # m/s; slower counts as a stop
STOP_ZONE = 4.0  # m before a stop line within which the stop has to be


def stands_before(distance: float, speed: float) -> bool:
    """Whether the ego at ``speed`` m/s, its front ``distance`` m before the line, stands as a stop sign asks it to."""
    return 0.0 <= distance <= STOP_ZONE and speed < STOPPED
