"""The road of a clip: its map as lanes, the route put together from what the scenes showed of it, limits, lights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import arc_lengths, points_at, project
from takead_ros.domain.navigation import TARGETS, Navigation
from takead_ros.domain.scene import (
    ControlKind,
    FloatArray,
    IntArray,
    LightState,
    LineKind,
    Polyline,
    RouteCommand,
    TrafficControl,
)
from takead_ros.maps.lanemap import SPACING, beyond
from takead_ros.recording.driven import Tick

SAME_M = 0.05  # between two showings of one sample of the route
JUMP_M = 2.0  # between two showings of the route, from which on it is another route
PADDING_M = 10.0  # of route beyond what was shown, straight on: what remains is told up to 100 m
ON_ROAD_M = 0.5  # m beside a lane that still count as on it
LANE_WIDTH_M = 3.5  # where the map does not tell it


@dataclass(frozen=True)
class Lanes:
    """All lane centres of a map: ``lines``, each (Q, 2) m; all their points (P, 2) m about 1 m apart, and half (P,) m
    of the lane's width at each."""

    lines: list[FloatArray]
    points: FloatArray
    half: FloatArray

    def beyond(self, points: FloatArray) -> FloatArray:
        """How far (N,) m points (N, 2) m lie outside of every lane; 0 on the road."""
        return beyond(points, self.points, self.half)


@dataclass(frozen=True)
class RecordedControl:
    """A light or sign as it was recorded: ``control`` where it was told first, ``s`` m along the route of its line,
    ``states`` in time (s since the first tick, what it then came to show)."""

    control: TrafficControl
    s: float
    states: list[tuple[float, LightState]]


@dataclass(frozen=True)
class Course:
    """The road of a clip.

    navigation: as the drive's own was at its first tick. s (T,): m along it at each tick. arrives: the route's real
    goal is on it; else it goes on beyond what was recorded. ends_at: m along it to where its map was recorded.
    limits: (from m along it, m/s or NaN where unknown) in force.
    """

    navigation: Navigation
    s: FloatArray
    arrives: bool
    ends_at: float
    limits: list[tuple[float, float]]
    controls: list[RecordedControl]
    lanes: Lanes


def lanes_of(polylines: Sequence[Polyline], clip: FilePath) -> Lanes:
    """The lanes that a clip's scenes show. Raises TakeadError where there are none."""
    centres = [line for line in polylines if line.kind is LineKind.LANE_CENTER and len(line.points) > 1]
    if not centres:
        raise TakeadError(
            f"clip '{clip}': topic '.../scene': no lane centre in any of its scenes; expected the map around the ego"
        )
    points, halves = [], []
    for line in centres:
        arc = arc_lengths(line.points)
        at = np.linspace(0.0, arc[-1], max(math.ceil(arc[-1] / SPACING), 1) + 1)
        points.append(points_at(line.points, at))
        halves.append(np.full(len(at), (line.width or LANE_WIDTH_M) / 2.0))
    return Lanes(points, np.concatenate(points), np.concatenate(halves))


def course_of(ticks: Sequence[Tick], lanes: Lanes, clip: FilePath) -> Course:
    """The road of a clip's ticks. Raises TakeadError for a route that is none, breaks off, or leaves the lanes."""
    points, goal, arrives = _stitched(ticks, clip)
    ego = ticks[0].world.ego
    start = project(points[:40], ego.x, ego.y)[0]
    commands = np.full(len(points), int(RouteCommand.LANE_FOLLOW))
    navigation = Navigation(points, commands, start, goal, ticks[0].world.route.speed_limit)
    s = []
    for tick in ticks:
        navigation.update(tick.world.ego.x, tick.world.ego.y, tick.world.ego.yaw)
        s.append(navigation.s)
    commands[:] = _commands(ticks, np.array(s), len(points))
    off = lanes.beyond(points) > ON_ROAD_M
    covered = np.flatnonzero(off & (navigation.path.arc > start))
    ends_at = float(navigation.path.arc[covered[0] - 1] if len(covered) else navigation.path.arc[-1])
    if ends_at < min(max(s) + ego.length, navigation.goal):
        raise TakeadError(
            f"clip '{clip}': topic '.../scene': the route leaves the recorded map at {ends_at - start:.0f} m, before "
            f"the {max(s) - start:.0f} m that were driven; expected lanes below the whole route"
        )
    fresh = Navigation(points, commands, start, goal, navigation.speed_limit)
    fresh.update(ego.x, ego.y, ego.yaw)
    return Course(fresh, np.array(s), arrives, ends_at, _limits(ticks, s), _controls(ticks, s), lanes)


