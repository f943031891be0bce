"""A clip's world as an episode to drive in, behind the seam of every simulator; the vector world steps it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np

from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import EgoState, FloatArray
from takead_ros.domain.units import SECOND
from takead_ros.measures.episode_log import End
from takead_ros.prediction.model import RoadUserModel
from takead_ros.recording.tracks import RecordedTracks, tracks_of
from takead_ros.simulators import STEP_S
from takead_ros.simulators.dream.clip_world import LONGEST_GAP_S, ClipWorld, vehicle_of
from takead_ros.simulators.dream.ego_plan import EgoPlan, from_driver, roll_out
from takead_ros.simulators.dream.pedals import PedalModel, pedals_of
from takead_ros.simulators.dream.road_users import DreamSetting, road_users
from takead_ros.simulators.vector.arrays import Layout
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import compile_on
from takead_ros.simulators.vector.ego import METADRIVE, SingleTrack
from takead_ros.simulators.vector.simulator import VectorEpisode

ROLLS_MPS = 2.0  # m/s from which a step tells whether it was a whole one
EARLIER_S = 1.1  # before a dream, in which everybody's past is looked up


class DreamEpisode(VectorEpisode):
    """The world of a clip from its chosen moment on, with road users that are ``agents`` (see ``ROAD_USERS``).

    It is over where the record is, at the goal, and where the recorded map ends. Numbers of others are rows of
    ``world.tracks`` plus one. ``pedals``: what comes of an acceleration that is asked for. model: of learned agents, in
    place of the shipped one. Raises TakeadError for agents that there are none of, and more of them than there is room
    for.
    """

    def __init__(self, world: ClipWorld, agents: str, model: RoadUserModel | None = None) -> None:
        course, ego = world.course, world.ticks[0].world.ego
        self._users = road_users(
            agents, DreamSetting(world.tracks, _earlier(world), course, world.record.polylines, model)
        )
        vehicle = vehicle_of(ego)
        self.pedals = PedalModel() if vehicle == METADRIVE else pedals_of(world.record.ticks)
        vehicle = vehicle._replace(substeps=round(STEP_S / vehicle.physics_step))
        scenario = replace(world.scenario, actors=tuple(self._users.actors))
        compiled = compile_on(
            scenario,
            course.navigation,
            self._users.paths,
            world.record.polylines,
            course.lanes.points,
            course.lanes.half,
        )
        _as_recorded(compiled.rows, world)
        batch = Batch(1, vehicle)
        batch.reset([0], [compiled], np.array([[ego.x, ego.y, ego.yaw, ego.speed, course.limits[0][1]]]))
        batch.state.body[0], batch.state.ego[0, :9] = body_of(ego, vehicle, just_placed(world)), _shown(ego)
        self._users.move(batch.layout, batch.state, 0)
        self._seconds, self._ends_at = world.window.seconds, course.ends_at - ego.length
        super().__init__(batch, compiled)

    @property
    def notes(self) -> list[str]:
        """What a reader of the results should know, a line each."""
        pedals = self.pedals
        if pedals == PedalModel():
            return self._users.notes()
        found = f"{pedals.gain:.2f} times the acceleration asked for and {pedals.offset_mps2:+.2f} m/s^2"
        return [*self._users.notes(), f"the record shows a vehicle that gives {found}; it is driven so"]

    @property
    def at_map_end(self) -> bool:
        """Whether the ego has come to where the recorded map ends."""
        return self._environment.navigation.s >= self._ends_at

    @property
    def done(self) -> bool:
        """Whether the dream is over."""
        over = self._environment.end is not End.RUNNING
        return over or self.at_map_end or self.time_s >= self._seconds - 0.5 * self.step_s

    def places(self) -> FloatArray:
        """Where everybody (A, 2) m is, in the order of the tracks; NaN for who is not in the world."""
        state, count = self._batch.state, len(self._users.actors)
        return np.where(state.gone[0, :count, None] == 0, state.pose[0, :count, :2], np.nan)

    def announce(self, plan: Plan) -> None:
        """The driver's ``plan`` at this moment, for road users that look ahead."""
        ego = self._batch.state.ego[0]
        pose = (float(ego[0]), float(ego[1]), float(ego[2]))
        self._users.announce(from_driver(plan, pose, float(ego[3]), self.time_s))

    def announce_commands(self, commands: FloatArray) -> None:
        """The commands (T, 2) [rad, m/s^2] that will be given from now on, one for each step: the plan is where the
        ego's own model goes under them."""
        state = self._batch.state
        speed, states = float(state.ego[0, 3]), np.empty((len(commands), 4))
        given = np.stack([commands[:, 0], [self.pedals.give(float(a), speed) for a in commands[:, 1]]], axis=-1)
        roll_out(state.body[0].copy(), np.ascontiguousarray(given), states, self._batch.vehicle)
        states = np.concatenate([state.ego[0, :4][None], states])
        self._users.announce(EgoPlan(self.time_s, states, self.step_s))

    def step(self, steering_angle: float, acceleration: float) -> None:
        """See ``simulators.api.Episode``."""
        state = self._batch.state
        state.stood[0, 2] = 0.0  # a record is as long as it is, with whatever stands in it
        self._users.move(self._batch.layout, state, int(state.tick[0]) + 1)
        super().step(steering_angle, self.pedals.give(acceleration, float(state.ego[0, 3])))


