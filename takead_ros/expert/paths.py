"""Lateral proposals: the route's centre and ways around what stands on it, as smooth paths from the ego's pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import EgoState, FloatArray, IntArray, ObjectKind
from takead_ros.expert.forecast import Actors
from takead_ros.expert.frame import AHEAD, BEHIND, STEP, Frame, index
from takead_ros.expert.kernels.shapes import shape
from takead_ros.expert.parameters import ExpertParameters

GRID = STEP * np.arange(AHEAD + 1)  # (G,) m along the route, ahead of the ego
_CYCLIST = int(ObjectKind.CYCLIST)
_LOOK = 50.0  # m within which a standing obstacle is passed
_QUEUE_GAP = 14.0  # m between two obstacles that are passed in one go
_IN_LINE = 0.9975  # cosine of the heading against the lane's
_MIDDLE = 0.7  # m off the lane's centre
_CRASHED = 1.5  # m; who waits in a queue leaves more
_OVERTAKES = 0.7  # of the speed limit: who rides slower is overtaken
_OVERTAKING_TIMES = np.arange(0.0, 14.1, 0.25)  # s within which overtaking has to end
_OVERTAKING_GAP = 3.0  # m between the boxes when the ego has moved out, and before it moves in again


@dataclass(frozen=True)
class Paths:
    """L paths over the grid ahead of the ego, in ``base_link``.

    kind (L,) names; object_id (L,) what is passed (0: none), overtaken (L,) its row where it moves, else -1;
    target (L,) m offset of the proposal; offset x y yaw curvature (L, G); rate (L, G): metres along the route for each
    metre along the path.
    """

    kind: tuple[str, ...]
    object_id: IntArray
    overtaken: IntArray
    target: FloatArray
    offset: FloatArray
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    curvature: FloatArray
    rate: FloatArray


@dataclass(frozen=True)
class Places:
    """The N actors on the route now: along offset m, extents half_along half_across m of their boxes, same: cosine of
    their headings against the route's; all (N,)."""

    along: FloatArray
    offset: FloatArray
    half_along: FloatArray
    half_across: FloatArray
    same: FloatArray


@dataclass(frozen=True)
class Passing:
    """An obstacle group to pass: from/to m along the route, target offset m, its nearest object. ``overtaken``: row of
    the moving one that is passed instead, -1 for none; from/to are where the ego will be beside it."""

    kind: str
    object_id: int
    start: float
    end: float
    target: float
    overtaken: int = -1


def place(frame: Frame, actors: Actors) -> Places:
    """Where the actors are on the route now."""
    along, offset, i = frame.locate(actors.x[:, 0], actors.y[:, 0])
    turn = actors.yaw[:, 0] - frame.yaw[i]
    same = np.cos(turn)
    cos, sin = np.abs(same), np.abs(np.sin(turn))
    half_along = 0.5 * (actors.length * cos + actors.width * sin)
    half_across = 0.5 * (actors.length * sin + actors.width * cos)
    return Places(along, offset, half_along, half_across, same)


def find_blockers(
    actors: Actors, now: Places, ego: EgoState, parameters: ExpertParameters, queue_end: float
) -> IntArray:
    """Rows of the standing obstacles on the route's centre line that are to be passed, nearest first.

    queue_end m: whatever stands beyond is a queue before a closed stop line.
    """
    wide = 0.5 * ego.width + parameters.side_margin_m
    blocks = (actors.speed < 0.5) & ~actors.person & (np.abs(now.offset) < wide + now.half_across)
    blocks &= ~actors.has_moved | (actors.standing > 3.0)
    ahead = (now.along + now.half_along > -0.5 * ego.length - 1.0) & (now.along - now.half_along < _LOOK)
    rows = np.flatnonzero(blocks & ahead & (now.along < queue_end))
    rows = rows[np.argsort(now.along[rows], kind="stable")]
    if len(rows) > 1 and actors.standing[rows[0]] < parameters.queue_patience_s and _queues(actors, now, rows[:2]):
        return rows[:0]
    return rows


def _queues(actors: Actors, now: Places, pair: IntArray) -> bool:
    """Whether the two obstacles ``pair`` look like a queue: vehicles in line in mid-lane, some m apart."""
    vehicles = bool(np.isin(actors.kind[pair], (ObjectKind.CAR, ObjectKind.TRUCK)).all())
    gap = np.diff(now.along[pair])[0] - now.half_along[pair].sum()
    in_line = (now.same[pair] > _IN_LINE).all() and (np.abs(now.offset[pair]) < _MIDDLE).all()
    return vehicles and bool(in_line) and _CRASHED < gap < _QUEUE_GAP


