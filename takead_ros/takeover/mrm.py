"""The minimum-risk manoeuvre: decelerate along the last valid path, never straightening the wheel, to a held stop.

It needs nothing that may be gone: the path and the objects are the last valid ones in ``map``, and where no scene
tells the ego's motion it is reckoned from the last known one and the commands since.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from takead_ros.domain.driving import Plan
from takead_ros.domain.geometry import arc_lengths, project, to_outer
from takead_ros.domain.scene import EgoState, FloatArray, Objects
from takead_ros.takeover.parameters import ArbiterParameters

SIGHT_M = 60.0  # objects farther away cannot matter to a stop
SIDE_M = 0.2  # room beside the ego's box
NEAREST_M = 0.1  # what is left to brake in is at least this
LOOKAHEAD_S, LOOKAHEAD_M = 0.6, (3.0, 12.0)  # of the pure pursuit
SLIP_MOST = 0.9  # sine of the largest slip angle


@dataclass(frozen=True)
class Motion:
    """Pose in ``map`` (m, rad), speed m/s, and the vehicle's dimensions (m, rad)."""

    x: float
    y: float
    yaw: float
    speed: float
    length: float
    width: float
    wheelbase: float
    full_lock: float

    @staticmethod
    def of(ego: EgoState) -> Motion:
        return Motion(
            ego.x, ego.y, ego.yaw, ego.speed, ego.length, ego.width, ego.wheelbase, ego.max_steering_angle
        )  # fmt: skip

    def reckoned(self, steering: float, acceleration: float, dt: float) -> Motion:
        """Where a kinematic bicycle is ``dt`` s later; it never rolls backwards."""
        speed = max(self.speed + acceleration * dt, 0.0)
        way = 0.5 * (self.speed + speed) * dt
        slip = math.atan(0.5 * math.tan(steering))
        turn = way * math.sin(slip) / (0.5 * self.wheelbase)
        course = self.yaw + slip + 0.5 * turn
        return replace(
            self, x=self.x + way * math.cos(course), y=self.y + way * math.sin(course), yaw=self.yaw + turn, speed=speed
        )


@dataclass(frozen=True, eq=False)
class Path:
    """A way in ``map``: ``points`` (P >= 2, 2) m, ``arc`` (P,) m along them."""

    points: FloatArray
    arc: FloatArray

    @staticmethod
    def of(plan: Plan, x: float, y: float, yaw: float) -> Path:
        """The positions of a plan that was made at pose (x, y, yaw), beginning there."""
        local = np.zeros((len(plan.x) + 1, 2))
        local[1:, 0], local[1:, 1] = plan.x, plan.y
        points = to_outer(local, x, y, yaw)
        return Path(points, arc_lengths(points))


@dataclass(frozen=True)
class Place:
    """Where the ego is on a path: m along it, m beside it (positive left)."""

    along: float
    lateral: float

    @staticmethod
    def on(path: Path, motion: Motion) -> Place:
        along, lateral, _ = project(path.points, motion.x, motion.y)
        return Place(along, lateral)


def steering(path: Path, place: Place, motion: Motion, held: float, p: ArbiterParameters) -> float:
    """Front-wheel angle (rad) that follows ``path`` by pure pursuit.

    Where the path is left behind, ended or too far away: ``held``, the angle as it is.
    """
    target = place.along + min(max(LOOKAHEAD_S * motion.speed, LOOKAHEAD_M[0]), LOOKAHEAD_M[1])
    if abs(place.lateral) > p.mrm_path_reach_m or target > path.arc[-1]:
        return held
    x, y = np.interp(target, path.arc, path.points[:, 0]), np.interp(target, path.arc, path.points[:, 1])
    cos, sin = math.cos(motion.yaw), math.sin(motion.yaw)
    dx, dy = float(x) - motion.x, float(y) - motion.y
    curvature = 2.0 * (cos * dy - sin * dx) / max(dx * dx + dy * dy, 1.0)
    slip = math.asin(min(max(0.5 * curvature * motion.wheelbase, -SLIP_MOST), SLIP_MOST))
    return min(max(math.atan(2.0 * math.tan(slip)), -motion.full_lock), motion.full_lock)


def deceleration(
    path: Path | None, place: Place | None, motion: Motion, objects: Objects, age_s: float, p: ArbiterParameters
) -> float:
    """How hard to brake (m/s^2, positive): comfortably, harder where what lies ahead demands it, at most emergency.

    Demanded is a stop before the end of the path, and before every object in its corridor (prolonged straight on; the
    straight ahead without a path). Objects move on with constant velocity over the ``age_s`` since they were seen.
    """
    need, here = p.mrm_deceleration_mps2, 0.0
    if path is not None and place is not None:
        here = place.along
        need = max(need, motion.speed**2 / (2.0 * max(float(path.arc[-1]) - here, NEAREST_M)))
    x, y = objects.x + objects.vx * age_s, objects.y + objects.vy * age_s
    near = np.flatnonzero(np.hypot(x - motion.x, y - motion.y) < SIGHT_M)
    if len(near):
        way = _corridor(path, motion)
        for i in near:
            need = max(need, _needed(way, here, motion, objects, int(i), float(x[i]), float(y[i]), p))
    return min(need, p.mrm_emergency_deceleration_mps2)


def _corridor(path: Path | None, motion: Motion) -> FloatArray:
    """The path (P, 2) m, prolonged straight on."""
    points = (
        path.points
        if path is not None
        else np.array([[motion.x, motion.y], [motion.x + math.cos(motion.yaw), motion.y + math.sin(motion.yaw)]])
    )
    tail = points[-1] - points[-2]
    return np.vstack((points, points[-1] + tail * (SIGHT_M / max(math.hypot(*tail), 1e-3))))


def _needed(
    way: FloatArray, here: float, motion: Motion, objects: Objects, i: int, x: float, y: float, p: ArbiterParameters
) -> float:
    """Deceleration (m/s^2) that stops the ego before object ``i`` at (x, y), 0 where that is not in the way."""
    along, lateral, heading = project(way, x, y)
    turn = float(objects.yaw[i]) - heading
    cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
    length, width = float(objects.length[i]), float(objects.width[i])
    closing = motion.speed - float(objects.vx[i] * math.cos(heading) + objects.vy[i] * math.sin(heading))
    beside = abs(lateral) - 0.5 * (length * sin + width * cos + motion.width)
    if along <= here or beside > SIDE_M or closing <= 0.0:
        return 0.0
    gap = along - here - 0.5 * (length * cos + width * sin + motion.length) - p.mrm_clearance_m
    return closing * closing / (2.0 * max(gap, NEAREST_M))
