"""Kernels of what triggers look at: a plan laid out, who is ahead on it, its bends, the edges of lanes. ``map``, SI."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Indices, Matrix, Vector, kernel, part
from takead_ros.domain.kernels import interpolate, wrapped

NEAREST_M, SLOWEST_MPS = 0.05, 1e-3  # keep a division defined
FLAT_PER_M = 1e-6  # likewise
X, Y, YAW, ARC, TIME = range(5)  # rows of a trace


@kernel
def lay_trace(
    plan_x: Vector,
    plan_y: Vector,
    plan_yaw: Vector,
    plan_speed: Vector,
    dt: float,
    pose_x: float,
    pose_y: float,
    pose_yaw: float,
    speed: float,
    fine_s: float,
) -> Matrix:
    """A plan, made at a pose (m, rad) and speed m/s, as a trace (5, F): x y m, yaw rad, arc m at times s ``fine_s``
    apart; the cubic (Hermite) through the plan's poses and speeds, so slow that it never runs back."""
    steps = len(plan_x)
    x, y, yaw, v = np.zeros(steps + 1), np.zeros(steps + 1), np.zeros(steps + 1), np.empty(steps + 1)
    knots, turns = np.empty(steps + 1), 0.0
    x[1:], y[1:], v[1:] = plan_x, plan_y, plan_speed
    v[0], knots[0] = max(speed, 0.0), 0.0
    for k in range(steps):
        before = plan_yaw[k - 1] if k else 0.0
        turns += np.rint((plan_yaw[k] - before) / (2.0 * np.pi))
        yaw[k + 1], knots[k + 1] = plan_yaw[k] - 2.0 * np.pi * turns, (k + 1) * dt
    for k in range(steps):
        most = 3.0 / dt * np.hypot(x[k + 1] - x[k], y[k + 1] - y[k])  # beyond, a cubic runs back (Fritsch, Carlson)
        v[k + 1], v[k] = min(v[k + 1], most), min(v[k], most)
    trace = np.empty((5, int(np.ceil((steps * dt + 1e-9) / fine_s))))
    cos, sin, arc, last_x, last_y = np.cos(pose_yaw), np.sin(pose_yaw), 0.0, 0.0, 0.0
    for f in range(trace.shape[1]):
        t = f * fine_s
        k = min(int(t / dt + 1e-9), steps - 1)
        u = t / dt - k
        value, leave, reach = u * u * (3.0 - 2.0 * u), u * (1.0 - u) ** 2 * dt, u * u * (u - 1.0) * dt
        first, second = v[k], v[k + 1]
        px = x[k] + value * (x[k + 1] - x[k]) + leave * first * np.cos(yaw[k]) + reach * second * np.cos(yaw[k + 1])
        py = y[k] + value * (y[k + 1] - y[k]) + leave * first * np.sin(yaw[k]) + reach * second * np.sin(yaw[k + 1])
        if f:
            arc += np.hypot(px - last_x, py - last_y)
        last_x, last_y = px, py
        trace[X, f], trace[Y, f] = pose_x + cos * px - sin * py, pose_y + sin * px + cos * py
        trace[YAW, f], trace[ARC, f], trace[TIME, f] = pose_yaw + interpolate(t, knots, yaw), arc, t
    return trace


@kernel
def strays(new: Matrix, old: Matrix, at_s: float, elapsed_s: float) -> tuple[float, float]:
    """How far (m) the trace ``new`` is at ``at_s`` s beside the trace ``old``, made ``elapsed_s`` s earlier, and along
    it from where that one would be then."""
    x, y = interpolate(at_s, new[TIME], new[X]), interpolate(at_s, new[TIME], new[Y])
    i, least = 0, np.inf
    for f in range(old.shape[1]):
        away = (x - old[X, f]) ** 2 + (y - old[Y, f]) ** 2
        if away < least:
            i, least = f, away
    dx, dy, cos, sin = x - old[X, i], y - old[Y, i], np.cos(old[YAW, i]), np.sin(old[YAW, i])
    due = interpolate(at_s + elapsed_s, old[TIME], old[ARC])
    return abs(cos * dy - sin * dx), abs(old[ARC, i] + cos * dx + sin * dy - due)


