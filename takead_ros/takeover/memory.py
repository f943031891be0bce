"""What the arbiter remembers between two ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from takead_ros.domain.driving import ArbiterMode, Source, Trigger
from takead_ros.domain.scene import Objects
from takead_ros.domain.units import SECOND
from takead_ros.takeover.inputs import Now, ScreenedInputs
from takead_ros.takeover.mrm import DeadReckoning, PlanPath

ENGAGED = frozenset({ArbiterMode.POLICY, ArbiterMode.EXPERT, ArbiterMode.HUMAN, ArbiterMode.HANDBACK})


@dataclass(frozen=True)
class Response:
    """Answer to engage or disengage: ``code`` for machines ("ok" when accepted), ``message`` for people."""

    accepted: bool
    code: str
    message: str


@dataclass(frozen=True)
class Takeover:
    """The takeover that is going on; ``number`` counts from 1."""

    number: int
    who: Source
    trigger: Trigger
    severity: float
    time_to_event: float | None


@dataclass(frozen=True)
class Grip:
    """The human's last touch of an axis: the value asked for and when (ns, steady; None: never)."""

    value: float = 0.0
    touched: int | None = None

    def within(self, now: Now, hold_s: float) -> bool:
        return self.touched is not None and now.steady - self.touched <= hold_s * SECOND


class ArbiterMemory(NamedTuple):
    """Begin with ``ArbiterMemory()``. Times are ns by the steady clock, except where a ``Now`` holds both clocks."""

    # Who drives
    mode: ArbiterMode = ArbiterMode.DISENGAGED
    reason: str = "start"  # why the mode was entered
    earlier: str = ""  # why the mode before it was
    entered: Now | None = None  # when it was; None: before the first tick
    was_engaged: bool = False  # whether there was an engagement yet: auto_engage is for the first one only
    takeover: Takeover | None = None  # the one that is going on
    takeovers: int = 0  # how many there were so far
    response: Response | None = None  # the answer to this tick's ask

    # Clocks and the last command
    started: int | None = None  # the first tick
    tick: Now | None = None  # the last tick
    last: tuple[float, float] | None = None  # steering (rad) and acceleration (m/s^2) of the last command

    # Inputs
    screened: ScreenedInputs = ScreenedInputs()  # each input's accepted message and why the newest was rejected
    wheel: Grip = Grip()  # the human's touch of the steering
    pedals: Grip = Grip()  # the human's touch of throttle or brake

    # The ego and what is around it, for the minimum-risk manoeuvre
    motion: DeadReckoning | None = None  # pose and speed: of the last sound scene, reckoned on since
    poses: tuple[tuple[int, float, float, float], ...] = ()  # stamp (ns, ROS), x, y (m), yaw (rad) of the last scenes
    path: PlanPath | None = None  # the last driver's last sound plan, in map
    goal_m: float = math.inf  # m to the end of the route: of the last sound scene, reckoned on since
    objects: Objects = Objects.empty()  # those of the last sound scene
    objects_at: int = 0  # when they were seen

    # Conditions that must last: since when each holds; None: it does not
    agreed_since: int | None = None  # policy and expert would do nearly the same
    still_since: int | None = None  # the ego stands
    unmoved_since: int | None = None  # the ego stands to the last digit while the command pushes it on
