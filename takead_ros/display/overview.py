"""What is known at one moment, as far as a person at a screen is to see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from takead_ros.domain.driving import ArbiterMode, DriverOutput, Source, TakeoverRequest
from takead_ros.domain.scene import Scene
from takead_ros.takeover.notice import NoticeLevel

Pose = tuple[float, float, float]  # x m, y m, yaw rad in ``map``


@dataclass(frozen=True, eq=False)
class Answer:
    """What a driver would do, and where the ego was at the scene that it answers: the origin of its plans."""

    output: DriverOutput
    origin: Pose


@dataclass(frozen=True)
class Standing:
    """Who drives, why, what is asked of the person, and what would make it go on; in words, and as numbers."""

    mode: ArbiterMode
    lateral: Source
    longitudinal: Source
    alarm: NoticeLevel
    who: str
    why: str
    asked: str = ""
    goes_on: str = ""


@dataclass(frozen=True, eq=False)
class Overview:
    """None: there is nothing, or nothing fresh; what is stale is never drawn.

    ages: s since the newest message of each input, by its stamp or its reception, whichever is longer; None: there was
    none so far. stale_s: from this age on an input counts as stale. optional: inputs that may be silent.
    """

    scene: Scene | None = None
    policy: Answer | None = None
    expert: Answer | None = None
    standing: Standing | None = None
    request: TakeoverRequest | None = None
    ages: Mapping[str, float | None] = field(default_factory=dict)
    stale_s: float = 0.5
    optional: frozenset[str] = frozenset()