@kernel
def within(
    x: Vector, y: Vector, vx: Vector, vy: Vector, visibility: Vector, ego: Vector, horizon_s: float, reach_m: float
) -> Indices:
    """Rows of the visible objects that may come near within the horizon and are not behind the ego: x y m, yaw rad,
    speed m/s, length m."""
    rows, count = np.empty(len(x), np.int64), 0
    cos, sin = np.cos(ego[2]), np.sin(ego[2])
    for n in range(len(x)):
        dx, dy = x[n] - ego[0], y[n] - ego[1]
        reach = horizon_s * (ego[3] + np.hypot(vx[n], vy[n])) + reach_m
        if visibility[n] > 0.0 and cos * dx + sin * dy > -0.5 * ego[4] and dx * dx + dy * dy < reach * reach:
            rows[count] = n
            count += 1
    found: Indices = rows[:count].copy()
    return found


@kernel
def follow_gap(
    path: Matrix, ego: Vector, others: Matrix, corridor_m: float, crossing_mps: float
) -> tuple[int, float, float, float]:
    """Who is ahead on a path (T, 3) of poses from the ego (x y m, yaw rad, speed m/s, length width m) on, of the others
    (7, N): x y m, yaw rad, vx vy m/s, length width m.

    (The one that is met first: row; s until then, inf for never; m/s^2 of braking that this takes; m to the nearest.)
    """
    count, steps = others.shape[1], len(path) + 1
    line, arc = np.empty((steps, 3)), np.zeros(steps)
    line[0], line[1:] = ego[:3], path
    for t in range(1, steps):
        arc[t] = arc[t - 1] + np.hypot(line[t, 0] - line[t - 1, 0], line[t, 1] - line[t - 1, 1])
    row, soonest, must, nearest = 0, np.inf, 0.0, np.inf
    for n in range(count):
        i, least = 0, np.inf
        for t in range(steps):
            away = (others[0, n] - line[t, 0]) ** 2 + (others[1, n] - line[t, 1]) ** 2
            if away < least:
                i, least = t, away
        dx, dy, heading = others[0, n] - line[i, 0], others[1, n] - line[i, 1], line[i, 2]
        cos, sin, turn = np.cos(heading), np.sin(heading), others[2, n] - heading
        across, along = abs(np.sin(turn)), abs(np.cos(turn))
        vx, vy, length, width = others[3, n], others[4, n], others[5, n], others[6, n]
        beside = abs(cos * dy - sin * dx) - 0.5 * (length * across + width * along + ego[5])
        far = arc[i] + cos * dx + sin * dy
        gap = max(far - 0.5 * (length * along + width * across + ego[4]), NEAREST_M)
        closing = ego[3] - (vx * cos + vy * sin)
        inside = beside < corridor_m and far > 0.0 and abs(vy * cos - vx * sin) < crossing_mps
        ttc = gap / max(closing, SLOWEST_MPS) if inside and closing > 0.0 else np.inf
        if n == 0 or ttc < soonest:
            row, soonest, must = n, ttc, closing * closing / (2.0 * gap)
        if inside:
            nearest = min(nearest, gap)
    return row, soonest, must, nearest


@part
def place_on(path: Matrix, arc: Vector, x: float, y: float) -> float:
    """m along a polyline (P, 2) m with its ``arc`` (P,) m to the place nearest to (x, y)."""
    best, least = 0.0, np.inf
    for i in range(len(path) - 1):
        step_x, step_y = path[i + 1, 0] - path[i, 0], path[i + 1, 1] - path[i, 1]
        length = max(np.hypot(step_x, step_y), 1e-9)
        share = ((x - path[i, 0]) * step_x + (y - path[i, 1]) * step_y) / (length * length)
        share = min(max(share, 0.0), 1.0)
        away = np.hypot(path[i, 0] + share * step_x - x, path[i, 1] + share * step_y - y)
        if away < least:
            best, least = arc[i] + share * length, away
    return best


