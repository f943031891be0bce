"""One tick of all environments in one compiled call: others, ego, contacts, navigation, lights, the end.

``simulators.metadrive.episode`` is the definition of the order and of every rule here. An environment is stepped by
scalar code that allocates nothing and looks at no other, so that results do not depend on the batch.
"""

from __future__ import annotations

import math

import numpy as np

from takead_ros.compiled import Indices, Matrix, kernel, part
from takead_ros.domain.scene import ControlKind, FloatArray, LightState
from takead_ros.domain.stop_signs import stands_before
from takead_ros.measures.episode_log import End
from takead_ros.scenarios.signals import CLEARANCE
from takead_ros.simulators.ending import DEVIATION, STANDSTILL, STAY
from takead_ros.simulators.episode_recorder import NEAR
from takead_ros.simulators.vector import traffic
from takead_ros.simulators.vector.arrays import Layout, State
from takead_ros.simulators.vector.bodies import come_and_go, find_contacts, keep_out
from takead_ros.simulators.vector.ego import SingleTrack, pedal, step_ego
from takead_ros.simulators.vector.road import beyond_lanes, update_navigation
from takead_ros.simulators.vector.traffic import CONE, SINCE, SPEED

ENDS = tuple(End)
RUNNING, GOAL, TIME_LIMIT, BLOCKED, DEVIATED = (
    ENDS.index(end) for end in (End.RUNNING, End.GOAL, End.TIME_LIMIT, End.BLOCKED, End.ROUTE_DEVIATION)
)
LIGHT, STOP_SIGN = int(ControlKind.TRAFFIC_LIGHT), int(ControlKind.STOP_SIGN)
RED, GREEN = int(LightState.RED), int(LightState.GREEN)
stands = part(stands_before)  # compiled: the same rule
BOX = 7  # columns of a box: x, y, yaw, length, width, vx, vy


@part
def green(layout: Layout, state: State, e: int, with_ego: bool, time: float, index: int) -> bool:
    """``Signals.green``: whether the light of others is green; ``index`` -1: the first that decides."""
    first, last = (index, index + 1) if index >= 0 else (0, layout.control_count[e])
    for i in range(first, last):
        if layout.control_kind[e, i] != LIGHT:
            continue
        if with_ego or state.light_state[e, i] != RED:
            lit: bool = state.light_state[e, i] == GREEN
            return lit == with_ego
        if state.light_next[e, i] < layout.change_count[e, i]:
            row = layout.change_first[e, i] + state.light_next[e, i]
            if layout.change_when[e, row] == SINCE:
                early: bool = time - state.light_since[e, i] < layout.change_value[e, row] - CLEARANCE
                return early
    return True


@part
def move_actors(layout: Layout, state: State, e: int, boxes: FloatArray, dt: float, vehicle: SingleTrack) -> None:
    time, ego, count = state.tick[e] * dt, state.ego[e], layout.actor_count[e]
    come_and_go(layout, state, e, time, vehicle)
    for i in range(count):
        if state.gone[e, i]:
            boxes[i, :] = np.nan
            continue
        p = state.pose[e, i]
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 5], boxes[i, 6] = p[0], p[1], p[2], p[3], p[4]
        boxes[i, 3], boxes[i, 4] = layout.length[e, i], layout.width[e, i]
    boxes[count, 0], boxes[count, 1], boxes[count, 2] = ego[0], ego[1], ego[2]
    boxes[count, 3], boxes[count, 4] = vehicle.length, vehicle.width
    boxes[count, 5], boxes[count, 6] = math.cos(ego[2]) * ego[3], math.sin(ego[2]) * ego[3]
    for i in range(count):
        if state.gone[e, i] or state.hit[e, i]:
            continue
        own = time - state.motion[e, i, traffic.BORN]
        while state.phase[e, i] < layout.phase_count[e, i]:
            row = layout.phase_first[e, i] + state.phase[e, i]
            when = layout.phase_when[e, row]
            gap = traffic.gap_to(layout, state, e, i, vehicle.length) if traffic.needs_gap(when) else 0.0
            if not traffic.phase_is_due(
                when,
                layout.phase_value[e, row],
                state.motion[e, i, traffic.S],
                state.phase_since[e, i],
                own,
                gap,
                ego[3],
                state.navigation[e, 0],
            ):
                break
            traffic.begin_phase(layout, state, e, i, row, own)
        gap, lead = math.inf, 0.0
        if layout.reactive[e, i]:
            gap, lead = traffic.blocker(layout, state, e, i, boxes, count + 1)
        if not math.isnan(layout.light_s[e, i]) and not green(
            layout, state, e, layout.light_with_ego[e, i] != 0, time, layout.light_index[e, i]
        ):
            m = state.motion[e, i]
            line = traffic.stop_line_gap(
                layout.light_s[e, i], m[traffic.S], layout.length[e, i], m[SPEED], layout.braking[e, i]
            )
            if line < gap or (line == gap and lead > 0.0):
                gap, lead = line, 0.0
        if traffic.rests(state, e, i):
            continue
        traffic.step_actor(layout, state, e, i, gap, lead, dt)
        traffic.set_pose(layout, state, e, i)


