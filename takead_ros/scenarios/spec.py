"""What a scenario is made of: roads, paths, actors and their scripts. Frozen values; nothing here knows a simulator.

Distances ``s`` run along a path in m, lateral offsets ``d`` are in m, positive to the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from takead_ros.domain.scene import ControlKind, LightState, ObjectKind
from takead_ros.maps.roads import LanePath, OpenDriveMap, Roads, SafeMetaDriveMap


class Ability(str, Enum):
    """The five abilities of Bench2Drive that a family counts towards; MIXED: a route that needs several of them."""

    MERGING = "merging"
    OVERTAKING = "overtaking"
    EMERGENCY_BRAKE = "emergency_brake"
    GIVE_WAY = "give_way"
    TRAFFIC_SIGN = "traffic_sign"
    MIXED = "mixed"


class Model(str, Enum):
    """Bodies of road users and obstacles. CAR_S, CAR_M and CAR_L are cars, VAN is a tall one."""

    CAR_S = "small_car"
    CAR_M = "car"
    CAR_L = "large_car"
    VAN = "van"
    PEDESTRIAN = "pedestrian"
    CYCLIST = "cyclist"
    CONE = "cone"
    WARNING = "warning"
    BARRIER = "barrier"


# length m, width m of each body
DIMENSIONS: dict[Model, tuple[float, float]] = {
    Model.CAR_S: (4.3, 1.7),
    Model.CAR_M: (4.6, 1.85),
    Model.CAR_L: (4.87, 2.046),
    Model.VAN: (5.74, 2.3),
    Model.PEDESTRIAN: (0.7, 0.7),
    Model.CYCLIST: (1.75, 0.4),
    Model.CONE: (0.4, 0.4),
    Model.WARNING: (1.0, 1.0),
    Model.BARRIER: (2.0, 0.3),
}
KINDS: dict[Model, ObjectKind] = {
    Model.CAR_S: ObjectKind.CAR,
    Model.CAR_M: ObjectKind.CAR,
    Model.CAR_L: ObjectKind.CAR,
    Model.VAN: ObjectKind.TRUCK,
    Model.PEDESTRIAN: ObjectKind.PEDESTRIAN,
    Model.CYCLIST: ObjectKind.CYCLIST,
    Model.CONE: ObjectKind.CONE,
    Model.WARNING: ObjectKind.OBSTACLE,
    Model.BARRIER: ObjectKind.OBSTACLE,
}
MOTOR_VEHICLES = (Model.CAR_S, Model.CAR_M, Model.CAR_L, Model.VAN)


class When(Enum):
    """What a trigger compares with its value; EGO_* measure along the ego's route to the actor, from box to box."""

    TIME = "time"  # s since the start, at least
    EGO_GAP = "ego_gap"  # m that the ego is still away, at most
    EGO_PASSED = "ego_passed"  # m that the actor is ahead of the ego, at least
    EGO_ARRIVAL = "ego_arrival"  # s that the ego still needs at its present speed (at least 2 m/s), at most
    EGO_TRAVELLED = "ego_travelled"  # m that the ego has gone along its route, at least
    SINCE = "since"  # s since the phase before began (or since the start), at least
    OWN_S = "own_s"  # m along the actor's own path, at least


@dataclass(frozen=True)
class Phase:
    """One step of a script: once ``when`` has come (after the phase before), take over these aims; None keeps one.

    speed m/s to hold from now on, reached with at most ``acceleration`` or ``deceleration`` m/s^2; lateral m to move
    to at ``lateral_speed`` m/s.
    """

    when: When
    value: float
    speed: float | None = None
    acceleration: float | None = None
    deceleration: float | None = None
    lateral: float | None = None
    lateral_speed: float = 1.2


@dataclass(frozen=True)
class Actor:
    """A road user or an obstacle that starts at ``s``, ``lateral`` of its path with ``speed`` and follows its script.

    yaw_offset rad is added to the path's heading (parked askew, facing the kerb). ``reactive``: keeps its distance to
    whatever is ahead in its way; others only follow their script. ``cruise`` m/s: the speed that it aims at from the
    start, by default ``speed``. ``braking`` m/s^2: how hard it brakes at most for what is in its way;
    ``headway`` s: the time gap that it keeps. ``present``: m
    along the ego's route from which to which it is in the world (by default always); its time begins when it appears,
    and where someone else stands at that moment it stays away. ``emergency``: it has its lights and
    siren on, and the ego has to let it by. ``light``: (m along its path of a stop line that it minds, whether
    its light is green together with the ego's; else it is green while the ego's is red).
    """

    model: Model
    path: LanePath
    s: float
    lateral: float = 0.0
    speed: float = 0.0
    phases: tuple[Phase, ...] = ()
    reactive: bool = False
    yaw_offset: float = 0.0
    cruise: float | None = None
    braking: float = 7.5
    headway: float = 1.3
    emergency: bool = False
    light: tuple[float, bool] | None = None
    present: tuple[float, float] | None = None

    @property
    def length(self) -> float:
        return DIMENSIONS[self.model][0]

    @property
    def width(self) -> float:
        return DIMENSIONS[self.model][1]

    @property
    def kind(self) -> ObjectKind:
        return ObjectKind.EMERGENCY_VEHICLE if self.emergency else KINDS[self.model]


@dataclass(frozen=True)
class Change:
    """A light's next state, from the moment on at which ``when`` has come; EGO_* measure from the ego's front to it."""

    when: When
    value: float
    state: LightState


@dataclass(frozen=True)
class Control:
    """A light or sign for the ego: its stop line is ``s`` m along the route. A light follows its ``changes``."""

    kind: ControlKind
    s: float
    state: LightState = LightState.UNKNOWN
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """One episode, a pure function of (family, seed). ``start`` and ``goal`` are m along ``route``.

    ``roads`` names the source of the map. Where that has to be read first (an OpenDriveMap), or the
    simulator has the route and the others of its own (a SafeMetaDriveMap), ``route``, ``start``, ``goal``, ``actors``
    and ``controls`` are empty until it is built.

    ``limits``: (from m along the route, m/s) where the speed limit changes on the way.

    threat: whether the event that the family is named after really happens under this seed.
    """

    family: str
    seed: int
    ability: Ability
    roads: Roads | SafeMetaDriveMap | OpenDriveMap
    route: LanePath
    start: float
    goal: float
    speed: float
    speed_limit: float
    time_limit: float
    actors: tuple[Actor, ...]
    threat: bool = True
    controls: tuple[Control, ...] = ()
    limits: tuple[tuple[float, float], ...] = ()
