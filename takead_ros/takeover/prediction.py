"""Where the ego and the others will be over the next seconds, and when their boxes first meet. Frame ``map``, SI."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.driving import Plan
from takead_ros.domain.geometry import wrap_angle
from takead_ros.domain.scene import EgoState, FloatArray, IntArray, LineKind, ObjectKind, Objects, Polyline
from takead_ros.takeover.parameters import MonitorParameters

# Resolution, no thresholds: s between predicted poses, and between the points of a plan's path.
STEP_S, FINE_S = 0.2, 0.1
NEAR_M = 0.5  # keeps a division of the pure pursuit defined
TURNED_M2 = 30.0  # choosing the nearest point of a lane, a full turn away from its heading counts twice this
FAR = np.inf


@dataclass(frozen=True, eq=False)
class Lanes:
    """Centre lines as one array: x y yaw (Q,), arc (Q,) growing along each line, ``last`` (Q,) the line's last index,
    ``half`` (Q,) m half the lane's width, not a number where that is not known.

    ``source`` are the polylines that it was made of; map geometry is static, so it holds while they are in view.
    """

    source: tuple[Polyline, ...]
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    arc: FloatArray
    last: IntArray
    half: FloatArray

    @staticmethod
    def of(polylines: tuple[Polyline, ...], known: Lanes | None) -> Lanes | None:
        """The lanes of a scene; ``known`` again where its lines are the same ones."""
        if known is not None and known.source is polylines:
            return known
        lines = [line for line in polylines if line.kind is LineKind.LANE_CENTER and len(line.points) > 1]
        if not lines:
            return None
        points = np.concatenate([line.points for line in lines])
        sizes = np.array([len(line.points) for line in lines])
        last = np.repeat(np.cumsum(sizes) - 1, sizes)
        steps = np.vstack((np.diff(points, axis=0), [[0.0, 0.0]]))
        ends = np.unique(last)
        steps[ends] = steps[ends - 1]  # the jump from one line to the next is no road
        length = np.hypot(steps[:, 0], steps[:, 1])
        arc = np.concatenate(([0.0], np.cumsum(length)[:-1]))
        half = np.repeat([np.nan if line.width is None else 0.5 * line.width for line in lines], sizes)
        return Lanes(polylines, points[:, 0], points[:, 1], np.arctan2(steps[:, 1], steps[:, 0]), arc, last, half)


@lru_cache(maxsize=8)
def times(horizon_s: float) -> FloatArray:
    """(T,) s ahead, STEP_S apart."""
    return STEP_S * np.arange(1.0, round(horizon_s / STEP_S) + 1.0)


@dataclass(frozen=True, eq=False)
class Trace:
    """A plan as a path in ``map``: x y (F,) m, yaw (F,) rad, arc (F,) m, at t (F,) s after the plan's stamp.

    It is the cubic through the plan's poses and speeds.
    """

    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    arc: FloatArray
    t: FloatArray

    @staticmethod
    def of(plan: Plan, pose: tuple[float, float, float], speed: float) -> Trace:
        """``pose`` and ``speed`` (m/s) are the ego's at the plan's stamp."""
        t, i, value, slope = _cubic(len(plan.x), plan.dt)
        x, y = np.concatenate(([0.0], plan.x)), np.concatenate(([0.0], plan.y))
        yaw, v = np.concatenate(([0.0], plan.yaw)), np.concatenate(([max(speed, 0.0)], plan.speed))
        yaw[1:] -= 2.0 * np.pi * np.cumsum(np.round(np.diff(yaw) / (2.0 * np.pi)))
        most = 3.0 / plan.dt * np.hypot(x[1:] - x[:-1], y[1:] - y[:-1])  # beyond, a cubic runs back (Fritsch, Carlson)
        v[1:], v[:-1] = np.minimum(v[1:], most), np.minimum(v[:-1], most)
        along, across = v * np.cos(yaw), v * np.sin(yaw)
        px = x[i] + value * (x[i + 1] - x[i]) + slope[0] * along[i] + slope[1] * along[i + 1]
        py = y[i] + value * (y[i + 1] - y[i]) + slope[0] * across[i] + slope[1] * across[i + 1]
        heading = np.interp(t, np.arange(len(x)) * plan.dt, yaw)
        arc = np.concatenate(([0.0], np.cumsum(np.hypot(px[1:] - px[:-1], py[1:] - py[:-1]))))
        cos, sin = np.cos(pose[2]), np.sin(pose[2])
        return Trace(pose[0] + cos * px - sin * py, pose[1] + sin * px + cos * py, pose[2] + heading, arc, t)


@lru_cache(maxsize=8)
def _cubic(steps: int, dt: float) -> tuple[FloatArray, IntArray, FloatArray, tuple[FloatArray, FloatArray]]:
    """Times (F,) s of a trace, the plan step (F,) each lies in, and the weights of Hermite's cubic there."""
    t = np.arange(0.0, steps * dt + 1e-9, FINE_S)
    i = np.minimum((t / dt + 1e-9).astype(np.int64), steps - 1)
    u = t / dt - i
    return t, i, u * u * (3.0 - 2.0 * u), (u * (1.0 - u) ** 2 * dt, u * u * (u - 1.0) * dt)


