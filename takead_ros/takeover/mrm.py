"""The minimum-risk manoeuvre: decelerate along the last valid path, never straightening the wheel, to a held stop.

It needs nothing that may be gone: the path and the objects are the last valid ones in ``map``, and where no scene
tells the ego's motion it is reckoned from the last known one and the commands since.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import EgoState, Objects
from takead_ros.takeover.parameters import ArbiterParameters

NEAREST_M = 0.1  # what is left to brake in is at least this
SLIP_MOST = 0.9  # sine of the largest slip angle
SHORT_M, TINY = 1e-3, 1e-9  # a way shorter than this has no direction; keeps a division defined


@dataclass(frozen=True)
class DeadReckoning:
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
    def of(ego: EgoState) -> DeadReckoning:
        return DeadReckoning(
            ego.x, ego.y, ego.yaw, ego.speed, ego.length, ego.width, ego.wheelbase, ego.max_steering_angle
        )

    def reckoned(self, steering: float, acceleration: float, dt: float) -> DeadReckoning:
        """Where a kinematic bicycle is ``dt`` s later; it never rolls backwards."""
        speed = max(self.speed + acceleration * dt, 0.0)
        way = 0.5 * (self.speed + speed) * dt
        slip = math.atan(0.5 * math.tan(steering))
        turn = way * math.sin(slip) / (0.5 * self.wheelbase)
        course = self.yaw + slip + 0.5 * turn
        return replace(
            self, x=self.x + way * math.cos(course), y=self.y + way * math.sin(course), yaw=self.yaw + turn, speed=speed
        )


@dataclass(frozen=True)
class PathPose:
    """Where something is on a path: m along it, m beside it (positive left), the path's heading there (rad)."""

    along: float
    lateral: float
    heading: float


Piece = tuple[float, float, float, float, float]  # of a path: where it begins (m), its way (m), that squared (m^2)


@dataclass(frozen=True, eq=False)
class PlanPath:
    """A way in ``map``: ``x`` and ``y`` (P >= 2) m, ``arc`` (P) m along them, and the ``pieces`` (P - 1) between them.

    Plain numbers: a plan has too few points for numpy to pay.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    arc: tuple[float, ...]
    pieces: tuple[Piece, ...]

    @staticmethod
    def through(x: Sequence[float], y: Sequence[float]) -> PlanPath:
        return PlanPath((x[0],), (y[0],), (0.0,), ()).extended(x[1:], y[1:])

    def extended(self, more_x: Sequence[float], more_y: Sequence[float]) -> PlanPath:
        """With further points at its end."""
        px, py, arc, pieces = self.x[-1], self.y[-1], list(self.arc), list(self.pieces)
        for x, y in zip(more_x, more_y, strict=True):
            dx, dy = x - px, y - py
            square = dx * dx + dy * dy
            arc.append(arc[-1] + math.sqrt(square))
            pieces.append((px, py, dx, dy, max(square, TINY)))
            px, py = x, y
        return PlanPath((*self.x, *more_x), (*self.y, *more_y), tuple(arc), tuple(pieces))

    @staticmethod
    def of(plan: Plan, x: float, y: float, yaw: float) -> PlanPath:
        """The positions of a plan that was made at pose (x, y, yaw), beginning there."""
        cos, sin = math.cos(yaw), math.sin(yaw)
        local = list(zip(plan.x.tolist(), plan.y.tolist(), strict=True))
        return PlanPath.through(
            [x, *(x + cos * px - sin * py for px, py in local)], [y, *(y + sin * px + cos * py for px, py in local)]
        )

    def prolonged(self, by_m: float) -> PlanPath:
        """With a straight end of ``by_m``."""
        _, _, dx, dy, _ = self.pieces[-1]
        more = by_m / max(math.hypot(dx, dy), SHORT_M)
        return self.extended((self.x[-1] + dx * more,), (self.y[-1] + dy * more,))

    def place(self, x: float, y: float) -> PathPose:
        """Of the point (x, y): on the segment that is nearest to it, the first of equals."""
        nearest, near, near_share = math.inf, 0, 0.0
        for i, (px, py, dx, dy, square) in enumerate(self.pieces):
            ox, oy = x - px, y - py
            share = (ox * dx + oy * dy) / square
            share = 0.0 if share < 0.0 else 1.0 if share > 1.0 else share  # min and max would take twice as long
            ex, ey = ox - share * dx, oy - share * dy
            away = ex * ex + ey * ey
            if away < nearest:
                nearest, near, near_share = away, i, share
        px, py, dx, dy, _ = self.pieces[near]
        length = self.arc[near + 1] - self.arc[near]
        lateral = (dx * (y - py) - dy * (x - px)) / max(length, TINY)
        return PathPose(self.arc[near] + near_share * length, lateral, math.atan2(dy, dx))

    def at(self, along: float) -> tuple[float, float]:
        """The point (m) ``along`` m on the path, which must not be beyond its end."""
        i = min(max(bisect_right(self.arc, along), 1), len(self.arc) - 1)
        share = (along - self.arc[i - 1]) / max(self.arc[i] - self.arc[i - 1], TINY)
        return (
            self.x[i - 1] + share * (self.x[i] - self.x[i - 1]),
            self.y[i - 1] + share * (self.y[i] - self.y[i - 1]),
        )


def steering(path: PlanPath | None, motion: DeadReckoning, held: float, p: ArbiterParameters) -> float:
    """Front-wheel angle (rad) that follows ``path`` by pure pursuit.

    Where there is no path, it is left behind, ended or too far away: ``held``, the angle as it is.
    """
    if path is None:
        return held
    place = path.place(motion.x, motion.y)
    ahead = min(max(p.mrm_lookahead_s * motion.speed, p.mrm_lookahead_min_m), p.mrm_lookahead_max_m)
    target = place.along + ahead
    if abs(place.lateral) > p.mrm_path_reach_m or target > path.arc[-1]:
        return held
    x, y = path.at(target)
    cos, sin = math.cos(motion.yaw), math.sin(motion.yaw)
    dx, dy = x - motion.x, y - motion.y
    curvature = 2.0 * (cos * dy - sin * dx) / max(dx * dx + dy * dy, 1.0)
    slip = math.asin(min(max(0.5 * curvature * motion.wheelbase, -SLIP_MOST), SLIP_MOST))
    return min(max(math.atan(2.0 * math.tan(slip)), -motion.full_lock), motion.full_lock)


def to_path_end(path: PlanPath | None, motion: DeadReckoning, p: ArbiterParameters) -> float:
    """The manoeuvre's own braking (m/s^2, positive): comfortable, harder where the path ends sooner."""
    if path is None:
        return p.mrm_deceleration_mps2
    left = path.arc[-1] - path.place(motion.x, motion.y).along
    return max(p.mrm_deceleration_mps2, motion.speed**2 / (2.0 * max(left, NEAREST_M)))


