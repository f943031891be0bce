"""Kernel of the attention: whom the scores have to mind, and who might come earlier or later than forecast."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Flags, Indices, Matrix, Vector, kernel, part
from takead_ros.domain.kernels import Box, box_gap
from takead_ros.expert.arrays import (
    Along,
    Attention,
    Ego,
    Horizon,
    LaneGraph,
    Minding,
    Neighbours,
    PathLayout,
    Proposals,
    Stops,
)
from takead_ros.expert.kernels.conflicts import TOUCH, conflicts, grade
from takead_ros.expert.kernels.courses import poses_along_courses
from takead_ros.expert.kernels.route import nearest_cell

BEHIND, AHEAD = -30.0, 110.0  # m along the route between which somebody is worth scoring
REACH = 0.6  # m more than the margin within which somebody is
TRACK = 1.8  # m to the side in which who drives behind is on the ego's own track
KNOWN_BEHIND = 10.0  # m of the route behind the ego that the scene holds; farther back the road may bend
BENDS = 0.15  # m to the side for each metre
TRAIL = 0.3  # s that crossing traffic is kept away behind it
MOVES = 0.3  # m/s
ALONG = 0.7  # cosine of the heading against the route's: who drives along it


@part
def _near(actors: Along, n: int, reach: float, path_offset: Matrix) -> bool:
    """Whether the side of actor ``n`` comes within ``reach`` m of a path (L, G) at some knot."""
    for s in range(actors.along.shape[1]):
        if BEHIND < actors.along[n, s] < AHEAD:
            at = nearest_cell(actors.along[n, s], path_offset.shape[1] - 1)
            for path in range(path_offset.shape[0]):
                if abs(actors.offset[n, s] - path_offset[path, at]) < reach + actors.extent_across[n, s]:
                    return True
    return False


@part
def _left_behind(others: Neighbours, n: int, own_offset: float, stuck: bool, ego: Ego) -> bool:
    """Whether actor ``n`` is for no path to mind.

    Who drives behind the ego on its own track has to keep the distance; a vehicle that the ego has long been standing
    against has to be driven away from.
    """
    actors, boxes = others.along, others.boxes
    along = actors.along[n, 0]
    track = TRACK + BENDS * max(-along - KNOWN_BEHIND, 0.0)
    if along < -1.0 and abs(actors.offset[n, 0] - own_offset) < track and actors.same[n, 0] > ALONG:
        return True
    if others.person[n] or not stuck:
        return False
    cos, sin = np.cos(boxes.yaw[n, 0]), np.sin(boxes.yaw[n, 0])
    other = Box(boxes.x[n, 0], boxes.y[n, 0], cos, sin, 0.5 * boxes.length[n], 0.5 * boxes.width[n])
    return box_gap(Box(0.0, 0.0, 1.0, 0.0, 0.5 * ego.length, 0.5 * ego.width), other) < TOUCH


@kernel
def attend(
    others: Neighbours,
    merges: Flags,
    minding: Minding,
    lanes: LaneGraph,
    path_offset: Matrix,
    own_offset: float,
    horizon: Horizon,
    ego: Ego,
) -> Attention:
    """Whom proposals on the paths (L, G) mind over the horizon, from an ego that is own_offset m left of the route.

    merges (N,): who merges into a path.
    """
    actors, speed, times = others.along, others.speed, horizon.times
    count, knots = actors.along.shape
    ignored, rows = np.zeros(count, np.bool_), np.empty(count, np.int64)
    for row in minding.passing:
        ignored[row] = True
    crossing = 0
    for n in range(count):
        near = _near(actors, n, 0.5 * ego.width + others.room[n] + REACH, path_offset)
        ignored[n] = ignored[n] or not near or _left_behind(others, n, own_offset, minding.stuck, ego)
        crosses = merges[n]
        for s in range(knots):
            crosses = crosses or actors.same[n, s] < ALONG
        if near and speed[n] > MOVES and crosses:
            rows[crossing] = n
            crossing += 1
    rows = rows[:crossing].copy()
    when = np.zeros((crossing, len(times)), np.bool_)
    shifted, distance = np.empty((4 * crossing, len(times))), np.empty((4 * crossing, len(times)))
    flat = np.empty(4 * crossing, np.int64)
    for m in range(crossing):
        n = rows[m]
        early = minding.merging if merges[n] else minding.crossing
        shifts = (-TRAIL, 0.0, 0.5 * early, early)
        for t in range(len(times)):
            when[m, t] = merges[n] or actors.same[n, t // horizon.every] < ALONG
            for h in range(4):
                flat[4 * m + h] = n
                at = times[t] + others.age[n] + shifts[h]
                # crossing traffic that brakes now may think better of it
                distance[4 * m + h, t], shifted[4 * m + h, t] = speed[n] * at, max(at, 0.0)
    x, y, yaw = poses_along_courses(lanes, others.courses, flat, distance, shifted, ego)
    shape = (crossing, 4, len(times))
    return Attention(ignored, rows, when, x.reshape(shape), y.reshape(shape), yaw.reshape(shape))


@kernel
def score(
    proposals: Proposals,
    others: Neighbours,
    merges: Flags,
    minding: Minding,
    lanes: LaneGraph,
    own_offset: float,
    horizon: Horizon,
    layout: PathLayout,
    stops: Stops,
    hardest: float,
    ego: Ego,
) -> tuple[Vector, Indices]:
    """(score (K,), worst (K,): the actor that spoils it most or -1) of the proposals; see ``attend``, ``conflicts`` and
    ``grade``."""
    minded = attend(others, merges, minding, lanes, layout.offset, own_offset, horizon, ego)
    found = conflicts(proposals, ego, others.boxes, others.room, minded, horizon.times)
    return grade(found, proposals, layout, stops, hardest, ego), found.worst
