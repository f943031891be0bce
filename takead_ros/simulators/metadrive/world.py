"""The embedded simulator as one object: reset to a scenario, step, observe, and what happened in the end."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import Path, box_corners, boxes_overlap
from takead_ros.domain.scene import EgoState, FloatArray, IntArray, ObjectKind, Objects, Polyline, Scene, TrafficControl
from takead_ros.domain.visibility import RANGE, visibility
from takead_ros.maps.lanemap import LaneMap
from takead_ros.maps.navigation import navigate
from takead_ros.maps.roads import SafeMetaDriveMap
from takead_ros.measures.episode_log import Contact, End, EpisodeLog
from takead_ros.scenarios import traffic
from takead_ros.scenarios.signals import Signals
from takead_ros.scenarios.spec import Actor, Model, Scenario
from takead_ros.simulators.metadrive.engine import CREEP, EGO_LENGTH, EGO_WIDTH, MAX_STEERING_ANGLE, WHEELBASE, Engine
from takead_ros.simulators.metadrive.safe_metadrive import SafeMetaDriveEngine

MAP_RANGE = 80.0  # m of map around the ego
MAP_REFRESH = 4.0  # m that the ego goes before the polylines around it are chosen anew
TOUCH = 0.03  # m; physics keeps bodies apart, so boxes this much longer and wider touch when bodies do
ROOM = 1.0  # m of free length and width that a body needs to be put into the world
DEVIATION = 15.0  # m from the reference path that end an episode
STANDSTILL = 15.0  # s without getting anywhere that end it; nothing in these scenarios holds a careful driver as long
STAY = 0.3  # m; who pushes against a wreck has turning wheels, and speed, but stays where he is
# bodies that hide what is behind them
OPAQUE = (int(ObjectKind.CAR), int(ObjectKind.TRUCK), int(ObjectKind.EMERGENCY_VEHICLE))
_HIDES = np.isin(np.arange(len(ObjectKind)), OPAQUE)  # by kind

_COLUMNS = (
    "x", "y", "yaw", "speed", "acceleration", "lateral_acceleration", "yaw_rate", "steering_angle", "route_s",
    "lateral_offset", "off_road",
)  # fmt: skip


class World:
    """MetaDrive with scripted, reactive actors. One per process; ``close`` it before making another.

    An episode ends at the goal, at the scenario's time limit, 15 m off the reference path, or after 15 s of standstill
    (the leaderboards' 180 s, scaled to routes of 100 to 250 m). Collisions do not end it. Who was hit stays
    where that happened and is in the way from then on.
    """

    def __init__(self, step_s: float = 0.05) -> None:
        self.step_s = self._scripted_step = step_s
        self._engine = Engine(step_s)
        self._scenario: Scenario | None = None

    @property
    def scenario(self) -> Scenario:
        if self._scenario is None:
            raise TakeadError("simulator: no scenario yet, expected reset(scenario) first")
        return self._scenario

    @property
    def time(self) -> float:
        """s since the start of the episode."""
        return self._tick * self.step_s

    @property
    def done(self) -> bool:
        return self._end is not End.RUNNING

    def reset(self, scenario: Scenario, offset: float = 0.0, turn: float = 0.0) -> None:
        """Starts the scenario, the ego ``offset`` m left of its route and turned left from it by ``turn`` rad.

        The same arguments give bit-identical episodes, whatever ran before."""
        kind = SafeMetaDriveEngine if isinstance(scenario.roads, SafeMetaDriveMap) else Engine
        if type(self._engine) is not kind:
            self._engine.close()
            self._engine = kind(self._scripted_step)
        self.step_s = self._engine.step_s
        lanes, scenario = self._engine.build(scenario)
        self._scenario = scenario
        self._map = LaneMap(lanes, None if scenario.limits else scenario.speed_limit)
        self._navigation = navigate(self._map, scenario.route, scenario.start, scenario.goal, scenario.speed_limit)
        self._tick, self._end, self._standing = 0, End.RUNNING, 0
        self._steering = self._acceleration = 0.0
        self._polylines = self._map.polylines(scenario.route)
        self._middles = np.array([line.points.mean(0) for line in self._polylines])
        self._reach = np.array(
            [
                np.hypot(*(line.points - middle).T).max()
                for line, middle in zip(self._polylines, self._middles, strict=True)
            ]
        )
        self._map_at: tuple[float, float] | None = None
        self._near: tuple[Polyline, ...] = ()

        self._actors: tuple[Actor, ...] = scenario.actors
        self._paths = [Path(self._map.path(actor.path)) for actor in self._actors]
        self._motions = [traffic.start(actor) for actor in self._actors]
        self._waiting = [
            i for i, actor in enumerate(self._actors) if actor.present and actor.present[0] > scenario.start
        ]
        for i in self._waiting:
            self._motions[i] = replace(self._motions[i], gone=True)
        self._poses = [
            traffic.pose(actor, motion, path)
            for actor, motion, path in zip(self._actors, self._motions, self._paths, strict=True)
        ]
        self._ids: IntArray = np.arange(1, len(self._actors) + 1)
        self._kinds: IntArray = np.array([int(actor.kind) for actor in self._actors], dtype=np.int64)
        self._sizes = np.array([(actor.length, actor.width) for actor in self._actors]).reshape(-1, 2)
        self._reactive = [i for i, actor in enumerate(self._actors) if actor.reactive]
        self._signals = Signals(scenario.controls, self._navigation.path)
        self._controls_log: list[tuple[TrafficControl, ...]] = []
        self._contacts: list[Contact] = []
        self._touching: set[int] = set()

        for i, actor in enumerate(self._actors):
            if not self._motions[i].gone:
                self._engine.spawn(i, actor, self._poses[i])
        x, y, yaw = self._navigation.path.at(scenario.start)
        x, y, yaw = x - math.sin(yaw) * offset, y + math.cos(yaw) * offset, yaw + turn
        self._engine.place_ego(x, y, yaw, scenario.speed)
        self._navigation.update(x, y, yaw)
        self._stood_at = (x, y)
        self._ego = self._read_ego(None)
        self._rows: list[tuple[float, ...]] = []
        self._objects_log: list[Objects] = []
        self._visibility_at = -1
        self._record()

    def step(self, steering_angle: float, acceleration: float) -> None:
        """Drives on for one step. steering_angle rad, positive left, cut at full lock (40 deg); acceleration m/s^2,
        cut to -9..4. Standing still, a negative acceleration holds the brake; the ego never reverses.

        Raises TakeadError for a value that is not finite.
        """
        if not (math.isfinite(steering_angle) and math.isfinite(acceleration)):
            raise TakeadError(
                f"simulator: command ({steering_angle} rad, {acceleration} m/s^2), expected finite numbers"
            )
        self._move_actors()
        self._steering = max(-MAX_STEERING_ANGLE, min(MAX_STEERING_ANGLE, steering_angle))
        poses = [None if motion.gone else pose for motion, pose in zip(self._motions, self._poses, strict=True)]
        self._engine.step(self._steering, acceleration, self._ego.speed, poses)
        self._tick += 1
        before = self._ego
        if acceleration <= 0.0 and before.speed < CREEP:
            self._engine.hold(before.x, before.y, before.yaw)
        self._ego = self._read_ego(before)
        self._navigation.update(self._ego.x, self._ego.y, self._ego.yaw)
        self._find_contacts()
        self._signals.advance(self.time, self._navigation.s, self._ego.speed, EGO_LENGTH / 2.0)
        self._set_speed_limit()
        self._record()
        self._end = self._ending()

    def observe(self, stamp: int | None = None) -> Scene:
        """The scene now, limited to what the ego's sensors see where ``visibility`` says so; stamp ns, by default the
        time since the start."""
        objects = self._objects_log[-1]
        if self._visibility_at != self._tick:
            self._visibility_at = self._tick
            self._sight = replace(
                objects,
                visibility=visibility(
                    (self._ego.x, self._ego.y), objects.x, objects.y, objects.yaw, objects.length, objects.width,
                    _HIDES[objects.kind],
                ),
            )  # fmt: skip
            near = np.hypot(objects.x - self._ego.x, objects.y - self._ego.y) <= RANGE
            if not near.all():
                self._sight = self._sight.select(near)
        return Scene(
            stamp=round(self._tick * self.step_s * 1e9) if stamp is None else stamp,
            ego=self._ego,
            objects=self._sight,
            polylines=self._map_around(),
            route=self._navigation.route(),
            controls=self._controls_log[-1],
        )

    def outcome(self) -> EpisodeLog:
        """The episode so far; ``end`` is RUNNING while it is not over."""
        scenario = self.scenario
        columns = dict(zip(_COLUMNS, np.array(self._rows).T, strict=True))
        return EpisodeLog(
            family=scenario.family,
            seed=scenario.seed,
            ability=scenario.ability.value,
            threat=scenario.threat,
            step_s=self.step_s,
            route_length=self._navigation.length,
            time_limit=scenario.time_limit,
            speed_limit=scenario.speed_limit,
            end=self._end,
            ego_length=EGO_LENGTH,
            ego_width=EGO_WIDTH,
            objects=tuple(self._objects_log),
            contacts=tuple(self._contacts),
            controls=tuple(self._controls_log),
            **columns,
        )

    def verdict(self) -> dict[str, float] | None:
        """What the simulator itself says of the episode, where the scenario is one of its own; else None."""
        return self._engine.verdict()

    def close(self) -> None:
        self._engine.close()

    def _read_ego(self, before: EgoState | None) -> EgoState:
        x, y, yaw, speed, lateral, yaw_rate = self._engine.ego_state()
        acceleration = 0.0 if before is None else (speed - before.speed) / self.step_s
        return EgoState(
            x, y, yaw, speed, lateral, yaw_rate, acceleration, speed * yaw_rate, self._steering,
            EGO_LENGTH, EGO_WIDTH, WHEELBASE, MAX_STEERING_ANGLE,
        )  # fmt: skip

    def _move_actors(self) -> None:
        self._come_and_go()
        time, ego = self.time, self._ego
        boxes = np.full((len(self._actors) + 1, 7), np.nan)
        for i, (motion, pose) in enumerate(zip(self._motions, self._poses, strict=True)):
            if not motion.gone:
                boxes[i] = (*pose[:3], *self._sizes[i], pose[3], pose[4])
        cos, sin = math.cos(ego.yaw), math.sin(ego.yaw)
        boxes[-1] = (ego.x, ego.y, ego.yaw, ego.length, ego.width, cos * ego.speed, sin * ego.speed)
        driving = [i for i in self._reactive if not self._motions[i].gone and not self._motions[i].hit]
        ahead = traffic.blockers(self._actors, self._motions, self._paths, boxes, driving)
        for i, actor in enumerate(self._actors):
            motion = self._motions[i]
            if motion.gone or motion.hit:
                continue
            own = time - motion.born
            while motion.phase < len(actor.phases) and traffic.due(
                actor.phases[motion.phase], motion.s, motion.phase_since, own, self._gap_to(i), ego.speed,
                self._navigation.s,
            ):  # fmt: skip
                motion = traffic.begin(actor.phases[motion.phase], motion, own)
            gap, lead_speed = ahead.get(i, (math.inf, 0.0))
            if actor.light is not None and not self._signals.green(actor.light[1], time):
                gap, lead_speed = min((gap, lead_speed), (traffic.stop_line_gap(actor, motion), 0.0))
            path = self._paths[i]
            motion = traffic.advance(actor, motion, float(path.arc[-1]), gap, lead_speed, self.step_s)
            self._motions[i] = motion
            self._poses[i] = traffic.pose(actor, motion, path)

    def _come_and_go(self) -> None:
        """Actors appear where the ego enters their stretch, unless the place is taken, and go when it is behind."""
        s = self._navigation.s
        for i, actor in enumerate(self._actors):
            if actor.present and not self._motions[i].gone and s > actor.present[1]:
                self._motions[i] = replace(self._motions[i], gone=True)
        due = [i for i in self._waiting if self._actors[i].present[0] <= s]  # type: ignore[index]
        self._waiting = [i for i in self._waiting if i not in due]
        ego = box_corners(self._ego.x, self._ego.y, self._ego.yaw, EGO_LENGTH, EGO_WIDTH)  # type: ignore[arg-type]
        for i in due:
            here = self._corners(i, ROOM)
            others = [self._corners(j) for j, motion in enumerate(self._motions) if not motion.gone]
            if not boxes_overlap(here, np.array([ego, *others])).any():
                self._motions[i] = traffic.start(self._actors[i], self.time)
                self._engine.spawn(i, self._actors[i], self._poses[i])

    def _corners(self, i: int, margin: float = 0.0) -> FloatArray:
        """Corners (4, 2) m of actor i's box, made longer and wider by ``margin`` m."""
        length, width = self._sizes[i] + margin
        return box_corners(*self._poses[i][:3], length, width)  # type: ignore[arg-type]

    def _gap_to(self, i: int) -> float:
        """m along the route from the ego's front to actor i's box (projected; negative when it is behind)."""
        points = self._navigation.path.points
        x, y = self._poses[i][:2]
        nearest = int(np.argmin((points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2))
        along = float(self._navigation.path.arc[nearest]) - self._navigation.s
        return along - (EGO_LENGTH + self._actors[i].length) / 2.0

    def _find_contacts(self) -> None:
        """New touches between the ego's box and others; a touched actor stops."""
        others = self._others()
        close = np.flatnonzero(np.hypot(others.x - self._ego.x, others.y - self._ego.y) < 8.0)
        if not len(close) and not self._touching:
            return
        boxes = box_corners(
            others.x[close], others.y[close], others.yaw[close], others.length[close] + 2.0 * TOUCH,
            others.width[close] + 2.0 * TOUCH,
        )  # fmt: skip
        ego = box_corners(self._ego.x, self._ego.y, self._ego.yaw, EGO_LENGTH, EGO_WIDTH)  # type: ignore[arg-type]
        rows = close[boxes_overlap(ego[None], boxes)]
        kinds = {int(others.id[row]): int(others.kind[row]) for row in rows}
        for number in sorted(kinds.keys() - self._touching):
            self._contacts.append(
                Contact(self._tick, number, kinds[number], self._ego.x, self._ego.y, self._navigation.s)
            )
            i = number - 1
            if i < len(self._actors):
                self._motions[i] = traffic.wreck(self._motions[i])
                if self._actors[i].model is not Model.CONE:  # which is driven over
                    self._engine.fix(i)
                self._poses[i] = (*self._poses[i][:3], 0.0, 0.0)
        self._touching = set(kinds)

    def _others(self) -> Objects:
        """Everyone but the ego, all in full view: MetaDrive's own where the scenario is one of its, else the actors."""
        crowd = self._engine.crowd()
        if crowd is not None:
            return crowd
        poses = np.array(self._poses).reshape(-1, 5)
        objects = Objects(
            self._ids, self._kinds, poses[:, 0], poses[:, 1], poses[:, 2], poses[:, 3], poses[:, 4],
            self._sizes[:, 0], self._sizes[:, 1], np.ones(len(poses)),
        )  # fmt: skip
        here = np.array([not motion.gone for motion in self._motions], dtype=bool)
        return objects if here.all() else objects.select(here)

    def _record(self) -> None:
        ego, navigation = self._ego, self._navigation
        corners = box_corners(ego.x, ego.y, ego.yaw, EGO_LENGTH, EGO_WIDTH)  # type: ignore[arg-type]
        self._rows.append((
            ego.x, ego.y, ego.yaw, ego.speed, ego.acceleration, ego.lateral_acceleration, ego.yaw_rate,
            ego.steering_angle, navigation.s - navigation.start, navigation.lateral,
            float(self._map.beyond(corners).max()),
        ))  # fmt: skip
        self._controls_log.append(self._signals.around(navigation.s, EGO_LENGTH / 2.0))
        self._objects_log.append(self._others())

    def _set_speed_limit(self) -> None:
        for start, limit in self.scenario.limits:
            if self._navigation.s >= start:
                self._navigation.speed_limit = limit

    def _ending(self) -> End:
        own = self._engine.ending()
        if own is not None:
            return own
        at = (self._ego.x, self._ego.y)
        if math.dist(at, self._stood_at) > STAY:
            self._stood_at, self._standing = at, 0
        self._standing += 1
        if self._navigation.s >= self._navigation.goal:
            return End.GOAL
        if self._navigation.distance_from_path(self._ego.x, self._ego.y) > DEVIATION:
            return End.ROUTE_DEVIATION
        if self._standing * self.step_s >= STANDSTILL:
            return End.BLOCKED
        return End.TIME_LIMIT if self.time >= self.scenario.time_limit else End.RUNNING

    def _map_around(self) -> tuple[Polyline, ...]:
        at = (self._ego.x, self._ego.y)
        if self._map_at is None or math.dist(at, self._map_at) > MAP_REFRESH:
            self._map_at = at
            distance = np.hypot(self._middles[:, 0] - at[0], self._middles[:, 1] - at[1]) - self._reach
            self._near = tuple(self._polylines[i] for i in np.flatnonzero(distance < MAP_RANGE))
        return self._near


__all__ = ["World"]
