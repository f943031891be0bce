"""What a scenario is made of: roads, paths, actors and their scripts. Frozen values; nothing here knows a simulator.

Distances ``s`` run along a path in m, lateral offsets ``d`` are in m, positive to the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from takead_ros.domain.scene import ControlKind, LightState, ObjectKind
from takead_ros.maps.roads import LanePath, OpenDriveMap, RecordedMap, Roads, SafeMetaDriveMap


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
    """One step of a script: once ``when`` has come (after the phase before), take over these aims; None keeps one."""

    when: When
    value: float
    speed: float | None = None  # m/s to hold from now on
    acceleration: float | None = None  # m/s^2 at most to reach it
    deceleration: float | None = None  # m/s^2 at most to come down to it
    lateral: float | None = None  # m left of the path to move to
    lateral_speed: float = 1.2  # m/s at which it moves there


@dataclass(frozen=True)
class Actor:
    """A road user or an obstacle with its script. ``s``, ``lateral`` m: where it starts along and left of ``path``."""

    model: Model
    path: LanePath
    s: float
    lateral: float = 0.0
    speed: float = 0.0  # m/s at the start
    phases: tuple[Phase, ...] = ()
    reactive: bool = False  # keeps its distance to whatever is ahead in its way; others only follow their script
    yaw_offset: float = 0.0  # rad, added to the path's heading: parked askew, facing the kerb
    cruise: float | None = None  # m/s that it aims at from the start, by default ``speed``
    braking: float = 7.5  # m/s^2 at most for what is in its way
    headway: float = 1.3  # s, the time gap that it keeps
    emergency: bool = False  # has its lights and siren on, and the ego has to let it by
    # m along its path of a stop line that it minds, whether its light is green together with the ego's (else while the
    # ego's is red)
    light: tuple[float, bool] | None = None
    # place among the scenario's controls of the light that it minds; by default the route's first that decides
    light_index: int | None = None
    # m along the ego's route from which to which it is in the world, by default always: its time begins when it
    # appears, and where someone else stands at that moment it stays away
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
    """One episode, a pure function of (family, seed).

    ``roads`` names the source of the map. Where that has to be read first (an OpenDriveMap), or the
    simulator has the route and the others of its own (a SafeMetaDriveMap), ``route``, ``start``, ``goal``, ``actors``
    and ``controls`` are empty until it is built.
    """

    family: str
    seed: int
    ability: Ability
    roads: Roads | SafeMetaDriveMap | OpenDriveMap | RecordedMap
    route: LanePath
    start: float  # m along the route
    goal: float  # m along the route
    speed: float  # m/s of the ego at the start
    speed_limit: float  # m/s
    time_limit: float  # s
    actors: tuple[Actor, ...]
    threat: bool = True  # whether the event that the family is named after really happens under this seed
    controls: tuple[Control, ...] = ()
    limits: tuple[tuple[float, float], ...] = ()  # (from m along the route, m/s) where the speed limit changes
    events: tuple[tuple[float, str], ...] = ()  # (from m along the route, family) of a route strung together of others
