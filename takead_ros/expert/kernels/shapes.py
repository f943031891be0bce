"""Kernels of the paths: smooth lines from the ego's pose to the route's centre and around obstacles."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Matrix, Vector, kernel, part

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
def shape(
    frame_x: Vector, frame_y: Vector, frame_yaw: Vector, frame_curvature: Vector, behind: int,
    own_offset: float, heading_error: float, target: Vector, full: Vector, over: Vector, aside: float,
    steering_angle: float, speed: float, wheelbase: float,
) -> tuple[Matrix, Matrix, Matrix, Matrix, Matrix, Matrix]:  # fmt: skip
    """(offset, x, y, yaw, curvature, rate), each (L, G), of ``paths.Paths``: all start at the ego's pose.

    The frame is that of ``frame.Frame``, of which points from ``behind`` on are used. Path 0 keeps ``aside`` m left of
    the route; the others are out at target (L,) m from full (L,) to over (L,) m. The ego has steering_angle rad, speed
    m/s and wheelbase m.
    """
    paths, points = len(target), len(frame_x) - behind
    offset, x, y = np.empty((paths, points)), np.empty((paths, points)), np.empty((paths, points))
    yaw, curvature, rate = np.empty((paths, points)), np.empty((paths, points)), np.empty((paths, points))
    cos, sin = np.empty(points), np.empty(points)
    for i in range(points):
        cos[i], sin[i] = np.cos(frame_yaw[behind + i]), np.sin(frame_yaw[behind + i])
    # the centre moves to the side of where it points
    slip = np.arctan(0.5 * np.tan(steering_angle)) * min(speed / TURNS, 1.0)
    gentle = min(max((speed - CRAWLS) / (DRIVES - CRAWLS), 0.0), 1.0)
    shortest = STEP_OFF + gentle * (SHORTEST - STEP_OFF)
    slope = np.tan(min(max(heading_error + slip, -1.2), 1.2)) * (1.0 - frame_curvature[behind] * own_offset)
    course, step = np.empty(points), np.empty(points)
    for path in range(paths):
        out, begins, ends, nearest = target[path], full[path], over[path], np.inf
        ramp, start, start_slope = 1.0, aside, 0.0
        if path:
            ramp = _shift_length(out, min(speed + 1.0, 8.0))
            start = _goal(0.0, out, begins, ends, ramp)
            start_slope = _goal(0.5, out, begins, ends, ramp) - _goal(-0.5, out, begins, ends, ramp)
            nearest = begins
            late = gentle < 1.0 and begins < ramp and ends > 0.0 and (start - own_offset) * out > 0.0
            if late:  # no time to lose with the beginning of the ramp
                begins, start, start_slope = -ramp, out, 0.0
        error, error_slope = own_offset - start, slope - start_slope
        length = _shift_length(error + 3.0 * error_slope, speed)
        if error * error_slope > 0.0 and abs(error_slope) > 0.05:
            length = min(length, max(TURN_BACK * speed, 6.0))
        length = min(length, max(nearest, max(np.sqrt(PEAK * abs(error) * TIGHT_RADIUS), shortest)))
        for i in range(points):
            u = min(i / length, 1.0)
            left = 1.0 - gentle * _smooth(u) - (1.0 - gentle) * u**2 * (3.0 - 2.0 * u)
            swing = gentle * (u - u**3 * (6.0 - 8.0 * u + 3.0 * u**2)) + (1.0 - gentle) * u * (1.0 - u) ** 2
            goal = _goal(float(i), out, begins, ends, ramp) if path else aside
            offset[path, i] = goal + error * left + error_slope * length * swing
            x[path, i] = frame_x[behind + i] - offset[path, i] * sin[i]
            y[path, i] = frame_y[behind + i] + offset[path, i] * cos[i]
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
            lead = min(max(0.5 * wheelbase * curvature[path, i], -0.4), 0.4)
            yaw[path, i] = course[i] - np.arcsin(lead) if i else 0.0  # at first it is the ego's own
    return offset, x, y, yaw, curvature, rate
