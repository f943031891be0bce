"""Who stands out among the others: what is in the way, oncoming vehicles, an emergency vehicle from behind."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.scene import EgoState, IntArray, ObjectKind
from takead_ros.expert.arrays import ExpertSurroundings, Places
from takead_ros.expert.forecast import EVERY, KNOTS, Actors
from takead_ros.expert.kernels.surroundings import AGAINST, AGAINST_ROUTE, BLOCKS, SLOW_CYCLIST, URGENT
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.route import locate
from takead_ros.expert.situation import Oncoming

GROUP_M = 14.0  # between two obstacles that are passed in one go
_IN_LINE = 0.9975  # cosine of the heading against the lane's
_MIDDLE_M = 0.7  # off the lane's centre
_CRASHED_M = 1.5  # who waits in a queue leaves more
_FORESEEN_S = 6.0
_SPARE_M = 0.3  # more than the margin that a vehicle is kept away by
_SAME_TRACK_M = 1.8  # between the two centres across the route
_ARRIVES_M = 60.0  # from the ego within which an emergency vehicle has to come by its forecast
_PATIENCE_NS = 25_000_000_000  # after which the ego drives on as usual


def rows_with(around: ExpertSurroundings, role: int) -> IntArray:
    """Rows of the actors that may be ``role`` (``kernels.surroundings``)."""
    return np.flatnonzero(around.stands_out & role)


def find_blockers(
    actors: Actors, around: ExpertSurroundings, parameters: ExpertParameters, queue_end: float
) -> IntArray:
    """Rows of the standing obstacles on the route's centre line that are to be passed, nearest first.

    queue_end m: whatever stands beyond is a queue before a closed stop line.
    """
    rows, now = rows_with(around, BLOCKS), around.places
    if not len(rows):
        return rows
    rows = rows[now.along[rows] < queue_end]
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


def find_slow_cyclists(around: ExpertSurroundings) -> IntArray:
    """Rows of the cyclists that ride ahead in the ego's way and are to be overtaken, nearest first."""
    rows = rows_with(around, SLOW_CYCLIST)
    return rows[np.argsort(around.places.along[rows], kind="stable")] if len(rows) > 1 else rows


def find_oncoming(actors: Actors, around: ExpertSurroundings, ego: EgoState, parameters: ExpertParameters) -> Oncoming:
    """Who comes towards the ego along its route within some seconds."""
    rows, now, grid = rows_with(around, AGAINST), around.places, around.grid
    against = around.stands_out & AGAINST > 0
    if not len(rows):
        return Oncoming(against, np.inf, -1)
    soon = slice(0, int(np.searchsorted(KNOTS, _FORESEEN_S)) * EVERY + 1, EVERY)
    along, offset, i = locate(grid, actors.boxes.x[rows, soon], actors.boxes.y[rows, soon])
    near = (along > -0.5 * ego.length) & (np.cos(actors.boxes.yaw[rows, soon] - grid.yaw[i]) < AGAINST_ROUTE)
    side = np.where(near, offset, np.inf).min(axis=1) - now.half_across[rows]
    nearest = int(side.argmin())
    limit = float(side[nearest]) - 0.5 * ego.width - parameters.side_margin_m - _SPARE_M
    return Oncoming(against, limit, int(rows[nearest]))


def notice_urgent(
    noticed: dict[int, int], actors: Actors, around: ExpertSurroundings, ego: EgoState, stamp: int
) -> tuple[dict[int, int], int]:
    """(id -> ns since when an emergency vehicle is known to come up behind, row of the one to make room for or -1).

    It comes up behind where its forecast leads over the ego's place. Once noticed it counts until it has passed.
    """
    known = {name: since for name, since in noticed.items() if name in actors.id}
    rows, now, grid = rows_with(around, URGENT), around.places, around.grid
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
