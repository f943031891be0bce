"""What the expert carries from tick to tick."""

from __future__ import annotations

from dataclasses import dataclass, field

from takead_ros.domain.scene import Polyline
from takead_ros.expert.arrays import LaneGraph
from takead_ros.expert.tracks import Track


@dataclass(frozen=True)
class Memory:
    """``stamp`` ns of the last scene; ``choice`` (lateral kind, object id) and ``pace`` that were driven last;
    ``waiting_since`` ns: the ego stands since then; ``stopped_at``: stop signs that it has stood at; ``urgent``:
    who came from behind in a hurry, id -> ns since when; ``lanes`` of the last scene's ``polylines``, read once for as
    long as these stay the same."""

    stamp: int | None = None
    tracks: dict[int, Track] = field(default_factory=dict)
    choice: tuple[str, int] = ("route", 0)
    pace: str = ""
    waiting_since: int | None = None
    stopped_at: frozenset[int] = frozenset()
    urgent: dict[int, int] = field(default_factory=dict)
    polylines: tuple[Polyline, ...] | None = None
    lanes: LaneGraph | None = None
