"""Who else moves in a dream, by name: what they do before each step of the vector world.

To add a kind: a class with ``actors``, ``paths``, ``move``, ``announce`` and ``notes``, and its row in ROAD_USERS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from takead_ros.domain.errors import unknown
from takead_ros.domain.geometry import Path
from takead_ros.domain.scene import Polyline
from takead_ros.policy.shipped import model_path
from takead_ros.prediction.model import RoadUserModel, load_road_user_model
from takead_ros.recording.tracks import RecordedTracks
from takead_ros.scenarios.spec import Actor
from takead_ros.simulators.dream.course import Course
from takead_ros.simulators.dream.ego_plan import EgoPlan
from takead_ros.simulators.dream.learned import Learned
from takead_ros.simulators.dream.replay import Replay
from takead_ros.simulators.dream.rules import Rules
from takead_ros.simulators.vector.arrays import Layout, State

LEARNED = "learned"
SHIPPED = "agents"  # the model that comes with the package


class DreamRoadUsers(Protocol):
    """``actors``, in the order of the tracks, each on the path at the same place: the vector world moves them as those
    of any scenario, but for what ``move`` does itself."""

    @property
    def actors(self) -> list[Actor]:
        """One for each track."""

    @property
    def paths(self) -> list[Path]:
        """One for each actor."""

    def move(self, layout: Layout, state: State, tick: int) -> None:
        """Put whom the vector world does not move where they are to be at ``tick``, in environment 0: called right
        after the reset with 0, then before every step with the tick that it leads to."""

    def announce(self, plan: EgoPlan) -> None:
        """What the ego is going to do, as its driver says; who does not look ahead does not mind."""

    def notes(self) -> list[str]:
        """What a reader of the results should know, a line each."""


@dataclass(frozen=True)
class DreamSetting:
    """What road users may go by: everyone as recorded in the dream's window, and in the second before it (None: nothing
    was); the road, and the polylines of its map; model: of those that were learned (None: the shipped one)."""

    tracks: RecordedTracks
    earlier: RecordedTracks | None
    course: Course
    polylines: tuple[Polyline, ...]
    model: RoadUserModel | None = None


def _learned(setting: DreamSetting) -> DreamRoadUsers:
    model = setting.model or load_road_user_model(model_path(SHIPPED))
    return Learned(setting.tracks, setting.course, setting.polylines, setting.earlier, model)


ROAD_USERS: dict[str, Callable[[DreamSetting], DreamRoadUsers]] = {
    "replay": lambda setting: Replay(setting.tracks, setting.course),
    "rules": lambda setting: Rules(setting.tracks, setting.course),
    LEARNED: _learned,
}


def road_users(kind: str, setting: DreamSetting) -> DreamRoadUsers:
    """Those of ``setting`` as ``kind`` moves them. Raises TakeadError for a kind that there is none of."""
    if kind not in ROAD_USERS:
        raise unknown("--agents", kind, ROAD_USERS)
    return ROAD_USERS[kind](setting)
