"""Where the ego and the others will be over the next seconds, and when their boxes first meet. Frame ``map``, SI."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import EgoState, FloatArray, IntArray, LineKind, ObjectKind, Objects, Polyline
from takead_ros.takeover import view_kernels as kernels
from takead_ros.takeover.kernels import (
    LanePoints,
    LaneReach,
    MovingObjects,
    PursuitVehicle,
    contact,
    follow_lanes,
    pursue,
)
from takead_ros.takeover.parameters import MonitorParameters

# Resolution, no thresholds: s between predicted poses, and between the points of a plan's path.
STEP_S, FINE_S = 0.2, 0.1
FAR = np.inf


@dataclass(frozen=True, eq=False)
class CentreLines:
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
    def of(polylines: tuple[Polyline, ...], known: CentreLines | None) -> CentreLines | None:
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
        x, y = points.T.copy()
        return CentreLines(polylines, x, y, np.arctan2(steps[:, 1], steps[:, 0]), arc, last, half)


@lru_cache(maxsize=8)
def times(horizon_s: float) -> FloatArray:
    """(T,) s ahead, STEP_S apart."""
    return STEP_S * np.arange(1.0, round(horizon_s / STEP_S) + 1.0)


@dataclass(frozen=True, eq=False)
class Trace:
    """A plan as a path in ``map``: ``rows`` (5, F) are x y m, yaw rad, arc m and t s after the plan's stamp.

    It is the cubic through the plan's poses and speeds.
    """

    rows: FloatArray

    @property
    def x(self) -> FloatArray:
        return np.asarray(self.rows[kernels.X])

    @property
    def y(self) -> FloatArray:
        return np.asarray(self.rows[kernels.Y])

    @property
    def yaw(self) -> FloatArray:
        return np.asarray(self.rows[kernels.YAW])

    @property
    def arc(self) -> FloatArray:
        return np.asarray(self.rows[kernels.ARC])

    @property
    def t(self) -> FloatArray:
        return np.asarray(self.rows[kernels.TIME])

    @staticmethod
    def of(plan: Plan, pose: tuple[float, float, float], speed: float) -> Trace:
        """``pose`` and ``speed`` (m/s) are the ego's at the plan's stamp."""
        prepare()
        columns = (plan.x, plan.y, plan.yaw, plan.speed)
        x, y, yaw, paces = (np.ascontiguousarray(values, dtype=float) for values in columns)
        px, py, heading = map(float, pose)
        return Trace(kernels.lay_trace(x, y, yaw, paces, float(plan.dt), px, py, heading, float(speed), FINE_S))


def pursue_trace(trace: Trace, age_s: float, ego: EgoState, ahead: FloatArray, p: MonitorParameters) -> FloatArray:
    """Poses (T, 3) [x, y, yaw] of a kinematic bicycle that follows ``trace``, ``age_s`` old, at ``ahead`` (T,) s.

    It begins where the ``ego`` is and steers by pure pursuit of the trace, no farther than its full lock. The way that
    it makes is the plan's as far as the present speed and the vehicle's strongest braking and acceleration allow;
    beyond the plan's end it goes straight on.
    """
    prepare()
    vehicle = PursuitVehicle(
        float(ego.x),
        float(ego.y),
        float(ego.yaw),
        float(ego.speed),
        float(ego.wheelbase),
        float(ego.max_steering_angle),
        p.vehicle_braking_mps2,
        p.vehicle_acceleration_mps2,
        float(p.lookahead_steps),
        p.lookahead_m,
    )
    x, y, yaw, arc, t = trace.rows
    return pursue(t, arc, x, y, float(yaw[-1]), float(age_s), ahead, vehicle)


def constant_velocity(objects: Objects, ahead: FloatArray) -> FloatArray:
    """Poses (N, T, 3) of objects that keep their velocity and heading."""
    poses = np.empty((len(objects), len(ahead), 3))
    poses[..., 0] = objects.x[:, None] + objects.vx[:, None] * ahead
    poses[..., 1] = objects.y[:, None] + objects.vy[:, None] * ahead
    poses[..., 2] = objects.yaw[:, None]
    return poses


def lane_following(
    objects: Objects, lanes: CentreLines | None, straight: FloatArray, ahead: FloatArray, p: MonitorParameters
) -> FloatArray:
    """Poses (N, T, 3): vehicles on a lane follow it at their speed and drift on sideways for a while; the others as
    ``straight`` (N, T, 3), their constant-velocity poses."""
    columns = (objects.x, objects.y, objects.yaw, objects.vx, objects.vy)
    x, y, yaw, vx, vy = (np.ascontiguousarray(values, dtype=float) for values in columns)
    speed = np.hypot(vx, vy)
    rides = np.flatnonzero((speed > p.lane_speed_mps) & (objects.kind != ObjectKind.PEDESTRIAN))
    if lanes is None or not len(rides):
        return straight
    prepare()
    course, reach = np.arctan2(vy, vx), LaneReach(p.lane_reach_m, p.lane_heading_rad, p.lane_drift_s)
    points = LanePoints(lanes.x, lanes.y, lanes.yaw, lanes.arc, lanes.last)
    others = MovingObjects(x, y, yaw, speed, course)
    poses, anybody = follow_lanes(points, others, rides, straight, ahead, reach)
    return poses if anybody else straight


def first_contact(
    ego: FloatArray, size: tuple[float, float], others: FloatArray, objects: Objects, ahead: FloatArray
) -> FloatArray:
    """(N,) s until the box of the ego, poses (T, 3), first overlaps that of each object, poses (N, T, 3); inf: never.

    ``size``: length and width (m) of the ego's box.
    """
    prepare()
    theirs, when = np.ascontiguousarray(others), np.ascontiguousarray(ahead)
    length, width = (np.ascontiguousarray(values, dtype=float) for values in (objects.length, objects.width))
    return contact(np.ascontiguousarray(ego), float(size[0]), float(size[1]), theirs, length, width, when)
