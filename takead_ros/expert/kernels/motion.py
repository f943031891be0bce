"""Kernels of the roll-out: speeds that respect what is ahead, IDM and its relatives along paths."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Indices, Matrix, Vector, kernel, part
from takead_ros.expert.arrays import Comfort, Ego, Encounters, Lines, Paces, Proposals, Stops

_RESERVE = 1.5  # m of a gap that the calm answer to it does not use
_BRAKES = -1e-9  # m/s^2; a lead that loses less keeps its speed: below, the quotient of two such numbers says nothing
_STANDS = 0.1  # m/s
_CAUSE_STEPS = 6  # steps in which a lead may become the cause of a proposal


@kernel
def speed_profile(cap: Matrix, rate: Matrix, deceleration: float) -> Matrix:
    """Highest speeds (L, G) m/s that never need more than ``deceleration`` to keep to ``cap`` (L, G) m/s ahead.

    rate (L, G): metres along the route for each metre along the path, at grid points 1 m apart along the route.
    """
    count, length = cap.shape
    profile = np.empty((count, length))
    for path in range(count):
        reach = np.inf
        for i in range(length - 1, -1, -1):
            if i < length - 1:
                reach += 2.0 * deceleration / rate[path, i + 1]
            reach = min(reach, cap[path, i] ** 2)
            profile[path, i] = np.sqrt(max(reach, 0.0))
    return profile


@part
def _cell(place: float, last: int) -> int:
    """Index of the grid cell of ``place`` >= 0, held within 0..last; 0 for NaN."""
    if not place > 0.0:
        return 0
    return last if place >= last else int(place)


@part
def idm(
    speed: float, gap: float, lead_speed: float, standstill: float, headway: float, comfort: float, interaction: float
) -> float:
    """The interaction part of IDM (Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805), m/s^2.

    comfort (1 - (desired / gap)^2), where desired = standstill + max(v headway + interaction v dv, 0);
    ``interaction`` is 1 / (2 sqrt(a b)) s^2/m of the comfortable acceleration and deceleration.
    """
    desired = standstill + max(speed * (headway + interaction * (speed - lead_speed)), 0.0)
    return comfort * (1.0 - (desired / gap) ** 2)


@part
def calm(pull: float, speed: float, gap: float, lead_speed: float, lead_change: float, braking: float) -> float:
    """IDM's ``pull`` m/s^2 without its overreaction to a gap that is small but not dangerous, as after a cut-in.

    It never goes far below the constant acceleration that just avoids a collision ("ACC model": Kesting, Treiber,
    Helbing, Phil. Trans. R. Soc. A 368 (2010) 4585), here with a part of the gap kept in reserve. ``lead_change`` <= 0:
    what the lead brakes with.
    """
    room = min(max(gap - _RESERVE, 0.1), 500.0)
    closing = max(speed - lead_speed, 0.0)
    just = lead_change - closing**2 / (2.0 * room)
    if lead_change < _BRAKES and lead_speed * closing <= -2.0 * room * lead_change:  # the lead stops first
        just = speed**2 * lead_change / (lead_speed**2 - 2.0 * room * lead_change)
    if pull >= just:
        return pull
    return float(just + braking * np.tanh((pull - just) / braking))


@kernel
def advance(
    cap: Matrix,
    rate: Matrix,
    met: Encounters,
    stops: Stops,
    paces: Paces,
    comfort: Comfort,
    knots: Vector,
    ego: Ego,
) -> tuple[Matrix, Matrix, Matrix, Indices]:
    """Every pace on every path: (along (K, S) m, speed (K, S) m/s, acceleration (K, S - 1) m/s^2, lead (K,)).

    cap m/s and rate (L, G) at each metre of the paths; knots (S,) s. K = L * P, the paces of a path together. lead: row
    of the actor that slows the proposal, or -1.
    """
    paths, last = cap.shape[0], cap.shape[1] - 1
    per_path, actors, steps = len(paces.target), met.rear.shape[1], len(knots) - 1
    along, speeds = np.zeros((paths * per_path, steps + 1)), np.zeros((paths * per_path, steps + 1))
    accelerations, lead = np.zeros((paths * per_path, steps)), np.full(paths * per_path, -1)
    near = np.empty(actors, dtype=np.int64)
    interaction = 1.0 / (2.0 * np.sqrt(comfort.acceleration * comfort.deceleration))
    for path in range(paths):
        count = 0
        for n in range(actors):
            leads = False
            for i in range(steps + 1):
                leads |= met.rear[path, n, i] < np.inf
            if leads:
                near[count] = n
                count += 1
        for pace in range(per_path):
            k = path * per_path + pace
            stop = min(stops.wall, stops.yielding[path]) if pace == paces.yields else stops.wall
            stop -= 0.5 * ego.length
            u, v, lead_pull = 0.0, max(ego.speed, 0.0), 0.0
            speeds[k, 0] = v
            for i in range(steps):
                dt = knots[i + 1] - knots[i]
                at = _cell(u, last)
                capped = min(cap[path, at], cap[path, _cell(u + 0.5 * dt * v, last)])
                # a lower target is no reason to brake hard
                a = max((paces.target[pace] - v) / dt, -comfort.deceleration)
                a = min(min(a, (capped - v) / dt), comfort.acceleration)
                strongest, nearest, room = np.inf, -1, np.inf
                for j in range(count):
                    n = near[j]
                    between = met.rear[path, n, i] - u
                    # what the ego is beside is no lead any more
                    beside = 0.5 * ego.length if met.lead_speed[n, i] < _STANDS else 0.0
                    if between > beside and between < np.inf:
                        between = max(between - 0.5 * ego.length, 0.1)
                        lead_speed, standstill = met.lead_speed[n, i], stops.gap[n]
                        pull = idm(
                            v, between, lead_speed, standstill, comfort.headway, comfort.acceleration, interaction
                        )
                        if pull < strongest:
                            strongest, nearest, room = pull, n, between
                if strongest < a:
                    change = min((met.lead_speed[nearest, i + 1] - met.lead_speed[nearest, i]) / dt, 0.0)
                    strongest = calm(strongest, v, room, met.lead_speed[nearest, i], change, comfort.deceleration)
                    if i < _CAUSE_STEPS and strongest < a - 0.2 and strongest < lead_pull - 0.1:
                        lead[k], lead_pull = nearest, strongest
                    a = min(a, strongest)
                room = stop - u
                if room > -1.0 and room < np.inf:
                    needed = -0.525 * v**2 / max(room, 0.05)
                    if needed < -0.6 * comfort.deceleration or room <= 0.2:
                        a = min(a, needed)
                    if room < 1.0 + v:
                        a = min(a, (room - v) / dt)
                a = max(min(a, paces.ceiling[pace]), -comfort.hardest)
                following = max(v + a * dt, 0.0)
                moved = 0.5 * dt * (v + following)
                if following == 0.0 and a < 0.0:
                    moved = 0.5 * v**2 / max(-a, 1e-6)
                u, v = u + moved * rate[path, at], following
                along[k, i + 1], speeds[k, i + 1], accelerations[k, i] = u, v, a
    return along, speeds, accelerations, lead


@kernel
def trace(along: Matrix, speeds: Matrix, acceleration: Matrix, lead: Indices, lines: Lines) -> Proposals:
    """The proposals at their times: from what ``advance`` gives at the knots (K, S), with places midway in time."""
    count, knots = along.shape
    paces = count // lines.x.shape[0]
    times, last = 2 * knots - 1, lines.x.shape[1] - 2
    u, v = np.empty((count, times)), np.empty((count, times))
    x, y, yaw = np.empty((count, times)), np.empty((count, times)), np.empty((count, times))
    for k in range(count):
        path = k // paces
        for t in range(times):
            i = t // 2
            if t % 2 == 0:
                u[k, t], v[k, t] = along[k, i], speeds[k, i]
            else:
                middle = 0.5 * (speeds[k, i] + speeds[k, i + 1])
                share = 0.25 * (speeds[k, i] + middle) / middle if middle > 0.05 else 0.5
                u[k, t], v[k, t] = along[k, i] + (along[k, i + 1] - along[k, i]) * share, middle
            at = _cell(u[k, t], last)
            share = u[k, t] - at
            x[k, t] = lines.x[path, at] + share * (lines.x[path, at + 1] - lines.x[path, at])
            y[k, t] = lines.y[path, at] + share * (lines.y[path, at + 1] - lines.y[path, at])
            yaw[k, t] = lines.yaw[path, at] + share * (lines.yaw[path, at + 1] - lines.yaw[path, at])
    return Proposals(u, x, y, yaw, v, acceleration, lead)


@kernel
def roll_out(
    lines: Lines,
    cap: Matrix,
    met: Encounters,
    stops: Stops,
    paces: Paces,
    comfort: Comfort,
    knots: Vector,
    ego: Ego,
) -> Proposals:
    """Every pace on every path; the arguments are those of ``advance``."""
    along, speeds, acceleration, lead = advance(cap, lines.rate, met, stops, paces, comfort, knots, ego)
    return trace(along, speeds, acceleration, lead, lines)
