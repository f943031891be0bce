"""Where the ego and the others will be over the next seconds, and when their boxes first meet. Frame ``map``, SI."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.driving import Plan
from takead_ros.domain.geometry import box_corners, boxes_overlap, wrap_angle
from takead_ros.domain.scene import EgoState, FloatArray, IntArray, LineKind, ObjectKind, Objects, Polyline

STEP_S = 0.1
BRAKING, PUSHING = 9.0, 4.0  # m/s^2: what the vehicle can do at most, whatever a plan says
LANE_REACH_M, LANE_HEADING_RAD = 2.5, 0.6  # a vehicle within both follows the lane
DRIFT_S = 2.0  # s for which a sideways motion in the lane goes on
FAR = np.inf


@dataclass(frozen=True, eq=False)
class Lanes:
    """Centre lines as one array: x y yaw (Q,), arc (Q,) growing along each line, ``last`` (Q,) the line's last index.

    ``lines`` are the polylines that it was made of; map geometry is static, so it holds while they are in view.
    """

    lines: tuple[Polyline, ...]
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    arc: FloatArray
    last: IntArray

    @staticmethod
    def of(polylines: tuple[Polyline, ...], known: Lanes | None) -> Lanes | None:
        """The lanes of a scene; ``known`` again where its lines are the same ones."""
        lines = tuple([line for line in polylines if line.kind is LineKind.LANE_CENTER and len(line.points) > 1])
        same = known is not None and len(known.lines) == len(lines)
        if known is not None and same and all(a is b for a, b in zip(lines, known.lines, strict=True)):
            return known
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
        return Lanes(lines, points[:, 0], points[:, 1], np.arctan2(steps[:, 1], steps[:, 0]), arc, last)


def times(horizon_s: float) -> FloatArray:
    """(T,) s ahead, STEP_S apart."""
    return STEP_S * np.arange(1.0, round(horizon_s / STEP_S) + 1.0)


def roll_out(
    plan: Plan, pose: tuple[float, float, float], age_s: float, ego: EgoState, ahead: FloatArray
) -> FloatArray:
    """Poses (T, 3) [x, y, yaw] in ``map`` of an ego that follows ``plan`` from now on, at ``ahead`` (T,) s.

    ``pose`` is the ego's at the plan's stamp, ``age_s`` ago. The path is the cubic through the plan's poses and speeds,
    which a kinematic bicycle can drive exactly (it is differentially flat); the way along it is the plan's as far as
    the vehicle's present speed and its strongest braking and acceleration allow.
    """
    knots = np.arange(len(plan.x) + 1) * plan.dt
    x, y = np.concatenate(([0.0], plan.x)), np.concatenate(([0.0], plan.y))
    yaw, speed = np.unwrap(np.concatenate(([0.0], plan.yaw))), np.concatenate(([max(ego.speed, 0.0)], plan.speed))
    fine = np.arange(0.0, knots[-1] + 1e-9, STEP_S)
    i = np.minimum((fine / plan.dt + 1e-9).astype(np.int64), len(plan.x) - 1)
    u = (fine - knots[i]) / plan.dt
    h01 = u * u * (3.0 - 2.0 * u)
    h10, h11 = u * (1.0 - u) ** 2 * plan.dt, u * u * (u - 1.0) * plan.dt
    along, across = speed * np.cos(yaw), speed * np.sin(yaw)
    px = x[i] + h01 * (x[i + 1] - x[i]) + h10 * along[i] + h11 * along[i + 1]
    py = y[i] + h01 * (y[i + 1] - y[i]) + h10 * across[i] + h11 * across[i + 1]
    heading = np.interp(fine, knots, yaw)

    arc = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(px), np.diff(py)))))
    start = np.interp(age_s, fine, arc)
    wanted = np.interp(age_s + ahead, fine, arc) - start
    v = max(ego.speed, 0.0)
    until = np.minimum(ahead, v / BRAKING)
    way = start + np.clip(wanted, v * until - 0.5 * BRAKING * until**2, v * ahead + 0.5 * PUSHING * ahead**2)
    beyond = np.maximum(way - arc[-1], 0.0)
    heading = np.interp(way, arc, heading)
    px = np.interp(way, arc, px) + beyond * np.cos(heading)
    py = np.interp(way, arc, py) + beyond * np.sin(heading)
    cos, sin = np.cos(pose[2]), np.sin(pose[2])
    return np.column_stack((pose[0] + cos * px - sin * py, pose[1] + sin * px + cos * py, pose[2] + heading))


def constant_velocity(objects: Objects, ahead: FloatArray) -> FloatArray:
    """Poses (N, T, 3) of objects that keep their velocity and heading."""
    poses = np.empty((len(objects), len(ahead), 3))
    poses[..., 0] = objects.x[:, None] + objects.vx[:, None] * ahead
    poses[..., 1] = objects.y[:, None] + objects.vy[:, None] * ahead
    poses[..., 2] = objects.yaw[:, None]
    return poses


def lane_following(objects: Objects, lanes: Lanes | None, straight: FloatArray, ahead: FloatArray) -> FloatArray:
    """Poses (N, T, 3): vehicles on a lane follow it at their speed and drift on sideways for a while; the others as
    ``straight`` (N, T, 3), their constant-velocity poses."""
    speed = np.hypot(objects.vx, objects.vy)
    rides = np.flatnonzero((speed > 1.0) & (objects.kind != ObjectKind.PEDESTRIAN))
    if lanes is None or not len(rides):
        return straight
    x, y, course = objects.x[rides], objects.y[rides], np.arctan2(objects.vy[rides], objects.vx[rides])
    turned = np.cos(lanes.yaw - course[:, None])
    away = (lanes.x - x[:, None]) ** 2 + (lanes.y - y[:, None]) ** 2
    i = (away + 30.0 * (1.0 - turned)).argmin(axis=1)
    row = np.arange(len(i))
    on = (away[row, i] < LANE_REACH_M**2) & (turned[row, i] > np.cos(LANE_HEADING_RAD))
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
    side = offset[:, None] + drift[:, None] * np.minimum(ahead, DRIFT_S)
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
    reach = 0.5 * (np.hypot(*size) + np.hypot(objects.length, objects.width))
    gap = np.hypot(others[..., 0] - ego[:, 0], others[..., 1] - ego[:, 1])
    who, when = np.nonzero(gap < reach[:, None])
    first: FloatArray = np.full(len(objects), FAR)
    if len(who):
        mine = box_corners(ego[when, 0], ego[when, 1], ego[when, 2], np.asarray(size[0]), np.asarray(size[1]))
        pose = others[who, when]
        theirs = box_corners(pose[:, 0], pose[:, 1], pose[:, 2], objects.length[who], objects.width[who])
        hit = boxes_overlap(mine, theirs)
        np.minimum.at(first, who[hit], ahead[when[hit]])
    return first
