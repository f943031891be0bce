"""Who else moves in a dream, by name: what they do before each step of the vector world.

To add a kind (a learned one, say): a class with ``actors``, ``paths`` and ``move``, and its row in ROAD_USERS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from takead_ros.domain.errors import unknown
from takead_ros.domain.geometry import Path
from takead_ros.recording.tracks import RecordedTracks
from takead_ros.scenarios.spec import Actor
from takead_ros.simulators.dream.course import Course
from takead_ros.simulators.dream.replay import Replay
from takead_ros.simulators.dream.rules import Rules
from takead_ros.simulators.vector.arrays import Layout, State


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

    def notes(self) -> list[str]:
        """What a reader of the results should know, a line each."""


ROAD_USERS: dict[str, Callable[[RecordedTracks, Course], DreamRoadUsers]] = {"replay": Replay, "rules": Rules}


def road_users(kind: str, tracks: RecordedTracks, course: Course) -> DreamRoadUsers:
    """Those of ``tracks`` as ``kind`` moves them. Raises TakeadError for a kind that there is none of."""
    if kind not in ROAD_USERS:
        raise unknown("--agents", kind, ROAD_USERS)
    return ROAD_USERS[kind](tracks, course)
