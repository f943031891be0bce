"""The scripted road users of one episode: where they are, who comes into the world and who leaves it.

Knows no simulator: the ego and its place on the route come in, poses go out.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from takead_ros.domain.geometry import Path, box_corners, boxes_overlap
from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import EgoState, FloatArray, IntArray, Objects
from takead_ros.maps.lanemap import LaneMap
from takead_ros.scenarios import traffic
from takead_ros.scenarios.signals import Signals
from takead_ros.scenarios.spec import Actor, Scenario

ROOM = 1.0  # m of free length and width that a body needs to be put into the world

Pose = tuple[float, float, float, float, float]  # x m, y m, yaw rad, vx m/s, vy m/s


class RoadUsers:
    """The actors of ``scenario``, each on its path through ``lane_map``; object ids are their places plus one."""

    def __init__(self, scenario: Scenario, lane_map: LaneMap) -> None:
        self.actors: tuple[Actor, ...] = scenario.actors
        self.paths = [Path(lane_map.path(actor.path)) for actor in self.actors]
        self._motions = [traffic.start(actor) for actor in self.actors]
        self._waiting = [
            i for i, actor in enumerate(self.actors) if actor.present and actor.present[0] > scenario.start
        ]
        for i in self._waiting:
            self._motions[i] = replace(self._motions[i], gone=True)
        self._poses = [
            traffic.pose(actor, motion, path)
            for actor, motion, path in zip(self.actors, self._motions, self.paths, strict=True)
        ]
        self._ids: IntArray = np.arange(1, len(self.actors) + 1)
        self._kinds: IntArray = np.array([int(actor.kind) for actor in self.actors], dtype=np.int64)
        self._sizes = np.array([(actor.length, actor.width) for actor in self.actors]).reshape(-1, 2)
        self._reactive = [i for i, actor in enumerate(self.actors) if actor.reactive]

    @property
    def poses(self) -> list[Pose | None]:
        """The pose of each actor; None: it is not in the world."""
        return [None if motion.gone else pose for motion, pose in zip(self._motions, self._poses, strict=True)]

    def objects(self) -> Objects:
        """All that are in the world, in full view."""
        poses = np.array(self._poses).reshape(-1, 5)
        objects = Objects(
            self._ids,
            self._kinds,
            poses[:, 0],
            poses[:, 1],
            poses[:, 2],
            poses[:, 3],
            poses[:, 4],
            self._sizes[:, 0],
            self._sizes[:, 1],
            np.ones(len(poses)),
        )
        here = np.array([not motion.gone for motion in self._motions], dtype=bool)
        return objects if here.all() else objects.select(here)

    def come_and_go(self, ego: EgoState, route_s: float, time_s: float) -> list[int]:
        """Actors appear where the ego enters their stretch of the route, unless the place is taken, and go when it is
        behind. Returns the places of those that appear."""
        for i, actor in enumerate(self.actors):
            if actor.present and not self._motions[i].gone and route_s > actor.present[1]:
                self._motions[i] = replace(self._motions[i], gone=True)
        due = [i for i in self._waiting if self.actors[i].present[0] <= route_s]  # type: ignore[index]
        self._waiting = [i for i in self._waiting if i not in due]
        own = box_corners(ego.x, ego.y, ego.yaw, ego.length, ego.width)  # type: ignore[arg-type]
        appeared = []
        for i in due:
            here = self._corners(i, ROOM)
            others = [self._corners(j) for j, motion in enumerate(self._motions) if not motion.gone]
            if not boxes_overlap(here, np.array([own, *others])).any():
                self._motions[i] = traffic.start(self.actors[i], time_s)
                appeared.append(i)
        return appeared

    def advance(self, ego: EgoState, navigation: Navigation, signals: Signals, time_s: float, step_s: float) -> None:
        """Everyone in the world moves on by ``step_s`` s from ``time_s`` s, minding the ego, lights and each other."""
        boxes = np.full((len(self.actors) + 1, 7), np.nan)
        for i, (motion, pose) in enumerate(zip(self._motions, self._poses, strict=True)):
            if not motion.gone:
                boxes[i] = (*pose[:3], *self._sizes[i], pose[3], pose[4])
        cos, sin = math.cos(ego.yaw), math.sin(ego.yaw)
        boxes[-1] = (ego.x, ego.y, ego.yaw, ego.length, ego.width, cos * ego.speed, sin * ego.speed)
        driving = [i for i in self._reactive if not self._motions[i].gone and not self._motions[i].hit]
        ahead = traffic.blockers(self.actors, self._motions, self.paths, boxes, driving)
        for i, actor in enumerate(self.actors):
            motion = self._motions[i]
            if motion.gone or motion.hit:
                continue
            own = time_s - motion.born
            while motion.phase < len(actor.phases) and traffic.phase_is_due(
                actor.phases[motion.phase],
                motion.s,
                motion.phase_since,
                own,
                self._gap_to(i, ego, navigation),
                ego.speed,
                navigation.s,
            ):
                motion = traffic.begin_phase(actor.phases[motion.phase], motion, own)
            gap, lead_speed = ahead.get(i, (math.inf, 0.0))
            if actor.light is not None and not signals.green(actor.light[1], time_s, actor.light_index):
                gap, lead_speed = min((gap, lead_speed), (traffic.stop_line_gap(actor, motion), 0.0))
            path = self.paths[i]
            motion = traffic.step_actor(actor, motion, float(path.arc[-1]), gap, lead_speed, step_s)
            self._motions[i] = motion
            self._poses[i] = traffic.pose(actor, motion, path)

    def wreck(self, i: int) -> None:
        """Actor ``i`` was hit: from now on it stands where that happened and is in the way."""
        self._motions[i] = traffic.wreck(self._motions[i])
        self._poses[i] = (*self._poses[i][:3], 0.0, 0.0)

    def _corners(self, i: int, margin: float = 0.0) -> FloatArray:
        """Corners (4, 2) m of actor i's box, made longer and wider by ``margin`` m."""
        length, width = self._sizes[i] + margin
        return box_corners(*self._poses[i][:3], length, width)  # type: ignore[arg-type]

    def _gap_to(self, i: int, ego: EgoState, navigation: Navigation) -> float:
        """m along the route from the ego's front to actor i's box (projected; negative when it is behind)."""
        points = navigation.path.points
        x, y = self._poses[i][:2]
        nearest = int(np.argmin((points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2))
        along = float(navigation.path.arc[nearest]) - navigation.s
        return along - (ego.length + self.actors[i].length) / 2.0
