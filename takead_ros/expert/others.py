"""Who stands out among the others: what is in the way, oncoming vehicles, an emergency vehicle from behind."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.scene import EgoState, IntArray, ObjectKind
from takead_ros.expert.arrays import RouteGrid
from takead_ros.expert.forecast import EVERY, KNOTS, Actors
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.route import locate
from takead_ros.expert.situation import Oncoming, Places

_CYCLIST, _EMERGENCY = int(ObjectKind.CYCLIST), int(ObjectKind.EMERGENCY_VEHICLE)
STANDS_MPS = 0.5
LOOK_M = 50.0  # within which an obstacle is passed
GROUP_M = 14.0  # between two obstacles that are passed in one go
_IN_LINE = 0.9975  # cosine of the heading against the lane's
_MIDDLE_M = 0.7  # off the lane's centre
_CRASHED_M = 1.5  # who waits in a queue leaves more
_STOOD_S = 3.0  # for which somebody who has moved has to stand before it is passed
_OVERTAKES = 0.7  # of the speed limit: who rides slower is overtaken
OVERTAKING_GAP_M = 3.0  # between the boxes when the ego has moved out, and before it moves in again
_AGAINST = -0.9  # cosine of the headings: who crosses the route later is crossing traffic
_FORESEEN_S = 6.0
_FARTHEST_M = 90.0  # ahead
_SPARE_M = 0.3  # more than the margin that a vehicle is kept away by
_SAME_TRACK_M = 1.8  # between the two centres across the route
_ARRIVES_M = 60.0  # from the ego within which an emergency vehicle has to come by its forecast
_PATIENCE_NS = 25_000_000_000  # after which the ego drives on as usual


def places_on_route(grid: RouteGrid, actors: Actors) -> Places:
    """Where the actors are on the route now."""
    boxes = actors.boxes
    along, offset, i = locate(grid, boxes.x[:, 0], boxes.y[:, 0])
    turn = boxes.yaw[:, 0] - grid.yaw[i]
    same = np.cos(turn)
    cos, sin = np.abs(same), np.abs(np.sin(turn))
    half_along = 0.5 * (boxes.length * cos + boxes.width * sin)
    half_across = 0.5 * (boxes.length * sin + boxes.width * cos)
    return Places(along, offset, half_along, half_across, same)


def find_blockers(
    actors: Actors, now: Places, ego: EgoState, parameters: ExpertParameters, queue_end: float
) -> IntArray:
    """Rows of the standing obstacles on the route's centre line that are to be passed, nearest first.

    queue_end m: whatever stands beyond is a queue before a closed stop line.
    """
    wide = 0.5 * ego.width + parameters.side_margin_m
    blocks = (actors.speed < STANDS_MPS) & ~actors.person & (np.abs(now.offset) < wide + now.half_across)
    blocks &= ~actors.has_moved | (actors.standing > _STOOD_S)
    ahead = (now.along + now.half_along > -0.5 * ego.length - 1.0) & (now.along - now.half_along < LOOK_M)
    rows = np.flatnonzero(blocks & ahead & (now.along < queue_end))
    rows = rows[np.argsort(now.along[rows], kind="stable")]
    if len(rows) > 1 and actors.standing[rows[0]] < parameters.queue_patience_s and _queues(actors, now, rows[:2]):
        return rows[:0]
    return rows


def _queues(actors: Actors, now: Places, pair: IntArray) -> bool:
    """Whether the two obstacles ``pair`` look like a queue: vehicles in line in mid-lane, some m apart."""
    vehicles = bool(np.isin(actors.kind[pair], (ObjectKind.CAR, ObjectKind.TRUCK)).all())
    gap = np.diff(now.along[pair])[0] - now.half_along[pair].sum()
    in_line = (now.same[pair] > _IN_LINE).all() and (np.abs(now.offset[pair]) < _MIDDLE_M).all()
    return vehicles and bool(in_line) and _CRASHED_M < gap < GROUP_M


def find_slow_cyclists(
    actors: Actors, now: Places, ego: EgoState, limit: float, parameters: ExpertParameters
) -> IntArray:
    """Rows of the cyclists that ride ahead in the ego's way and are to be overtaken, nearest first.

    limit m/s: the speed that the ego would like to drive.
    """
    reach = 0.5 * ego.width + parameters.person_margin_m + now.half_across
    slow = (actors.kind == _CYCLIST) & (actors.speed >= STANDS_MPS) & (actors.speed < _OVERTAKES * limit)
    slow &= (now.same > 0.9) & (np.abs(now.offset) < reach)
    slow &= (now.along + now.half_along > -0.5 * ego.length - OVERTAKING_GAP_M) & (now.along - now.half_along < LOOK_M)
    rows = np.flatnonzero(slow)
    return rows[np.argsort(now.along[rows], kind="stable")]


def find_oncoming(
    actors: Actors, now: Places, grid: RouteGrid, ego: EgoState, parameters: ExpertParameters
) -> Oncoming:
    """Who comes towards the ego along its route within some seconds."""
    ahead = (now.along > -0.5 * ego.length) & (now.along < _FARTHEST_M)
    against = (now.same < _AGAINST) & ahead & ~actors.person & (actors.speed > STANDS_MPS)
    rows = np.flatnonzero(against)
    if not len(rows):
        return Oncoming(against, np.inf, -1)
    soon = slice(0, int(np.searchsorted(KNOTS, _FORESEEN_S)) * EVERY + 1, EVERY)
    along, offset, i = locate(grid, actors.boxes.x[rows, soon], actors.boxes.y[rows, soon])
    near = (along > -0.5 * ego.length) & (np.cos(actors.boxes.yaw[rows, soon] - grid.yaw[i]) < _AGAINST)
    side = np.where(near, offset, np.inf).min(axis=1) - now.half_across[rows]
    nearest = int(side.argmin())
    limit = float(side[nearest]) - 0.5 * ego.width - parameters.side_margin_m - _SPARE_M
    return Oncoming(against, limit, int(rows[nearest]))


def notice_urgent(
    noticed: dict[int, int], actors: Actors, now: Places, ego: EgoState, grid: RouteGrid, stamp: int
) -> tuple[dict[int, int], int]:
    """(id -> ns since when an emergency vehicle is known to come up behind, row of the one to make room for or -1).

    It comes up behind where its forecast leads over the ego's place. Once noticed it counts until it has passed.
    """
    known = {name: since for name, since in noticed.items() if name in actors.id}
    rows = np.flatnonzero(actors.kind == _EMERGENCY)
    for row in rows.tolist():
        name, reach = int(actors.id[row]), 0.5 * (ego.length + float(actors.boxes.length[row]))
        if name not in known and now.along[row] < -reach and actors.visible[row]:
            along, offset, _ = locate(grid, actors.boxes.x[row], actors.boxes.y[row])
            arrives = int(np.abs(along).argmin())
            if abs(offset[arrives] - grid.offset) < _SAME_TRACK_M and abs(along[arrives]) < reach + _ARRIVES_M:
                known[name] = stamp
        if name in known and now.along[row] < reach and 0 <= stamp - known[name] < _PATIENCE_NS:
            return known, row
    return known, -1
