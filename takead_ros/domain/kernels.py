"""Parts that kernels of several folders share (takead_ros/compiled.py)."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Vector, part


@part
def wrapped(angle: float) -> float:
    """The angle in [-pi, pi)."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


@part
def interpolate(at: float, places: Vector, values: Vector) -> float:
    """``np.interp`` of one place among growing ``places`` (P,)."""
    last = len(places) - 1
    if not at < places[last]:
        return float(values[last])
    if at <= places[0]:
        return float(values[0])
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if places[middle] <= at:
            low = middle
        else:
            high = middle
    slope = (values[high] - values[low]) / (places[high] - places[low])
    return float(slope * (at - places[low]) + values[low])
