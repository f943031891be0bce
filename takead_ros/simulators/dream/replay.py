"""Road users that do what was recorded, whatever the ego does. Who is hit stays there, a wreck."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.geometry import Path
from takead_ros.domain.scene import FloatArray, ObjectKind
from takead_ros.maps.roads import LanePath
from takead_ros.recording.tracks import RecordedTracks
from takead_ros.scenarios.spec import Actor, Model
from takead_ros.simulators.dream.course import Course
from takead_ros.simulators.dream.ego_plan import EgoPlan
from takead_ros.simulators.vector.arrays import Layout, State

MODELS = {
    ObjectKind.UNKNOWN: Model.BARRIER,
    ObjectKind.CAR: Model.CAR_M,
    ObjectKind.TRUCK: Model.VAN,
    ObjectKind.PEDESTRIAN: Model.PEDESTRIAN,
    ObjectKind.CYCLIST: Model.CYCLIST,
    ObjectKind.CONE: Model.CONE,
    ObjectKind.OBSTACLE: Model.BARRIER,
    ObjectKind.EMERGENCY_VEHICLE: Model.CAR_M,
}


class Replay:
    """See ``road_users.DreamRoadUsers``."""

    def __init__(self, tracks: RecordedTracks, course: Course) -> None:
        self._tracks = tracks
        seen = range(len(tracks.id))
        self.actors = [standing(ObjectKind(int(tracks.kind[i]))) for i in seen]
        self.paths = [standing_path(first_pose(tracks, i)) for i in seen]

    def move(self, layout: Layout, state: State, tick: int) -> None:
        """See ``road_users.DreamRoadUsers``; beyond the record nobody is there."""
        tracks = self._tracks
        here = tracks.here[tick] if tick < len(tracks.here) else np.zeros(len(tracks.id), bool)
        put_actors(state, np.arange(len(tracks.id)), here, tracks.pose[min(tick, len(tracks.pose) - 1)])

    def announce(self, plan: EgoPlan) -> None:
        """See ``road_users.DreamRoadUsers``; they mind nobody."""

    def notes(self) -> list[str]:
        """See ``road_users.DreamRoadUsers``."""
        some = self._tracks.comes_or_goes
        return [f"{some} of {len(self._tracks.id)} road users were not seen all the time: absent where they were not"]


def standing(kind: ObjectKind) -> Actor:
    """An actor that the vector world leaves where it is put."""
    return Actor(MODELS[kind], LanePath((), ()), 0.0, emergency=kind is ObjectKind.EMERGENCY_VEHICLE)


def standing_path(pose: FloatArray) -> Path:
    """A path that begins at ``pose`` (5,)."""
    ahead = np.array([np.cos(pose[2]), np.sin(pose[2])])
    return Path(pose[:2] + np.arange(3)[:, None] * ahead)


def first_pose(tracks: RecordedTracks, i: int) -> FloatArray:
    """Where actor ``i`` was seen first."""
    return np.asarray(tracks.pose[int(tracks.here[:, i].argmax()), i])


def put_actors(state: State, actors: NDArray[np.int64], here: NDArray[np.bool_], pose: FloatArray) -> None:
    """Put those of ``actors`` (N,) that are ``here`` (N,) to their ``pose`` (N, 5) in environment 0; the others leave
    the world. A wreck stays."""
    free = state.hit[0, actors] == 0
    state.gone[0, actors[free]] = ~here[free]
    state.pose[0, actors[free & here]] = pose[free & here]
