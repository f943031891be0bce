"""Scripted, reactive actors in compiled form: ``scenarios.traffic`` is the definition, tested against this.

Car following: IDM, Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805.
"""

from __future__ import annotations

import math

from takead_ros.compiled import part
from takead_ros.domain.car_following import (
    COMFORT_DECELERATION,
    MAX_ACCELERATION,
    STANDSTILL_GAP,
    idm_acceleration_part,
)
from takead_ros.domain.scene import FloatArray
from takead_ros.scenarios import traffic
from takead_ros.scenarios.spec import When
from takead_ros.simulators.vector.arrays import Layout, State

WHENS = tuple(When)
TIME, EGO_GAP, EGO_PASSED, EGO_ARRIVAL, EGO_TRAVELLED, SINCE = (
    WHENS.index(when)
    for when in (When.TIME, When.EGO_GAP, When.EGO_PASSED, When.EGO_ARRIVAL, When.EGO_TRAVELLED, When.SINCE)
)
LOOK_AHEAD = traffic.LOOK_AHEAD
LOOK_SPACING = traffic.LOOK_SPACING
SIDE_MARGIN = traffic.SIDE_MARGIN
STOP_SHARE = traffic.STOP_SHARE
ACROSS = traffic.LATERAL_ACCELERATION
MOTOR, PERSON, FIXED, CONE = 0, 1, 2, 3  # Layout.body_kind
FAR = LOOK_AHEAD + 8.0  # m (and its own length) from an actor beyond which nothing can be in its way
SURE = 0.6  # share of a clear distance that a path, bent and driven beside its middle, surely does not cross
S, D, SPEED, DRIFT, AIM_SPEED, AIM_D, GAINS, BRAKES, SIDEWAYS, BORN = range(10)  # columns of State.motion


@part
def path_cell(arc: FloatArray, first: int, count: int, s: float) -> int:
    """Index (within ``count``) of the sample at or before ``s`` m, such that the next one exists."""
    low, high = 0, count - 1
    while high - low > 1:
        middle = (low + high) // 2
        if arc[first + middle] <= s:
            low = middle
        else:
            high = middle
    return low


@part
def pose_on_path(
    x: FloatArray, y: FloatArray, arc: FloatArray, yaw: FloatArray, first: int, count: int, s: float
) -> tuple[float, float, float]:
    """Point and heading at ``s`` m of the path in rows ``first`` .. of a pool, held at its ends."""
    last = first + count - 1
    if s <= arc[first]:
        return x[first], y[first], yaw[first]
    if s >= arc[last]:
        return x[last], y[last], yaw[last]
    i = first + path_cell(arc, first, count, s)
    share = (s - arc[i]) / (arc[i + 1] - arc[i])
    return (x[i] + share * (x[i + 1] - x[i]), y[i] + share * (y[i + 1] - y[i]), yaw[i] + share * (yaw[i + 1] - yaw[i]))


@part
def set_pose(layout: Layout, state: State, e: int, i: int) -> None:
    """Pose of actor ``i`` from its motion."""
    m, pose = state.motion[e, i], state.pose[e, i]
    x, y, heading = pose_on_path(
        layout.path_x[e],
        layout.path_y[e],
        layout.path_arc[e],
        layout.path_yaw[e],
        layout.path_first[e, i],
        layout.path_count[e, i],
        m[S],
    )
    cos, sin = math.cos(heading), math.sin(heading)
    pose[0], pose[1] = x - sin * m[D], y + cos * m[D]
    pose[3], pose[4] = cos * m[SPEED] - sin * m[DRIFT], sin * m[SPEED] + cos * m[DRIFT]
    yaw = heading + layout.yaw_offset[e, i]
    if layout.body_kind[e, i] == PERSON:
        if math.hypot(m[SPEED], m[DRIFT]) > 0.1:
            yaw = heading + math.atan2(m[DRIFT], m[SPEED])
    elif m[SPEED] > 0.5:
        yaw = heading + math.atan2(m[DRIFT], m[SPEED])
    pose[2] = yaw - 2.0 * math.pi * math.floor(yaw / (2.0 * math.pi) + 0.5)


@part
def begin_actor(layout: Layout, state: State, e: int, i: int, time: float) -> None:
    """Put the motion of actor ``i`` to its start, ``time`` s into the episode."""
    m = state.motion[e, i]
    m[S], m[D], m[SPEED], m[DRIFT] = layout.first_s[e, i], layout.first_lateral[e, i], layout.first_speed[e, i], 0.0
    m[AIM_SPEED], m[AIM_D], m[GAINS], m[BRAKES] = (
        layout.first_aim[e, i],
        layout.first_lateral[e, i],
        MAX_ACCELERATION,
        COMFORT_DECELERATION,
    )
    m[SIDEWAYS], m[BORN] = 1.2, time
    state.phase[e, i], state.phase_since[e, i] = 0, 0.0
    state.gone[e, i], state.hit[e, i] = 0, 0