def find_passings(
    actors: Actors, rows: IntArray, now: Places, band: tuple[FloatArray, FloatArray], ego: EgoState,
    parameters: ExpertParameters,
) -> list[Passing]:  # fmt: skip
    """Ways around the first group of the blockers ``rows``; empty where there is no room.

    band (right, left) (P,) m: the road's edges of ``frame.drivable_band``.
    """
    near, far = now.along - now.half_along, now.along + now.half_along
    right_side, left_side = now.offset - now.half_across, now.offset + now.half_across
    wide = 0.5 * ego.width + parameters.side_margin_m
    stands = (actors.speed < 0.5) & ~actors.person
    group = [int(rows[0])]
    end = far[rows[0]]
    others = np.flatnonzero(stands & (np.abs(now.offset) < wide + now.half_across + 2.0))
    for row in rows[1:]:
        if near[row] - end > _QUEUE_GAP:
            break
        group.append(int(row))
        end = max(end, far[row])
    start = min(near[r] for r in group)
    beside = [int(r) for r in others if start - 3.0 < now.along[r] < end + 3.0]
    reach = 0.5 * ego.width + parameters.pass_clearance_m
    left = max(left_side[r] for r in group) + reach
    right = min(right_side[r] for r in group) - reach
    for r in beside:  # what stands next to the lane narrows the gap, or moves it farther out
        if r not in group and right_side[r] - 0.5 * ego.width < left < left_side[r] + reach:
            left = left_side[r] + reach
    span = slice(int(index(np.array(start))), int(index(np.array(end))) + 1)
    edge = 0.5 * ego.width + 0.2
    first = int(actors.id[group[0]])
    found = []
    if left + edge < band[1][span].min():
        found.append(Passing("pass_left", first, start, end, float(left)))
    if right - edge > band[0][span].max():
        found.append(Passing("pass_right", first, start, end, float(right)))
    return found


def slow_ahead(actors: Actors, now: Places, ego: EgoState, limit: float, parameters: ExpertParameters) -> IntArray:
    """Rows of the cyclists that ride ahead in the ego's way and are to be overtaken, nearest first.

    limit m/s: the speed that the ego would like to drive.
    """
    reach = 0.5 * ego.width + parameters.person_margin_m + now.half_across
    slow = (actors.kind == _CYCLIST) & (actors.speed >= 0.5) & (actors.speed < _OVERTAKES * limit)
    slow &= (now.same > 0.9) & (np.abs(now.offset) < reach)
    slow &= (now.along + now.half_along > -0.5 * ego.length - _OVERTAKING_GAP) & (now.along - now.half_along < _LOOK)
    rows = np.flatnonzero(slow)
    return rows[np.argsort(now.along[rows], kind="stable")]


def find_overtakings(
    actors: Actors, row: int, now: Places, band: tuple[FloatArray, FloatArray], ego: EgoState, limit: float,
    parameters: ExpertParameters,
) -> list[Passing]:  # fmt: skip
    """The way around the slow cyclist ``row``, on its left; empty where there is no room or it would take too long."""
    p = parameters
    times, pace = _OVERTAKING_TIMES, max(limit, ego.speed)
    gains = min((pace - ego.speed) / p.comfort_acceleration_mps2, times[-1])
    active = np.minimum(times, gains)
    own = (ego.speed + 0.5 * p.comfort_acceleration_mps2 * active) * active + pace * np.maximum(times - gains, 0.0)
    other = now.along[row] + float(actors.speed[row]) * times
    reach = now.half_along[row] + 0.5 * ego.length + _OVERTAKING_GAP
    beside, past = own > other - reach, own > other + reach
    target = float(now.offset[row] + now.half_across[row] + 0.5 * ego.width + p.cyclist_clearance_m)
    if not past.any():
        return []
    start, end = float(own[beside.argmax()]), float(own[past.argmax()])
    span = slice(int(index(np.array(start))), int(index(np.array(end))) + 1)
    if end > AHEAD - 10.0 or target + 0.5 * ego.width + 0.2 > band[1][span].min():
        return []
    return [Passing("pass_left", int(actors.id[row]), start + 0.5 * ego.length - 1.0, end - 0.5 * ego.length - 0.5,
                    target, row)]  # fmt: skip


def build_paths(frame: Frame, passings: list[Passing], ego: EgoState, aside: float = 0.0) -> Paths:
    """Path 0 keeps ``aside`` m left of the route; one more for each passing. All start at the ego's pose."""
    target = np.array([0.0, *(p.target for p in passings)])
    full = np.array([0.0, *(p.start - 0.5 * ego.length + 1.0 for p in passings)])
    over = np.array([0.0, *(p.end + 0.5 * ego.length + 0.5 for p in passings)])
    lines = shape(
        frame.x, frame.y, frame.yaw, frame.curvature, BEHIND, frame.offset, frame.heading_error, target, full, over,
        aside, ego.steering_angle, ego.speed, ego.wheelbase,
    )  # fmt: skip
    return Paths(
        ("route", *(p.kind for p in passings)), np.array([0, *(p.object_id for p in passings)], dtype=np.int64),
        np.array([-1, *(p.overtaken for p in passings)], dtype=np.int64),
        target, *lines,
    )  # fmt: skip
