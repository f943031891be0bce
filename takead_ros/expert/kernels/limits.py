"""Kernels of the rules: how fast each place may be passed, who leads, who comes into the way from the side."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Cube, FlagCube, Flags, IndexMatrix, Indices, Matrix, Vector, kernel

BEND_SPEED = 1.2  # m/s that a bend never asks for less than
TIGHT = 0.16  # 1/m; beyond it the wheels need time to turn, and the speed falls with the square of the curvature
YIELD_SPEED = 5.0  # m/s at a yield line
YIELD_ZONE = 4.0  # m before and behind it
HIDING_ZONE = 8.0, 1.0  # m before and behind the end of what may hide somebody
FORESEEN = 6.0  # s within which somebody coming into the way is minded
MOVES = 0.3  # m/s
PERSON_CLEARANCE, VEHICLE_CLEARANCE = 2.0, 2.5  # m kept to whoever comes into the way


@kernel
def speed_limits(
    path_offset: Matrix, curvature: Matrix, hides: Flags, along: Matrix, offset: Matrix,
    extent_along: Matrix, extent_across: Matrix, limit: float, yield_line: float, lateral: float,
    hiding_speed: float, hiding_gain: float, hiding_reach: float, length: float, width: float,
) -> tuple[Matrix, IndexMatrix]:  # fmt: skip
    """(cap (L, G) m/s, why (L, G)) of paths with path_offset (L, G) m and curvature (L, G) 1/m.

    why: -1 ``limit`` m/s, -2 a bend (at ``lateral`` m/s^2), -3 the yield line (m ahead, inf for none), else the actor
    among ``hides`` (N,) bool that may hide somebody: passed at hiding_speed m/s and hiding_gain 1/s for each metre
    between, if less than hiding_reach m. Actors as in ``rules.Corridor``; length width m: the ego's.
    """
    paths, points = path_offset.shape
    cap, why = np.full((paths, points), limit), np.full((paths, points), -1)
    for path in range(paths):
        for i in range(points):
            bent = max(abs(curvature[path, i]), 1e-4)
            bend = max(np.sqrt(lateral / min(bent, TIGHT)) * min(TIGHT / bent, 1.0) ** 2, BEND_SPEED)
            if bend < limit:
                cap[path, i], why[path, i] = bend, -2
    for n in range(len(hides)):
        end = along[n, 0] + extent_along[n, 0]
        if not hides[n] or not (end > -1.0 and along[n, 0] < 60.0):
            continue
        at = int(min(max(np.rint(along[n, 0]), 0.0), points - 1.0))
        front = end - 0.5 * length
        first = max(int(np.floor(front - HIDING_ZONE[0])) + 1, 0)
        last = min(max(int(np.ceil(front + HIDING_ZONE[1])), 0), points)
        for path in range(paths):
            gap = abs(offset[n, 0] - path_offset[path, at]) - extent_across[n, 0] - 0.5 * width
            if -0.2 < gap < hiding_reach:
                slow = hiding_speed + hiding_gain * max(gap, 0.0)
                for i in range(first, last):
                    if cap[path, i] > slow:
                        cap[path, i], why[path, i] = slow, n
    if yield_line < np.inf:
        for i in range(points):
            fast = False
            for path in range(paths):
                fast |= cap[path, i] > YIELD_SPEED
            if fast and abs(i - yield_line - 0.5 * length) < YIELD_ZONE:
                for path in range(paths):
                    cap[path, i], why[path, i] = min(cap[path, i], YIELD_SPEED), -3
    return cap, why


@kernel
def in_the_way(
    inside: FlagCube, along: Matrix, extent_along: Matrix, same: Matrix, v: Matrix, every: int,
    overtaken: Indices, person: Flags, against: Flags, knots: Vector, stoppable: float,
) -> tuple[Cube, Matrix, Vector, Vector, Flags]:  # fmt: skip
    """(rear (L, N, S) m, lead_speed (N, S) m/s, for_people (L,) m, for_vehicles (L,) m, meets (L,) bool).

    rear and lead_speed: see ``rollout.Surroundings``; who is ``overtaken`` (L,) (-1: nobody) leads no more.
    for_people, for_vehicles: the first place farther than ``stoppable`` m where such a one comes into the way from the
    side, inf where none does; meets: whether one of those ``against`` (N,) bool comes the other way. Actors as in
    ``rules.Corridor``, v (N, T) m/s of which each ``every``-th counts.
    """
    paths, actors, times = inside.shape
    rear, lead_speed = np.full((paths, actors, times), np.inf), np.empty((actors, times))
    for_people, for_vehicles = np.full(paths, np.inf), np.full(paths, np.inf)
    meets = np.zeros(paths, dtype=np.bool_)
    for n in range(actors):
        clearance = PERSON_CLEARANCE if person[n] else VEHICLE_CLEARANCE
        for s in range(times):
            speed = v[n, s * every]
            lead_speed[n, s] = speed * max(same[n, s], 0.0)
            leads = (same[n, s] > 0.5 or speed < 0.5) and along[n, s] + extent_along[n, s] > 0.0
            near = along[n, s] - extent_along[n, s]
            comes = speed > MOVES and knots[s] <= FORESEEN and near - clearance > stoppable
            for path in range(paths):
                if not inside[path, n, s]:
                    continue
                if leads and overtaken[path] != n:
                    rear[path, n, s] = near
                if comes and (not inside[path, n, 0] or same[n, s] < 0.5):
                    if against[n]:
                        meets[path] = True
                    elif person[n]:
                        for_people[path] = min(for_people[path], near - clearance)
                    else:
                        for_vehicles[path] = min(for_vehicles[path], near - clearance)
    return rear, lead_speed, for_people, for_vehicles, meets