@part
def phase_is_due(
    when: int, value: float, s: float, since: float, time: float, gap: float, speed: float, travelled: float
) -> bool:
    """``scenarios.traffic.phase_is_due``."""
    if when == TIME:
        return time >= value
    if when == EGO_GAP:
        return gap <= value
    if when == EGO_PASSED:
        return gap >= value
    if when == EGO_ARRIVAL:
        return gap / max(speed, 2.0) <= value
    if when == EGO_TRAVELLED:
        return travelled >= value
    if when == SINCE:
        return time - since >= value
    return s >= value


@part
def needs_gap(when: int) -> bool:
    return when in (EGO_GAP, EGO_PASSED, EGO_ARRIVAL)


@part
def gap_to(layout: Layout, state: State, e: int, i: int, ego_length: float) -> float:
    """m along the route from the ego's front to actor ``i``, by the route's sample nearest to it."""
    x, y = state.pose[e, i, 0], state.pose[e, i, 1]
    best, at = math.inf, 0
    for k in range(layout.route_count[e]):
        square = (layout.route_x[e, k] - x) ** 2 + (layout.route_y[e, k] - y) ** 2
        if square < best:
            best, at = square, k
    gap: float = layout.route_arc[e, at] - state.navigation[e, 0] - (ego_length + layout.length[e, i]) / 2.0
    return gap


@part
def point_of_box(boxes: FloatArray, j: int, k: int) -> tuple[float, float]:
    """One of five points along the middle of box ``j`` (x, y, yaw, length, width, vx, vy)."""
    share = (0.25 * k - 0.5) * boxes[j, 3]
    return boxes[j, 0] + share * math.cos(boxes[j, 2]), boxes[j, 1] + share * math.sin(boxes[j, 2])


@part
def blocker(layout: Layout, state: State, e: int, i: int, boxes: FloatArray, count: int) -> tuple[float, float]:
    """(gap m, speed m/s) of what is nearest ahead in the way of actor ``i``; (inf, 0) where nothing is.

    ``boxes`` (count, 7): everybody, in the actors' order, then the ego; NaN for who is gone.
    """
    first, points = layout.path_first[e, i], layout.path_count[e, i]
    arc, x, y, yaw = layout.path_arc[e], layout.path_x[e], layout.path_y[e], layout.path_yaw[e]
    s, d, own = state.motion[e, i, S], state.motion[e, i, D], boxes[i]
    near = False
    for j in range(count):
        # NaN is not near
        near = near or (j != i and max(abs(boxes[j, 0] - own[0]), abs(boxes[j, 1] - own[1])) < FAR + boxes[j, 3])
    if not near:
        return math.inf, 0.0
    k, ahead = 0, 0.3 * layout.length[e, i]
    last, begin = first + points - 1, ahead
    at = first + path_cell(arc, first, points, s + ahead)
    while ahead < LOOK_AHEAD:
        here = s + ahead
        while at < last - 1 and arc[at + 1] <= here:
            at += 1
        share = min(max((here - arc[at]) / (arc[at + 1] - arc[at]), 0.0), 1.0)
        heading = yaw[at] + share * (yaw[at + 1] - yaw[at])
        px = x[at] + share * (x[at + 1] - x[at]) - math.sin(heading) * d
        py = y[at] + share * (y[at + 1] - y[at]) + math.cos(heading) * d
        clear = math.inf
        for j in range(count):
            if j == i:
                continue
            reach = max((layout.width[e, i] + boxes[j, 4]) / 2.0 + SIDE_MARGIN, 0.5 * LOOK_SPACING)
            slack = max(abs(boxes[j, 0] - px), abs(boxes[j, 1] - py)) - reach - 0.5 * boxes[j, 3]
            if slack > 0.0:
                clear = min(clear, slack)
            elif slack <= 0.0:  # not so for NaN
                clear = 0.0
                if _touches(boxes, j, px, py, reach):
                    along = math.cos(heading) * boxes[j, 5] + math.sin(heading) * boxes[j, 6]
                    away = _nearest_spot(layout, state, e, i, boxes, j, reach)
                    return away - layout.length[e, i] / 2.0, max(along, 0.0)
        # nothing is nearer than ``clear``: samples that cannot reach that far are passed over
        k += 1 + (int(SURE * clear / LOOK_SPACING) if clear < LOOK_AHEAD else int(LOOK_AHEAD))
        ahead = begin + k * LOOK_SPACING
    return math.inf, 0.0


@part
def _touches(boxes: FloatArray, j: int, px: float, py: float, reach: float) -> bool:
    """Whether one of the five points of box ``j`` is within ``reach`` m of a place."""
    cos, sin = math.cos(boxes[j, 2]), math.sin(boxes[j, 2])
    for k in range(5):
        share = (0.25 * k - 0.5) * boxes[j, 3]
        if (boxes[j, 0] + share * cos - px) ** 2 + (boxes[j, 1] + share * sin - py) ** 2 < reach * reach:
            return True
    return False


