"""Road users that were learned: a prediction model, told what the ego plans, moves each of them.

Every 0.1 s the model says for each where it most likely goes next, from its surroundings as they are by then in the
dream; for that time it moves so (``prediction.motion``). It is told no more of the record than how everybody came to
where the dream begins: neither ways nor speeds that were recorded later. Who comes into sight later enters where it was
recorded, once there is room. Things do what was recorded, and so does what reverses.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.geometry import box_corners, boxes_overlap
from takead_ros.domain.scene import FloatArray, ObjectKind, Polyline
from takead_ros.prediction.features import (
    EGO_TIMES_S,
    MOVERS,
    PAST,
    PAST_S,
    VEHICLES,
    WorldMoment,
    features,
    pieces_of,
)
from takead_ros.prediction.model import RoadUserModel
from takead_ros.prediction.motion import advanced
from takead_ros.recording.tracks import RecordedTracks
from takead_ros.simulators.dream.course import Course
from takead_ros.simulators.dream.ego_plan import HOLDS_S, EgoPlan, going_on
from takead_ros.simulators.dream.replay import first_pose, put_actors, standing, standing_path
from takead_ros.simulators.vector.arrays import Layout, State
from takead_ros.simulators.vector.environment import controls_around

DECIDES_S = 0.1
BACKWARDS_MPS = -0.3
STANDS_MPS, STARTS_MPS2 = 0.1, 0.25  # who stands, and is to gain less than this, stays where it is
ROOM_M = 1.0  # around who comes into the world
FAR_M, OFF_ROAD_M = 150.0, 8.0  # from the ego; from every recorded lane: who is farther has left the world


class Learned:
    """See ``road_users.DreamRoadUsers``. ``earlier``: everyone in the second before, in the order of their own ids;
    ``polylines``: the recorded map."""

    def __init__(
        self,
        tracks: RecordedTracks,
        course: Course,
        polylines: tuple[Polyline, ...],
        earlier: RecordedTracks | None,
        model: RoadUserModel,
    ) -> None:
        self._tracks, self._course, self._model = tracks, course, model
        count = len(tracks.id)
        self.actors = [standing(ObjectKind(int(kind))) for kind in tracks.kind]
        self.paths = [standing_path(first_pose(tracks, i)) for i in range(count)]
        moves = np.isin(tracks.kind, MOVERS) & ~_backwards(tracks)
        self._movers, self._as_recorded = np.flatnonzero(moves), np.flatnonzero(~moves)
        self._on_foot = tracks.kind == ObjectKind.PEDESTRIAN
        self._waits, self._left = moves.copy(), np.zeros(count, bool)
        self._control = np.zeros((count, 2))
        self._lanes = pieces_of(polylines)
        self._every = round(DECIDES_S / tracks.step_s)
        self._past, self._egos = _history(tracks, earlier)
        self._plan: EgoPlan | None = None
        self._decisions, self._without = 0, 0

    def announce(self, plan: EgoPlan) -> None:
        """See ``road_users.DreamRoadUsers``."""
        self._plan = plan

    def move(self, layout: Layout, state: State, tick: int) -> None:
        """See ``road_users.DreamRoadUsers``."""
        tracks, rows = self._tracks, self._as_recorded
        if tick:
            self._egos.append(state.ego[0, :4].copy())
        if tick and (tick - 1) % self._every == 0:
            self._decide(layout, state, tick - 1)
        if tick:
            self._advance(state)
        last = min(tick, len(tracks.here) - 1)
        here, pose = tracks.here[last, rows] & (tick == last), tracks.pose[last, rows].copy()
        for n in np.flatnonzero(~np.isin(tracks.kind[rows], MOVERS)):
            if not here[n] and tracks.here[: last + 1, rows[n]].any():  # a thing stays when it is out of sight
                here[n], pose[n] = True, state.pose[0, rows[n]]
        put_actors(state, rows, here, pose)
        self._enter(state, tick)
        self._remember(state)

    def notes(self) -> list[str]:
        """See ``road_users.DreamRoadUsers``."""
        model, count = self._model, len(self._tracks.id)
        found = [
            f"{len(self._movers)} of {count} road users move as '{model.manifest.name}' {model.sha256[:12]} predicts"
        ]
        if self._without:
            found.append(
                f"at {self._without} of {self._decisions} moments the ego announced no plan: they were told that it "
                "keeps its speed and its turn"
            )
        return found

    def _decide(self, layout: Layout, state: State, tick: int) -> None:
        """What everybody does next, from the world at ``tick``."""
        tracks, here = self._tracks, state.gone[0, : len(self._tracks.id)] == 0
        self._leave(state, here)
        rows = self._movers[here[self._movers] & (state.hit[0, self._movers] == 0)]
        planned = self._plan is not None and tick * tracks.step_s - self._plan.time_s <= HOLDS_S
        self._decisions, self._without = self._decisions + 1, self._without + (not planned)
        if not len(rows):
            return
        moment = WorldMoment(
            tracks.kind,
            tracks.length,
            tracks.width,
            here,
            state.pose[0, : len(here)].copy(),
            np.stack([self._past[-1 - round(PAST_S / tracks.step_s) * (i + 1)] for i in range(PAST)]),
            self._ego(tick, planned),
            (float(tracks.ego[0, 3]), float(tracks.ego[0, 4])),
            planned,
            controls_around(layout, state, 0, float(tracks.ego[0, 3]) / 2.0),
        )
        self._control[rows] = self._model.predict(features(moment, self._lanes, rows))[:, 0]

    def _ego(self, tick: int, planned: bool) -> FloatArray:
        """The ego as ``WorldMoment`` has it, at ``tick``."""
        step_s = self._tracks.step_s
        now = tick * step_s
        states = np.stack(list(self._egos))
        plan = self._plan if planned and self._plan is not None else going_on(states[-3:], step_s, now)
        ahead = plan.at(now + EGO_TIMES_S)
        for i, time_s in enumerate(EGO_TIMES_S):
            if time_s <= 0.0:
                ahead[i] = states[-1 + round(time_s / step_s)]
        return ahead

    def _advance(self, state: State) -> None:
        rows = self._movers
        rows = rows[(state.gone[0, rows] == 0) & (state.hit[0, rows] == 0)]
        pose = state.pose[0, rows]
        speed = np.maximum(np.cos(pose[:, 2]) * pose[:, 3] + np.sin(pose[:, 2]) * pose[:, 4], 0.0)
        control, foot = self._control[rows], self._on_foot[rows]
        stays = (speed < STANDS_MPS) & (control[:, 0] < STARTS_MPS2)
        control = np.where(stays[:, None], (-1.0, 0.0), control)
        after, faster = advanced(pose[:, :3], speed, control, foot, self._tracks.step_s)
        after = np.where(stays[:, None], pose[:, :3], after)
        state.pose[0, rows, :2], state.pose[0, rows, 2] = after[:, :2], after[:, 2]
        state.pose[0, rows, 3], state.pose[0, rows, 4] = faster * np.cos(after[:, 2]), faster * np.sin(after[:, 2])

    def _enter(self, state: State, tick: int) -> None:
        """Who waits, and is seen at ``tick`` of the record, comes in where nobody is."""
        tracks = self._tracks
        for i in self._movers[self._waits[self._movers]]:
            seen = tick < len(tracks.here) and bool(tracks.here[tick, i])
            if not seen or (tick and not self._free(state, int(i), tracks.pose[tick, i])):
                state.gone[0, i] = 1
                continue
            self._waits[i] = False
            state.gone[0, i], state.pose[0, i] = 0, tracks.pose[tick, i]

    def _free(self, state: State, i: int, pose: FloatArray) -> bool:
        tracks, others = self._tracks, np.flatnonzero(state.gone[0, : len(self._tracks.id)] == 0)
        places = np.concatenate([state.pose[0, others, :3], state.ego[0, None, :3]])
        long = np.append(tracks.length[others], tracks.ego[0, 3])
        wide = np.append(tracks.width[others], tracks.ego[0, 4])
        there = box_corners(places[:, 0], places[:, 1], places[:, 2], long, wide)
        own = box_corners(pose[:1], pose[1:2], pose[2:3], tracks.length[[i]] + ROOM_M, tracks.width[[i]] + ROOM_M)
        return not boxes_overlap(own, there).any()

    def _leave(self, state: State, here: NDArray[np.bool_]) -> None:
        """Who has come far from the ego, or drives where the recorded map has no lanes any more, has left."""
        rows = self._movers[here[self._movers] & (state.hit[0, self._movers] == 0)]
        places = state.pose[0, rows, :2]
        far = np.hypot(*(places - state.ego[0, :2]).T) > FAR_M
        drives = np.isin(self._tracks.kind[rows], VEHICLES) & (np.hypot(*state.pose[0, rows, 3:].T) > 1.0)
        off = np.zeros(len(rows), bool)
        if drives.any():
            off[drives] = self._course.lanes.beyond(places[drives]) > OFF_ROAD_M
        gone = rows[far | off]
        state.gone[0, gone], here[gone] = 1, False

    def _remember(self, state: State) -> None:
        count = len(self._tracks.id)
        poses = state.pose[0, :count, :3].copy()
        poses[state.gone[0, :count] != 0] = np.nan
        self._past.append(poses)


def _backwards(tracks: RecordedTracks) -> NDArray[np.bool_]:
    """Who (A,) is seen to go backwards."""
    ahead = np.cos(tracks.pose[..., 2]) * tracks.pose[..., 3] + np.sin(tracks.pose[..., 2]) * tracks.pose[..., 4]
    return np.asarray((tracks.here & (ahead < BACKWARDS_MPS)).any(0))


def _history(tracks: RecordedTracks, earlier: RecordedTracks | None) -> tuple[deque[FloatArray], deque[FloatArray]]:
    """Poses (A, 3) of everyone, and states (4,) of the ego, in the second before the dream: not known where NaN; the
    ego's as it was first where nothing was recorded before."""
    count = round(PAST * PAST_S / tracks.step_s) + 1
    past = deque([np.full((len(tracks.id), 3), np.nan)] * count, maxlen=count + 1)
    first = tracks.ego[0]
    egos = deque([_ego_state(first)] * count, maxlen=count + 1)
    if earlier is not None:
        rows = np.searchsorted(earlier.id, tracks.id)
        rows = np.where((rows < len(earlier.id)), rows, 0)
        known = earlier.id[rows] == tracks.id if len(earlier.id) else np.zeros(len(tracks.id), bool)
        for here, pose, ego in zip(earlier.here[:-1], earlier.pose[:-1], earlier.ego[:-1], strict=True):
            if len(earlier.id):
                past.append(np.where((known & here[rows])[:, None], pose[rows, :3], np.nan))
            egos.append(_ego_state(ego))
    return past, egos


def _ego_state(box: FloatArray) -> FloatArray:
    return np.array([*box[:3], np.cos(box[2]) * box[5] + np.sin(box[2]) * box[6]])
