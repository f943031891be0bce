"""What the vehicle knows of the world at one moment, in vector space.

Frames follow REP-105 (``map``, ``base_link``), axes REP-103 (x forward, y left, z up; yaw and steering positive to
the left). ``base_link`` is the centre of the ego's box on the ground. Units are SI. The classes mirror ``msg/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class ObjectKind(IntEnum):
    UNKNOWN = 0
    CAR = 1
    TRUCK = 2
    PEDESTRIAN = 3
    CYCLIST = 4
    CONE = 5
    OBSTACLE = 6
    EMERGENCY_VEHICLE = 7  # with its lights and siren on


class LineKind(IntEnum):
    LANE_CENTER = 0
    BOUNDARY_BROKEN = 1
    BOUNDARY_SOLID = 2
    ROAD_EDGE = 3
    CROSSWALK = 4


class RouteCommand(IntEnum):
    """Turn commands at target points, numbered as CARLA's RoadOption."""

    VOID = 0
    LEFT = 1
    RIGHT = 2
    STRAIGHT = 3
    LANE_FOLLOW = 4
    CHANGE_LANE_LEFT = 5
    CHANGE_LANE_RIGHT = 6


class ControlKind(IntEnum):
    TRAFFIC_LIGHT = 0
    STOP_SIGN = 1
    YIELD_SIGN = 2


class LightState(IntEnum):
    UNKNOWN = 0
    GREEN = 1
    YELLOW = 2
    RED = 3


@dataclass(frozen=True)
class EgoState:
    """Pose in ``map`` (m, rad), motion in ``base_link`` (m/s, m/s^2, rad/s), front-wheel angle in rad."""

    x: float
    y: float
    yaw: float
    speed: float
    lateral_speed: float = 0.0
    yaw_rate: float = 0.0
    acceleration: float = 0.0
    lateral_acceleration: float = 0.0
    steering_angle: float = 0.0
    length: float = 4.6
    width: float = 1.9
    wheelbase: float = 2.7
    max_steering_angle: float = float(np.deg2rad(40.0))


@dataclass(frozen=True)
class Objects:
    """N tracked objects as parallel arrays, in ``map``; row i of every array is object ``id[i]``.

    id (N,) int, kind (N,) int [ObjectKind], x y (N,) m, yaw (N,) rad, vx vy (N,) m/s, length width (N,) m,
    visibility (N,) 0 (hidden from the ego's sensors) .. 1 (in full view).
    """

    id: IntArray
    kind: IntArray
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    vx: FloatArray
    vy: FloatArray
    length: FloatArray
    width: FloatArray
    visibility: FloatArray

    def __len__(self) -> int:
        return len(self.id)

    def select(self, rows: NDArray[np.bool_] | IntArray | slice) -> Objects:
        """The objects at ``rows`` (a mask, indices or a slice), in that order."""
        return Objects(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def visible(self) -> Objects:
        """Only what the ego's sensors could see."""
        seen = self.visibility > 0.0
        return self if seen.all() else self.select(seen)

    @cached_property
    def largest(self) -> float:
        """The largest size of any number but the ids; NaN where one is none. Worked out once, for all who screen it."""
        reals = (self.x, self.y, self.yaw, self.vx, self.vy, self.length, self.width, self.visibility)
        return float(np.abs(np.concatenate((*reals, self.kind))).max(initial=0.0))

    @staticmethod
    def empty() -> Objects:
        whole = np.zeros(0, dtype=np.int64)
        real = np.zeros(0)
        return Objects(whole, whole, real, real, real, real, real, real, real, real)


@dataclass(frozen=True)
class Polyline:
    """A piece of map geometry near the ego: ``points`` (P, 2) m, ``map``.

    ``speed_limit`` (m/s) and ``width`` (m) hold for LANE_CENTER only and are None where unknown.
    """

    id: int
    kind: LineKind
    points: FloatArray
    on_route: bool = False
    speed_limit: float | None = None
    width: float | None = None


@dataclass(frozen=True)
class Route:
    """What navigation asks for, in ``map``.

    path (P, 2) m: reference path from about 10 m behind the ego to about 100 m ahead, about 1 m apart.
    targets (3, 2) m: target points ahead; commands: one RouteCommand for each.
    lateral_offset m: positive when the ego is left of the path; heading_error rad: ego yaw minus path yaw.
    remaining m to the end; completion 0..1; speed_limit m/s in force, None where unknown.
    """

    path: FloatArray
    targets: FloatArray
    commands: tuple[RouteCommand, RouteCommand, RouteCommand]
    lateral_offset: float
    heading_error: float
    remaining: float
    completion: float
    speed_limit: float | None = None


@dataclass(frozen=True)
class TrafficControl:
    """A rule at a stop line on the route: position (m), driving direction ``yaw`` (rad) in ``map``;
    ``distance`` m along the route from the ego's front to the line, negative once passed. ``state`` of a stop sign:
    GREEN once the ego has served it (``stop_signs``), so that who looks at one scene only knows; else UNKNOWN."""

    id: int
    kind: ControlKind
    state: LightState
    x: float
    y: float
    yaw: float
    distance: float
    visible: bool = True


@dataclass(frozen=True)
class Scene:
    """One observation. ``stamp`` is nanoseconds of the host's clock at which it was made."""

    stamp: int
    ego: EgoState
    objects: Objects
    polylines: tuple[Polyline, ...]
    route: Route
    controls: tuple[TrafficControl, ...] = ()