def roll_out(trace: Trace, age_s: float, ego: EgoState, ahead: FloatArray, p: MonitorParameters) -> FloatArray:
    """Poses (T, 3) [x, y, yaw] of a kinematic bicycle that follows ``trace``, ``age_s`` old, at ``ahead`` (T,) s.

    It begins where the ``ego`` is and steers by pure pursuit of the trace, no farther than its full lock. The way that
    it makes is the plan's as far as the present speed and the vehicle's strongest braking and acceleration allow;
    beyond the plan's end it goes straight on.
    """
    start, *wanted = np.interp(np.concatenate(([age_s], age_s + ahead)), trace.t, trace.arc)
    v = max(ego.speed, 0.0)
    until = np.minimum(ahead, v / p.vehicle_braking_mps2)
    way = np.minimum(np.asarray(wanted) - start, v * ahead + 0.5 * p.vehicle_acceleration_mps2 * ahead * ahead)
    way = start + np.maximum(way, v * until - 0.5 * p.vehicle_braking_mps2 * until * until)
    ways = np.concatenate(([start], way))
    aims = ways[:-1] + np.maximum(p.lookahead_steps * np.diff(ways), p.lookahead_m)
    beyond = np.maximum(aims - trace.arc[-1], 0.0)
    end_yaw = float(trace.yaw[-1])
    aim_x = np.interp(aims, trace.arc, trace.x) + beyond * math.cos(end_yaw)
    aim_y = np.interp(aims, trace.arc, trace.y) + beyond * math.sin(end_yaw)
    return _pursued(ego, np.diff(ways).tolist(), aim_x.tolist(), aim_y.tolist())


def _pursued(ego: EgoState, steps: list[float], aim_x: list[float], aim_y: list[float]) -> FloatArray:
    """Poses (T, 3) of the ego's bicycle after each of ``steps`` (T) m, steered at the aim (m) of that step.

    Its reference point is the centre, which moves off at the slip angle; each angle is that of the circle through the
    aim (pure pursuit of the rear axle, Coulter, CMU-RI-TR-92-01; Rajamani, Vehicle Dynamics and Control, eq. 2.3).
    """
    x, y, yaw, half = ego.x, ego.y, ego.yaw, 0.5 * ego.wheelbase
    most = math.atan(0.5 * math.tan(ego.max_steering_angle))  # slip angle at full lock
    poses = np.empty((len(steps), 3))
    for i, step in enumerate(steps):
        dx, dy = aim_x[i] - x, aim_y[i] - y
        left, on = math.cos(yaw) * dy - math.sin(yaw) * dx, math.cos(yaw) * dx + math.sin(yaw) * dy
        slip = math.atan(left / max(on + (dx * dx + dy * dy) / ego.wheelbase, NEAR_M))
        slip = min(max(slip, -most), most)
        turn = step * math.sin(slip) / half
        course = yaw + slip + 0.5 * turn
        x, y, yaw = x + step * math.cos(course), y + step * math.sin(course), yaw + turn
        poses[i] = x, y, yaw
    return poses


def constant_velocity(objects: Objects, ahead: FloatArray) -> FloatArray:
    """Poses (N, T, 3) of objects that keep their velocity and heading."""
    poses = np.empty((len(objects), len(ahead), 3))
    poses[..., 0] = objects.x[:, None] + objects.vx[:, None] * ahead
    poses[..., 1] = objects.y[:, None] + objects.vy[:, None] * ahead
    poses[..., 2] = objects.yaw[:, None]
    return poses


