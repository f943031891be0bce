"""What an episode leaves behind: everything that the measures need, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from takead_ros.domain.driving import Source, TakeoverEvent
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray, IntArray, Objects, TrafficControl


class End(str, Enum):
    """Why an episode ended."""

    RUNNING = "running"
    GOAL = "goal"
    TIME_LIMIT = "time_limit"
    BLOCKED = "blocked"
    ROUTE_DEVIATION = "route_deviation"


@dataclass(frozen=True)
class Contact:
    """The ego's box touched another's: at step ``tick``, where the ego was (m, map) and how far along its route."""

    tick: int
    object_id: int
    kind: int
    x: float
    y: float
    route_s: float


@dataclass(frozen=True)
class Traffic:
    """Everyone but the ego at each of T ticks, in columns: at tick t those in the rows first[t] to first[t + 1] of
    ``all``. first (T + 1,)."""

    all: Objects
    first: IntArray

    @staticmethod
    def of(ticks: Sequence[Objects]) -> Traffic:
        """From the objects of each tick."""
        columns = (
            np.concatenate([np.zeros(0, getattr(Objects.empty(), name).dtype), *(getattr(one, name) for one in ticks)])
            for name in Objects.__dataclass_fields__
        )
        return Traffic(Objects(*columns), np.cumsum([0, *map(len, ticks)]))

    def __len__(self) -> int:
        return len(self.first) - 1

    def __getitem__(self, tick: int) -> Objects:
        """Those at ``tick``; negative ones count from the end."""
        tick = range(len(self))[tick]
        return self.all.select(slice(self.first[tick], self.first[tick + 1]))


COLUMNS = (  # of an EpisodeLog, one value a tick
    "x",
    "y",
    "yaw",
    "speed",
    "acceleration",
    "lateral_acceleration",
    "yaw_rate",
    "steering_angle",
    "route_s",
    "lateral_offset",
    "off_road",
)
_FINITE = ("step_s", "route_length", "time_limit", "speed_limit", "ego_length", "ego_width", *COLUMNS)


@dataclass(frozen=True)
class EpisodeLog:
    """One episode at ``step_s`` s per tick; all arrays have shape (T,), the first tick is the start.

    x y yaw in map; speed m/s, acceleration lateral_acceleration m/s^2, yaw_rate rad/s in base_link; steering_angle rad;
    route_s m along the route from its start; lateral_offset m left of the reference path; off_road m by which the
    ego's outermost corner lies beyond the lanes. ``objects`` and ``controls`` hold one entry per tick. ``sources`` (the
    lateral and longitudinal source of the command applied at each tick) and ``events`` are added by who ran the
    episode; empty where nobody arbitrated. Raises TakeadError for a number that is not finite: no measure takes one.
    """

    family: str
    seed: int
    ability: str
    threat: bool
    step_s: float
    route_length: float
    time_limit: float
    speed_limit: float
    end: End
    ego_length: float
    ego_width: float
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    speed: FloatArray
    acceleration: FloatArray
    lateral_acceleration: FloatArray
    yaw_rate: FloatArray
    steering_angle: FloatArray
    route_s: FloatArray
    lateral_offset: FloatArray
    off_road: FloatArray
    objects: Traffic
    contacts: tuple[Contact, ...]
    controls: tuple[tuple[TrafficControl, ...], ...] = ()
    sources: tuple[tuple[Source, Source], ...] = ()
    events: tuple[TakeoverEvent, ...] = ()

    def __post_init__(self) -> None:
        for name in _FINITE:
            if not np.isfinite(getattr(self, name)).all():
                raise TakeadError(
                    f"episode log of {self.family} {self.seed}: '{name}' is not finite, expected finite numbers"
                )
        everyone = self.objects.all
        sound = np.isfinite(everyone.x + everyone.y + everyone.yaw + everyone.vx + everyone.vy)
        if not sound.all():
            tick = int(np.searchsorted(self.objects.first, sound.argmin(), side="right")) - 1
            raise TakeadError(
                f"episode log of {self.family} {self.seed}: an object of tick {tick} is not finite, "
                "expected finite numbers"
            )

    @property
    def duration(self) -> float:
        """s from start to end."""
        return (len(self.x) - 1) * self.step_s
