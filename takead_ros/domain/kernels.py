"""Parts that kernels of several folders share (takead_ros/compiled.py)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.compiled import Vector, part


class Box(NamedTuple):
    """A box: its middle x y m, cosine and sine of its heading, half its length and half its width m."""

    x: float
    y: float
    cos: float
    sin: float
    half_length: float
    half_width: float


@part
def wrapped(angle: float) -> float:
    """The angle in [-pi, pi)."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


@part
def piece_of(at: float, places: Vector) -> int:
    """The last of growing ``places`` (P,) at or before ``at``; -1 before the second one where ``at`` is not beyond the
    first, P - 1 from the last one on and for NaN."""
    last = len(places) - 1
    if not at < places[last]:
        return last
    if at <= places[0]:
        return -1
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if places[middle] <= at:
            low = middle
        else:
            high = middle
    return low


@part
def interpolate_on(piece: int, at: float, places: Vector, values: Vector) -> float:
    """``interpolate`` where ``piece_of`` is known."""
    if piece < 0 or piece == len(places) - 1:
        return float(values[max(piece, 0)])
    slope = (values[piece + 1] - values[piece]) / (places[piece + 1] - places[piece])
    return float(slope * (at - places[piece]) + values[piece])


@part
def interpolate(at: float, places: Vector, values: Vector) -> float:
    """``np.interp`` of one place among growing ``places`` (P,)."""
    return interpolate_on(piece_of(at, places), at, places, values)


@part
def box_gap(one: Box, other: Box) -> float:
    """Signed gap m of two boxes: the largest over the four separating axes.

    Below 0 where they overlap, 0 where they touch, else at most their distance.
    """
    dx, dy = other.x - one.x, other.y - one.y
    across = abs(other.sin * one.cos - other.cos * one.sin)
    with_it = abs(other.cos * one.cos + other.sin * one.sin)
    long, wide, other_long, other_wide = one.half_length, one.half_width, other.half_length, other.half_width
    gap = abs(one.cos * dx + one.sin * dy) - long - other_long * with_it - other_wide * across
    gap = max(gap, abs(one.cos * dy - one.sin * dx) - wide - other_long * across - other_wide * with_it)
    gap = max(gap, abs(other.cos * dx + other.sin * dy) - other_long - long * with_it - wide * across)
    return max(gap, abs(other.cos * dy - other.sin * dx) - other_wide - long * across - wide * with_it)