@part
def move_ego(layout: Layout, state: State, e: int, steering: float, acceleration: float, vehicle: SingleTrack) -> None:
    """Drive, and be held by who is in the way: not into another's body, and no speed into it."""
    ego, body = state.ego[e], state.body[e]
    x, y, yaw, speed = ego[0], ego[1], ego[2], ego[3]
    step_ego(body, steering, pedal(acceleration, speed, vehicle), vehicle)
    for i in range(layout.actor_count[e]):
        p = state.pose[e, i]
        if state.gone[e, i] or layout.body_kind[e, i] == CONE or abs(p[0] - x) + abs(p[1] - y) > 2.0 * NEAR:
            continue
        keep_out(body, p, layout.length[e, i], layout.width[e, i], vehicle)
    if acceleration <= 0.0 and speed < vehicle.creep:
        body[0], body[1], body[2], body[6], body[7], body[8] = x, y, yaw, x, y, yaw
        body[3], body[4], body[5] = 0.0, 0.0, 0.0


@part
def read_ego(state: State, e: int, speed_before: float, steering: float, dt: float) -> None:
    ego, body = state.ego[e], state.body[e]
    yaw = body[8] - 2.0 * math.pi * math.floor(body[8] / (2.0 * math.pi) + 0.5)
    cos, sin = math.cos(yaw), math.sin(yaw)
    ego[0], ego[1], ego[2] = body[6], body[7], yaw
    ego[3], ego[4], ego[5] = cos * body[3] + sin * body[4], cos * body[4] - sin * body[3], body[5]
    ego[6], ego[7], ego[8] = (ego[3] - speed_before) / dt, ego[3] * body[5], steering


@part
def advance_lights(layout: Layout, state: State, e: int, time: float, front: float) -> None:
    """``Signals.advance``."""
    s, speed = state.navigation[e, 0], state.ego[e, 3]
    for i in range(layout.control_count[e]):
        gap = layout.control_s[e, i] - s - front
        if layout.control_kind[e, i] == STOP_SIGN and stands(gap, speed):
            state.light_state[e, i] = GREEN
        while state.light_next[e, i] < layout.change_count[e, i]:
            row = layout.change_first[e, i] + state.light_next[e, i]
            if not traffic.phase_is_due(
                layout.change_when[e, row],
                layout.change_value[e, row],
                layout.control_s[e, i],
                state.light_since[e, i],
                time,
                gap,
                speed,
                s,
            ):
                break
            state.light_state[e, i] = layout.change_state[e, row]
            state.light_since[e, i] = time
            state.light_next[e, i] += 1


