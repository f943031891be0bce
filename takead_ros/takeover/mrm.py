"""The minimum-risk manoeuvre: decelerate along the last valid path, never straightening the wheel, to a held stop.

It needs nothing that may be gone: the path and the objects are the last valid ones in ``map``, and where no scene
tells the ego's motion it is reckoned from the last known one and the commands since.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from takead_ros.domain.driving import Plan
from takead_ros.domain.geometry import arc_lengths, interpolate, project, to_local, to_outer
from takead_ros.domain.scene import EgoState, FloatArray, Objects
from takead_ros.takeover.parameters import ArbiterParameters

SIGHT_M = 60.0  # objects farther away cannot matter to a stop
SIDE_M = 0.2  # room beside the ego's box


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


def plan_path(plan: Plan, x: float, y: float, yaw: float) -> FloatArray:
    """The plan's positions (T + 1, 2) m in ``map``, beginning at the pose it was made at."""
    local = np.column_stack((np.concatenate(([0.0], plan.x)), np.concatenate(([0.0], plan.y))))
    return to_outer(local, x, y, yaw)


def steering(path: FloatArray | None, motion: Motion, held: float, p: ArbiterParameters) -> float:
    """Front-wheel angle (rad) that follows ``path`` (P, 2) m by pure pursuit.

    Where the path is missing, left behind, ended or too far away, or the vehicle stands: ``held``, the angle as it is.
    """
    if path is None or len(path) < 2 or motion.speed < p.standstill_mps:
        return held
    along, lateral, _ = project(path, motion.x, motion.y)
    target = along + min(max(0.6 * motion.speed, 3.0), 12.0)
    if abs(lateral) > p.mrm_path_reach_m or target > arc_lengths(path)[-1]:
        return held
    ahead, left = to_local(interpolate(path, np.asarray(target)), motion.x, motion.y, motion.yaw)
    curvature = 2.0 * left / max(ahead * ahead + left * left, 1.0)
    slip = math.asin(min(max(0.5 * curvature * motion.wheelbase, -0.9), 0.9))
    return min(max(math.atan(2.0 * math.tan(slip)), -motion.full_lock), motion.full_lock)


def deceleration(
    path: FloatArray | None, motion: Motion, objects: Objects, age_s: float, p: ArbiterParameters
) -> float:
    """How hard to brake (m/s^2, positive): comfortably, harder where what lies ahead demands it, at most emergency.

    Demanded is a stop before the end of the path, and before every object in its corridor (prolonged straight on).
    Objects move on with constant velocity over the ``age_s`` since they were seen.
    """
    need = p.mrm_deceleration_mps2
    here, end = 0.0, np.inf
    if path is None or len(path) < 2:
        path = np.array([[motion.x, motion.y], [motion.x + math.cos(motion.yaw), motion.y + math.sin(motion.yaw)]])
    else:
        here, end = project(path, motion.x, motion.y)[0], float(arc_lengths(path)[-1])
        need = max(need, motion.speed**2 / (2.0 * max(end - here, 0.1)))
    tail = path[-1] - path[-2]
    corridor = np.vstack((path, path[-1] + tail * (SIGHT_M / max(float(np.hypot(*tail)), 1e-3))))
    x, y = objects.x + objects.vx * age_s, objects.y + objects.vy * age_s
    for i in np.flatnonzero(np.hypot(x - motion.x, y - motion.y) < SIGHT_M):
        along, lateral, heading = project(corridor, float(x[i]), float(y[i]))
        turn = float(objects.yaw[i]) - heading
        cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
        ahead = 0.5 * float(objects.length[i] * cos + objects.width[i] * sin)
        beside = 0.5 * float(objects.length[i] * sin + objects.width[i] * cos)
        closing = motion.speed - float(objects.vx[i] * math.cos(heading) + objects.vy[i] * math.sin(heading))
        if along <= here or abs(lateral) > beside + 0.5 * motion.width + SIDE_M or closing <= 0.0:
            continue
        gap = along - here - ahead - 0.5 * motion.length - p.mrm_clearance_m
        need = max(need, closing * closing / (2.0 * max(gap, 0.1)))
    return min(need, p.mrm_emergency_deceleration_mps2)