def _earlier(world: ClipWorld) -> RecordedTracks | None:
    """Everyone in the second before the dream; None where nothing was recorded then."""
    first = world.ticks[0].stamp
    ticks = [tick for tick in world.record.ticks if first - EARLIER_S * SECOND <= tick.stamp <= first]
    gaps = [k for k, (a, b) in enumerate(pairwise(ticks)) if b.stamp - a.stamp > LONGEST_GAP_S * SECOND]
    ticks = ticks[gaps[-1] + 1 :] if gaps else ticks
    return tracks_of(ticks, STEP_S) if len(ticks) > 1 else None


def just_placed(world: ClipWorld) -> bool:
    """Whether the dream begins with the first scene of an episode: the ego was put there, and its chassis is where it
    is shown. In the first step it then comes only half as far as it is fast."""
    first, second = world.ticks[0], world.ticks[1]
    before, after = first.world.ego, second.world.ego
    way = math.hypot(after.x - before.x, after.y - before.y)
    whole = before.speed * (second.stamp - first.stamp) / SECOND
    return before.speed > ROLLS_MPS and way < 0.75 * whole


def body_of(ego: EgoState, vehicle: SingleTrack, placed: bool = False) -> FloatArray:
    """The vector world's ``State.body`` (9,) of an ego as a scene shows it: its chassis is one physics step ahead,
    unless it was just ``placed`` there."""
    cos, sin = math.cos(ego.yaw), math.sin(ego.yaw)
    vx, vy = cos * ego.speed - sin * ego.lateral_speed, sin * ego.speed + cos * ego.lateral_speed
    h = 0.0 if placed else vehicle.physics_step
    back = ego.acceleration * h  # m/s along: the velocity was another in that step
    x, y = ego.x + (vx - cos * back) * h, ego.y + (vy - sin * back) * h
    return np.array([x, y, ego.yaw + ego.yaw_rate * h, vx, vy, ego.yaw_rate, ego.x, ego.y, ego.yaw])


def _shown(ego: EgoState) -> FloatArray:
    return np.array(
        [
            ego.x,
            ego.y,
            ego.yaw,
            ego.speed,
            ego.lateral_speed,
            ego.yaw_rate,
            ego.acceleration,
            ego.lateral_acceleration,
            ego.steering_angle,
        ]
    )


def _as_recorded(rows: Layout, world: ClipWorld) -> None:
    """Bodies and stop lines as they were recorded, in place of those that a scenario's words stand for."""
    tracks, count = world.tracks, len(world.tracks.id)
    rows.length[0, :count], rows.width[0, :count], rows.kind[0, :count] = tracks.length, tracks.width, tracks.kind
    for i, control in enumerate(world.course.controls):
        told = control.control
        rows.control_x[0, i], rows.control_y[0, i], rows.control_yaw[0, i] = told.x, told.y, told.yaw