def lane_following(
    objects: Objects, lanes: Lanes | None, straight: FloatArray, ahead: FloatArray, p: MonitorParameters
) -> FloatArray:
    """Poses (N, T, 3): vehicles on a lane follow it at their speed and drift on sideways for a while; the others as
    ``straight`` (N, T, 3), their constant-velocity poses."""
    speed = np.hypot(objects.vx, objects.vy)
    rides = np.flatnonzero((speed > p.lane_speed_mps) & (objects.kind != ObjectKind.PEDESTRIAN))
    if lanes is None or not len(rides):
        return straight
    x, y, course = objects.x[rides], objects.y[rides], np.arctan2(objects.vy[rides], objects.vx[rides])
    turned = np.cos(lanes.yaw - course[:, None])
    away = (lanes.x - x[:, None]) ** 2 + (lanes.y - y[:, None]) ** 2
    i = (away + TURNED_M2 * (1.0 - turned)).argmin(axis=1)
    row = np.arange(len(i))
    on = (away[row, i] < p.lane_reach_m**2) & (turned[row, i] > np.cos(p.lane_heading_rad))
    rides, i, x, y, course = rides[on], i[on], x[on], y[on], course[on]
    if not len(rides):
        return straight
    lane_yaw, v = lanes.yaw[i], speed[rides]
    dx, dy = x - lanes.x[i], y - lanes.y[i]
    offset = np.cos(lane_yaw) * dy - np.sin(lane_yaw) * dx
    here = lanes.arc[i] + np.cos(lane_yaw) * dx + np.sin(lane_yaw) * dy
    drift = v * np.sin(course - lane_yaw)
    there = here[:, None] + (v * np.cos(course - lane_yaw))[:, None] * ahead
    j = np.searchsorted(lanes.arc, there, side="right") - 1
    j = np.clip(j, i[:, None], lanes.last[i][:, None])
    beyond, direction = there - lanes.arc[j], lanes.yaw[j]
    side = offset[:, None] + drift[:, None] * np.minimum(ahead, p.lane_drift_s)
    poses: FloatArray = straight.copy()
    poses[rides, :, 0] = lanes.x[j] + beyond * np.cos(direction) - side * np.sin(direction)
    poses[rides, :, 1] = lanes.y[j] + beyond * np.sin(direction) + side * np.cos(direction)
    poses[rides, :, 2] = objects.yaw[rides, None] + wrap_angle(direction - lane_yaw[:, None])
    return poses


def first_contact(
    ego: FloatArray, size: tuple[float, float], others: FloatArray, objects: Objects, ahead: FloatArray
) -> FloatArray:
    """(N,) s until the box of the ego, poses (T, 3), first overlaps that of each object, poses (N, T, 3); inf: never.

    ``size``: length and width (m) of the ego's box.
    """
    first: FloatArray = np.full(len(objects), FAR)
    reach = 0.5 * (math.hypot(*size) + np.hypot(objects.length, objects.width))
    dx, dy = others[..., 0] - ego[:, 0], others[..., 1] - ego[:, 1]
    who, when = np.nonzero(dx * dx + dy * dy < (reach * reach)[:, None])
    if len(who):
        half = 0.5 * objects.length[who], 0.5 * objects.width[who]
        turned = others[who, when, 2] - ego[when, 2]
        hit = _overlap(dx[who, when], dy[who, when], ego[when, 2], turned, (0.5 * size[0], 0.5 * size[1]), half)
        np.minimum.at(first, who[hit], ahead[when[hit]])
    return first


def _overlap(
    dx: FloatArray, dy: FloatArray, yaw: FloatArray, turned: FloatArray, mine: tuple[float, float],
    theirs: tuple[FloatArray, FloatArray],
) -> NDArray[np.bool_]:  # fmt: skip
    """(M,) whether two boxes overlap: offset (m) and ``yaw`` of mine, theirs ``turned`` against it, half length and
    width. Separating-axis theorem along the four directions of the sides."""
    cos, sin = np.abs(np.cos(turned)), np.abs(np.sin(turned))
    apart = np.zeros(len(dx), dtype=np.bool_)
    for direction, near, far in ((yaw, mine, theirs), (yaw + turned, theirs, mine)):
        c, s = np.cos(direction), np.sin(direction)
        apart |= np.abs(c * dx + s * dy) >= near[0] + far[0] * cos + far[1] * sin
        apart |= np.abs(c * dy - s * dx) >= near[1] + far[0] * sin + far[1] * cos
    return ~apart