def _stitched(ticks: Sequence[Tick], clip: FilePath) -> tuple[FloatArray, float, bool]:
    """The route (P, 2) m from all that was shown of it, the goal (m along it), and whether that was in sight."""
    first = ticks[0].world.route
    whole = first.path
    for tick in ticks[1:]:
        path, end = tick.world.route.path, whole[-1]
        apart = np.hypot(*(path - end).T)
        nearest = int(apart.argmin())
        if apart[nearest] > SAME_M:  # not the same samples: whatever lies beyond the end
            along, lateral, _ = project(path, *end)
            if abs(lateral) > JUMP_M or apart[nearest] > JUMP_M:
                raise TakeadError(
                    f"clip '{clip}': topic '.../scene': another route from {tick.stamp} ns on; expected one that "
                    "goes on where it ended"
                )
            nearest = int(np.searchsorted(arc_lengths(path), along + 0.5 * SPACING)) - 1
        whole = np.concatenate([whole, path[nearest + 1 :]])
    ego = ticks[0].world.ego
    goal = project(whole[:40], ego.x, ego.y)[0] + first.remaining
    arrives = goal <= float(arc_lengths(whole)[-1])
    if not arrives:
        step = whole[-1] - whole[-2]
        ahead = np.arange(1, round(PADDING_M / SPACING) + 1)[:, None] * SPACING
        whole = np.concatenate([whole, whole[-1] + ahead * step / np.hypot(*step)])
    return whole, goal, arrives


def _commands(ticks: Sequence[Tick], s: FloatArray, count: int) -> IntArray:
    """The RouteCommand (P,) at each sample of the path, as the targets told it; where none did, as the one before."""
    told = np.full(count, -1)
    for tick, here in zip(ticks, s, strict=True):
        for ahead, command in zip(TARGETS, tick.world.route.commands, strict=True):
            told[min(round(here + ahead), count - 1)] = int(command)
    known = np.flatnonzero(told >= 0)
    rows = np.searchsorted(known, np.arange(count), side="right") - 1
    return np.asarray(told[known[np.maximum(rows, 0)]])


def _limits(ticks: Sequence[Tick], s: Sequence[float]) -> list[tuple[float, float]]:
    limits: list[tuple[float, float]] = []
    for tick, here in zip(ticks, s, strict=True):
        known = tick.world.route.speed_limit
        limit = math.nan if known is None else known
        if not limits or (limit != limits[-1][1] and not math.isnan(limit + limits[-1][1])):
            limits.append((here, limit))
    return limits


def _controls(ticks: Sequence[Tick], s: Sequence[float]) -> list[RecordedControl]:
    found: dict[int, RecordedControl] = {}
    for tick, here in zip(ticks, s, strict=True):
        front = tick.world.ego.length / 2.0
        time_s = (tick.stamp - ticks[0].stamp) / 1e9
        for control in tick.world.controls:
            if control.id not in found:
                found[control.id] = RecordedControl(control, here + front + control.distance, [])
            states = found[control.id].states
            told = control.kind is not ControlKind.STOP_SIGN  # whoever drives the dream serves that one anew
            if not states or (told and states[-1][1] is not control.state):
                states.append((time_s, control.state))
    return list(found.values())
