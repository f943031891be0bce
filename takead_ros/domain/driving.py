"""What a driver would do, what is commanded, and who takes over from whom. Numbers mirror ``msg/``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np

from takead_ros.domain.scene import FloatArray

PLAN_STEPS = 8
PLAN_DT = 0.5  # s; 8 x 0.5 = the 4 s horizon of NAVSIM's PDM score


class Source(IntEnum):
    """Who drives an axis. NONE: nobody asks for it."""

    NONE = 0
    POLICY = 1
    EXPERT = 2
    HUMAN = 3
    MRM = 4


DRIVERS = (Source.POLICY, Source.EXPERT, Source.HUMAN)  # sources that are somebody who drives


class Limit(IntFlag):
    """Which limits cut a command."""

    NONE = 0
    STEERING_ANGLE = 1
    STEERING_RATE = 2
    ACCELERATION = 4
    JERK = 8
    SPEED = 16


class DriverStatus(IntEnum):
    OK = 0
    NO_MODEL = 1
    STALE_INPUT = 2
    NOT_FINITE = 3
    OUT_OF_RANGE = 4
    ERROR = 5


class Trigger(IntEnum):
    """Why a takeover happens (DESIGN section 5)."""

    NONE = 0
    COLLISION_PREDICTED = 1
    STEERING_DISAGREEMENT = 2
    TIME_TO_COLLISION = 3
    STUCK = 4
    OFF_ROUTE = 5
    POLICY_UNHEALTHY = 6
    HUMAN_OVERRIDE = 7
    BOOKMARK = 8
    SPEED_LIMIT = 9
    BEND_SPEED = 10
    OFF_ROAD = 11


class ArbiterMode(IntEnum):
    DISENGAGED = 0
    POLICY = 1
    EXPERT = 2
    HUMAN = 3
    HANDBACK = 4
    MRM = 5
    STOPPED = 6
    ARRIVING = 7


class EventKind(IntEnum):
    START = 0
    HANDBACK = 1
    END = 2
    BOOKMARK = 3
    ARRIVAL = 4


@dataclass(frozen=True)
class Plan:
    """Poses and speeds to come, in ``base_link`` at the stamp of the scene that it answers.

    x y (T,) m, yaw (T,) rad, speed (T,) m/s; step i is (i + 1) * dt seconds ahead.
    """

    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    speed: FloatArray
    dt: float = PLAN_DT


@dataclass(frozen=True)
class Cause:
    """What a rule-based driver acts on: a kind such as ``lead`` or ``red_light``, the object's id (0: none), whether
    the policy's sensors could see it, and words for a person."""

    kind: str = ""
    object_id: int = 0
    visible: bool = True
    text: str = ""


@dataclass(frozen=True)
class DriverOutput:
    """What the learned policy or the expert would do at one scene (``msg/PolicyOutput``).

    candidates (K, T, 2) m in ``base_link``; softmax of logits (K,) is the exact distribution over them.
    speed_bins, speed_probabilities (B,) m/s. control_*: the direct control branch. steering_angle (rad) and
    acceleration (m/s^2): the command derived from all heads. Holds only where ``status`` is OK.
    """

    stamp: int
    source: str
    plan: Plan
    candidates: FloatArray
    logits: FloatArray
    speed_bins: FloatArray
    speed_probabilities: FloatArray
    control_steering_angle: float
    control_acceleration: float
    steering_angle: float
    acceleration: float
    status: DriverStatus = DriverStatus.OK
    status_text: str = ""
    model_sha256: str = ""
    inference_ms: float = 0.0
    cause: Cause = Cause()

    @staticmethod
    def failed(stamp: int, source: str, status: DriverStatus, text: str, model_sha256: str = "") -> DriverOutput:
        """An output that says only why there is none."""
        none = np.zeros(0)
        return DriverOutput(
            stamp,
            source,
            Plan(none, none, none, none),
            np.zeros((0, PLAN_STEPS, 2)),
            none,
            none,
            none,
            0.0,
            0.0,
            0.0,
            0.0,
            status,
            text,
            model_sha256,
        )


@dataclass(frozen=True)
class DriveCommand:
    """Steering (rad, front wheels, positive left) and acceleration (m/s^2) with their provenance.

    As a human's input, an axis whose source is NONE is not touched. ``*_age`` s: age of the source's input.
    """

    stamp: int
    steering_angle: float
    acceleration: float
    lateral: Source
    longitudinal: Source
    lateral_age: float = 0.0
    longitudinal_age: float = 0.0
    limits: Limit = Limit.NONE
    reason: str = ""
    model_sha256: str = ""


@dataclass(frozen=True)
class TakeoverRequest:
    """A monitor's wish: ``severity`` 0..1, ``time_to_event`` s (None where it does not apply)."""

    stamp: int
    trigger: Trigger
    severity: float = 0.0
    time_to_event: float | None = None
    object_id: int = 0
    text: str = ""


@dataclass(frozen=True)
class TakeoverEvent:
    """Something that the arbiter decided: ``takeover`` numbers the takeovers of a run from 1."""

    stamp: int
    kind: EventKind
    takeover: int
    who: Source
    trigger: Trigger
    severity: float
    time_to_event: float | None
    why: str
