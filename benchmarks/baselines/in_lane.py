"""Drivers that follow the reference path: at constant speed, and with the Intelligent Driver Model."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, Plan
from takead_ros.domain.geometry import arc_lengths, box_corners, points_at, project, to_local, wrap_angle
from takead_ros.domain.scene import FloatArray, Scene
from takead_ros.policy.tracking import track_plan
from takead_ros.simulators import Episode

Command = tuple[float, float]  # steering angle rad, acceleration m/s^2
Driver = Callable[[Episode], Command]  # called once every PERIOD
PERIOD = 0.1  # s between two decisions
BEND_ACCELERATION = 3.0  # m/s^2 of lateral acceleration in bends
PREVIEW = 40.0  # m ahead in which bends are looked for
# the Intelligent Driver Model (Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805) of lane_idm
ACCELERATION, COMFORT, HEADWAY, STANDSTILL, HARDEST = 2.0, 3.0, 1.2, 3.0, 9.0  # m/s^2, m/s^2, s, m, m/s^2
LANE_MARGIN = 0.2  # m beside the ego's body that counts as its lane


def _cruise(scene: Scene) -> tuple[FloatArray, FloatArray, float]:
    """The reference path ahead (P, 2) m from beside the ego, its arc (P,) m, and the speed m/s for it and its bends."""
    path = scene.route.path
    here = project(path, scene.ego.x, scene.ego.y)[0]
    arc = arc_lengths(path) - here
    steps = np.diff(path, axis=0)
    heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    curvature = np.abs(heading[4:] - heading[:-4]) / np.maximum(arc[4:-1] - arc[:-5], 1e-6)
    ahead = arc[2:-3]
    near = (ahead > -2.0) & (ahead < PREVIEW)
    bend = np.sqrt(BEND_ACCELERATION / np.maximum(curvature[near], 1e-3))
    limit = scene.route.speed_limit if scene.route.speed_limit is not None else 8.0
    # what may be driven here so that a calm deceleration suffices for the bend ahead
    reachable = np.sqrt(bend**2 + 2.0 * 2.0 * np.maximum(ahead[near], 0.0))
    return path, arc, float(min(limit, reachable.min(initial=limit)))


def _follow(scene: Scene, speed: float) -> float:
    """Steering angle rad along the reference path at ``speed`` m/s."""
    path, arc, _ = _cruise(scene)
    times = PLAN_DT * np.arange(1, PLAN_STEPS + 1)
    points = points_at(path, max(speed, 2.0) * times - arc[0])
    local = to_local(points, scene.ego.x, scene.ego.y, scene.ego.yaw)
    ahead = points_at(path, max(speed, 2.0) * times - arc[0] + 0.5)
    heading = np.arctan2(ahead[:, 1] - points[:, 1], ahead[:, 0] - points[:, 0])
    yaw = wrap_angle(heading - scene.ego.yaw)
    return track_plan(Plan(local[:, 0], local[:, 1], yaw, np.full(PLAN_STEPS, speed)), scene.ego)[0]


def _hold(scene: Scene, speed: float) -> float:
    return float(np.clip((speed - scene.ego.speed) / 0.5, -COMFORT, ACCELERATION))


def constant_speed(episode: Episode) -> Driver:
    def drive(episode: Episode) -> Command:
        scene = episode.observe()
        speed = _cruise(scene)[2]
        return _follow(scene, scene.ego.speed), _hold(scene, speed)

    return drive


def _lead(scene: Scene) -> tuple[float, float]:
    """(gap m, speed m/s along the lane) of the nearest box ahead that reaches into the ego's lane; (inf, 0): none."""
    path, ego = scene.route.path, scene.ego
    here = project(path, ego.x, ego.y)[0]
    gap, speed = math.inf, 0.0
    objects = scene.objects
    corners = box_corners(objects.x, objects.y, objects.yaw, objects.length, objects.width)
    for i in range(len(objects)):
        places = [project(path, x, y) for x, y in corners[i]]
        low, high = min(place[1] for place in places), max(place[1] for place in places)
        half = ego.width / 2.0 + LANE_MARGIN
        if low > half or high < -half or max(place[0] for place in places) < here:
            continue
        distance = min(place[0] for place in places) - here - ego.length / 2.0
        if distance < gap:
            heading = places[0][2]
            gap, speed = distance, float(objects.vx[i] * np.cos(heading) + objects.vy[i] * np.sin(heading))
    return gap, speed


def lane_idm(episode: Episode) -> Driver:
    def drive(episode: Episode) -> Command:
        scene = episode.observe()
        wanted = _cruise(scene)[2]
        acceleration = _hold(scene, wanted)
        gap, lead_speed = _lead(scene)
        if gap < math.inf:
            v = scene.ego.speed
            reach = STANDSTILL + max(
                0.0, HEADWAY * v + v * (v - lead_speed) / (2.0 * math.sqrt(ACCELERATION * COMFORT))
            )
            follow = ACCELERATION * (1.0 - (v / max(wanted, 0.1)) ** 4 - (reach / max(gap, 0.1)) ** 2)
            acceleration = max(min(acceleration, follow), -HARDEST)
        return _follow(scene, scene.ego.speed), acceleration

    return drive