@part
def ending(layout: Layout, state: State, e: int, near2: float, dt: float) -> int:
    ego, stood = state.ego[e], state.stood[e]
    if math.hypot(ego[0] - stood[0], ego[1] - stood[1]) > STAY:
        stood[0], stood[1], stood[2] = ego[0], ego[1], 0.0
    stood[2] += 1.0
    if state.navigation[e, 0] >= layout.goal[e]:
        return GOAL
    if near2 > (DEVIATION - 1.0) ** 2:
        best = math.inf
        for k in range(layout.route_count[e]):
            best = min(best, (layout.route_x[e, k] - ego[0]) ** 2 + (layout.route_y[e, k] - ego[1]) ** 2)
        if best > DEVIATION * DEVIATION:
            return DEVIATED
    if stood[2] * dt >= STANDSTILL:
        return BLOCKED
    return TIME_LIMIT if state.tick[e] * dt >= layout.time_limit[e] else RUNNING


@part
def begin_episode(layout: Layout, state: State, e: int, start: FloatArray, vehicle: SingleTrack) -> None:
    """Put environment ``e`` to the start of its scenario. start: x, y, yaw, speed of the ego, first speed limit."""
    state.tick[e], state.end[e] = 0, RUNNING
    body = state.body[e]
    body[0], body[1], body[2] = start[0], start[1], start[2]
    body[3], body[4], body[5] = math.cos(start[2]) * start[3], math.sin(start[2]) * start[3], 0.0
    body[6], body[7], body[8] = start[0], start[1], start[2]
    state.hint[e, :] = 0
    nav = state.navigation[e]
    nav[0], nav[1], nav[2], nav[3], nav[4] = layout.start[e], 0.0, 0.0, layout.start[e], start[4]
    for i in range(layout.actor_count[e]):
        traffic.begin_actor(layout, state, e, i, 0.0)
        traffic.set_pose(layout, state, e, i)
        waits = layout.present_from[e, i] > layout.start[e]
        state.waiting[e, i], state.gone[e, i] = waits, waits
        state.touching[e, i], state.touched[e, i] = 0, 0
    for i in range(layout.control_count[e]):
        state.light_state[e, i] = layout.control_first_state[e, i]
        state.light_next[e, i], state.light_since[e, i] = 0, 0.0
    read_ego(state, e, start[3], 0.0, 1.0)
    state.ego[e, 6] = 0.0
    state.stood[e, 0], state.stood[e, 1], state.stood[e, 2] = start[0], start[1], 0.0
    update_navigation(layout, state, e)
    nav[4] = start[4]
    state.ego[e, 9] = beyond_lanes(layout, state, e, vehicle)


@part
def step_one(
    layout: Layout, state: State, e: int, steering: float, acceleration: float, boxes: FloatArray, vehicle: SingleTrack
) -> None:
    dt = vehicle.physics_step * vehicle.substeps
    before = state.ego[e, 3]
    move_actors(layout, state, e, boxes, dt, vehicle)
    steering = max(-vehicle.full_lock, min(vehicle.full_lock, steering))
    move_ego(layout, state, e, steering, acceleration, vehicle)
    state.tick[e] += 1
    read_ego(state, e, before, steering, dt)
    near2 = update_navigation(layout, state, e)
    find_contacts(layout, state, e, vehicle)
    advance_lights(layout, state, e, state.tick[e] * dt, vehicle.length / 2.0)
    state.ego[e, 9] = beyond_lanes(layout, state, e, vehicle)
    state.end[e] = ending(layout, state, e, near2, dt)


@kernel
def begin_all(layout: Layout, state: State, rows: Indices, starts: Matrix, vehicle: SingleTrack) -> None:
    """Put the environments ``rows`` (R,) to their starts (R, 5)."""
    for r in range(len(rows)):
        begin_episode(layout, state, rows[r], starts[r], vehicle)


@kernel
def step_all(layout: Layout, state: State, commands: Matrix, boxes: Matrix, vehicle: SingleTrack) -> None:
    """One tick. commands (N, 2): steering angle rad, acceleration m/s^2; ``boxes`` (A + 1, 7): room to work in.
    Environments whose episode is over stay as they are."""
    for e in range(len(commands)):
        if state.end[e] == RUNNING:
            step_one(layout, state, e, commands[e, 0], commands[e, 1], boxes, vehicle)