@kernel
def bends_ahead(path: Matrix, x: float, y: float, chord_m: float) -> tuple[Vector, Vector]:
    """Points of a route (P, 2) m ahead of (x, y): their distance (Q,) m along it, and its curvature (Q,) 1/m there,
    over chords of ``chord_m`` m."""
    points = len(path)
    if points < 3:
        return np.zeros(0), np.zeros(0)
    arc, middle, yaw = np.zeros(points), np.empty(points - 1), np.empty(points - 1)
    for i in range(points - 1):
        step_x, step_y = path[i + 1, 0] - path[i, 0], path[i + 1, 1] - path[i, 1]
        arc[i + 1] = arc[i] + np.hypot(step_x, step_y)
        heading = np.arctan2(step_y, step_x)
        middle[i] = 0.5 * (arc[i] + arc[i + 1])
        yaw[i] = yaw[i - 1] + wrapped(heading - yaw[i - 1]) if i else heading
    away, curvature, count = np.empty(points), np.empty(points), 0
    here, half = place_on(path, arc, x, y), 0.5 * chord_m
    for i in range(points):
        if arc[i] - here > 0.0:
            turned = interpolate(arc[i] + half, middle, yaw) - interpolate(arc[i] - half, middle, yaw)
            away[count], curvature[count] = arc[i] - here, abs(turned) / chord_m
            count += 1
    return away[:count].copy(), curvature[:count].copy()


@kernel
def speeds_planned(away: Vector, trace: Matrix, speed: Vector, dt: float, age_s: float) -> Vector:
    """Speed (Q,) m/s that a plan with its speeds (T,) m/s at steps of ``dt`` s, ``age_s`` old, has ``away`` (Q,) m
    ahead; 0 beyond its end."""
    way, begun = np.empty(len(speed)), interpolate(age_s, trace[TIME], trace[ARC])
    for k in range(len(speed)):
        way[k] = interpolate((k + 1) * dt, trace[TIME], trace[ARC]) - begun
    planned = np.zeros(len(away))
    for i in range(len(away)):
        if away[i] <= way[len(way) - 1]:
            planned[i] = interpolate(away[i], way, speed)
    return planned


@kernel
def first_too_fast(
    away: Vector, curvature: Vector, planned: Vector, speed: float, most: float, calm: float, braking: float
) -> tuple[int, bool, float, float]:
    """The first point that is planned with more than ``most`` m/s^2 sideways, where more than ``braking`` m/s^2 of
    braking is due at ``speed`` m/s: (its row or -1; whether none is planned with more than ``calm`` m/s^2; m/s^2
    sideways there; m/s^2 of braking that is due)."""
    row, slow, sideways, brake = -1, True, 0.0, 0.0
    for i in range(len(away)):
        lateral = planned[i] * planned[i] * curvature[i]
        slow = slow and not lateral > calm
        if row < 0 and lateral > most:
            due = (speed * speed - most / max(curvature[i], FLAT_PER_M)) / (2.0 * max(away[i], NEAREST_M))
            if due > braking:
                row, sideways, brake = i, lateral, due
    return row, slow, sideways, brake


@kernel
def beyond_lanes(lane_x: Vector, lane_y: Vector, half: Vector, x: float, y: float, default_half: float) -> float:
    """m from (x, y) to the edge of the nearest lane, given by points (Q,) of all centres and half the width there (NaN:
    ``default_half``); negative on it."""
    least = np.inf
    for q in range(len(lane_x)):
        reach = default_half if np.isnan(half[q]) else half[q]
        least = min(least, np.hypot(lane_x[q] - x, lane_y[q] - y) - reach)
    return least
