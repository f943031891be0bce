"""Kernels of the rules: how fast each place may be passed, who leads, who comes into the way from the side."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Flags, IndexMatrix, Indices, Matrix, Vector, kernel
from takead_ros.expert.arrays import Caps, Ego, Encounters, Horizon, Lines, Neighbours, Offers, PathRules, RouteGrid
from takead_ros.expert.kernels.motion import speed_profile
from takead_ros.expert.kernels.paths import shape
from takead_ros.expert.kernels.route import nearest_cell

BEND_SPEED = 1.2  # m/s that a bend never asks for less than
TIGHT = 0.16  # 1/m; beyond it the wheels need time to turn, and the speed falls with the square of the curvature
OVERLAP = 0.2  # m; a path that runs deeper into what slows others down is not to be driven anyway
FORESEEN = 6.0  # s within which somebody coming into the way is minded
MOVES, STANDS = 0.3, 0.5  # m/s
PERSON_CLEARANCE, VEHICLE_CLEARANCE = 2.0, 2.5  # m kept to whoever comes into the way
LIMIT, BEND = -1, -2  # what caps the speed where it is none of the Caps


@kernel
def cap_speeds(
    lines: Lines, caps: Caps, limit: float, lateral: float, deceleration: float, ego_width: float
) -> tuple[Matrix, IndexMatrix]:
    """(cap (L, G) m/s, why (L, G)) of the paths: LIMIT ``limit`` m/s, BEND at ``lateral`` m/s^2, else a row of caps.

    The cap is lowered so that keeping to it never needs more than ``deceleration`` m/s^2; why is without that.
    """
    paths, points = lines.offset.shape
    cap, why = np.full((paths, points), limit), np.full((paths, points), LIMIT)
    for path in range(paths):
        for i in range(points):
            bent = max(abs(lines.curvature[path, i]), 1e-4)
            bend = max(np.sqrt(lateral / min(bent, TIGHT)) * min(TIGHT / bent, 1.0) ** 2, BEND_SPEED)
            if bend < limit:
                cap[path, i], why[path, i] = bend, BEND
    for c in range(len(caps.speed)):
        first = max(int(np.floor(caps.begin[c])) + 1, 0)
        last = min(max(int(np.ceil(caps.end[c])), 0), points)
        at = int(min(max(np.rint(caps.at[c]), 0.0), points - 1.0))
        for path in range(paths):
            slow = caps.speed[c]
            if caps.reach[c] < np.inf:
                gap = abs(caps.offset[c] - lines.offset[path, at]) - caps.half_across[c] - 0.5 * ego_width
                if not -OVERLAP < gap < caps.reach[c]:
                    continue
                slow += caps.gain[c] * max(gap, 0.0)
            for i in range(first, last):
                if cap[path, i] > slow:
                    cap[path, i], why[path, i] = slow, c
    return speed_profile(cap, lines.rate, deceleration), why


@kernel
def encounter(
    path_offset: Matrix,
    overtaken: Indices,
    others: Neighbours,
    against: Flags,
    horizon: Horizon,
    stoppable: float,
    points: int,
    ego_width: float,
) -> Encounters:
    """Who leads, who comes into the way from the side and who merges, on paths at path_offset (L, G) m.

    Who is ``overtaken`` (L,) (-1: nobody) leads no more; ``against`` (N,): oncoming vehicles. Somebody is in the way
    who comes within its room of the ego's width; beyond the ends of the route, of ``points``, nobody is. Only places
    farther than ``stoppable`` m count.
    """
    actors, speed, person = others.along, others.boxes.speed, others.person
    paths, last = path_offset.shape[0], path_offset.shape[1] - 1
    count, times = actors.along.shape
    rear, lead_speed = np.full((paths, count, times), np.inf), np.empty((count, times))
    for_people, for_vehicles = np.full(paths, np.inf), np.full(paths, np.inf)
    meets, merges, at_first = np.zeros(paths, np.bool_), np.zeros(count, np.bool_), np.zeros(paths, np.bool_)
    for n in range(count):
        clearance = PERSON_CLEARANCE if person[n] else VEHICLE_CLEARANCE
        later, ahead_all = False, True
        for s in range(times):
            v, same = speed[n, s * horizon.every], actors.same[n, s]
            there, beside, ahead = actors.along[n, s], actors.offset[n, s], actors.extent_along[n, s]
            lead_speed[n, s] = v * max(same, 0.0)
            leads = (same > 0.5 or v < 0.5) and there + ahead > 0.0
            near = there - ahead
            comes = v > MOVES and horizon.knots[s] <= FORESEEN and near - clearance > stoppable
            reach = 0.5 * ego_width + others.room[n] + actors.extent_across[n, s]
            ahead_all = ahead_all and same > 0.7
            known = 0 < actors.at[n, s] < points - 1
            for path in range(paths):
                inside = known and (
                    abs(beside - path_offset[path, nearest_cell(near, last)]) < reach
                    or abs(beside - path_offset[path, nearest_cell(there, last)]) < reach
                    or abs(beside - path_offset[path, nearest_cell(there + ahead, last)]) < reach
                )
                if s == 0:
                    at_first[path] = inside
                if not inside:
                    continue
                later = later or not at_first[path]
                if leads and overtaken[path] != n:
                    rear[path, n, s] = near
                if comes and (not at_first[path] or same < 0.5):
                    if against[n]:
                        meets[path] = True
                    elif person[n]:
                        for_people[path] = min(for_people[path], near - clearance)
                    else:
                        for_vehicles[path] = min(for_vehicles[path], near - clearance)
        merges[n] = later and ahead_all
    return Encounters(rear, lead_speed, for_people, for_vehicles, meets, merges)


@kernel
def standstill_gaps(
    speed: Vector, has_moved: Flags, person: Flags, impatience: float, to_obstacles: float, to_others: float
) -> Vector:
    """m (N,) kept to each actor when both stand: less the longer the ego has waited."""
    gaps = np.empty(len(speed))
    for n in range(len(speed)):
        stands = speed[n] < STANDS
        obstacle = stands and not has_moved[n] and not person[n]
        gaps[n] = to_obstacles if obstacle else to_others
        if stands:
            gaps[n] *= 1.0 - (0.3 if obstacle else 0.8) * impatience
    return gaps


@kernel
def lay_paths(
    grid: RouteGrid,
    offers: Offers,
    overtaken: Indices,
    caps: Caps,
    limit: float,
    others: Neighbours,
    against: Flags,
    has_moved: Flags,
    horizon: Horizon,
    ego: Ego,
    rules: PathRules,
) -> tuple[Lines, Matrix, IndexMatrix, Encounters, Vector]:
    """The paths that ``offers`` ask for with all that limits the motion along them: (lines, cap, why, whom they meet,
    gap at a standstill); see ``shape``, ``cap_speeds``, ``encounter`` and ``standstill_gaps``."""
    lines = shape(grid, offers, ego)
    cap, why = cap_speeds(lines, caps, limit, rules.lateral, rules.deceleration, ego.width)
    points = len(grid.x)
    met = encounter(lines.offset, overtaken, others, against, horizon, rules.stoppable, points, ego.width)
    gap = standstill_gaps(others.speed, has_moved, others.person, rules.impatience, rules.to_obstacles, rules.to_others)
    return lines, cap, why, met, gap