def to_goal(goal_m: float, motion: DeadReckoning, p: ArbiterParameters) -> float:
    """Braking (m/s^2, positive) that ends ``goal_m`` ahead, and not too gently to end at all."""
    return max(0.5 * p.goal_deceleration_mps2, motion.speed**2 / (2.0 * max(goal_m, NEAREST_M)))


def deceleration(
    path: PlanPath | None,
    motion: DeadReckoning,
    objects: Objects,
    age_s: float,
    least_mps2: float,
    p: ArbiterParameters,
) -> float:
    """How hard to brake (m/s^2, positive): ``least_mps2``, harder where an object demands it, at most emergency.

    Demanded is a stop before every visible object in the corridor of the path (prolonged straight on; the straight
    ahead without a path). Objects move on with constant velocity over the ``age_s`` since they were seen.
    """
    need, here = least_mps2, 0.0
    if path is not None:
        here = path.place(motion.x, motion.y).along
    else:
        ahead = motion.x + math.cos(motion.yaw), motion.y + math.sin(motion.yaw)
        path = PlanPath.through((motion.x, ahead[0]), (motion.y, ahead[1]))
    way = path.prolonged(p.mrm_sight_m)
    arrays = (objects.x, objects.y, objects.vx, objects.vy, objects.yaw, objects.length, objects.width)
    rows = zip(*(array.tolist() for array in arrays), objects.visibility.tolist(), strict=True)
    for x, y, vx, vy, yaw, length, width, visibility in rows:
        x, y = x + vx * age_s, y + vy * age_s
        if visibility > 0.0 and math.hypot(x - motion.x, y - motion.y) < p.mrm_sight_m:
            need = max(need, _needed(way.place(x, y), here, motion, (vx, vy), yaw, (length, width), p))
    return min(need, p.mrm_emergency_deceleration_mps2)


def _needed(
    there: PathPose,
    here: float,
    motion: DeadReckoning,
    velocity: tuple[float, float],
    yaw: float,
    size: tuple[float, float],
    p: ArbiterParameters,
) -> float:
    """Deceleration (m/s^2) that stops the ego, ``here`` m along its way, before an object of ``size`` (m) ``there``;
    0 where that is not in the way."""
    cos, sin = abs(math.cos(yaw - there.heading)), abs(math.sin(yaw - there.heading))
    length, width = size
    closing = motion.speed - (velocity[0] * math.cos(there.heading) + velocity[1] * math.sin(there.heading))
    beside = abs(there.lateral) - 0.5 * (length * sin + width * cos + motion.width)
    if there.along <= here or beside > p.mrm_side_m or closing <= 0.0:
        return 0.0
    gap = there.along - here - 0.5 * (length * cos + width * sin + motion.length) - p.mrm_clearance_m
    return closing * closing / (2.0 * max(gap, NEAREST_M))
