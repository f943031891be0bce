"""Kernels of the paths: smooth lines from the ego's pose to the route's centre and around obstacles."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import kernel, part
from takead_ros.expert.arrays import Ego, Lines, Offers, RouteGrid

PEAK = 5.77  # peak second derivative of a quintic shift of length and height 1
SHIFT_ACCELERATION = 1.5  # m/s^2 across, at the peak of a shift
SHIFT_RADIUS = 7.0  # m, tightest turn in a shift at walking pace
TIGHT_RADIUS = 4.0  # m, the same where there is no room for more
SHORTEST = 5.0  # m
STEP_OFF = 2.5  # m, the same from a standstill
CRAWLS, DRIVES = 1.0, 2.5  # m/s; slower, a path may begin with turned wheels, faster it may not
TURNS = 1.0  # m/s; slower, where the wheels point says less about where the ego goes: they are turned at once
TURN_BACK = 2.0  # s in which a path comes back when the ego is heading away from it


@part
def _smooth(u: float) -> float:
    """The quintic step: 0 up to u = 0, 1 from u = 1 on."""
    u = min(max(u, 0.0), 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)


@part
def _shift_length(offset: float, speed: float) -> float:
    """Length m of a comfortable shift by ``offset`` m at ``speed`` m/s."""
    time = max(np.sqrt(PEAK * abs(offset) / SHIFT_ACCELERATION), 1.2)
    return float(max(speed * time, np.sqrt(PEAK * abs(offset) * SHIFT_RADIUS), SHORTEST))


@part
def _goal(at: float, target: float, full: float, over: float, ramp: float) -> float:
    """Offset m at place ``at`` m: out to ``target`` m by ``full`` m, back from ``over`` m on, each over ``ramp`` m."""
    return target * (_smooth((at - full + ramp) / ramp) - _smooth((at - over) / ramp))


@kernel
def shape(grid: RouteGrid, offers: Offers, ego: Ego) -> Lines:
    """The paths that ``offers`` ask for; all start at the ego's pose and use the grid from its point ``behind`` on."""
    behind = grid.behind
    paths, points = len(offers.target), len(grid.x) - behind
    offset, x, y = np.empty((paths, points)), np.empty((paths, points)), np.empty((paths, points))
    yaw, curvature, rate = np.empty((paths, points)), np.empty((paths, points)), np.empty((paths, points))
    cos, sin = np.empty(points), np.empty(points)
    for i in range(points):
        cos[i], sin[i] = np.cos(grid.yaw[behind + i]), np.sin(grid.yaw[behind + i])
    course, step = np.empty(points), np.empty(points)
    for path in range(paths):
        speed, stays = offers.speed[path], offers.stays[path]
        # the centre moves to the side of where it points
        slip = np.arctan(0.5 * np.tan(ego.steering_angle)) * min(speed / TURNS, 1.0)
        gentle = min(max((speed - CRAWLS) / (DRIVES - CRAWLS), 0.0), 1.0)
        shortest = STEP_OFF + gentle * (SHORTEST - STEP_OFF)
        slope = np.tan(min(max(grid.heading_error + slip, -1.2), 1.2)) * (1.0 - grid.curvature[behind] * grid.offset)
        out, begins, ends, nearest = offers.target[path], offers.full[path], offers.over[path], np.inf
        ramp, start, start_slope = 1.0, out, 0.0
        if not stays:
            ramp = _shift_length(out, min(speed + 1.0, 8.0))
            start = _goal(0.0, out, begins, ends, ramp)
            start_slope = _goal(0.5, out, begins, ends, ramp) - _goal(-0.5, out, begins, ends, ramp)
            nearest = begins
            late = gentle < 1.0 and begins < ramp and ends > 0.0 and (start - grid.offset) * out > 0.0
            if late:  # no time to lose with the beginning of the ramp
                begins, start, start_slope = -ramp, out, 0.0
        error, error_slope = grid.offset - start, slope - start_slope
        length = _shift_length(error + 3.0 * error_slope, speed)
        if error * error_slope > 0.0 and abs(error_slope) > 0.05:
            length = min(length, max(TURN_BACK * speed, 6.0))
        length = min(length, max(nearest, max(np.sqrt(PEAK * abs(error) * TIGHT_RADIUS), shortest)))
        for i in range(points):
            u = min(i / length, 1.0)
            left = 1.0 - gentle * _smooth(u) - (1.0 - gentle) * u**2 * (3.0 - 2.0 * u)
            swing = gentle * (u - u**3 * (6.0 - 8.0 * u + 3.0 * u**2)) + (1.0 - gentle) * u * (1.0 - u) ** 2
            goal = out if stays else _goal(float(i), out, begins, ends, ramp)
            offset[path, i] = goal + error * left + error_slope * length * swing
            x[path, i] = grid.x[behind + i] - offset[path, i] * sin[i]
            y[path, i] = grid.y[behind + i] + offset[path, i] * cos[i]
        turned, before = 0.0, slip
        for i in range(points):
            low, high = max(i - 1, 0), min(i + 1, points - 1)
            raw = np.arctan2(y[path, high] - y[path, low], x[path, high] - x[path, low]) if i else slip
            if abs(raw - before) >= np.pi:
                turned += (raw - before + np.pi) % (2.0 * np.pi) - np.pi - (raw - before)
            before = raw
            course[i] = raw + turned
            back = min(i, points - 2)
            step[i] = max(np.hypot(x[path, back + 1] - x[path, back], y[path, back + 1] - y[path, back]), 0.05)
            rate[path, i] = 1.0 / step[i]
        for i in range(points):
            low, high = max(i - 1, 0), min(i + 1, points - 1)
            curvature[path, i] = (course[high] - course[low]) / (high - low) / step[i]
            lead = min(max(0.5 * ego.wheelbase * curvature[path, i], -0.4), 0.4)
            yaw[path, i] = course[i] - np.arcsin(lead) if i else 0.0  # at first it is the ego's own
    return Lines(offset, x, y, yaw, curvature, rate)
