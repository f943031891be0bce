"""The vector world's memory: N environments as structures of arrays, one row each, stepped in place by kernels.

``Layout`` is what a scenario fixes, ``State`` what changes from tick to tick. Rows are as wide as the widest scenario
that was ever put in; a wider one makes the arrays anew. All positions in ``map``: m, rad, m/s, positive to the left.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from takead_ros.compiled import Cube, Cube32, IndexMatrix, Indices, Matrix, Quad, Vector
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.encoding import LINE_FLAGS, LINE_POINTS

MOST_ACTORS = 512  # in one scenario; more are refused, never left out
BODY = 9  # see ``State.body``


class Layout(NamedTuple):
    """What is fixed in an episode. First axis: environment; second: as named. Counts say how much of a row is used.

    route (P): the reference path with its arc and heading (unwrapped) and the RouteCommand at each sample; ``start``,
    ``goal`` m along it. limits (K): from m along the route on, m/s. actors (A): see ``scenarios.spec.Actor``; ``body``
    0: motor vehicle, 1: person or cyclist, 2: fixed thing, 3: cone; their paths (Q) and phases (F) lie in pools, each
    actor with its first row and count. controls (C) with their changes (G). lanes (M): samples of all lane centres,
    half widths.
    """

    route_count: Indices
    route_x: Matrix
    route_y: Matrix
    route_arc: Matrix
    route_yaw: Matrix
    route_command: IndexMatrix
    start: Vector
    goal: Vector
    time_limit: Vector

    limit_count: Indices
    limit_from: Matrix
    limit_speed: Matrix

    actor_count: Indices
    length: Matrix
    width: Matrix
    kind: IndexMatrix
    body_kind: IndexMatrix
    yaw_offset: Matrix
    reactive: IndexMatrix
    moves: IndexMatrix
    first_s: Matrix
    first_lateral: Matrix
    first_speed: Matrix
    first_aim: Matrix
    braking: Matrix
    headway: Matrix
    light_s: Matrix
    light_with_ego: IndexMatrix
    light_index: IndexMatrix
    present_from: Matrix
    present_to: Matrix
    path_first: IndexMatrix
    path_count: IndexMatrix
    phase_first: IndexMatrix
    phase_count: IndexMatrix

    path_x: Matrix
    path_y: Matrix
    path_arc: Matrix
    path_yaw: Matrix

    phase_when: IndexMatrix
    phase_value: Matrix
    phase_speed: Matrix
    phase_acceleration: Matrix
    phase_deceleration: Matrix
    phase_lateral: Matrix
    phase_lateral_speed: Matrix

    control_count: Indices
    control_kind: IndexMatrix
    control_s: Matrix
    control_x: Matrix
    control_y: Matrix
    control_yaw: Matrix
    control_first_state: IndexMatrix
    change_first: IndexMatrix
    change_count: IndexMatrix
    change_when: IndexMatrix
    change_value: Matrix
    change_state: IndexMatrix

    lane_count: Indices
    lane_x: Matrix
    lane_y: Matrix
    lane_half: Matrix


class State(NamedTuple):
    """What changes. First axis: environment.

    body (9): where the chassis is (x, y, yaw), its velocity in ``map`` (x, y) and yaw rate, and where it is shown
    (x, y, yaw: MetaDrive shows a pose one physics step late). ego (10): x, y, yaw, speed, lateral speed, yaw rate,
    acceleration, lateral acceleration, steering angle, m by which its outermost corner lies beyond the lanes.
    navigation (5): s, lateral offset, heading error, furthest s, speed limit. stood (3): the place where the ego last
    got to, ticks since.
    motion (A, 10): s, d, speed, drift, aimed speed, aimed d, acceleration, deceleration, lateral speed, born;
    phase (A), phase_since (A); flags gone, hit, waiting, touching (A); pose (A, 5): x, y, yaw, vx, vy.
    touched (A): whether it came to be touched at this very tick. light (C): state, next change, since. ``end``: index
    in ``step.ENDS``. ``hint`` (4): lane samples that the corners were last found on.
    """

    tick: Indices
    end: Indices
    body: Matrix
    ego: Matrix
    navigation: Matrix
    stood: Matrix
    motion: Cube
    phase: IndexMatrix
    phase_since: Matrix
    gone: IndexMatrix
    hit: IndexMatrix
    waiting: IndexMatrix
    touching: IndexMatrix
    touched: IndexMatrix
    pose: Cube
    light_state: IndexMatrix
    light_next: IndexMatrix
    light_since: Matrix
    hint: IndexMatrix


class Map(NamedTuple):
    """The map as the ego is shown it. First axis: environment.

    lines (L): middle and reach m of each polyline (``simulators.view``). pieces (S): what the encoding makes of them
    (``policy.encoding``), each with the number of its polyline. around (S), around_count: the pieces around the ego,
    chosen when it was at chosen_at (2) m (NaN: not yet).
    """

    line_x: Matrix
    line_y: Matrix
    line_reach: Matrix
    piece_count: Indices
    piece_line: IndexMatrix
    piece_points: Quad
    piece_flags: Cube32
    around_count: Indices
    around: IndexMatrix
    chosen_at: Matrix


# name of the width that sets a field's second axis; None: one value for each environment
_WIDTHS: dict[str, str | None] = {
    **dict.fromkeys(Layout._fields[1:6], "route"),
    **dict.fromkeys(("limit_from", "limit_speed"), "limits"),
    **dict.fromkeys(Layout._fields[Layout._fields.index("length") : Layout._fields.index("path_x")], "actors"),
    **dict.fromkeys(("path_x", "path_y", "path_arc", "path_yaw"), "paths"),
    **dict.fromkeys(
        (name for name in Layout._fields if name.startswith("phase_") and name not in ("phase_first", "phase_count")),
        "phases",
    ),
    **dict.fromkeys(
        (name for name in Layout._fields if name.startswith("control_") and name != "control_count"), "controls"
    ),
    **dict.fromkeys(("change_first", "change_count"), "controls"),
    **dict.fromkeys(("change_when", "change_value", "change_state"), "changes"),
    **dict.fromkeys(("lane_x", "lane_y", "lane_half"), "lanes"),
}
_WHOLE = frozenset(
    name
    for name in Layout._fields
    if name.endswith(("_count", "_first", "_when", "_kind", "_state"))
    or name in ("kind", "reactive", "moves", "light_with_ego", "light_index", "control_first_state", "route_command")
)


class Widths(NamedTuple):
    """How much room each environment has."""

    route: int = 1
    limits: int = 1
    actors: int = 1
    paths: int = 1
    phases: int = 1
    controls: int = 1
    changes: int = 1
    lanes: int = 1
    lines: int = 1
    pieces: int = 1

    def including(self, other: Widths) -> Widths:
        """Wide enough for both. Raises TakeadError for more actors than MOST_ACTORS."""
        if other.actors > MOST_ACTORS:
            raise TakeadError(f"vector world: a scenario with {other.actors} actors, expected at most {MOST_ACTORS}")
        return Widths(*(max(a, b) for a, b in zip(self, other, strict=True)))


def make_layout(count: int, widths: Widths) -> Layout:
    """Room for ``count`` environments, all empty."""

    def field(name: str) -> Any:
        width = _WIDTHS.get(name)
        shape = (count,) if width is None else (count, getattr(widths, width))
        return np.zeros(shape, np.int64 if name in _WHOLE else np.float64)

    return Layout(*(field(name) for name in Layout._fields))


def make_state(count: int, widths: Widths) -> State:
    """Room for what changes in ``count`` environments."""
    a, c = widths.actors, widths.controls
    whole, real = np.int64, np.float64
    return State(
        tick=np.zeros(count, whole),
        end=np.zeros(count, whole),
        body=np.zeros((count, BODY), real),
        ego=np.zeros((count, 10), real),
        navigation=np.zeros((count, 5), real),
        stood=np.zeros((count, 3), real),
        motion=np.zeros((count, a, 10), real),
        phase=np.zeros((count, a), whole),
        phase_since=np.zeros((count, a), real),
        gone=np.ones((count, a), whole),
        hit=np.zeros((count, a), whole),
        waiting=np.zeros((count, a), whole),
        touching=np.zeros((count, a), whole),
        touched=np.zeros((count, a), whole),
        pose=np.zeros((count, a, 5), real),
        light_state=np.zeros((count, c), whole),
        light_next=np.zeros((count, c), whole),
        light_since=np.zeros((count, c), real),
        hint=np.zeros((count, 4), whole),
    )


def make_map(count: int, widths: Widths) -> Map:
    """Room for the maps of ``count`` environments."""
    lines, pieces = (count, widths.lines), (count, widths.pieces)
    return Map(
        line_x=np.zeros(lines),
        line_y=np.zeros(lines),
        line_reach=np.zeros(lines),
        piece_count=np.zeros(count, np.int64),
        piece_line=np.zeros(pieces, np.int64),
        piece_points=np.zeros((*pieces, LINE_POINTS, 2)),
        piece_flags=np.zeros((*pieces, LINE_FLAGS), np.float32),
        around_count=np.zeros(count, np.int64),
        around=np.zeros(pieces, np.int64),
        chosen_at=np.full((count, 2), np.nan),
    )


def widened(old: Any, new: Any) -> None:
    """Copy the rows of ``old`` (a Layout, State or Map) into the wider ``new``."""
    for narrow, wide in zip(old, new, strict=True):
        wide[tuple(slice(0, size) for size in narrow.shape)] = narrow


def put(room: Any, row: int, one: Any) -> None:
    """Copy ``one``, a Layout or Map of one environment, into row ``row`` of the wider ``room``."""
    for field, values in zip(room, one, strict=True):
        if field.ndim == 1:
            field[row] = values[0]
        else:
            field[row, : values.shape[1]] = values[0]
