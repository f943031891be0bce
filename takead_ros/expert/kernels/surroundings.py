"""Kernel of the first stage: the route, where the actors will be on it, and who of them stands out now."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Flags, Matrix, Vector, kernel, part
from takead_ros.domain.kernels import wrapped
from takead_ros.domain.scene import ObjectKind
from takead_ros.expert.arrays import Ego, ExpertSurroundings, LaneGraph, Margins, Places, RouteGrid, Sightings
from takead_ros.expert.kernels.courses import predict
from takead_ros.expert.kernels.route import follow_route, grid, nearest_point

# columns of what is known of an actor: those of Objects, then these
ID, KIND, X, Y, YAW, VX, VY, LENGTH, WIDTH, VISIBILITY, AGE, ACCELERATION, STANDING, MOVED = range(14)
# what an actor may be, as bits: in the ego's lane and standing, a slow cyclist ahead, oncoming, tall enough to hide
# somebody, an emergency vehicle
BLOCKS, SLOW_CYCLIST, AGAINST, HIDES, URGENT = 1, 2, 4, 8, 16

PEDESTRIAN, CYCLIST, EMERGENCY = int(ObjectKind.PEDESTRIAN), int(ObjectKind.CYCLIST), int(ObjectKind.EMERGENCY_VEHICLE)
CAR, TRUCK, OBSTACLE = int(ObjectKind.CAR), int(ObjectKind.TRUCK), int(ObjectKind.OBSTACLE)
STANDS = 0.5  # m/s
LOOK = 50.0  # m within which an obstacle is passed
STOOD = 3.0  # s for which somebody who has moved has to stand before it is passed
OVERTAKES = 0.7  # of the speed limit: who rides slower is overtaken
OVERTAKING_GAP = 3.0  # m between the boxes when the ego has moved out, and before it moves in again
IN_LINE = 0.9  # cosine of the heading against the route's: who rides along it
AGAINST_ROUTE = -0.9  # the same: who crosses the route later is crossing traffic
FARTHEST = 90.0  # m ahead to which oncoming vehicles are looked for
LONG = 2.0  # m; shorter than that hides nobody
HIDES_AHEAD, HIDES_BEHIND = 60.0, -1.0  # m along the route between which what may hide somebody is looked for


@part
def _sightings(known: Matrix, person: Flags) -> Sightings:
    """Where the actors of ``known`` (N, 14) were last seen; ``person`` (N,) is filled in."""
    count = len(known)
    x, y, yaw, vx, vy = np.empty(count), np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    course, speed, acceleration, age = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    length, width, follows = np.empty(count), np.empty(count), np.empty(count, np.bool_)
    for n in range(count):
        one, kind = known[n], int(known[n, KIND])
        x[n], y[n], yaw[n], vx[n], vy[n] = one[X], one[Y], one[YAW], one[VX], one[VY]
        length[n], width[n], age[n] = one[LENGTH], one[WIDTH], one[AGE]
        speed[n], person[n] = np.hypot(one[VX], one[VY]), kind in (PEDESTRIAN, CYCLIST)
        course[n] = np.arctan2(one[VY], one[VX]) if speed[n] > 0.1 else one[YAW]
        acceleration[n] = 0.0 if person[n] or abs(one[ACCELERATION]) < 0.5 else one[ACCELERATION]
        follows[n] = speed[n] > 1.0 and kind != PEDESTRIAN
    return Sightings(x, y, yaw, vx, vy, course, speed, acceleration, age, length, width, follows)


@kernel
def look_around(
    path: Matrix, known: Matrix, lanes: LaneGraph, ego: Ego, margins: Margins, behind: int, ahead: int, times: Vector
) -> ExpertSurroundings:
    """The route (Q, 2) m in ``map`` as a grid from ``behind`` to ``ahead`` points around the ego, and the actors
    ``known`` (N, 14) on it, forecast to ``times`` (T,) s, of which every second is a knot.

    The grid has no points where the route has no two distinct ones; then nothing else is worked out.
    """
    count = len(known)
    x, y, yaw, curvature = grid(path, ego, behind, ahead)
    person, visible, stands_out = np.empty(count, np.bool_), np.empty(count, np.bool_), np.zeros(count, np.int64)
    last = _sightings(known, person)
    courses, boxes = predict(lanes, last, times, ego)
    along, offset, same = np.empty(count), np.empty(count), np.empty(count)
    half_along, half_across, room = np.empty(count), np.empty(count), np.empty(count)
    error, aside = 0.0, 0.0
    if len(x):
        error = wrapped(-yaw[behind])
        aside = np.sin(yaw[behind]) * x[behind] - np.cos(yaw[behind]) * y[behind]
    route = RouteGrid(x, y, yaw, curvature, behind, aside, error)
    if not len(x):
        nowhere = follow_route(RouteGrid(np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1), 0, 0.0, 0.0), boxes, 2)
        places = Places(along, offset, half_along, half_across, same)
        return ExpertSurroundings(route, courses, boxes, nowhere, places, last, person, visible, room, stands_out)
    i = behind
    for n in range(count):
        i = nearest_point(route.x, route.y, boxes.x[n, 0], boxes.y[n, 0], i)
        cos, sin = np.cos(yaw[i]), np.sin(yaw[i])
        dx, dy = boxes.x[n, 0] - x[i], boxes.y[n, 0] - y[i]
        along[n], offset[n] = i - behind + cos * dx + sin * dy, cos * dy - sin * dx
        turn = boxes.yaw[n, 0] - yaw[i]
        same[n] = np.cos(turn)
        cos, sin = abs(same[n]), abs(np.sin(turn))
        half_along[n] = 0.5 * (boxes.length[n] * cos + boxes.width[n] * sin)
        half_across[n] = 0.5 * (boxes.length[n] * sin + boxes.width[n] * cos)
        room[n] = margins.person if person[n] else margins.side
        visible[n] = known[n, VISIBILITY] > 0.0 and known[n, AGE] == 0.0
    places = Places(along, offset, half_along, half_across, same)
    seen = follow_route(route, boxes, 2)
    for n in range(count):
        far = seen.along[n, 0] + seen.extent_along[n, 0]
        stands_out[n] = _role(n, known[n], places, last.speed[n], person[n], far, seen.along[n, 0], ego, margins)
    return ExpertSurroundings(route, courses, boxes, seen, places, last, person, visible, room, stands_out)


@part
def _role(
    n: int,
    known: Vector,
    now: Places,
    speed: float,
    person: bool,
    far: float,
    centre: float,
    ego: Ego,
    margins: Margins,
) -> int:
    """What actor ``n`` may be now, as bits; its far end and its centre along the route m."""
    role, kind = 0, int(known[KIND])
    along, aside, half_along, half_across = now.along[n], abs(now.offset[n]), now.half_along[n], now.half_across[n]
    near = along - half_along < LOOK
    stands = speed < STANDS
    if stands and not person and aside < 0.5 * ego.width + margins.side + half_across:
        counts = known[MOVED] == 0.0 or known[STANDING] > STOOD
        if counts and near and along + half_along > -0.5 * ego.length - 1.0:
            role |= BLOCKS
    if kind == CYCLIST and not stands and speed < OVERTAKES * margins.limit and now.same[n] > IN_LINE and near:
        beside = aside < 0.5 * ego.width + margins.person + half_across
        if beside and along + half_along > -0.5 * ego.length - OVERTAKING_GAP:
            role |= SLOW_CYCLIST
    if now.same[n] < AGAINST_ROUTE and not person and speed > STANDS and -0.5 * ego.length < along < FARTHEST:
        role |= AGAINST
    tall = kind in (CAR, TRUCK, OBSTACLE)
    if tall and stands and known[LENGTH] > LONG and far > HIDES_BEHIND and centre < HIDES_AHEAD:
        role |= HIDES
    if kind == EMERGENCY:
        role |= URGENT
    return role