@part
def _nearest_spot(layout: Layout, state: State, e: int, i: int, boxes: FloatArray, j: int, reach: float) -> float:
    """m from actor ``i`` to the nearest of the points of box ``j`` that are in its way at all."""
    first, points = layout.path_first[e, i], layout.path_count[e, i]
    arc, x, y, yaw = layout.path_arc[e], layout.path_x[e], layout.path_y[e], layout.path_yaw[e]
    s, d = state.motion[e, i, S], state.motion[e, i, D]
    best = math.inf
    for k in range(5):
        qx, qy = point_of_box(boxes, j, k)
        away = math.hypot(qx - boxes[i, 0], qy - boxes[i, 1])
        if away >= best:
            continue
        ahead = 0.3 * layout.length[e, i]
        while ahead < LOOK_AHEAD:
            px, py, heading = pose_on_path(x, y, arc, yaw, first, points, s + ahead)
            px, py = px - math.sin(heading) * d, py + math.cos(heading) * d
            if (qx - px) ** 2 + (qy - py) ** 2 < reach * reach:
                best = away
                break
            ahead += LOOK_SPACING
    return best


@part
def stop_line_gap(line: float, s: float, length: float, speed: float, braking: float) -> float:
    """``scenarios.traffic.stop_line_gap``."""
    room = line - s - length / 2.0
    can_stop = speed * speed < 2.0 * STOP_SHARE * braking * max(room, 0.0)
    if can_stop or (room >= 0.0 and room < 1.5 and speed < 1.5):
        return room + STANDSTILL_GAP - 0.5
    return math.inf


@part
def drift(m: FloatArray, motor: bool, dt: float) -> None:
    """Sideways motion: eased at both ends for vehicles, at once for people on foot."""
    remaining = m[AIM_D] - m[D]
    if abs(remaining) < 1e-3 and abs(m[DRIFT]) < 0.05:
        m[D], m[DRIFT] = m[AIM_D], 0.0
        return
    wanted = math.copysign(min(m[SIDEWAYS], math.sqrt(2.0 * ACROSS * abs(remaining))), remaining)
    if motor:
        wanted = math.copysign(min(abs(wanted), 0.35 * m[SPEED]), wanted)
        speed = m[DRIFT] + max(-ACROSS * dt, min(ACROSS * dt, wanted - m[DRIFT]))
    else:
        speed = wanted
    step = speed * dt
    if abs(step) >= abs(remaining) and step * remaining > 0.0:
        m[D], m[DRIFT] = m[AIM_D], speed if motor else 0.0
    else:
        m[D], m[DRIFT] = m[D] + step, speed


@part
def step_actor(layout: Layout, state: State, e: int, i: int, gap: float, lead_speed: float, dt: float) -> None:
    """``scenarios.traffic.step_actor``: one step of actor ``i``."""
    m = state.motion[e, i]
    motor = layout.body_kind[e, i] == MOTOR
    acceleration = max(min((m[AIM_SPEED] - m[SPEED]) / dt, m[GAINS]), -m[BRAKES])
    if layout.reactive[e, i] and gap < math.inf:
        acceleration = min(
            acceleration,
            idm_acceleration_part(m[SPEED], m[AIM_SPEED], gap, lead_speed, layout.braking[e, i], layout.headway[e, i]),
        )
    speed, before = max(m[SPEED] + acceleration * dt, 0.0), m[SPEED]
    s = m[S] + 0.5 * (before + speed) * dt
    drift(m, motor, dt)
    m[S], m[SPEED] = s, speed
    end = layout.path_arc[e, layout.path_first[e, i] + layout.path_count[e, i] - 1]
    state.gone[e, i] = layout.moves[e, i] and s >= end - 1.0


@part
def rests(state: State, e: int, i: int) -> bool:
    """Whether actor ``i`` stands and aims at nothing else, so that a step would leave it as it is."""
    m = state.motion[e, i]
    resting: bool = m[SPEED] == 0.0 and m[AIM_SPEED] == 0.0 and m[DRIFT] == 0.0 and m[D] == m[AIM_D]
    return resting


@part
def begin_phase(layout: Layout, state: State, e: int, i: int, row: int, time: float) -> None:
    """``scenarios.traffic.begin_phase``: take over the aims of the phase in ``row`` of the pool; NaN keeps one."""
    m = state.motion[e, i]
    if not math.isnan(layout.phase_speed[e, row]):
        m[AIM_SPEED] = layout.phase_speed[e, row]
    if not math.isnan(layout.phase_lateral[e, row]):
        m[AIM_D], m[SIDEWAYS] = layout.phase_lateral[e, row], layout.phase_lateral_speed[e, row]
    gains, brakes = layout.phase_acceleration[e, row], layout.phase_deceleration[e, row]
    m[GAINS] = MAX_ACCELERATION if math.isnan(gains) else gains
    m[BRAKES] = COMFORT_DECELERATION if math.isnan(brakes) else brakes
    state.phase[e, i] += 1
    state.phase_since[e, i] = time
